/*
 * From a row to what the decision is given: the certificate, the directory's
 * answer, the policy.  Nothing here asks the code under test what a
 * certificate or an account says, but for the decoding itself.
 */
#ifndef CM_CASE_FIXTURE_H
#define CM_CASE_FIXTURE_H

#include <openssl/x509.h>

#include "account.h"
#include "cases.h"
#include "policy.h"

#define CASE_DOMAIN "example.com"

/* What the fixture computed from a row's certificates, as hex. */
struct case_hashes {
    char sha1[41];
    char sha256[65];
    char ski[129];
    char spki_sha1[41];
    char key_sha1[41];
    char ca1_sha1[41];
    char ca1_sha256[65];
};

/* The row's certificate; the caller frees it. */
X509 *case_make_cert(const struct case_cert *spec);

/* The certificate of the CA; borrowed. */
X509 *case_ca(enum case_issuer which);
void case_free_cas(void);

void case_hash(const X509 *cert, struct case_hashes *out);

/* The text with its braces filled in.  The caller frees out->data. */
void case_expand(const char *text, const struct case_hashes *hashes,
                 struct cm_value *out);

/* What the directory answers to the row's principal and to `upn` (NULL: the
 * certificate names none). */
void case_directory(const struct case_row *row,
                    const struct case_hashes *hashes, const char *upn,
                    struct cm_accounts *out);

/* The row's settings with this enforcement. */
void case_policy(const struct case_settings *set, enum cm_enforcement mode,
                 const struct case_hashes *hashes, struct cm_policy *out);

#endif
