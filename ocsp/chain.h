/*
 * One candidate chain, leaf first and anchor last, judged by the rules of
 * RFC 5280 section 6 and by the floor for keys and signatures.
 */
#ifndef CM_CHAIN_H
#define CM_CHAIN_H

#include <stddef.h>

#include <openssl/x509.h>

#include "detail.h"
#include "path.h"
#include "reason.h"
#include "text.h"
#include "trust.h"

struct cm_chain {
    const struct cm_trusted *certs[CM_PATH_MAX_LENGTH]; /* borrowed */
    size_t count;
};

/*
 * An empty store that makes OpenSSL follow exactly the chain that it is
 * given; serves any number of cm_chain_verify().  NULL: no memory.  Free it
 * with X509_STORE_free().
 */
X509_STORE *cm_chain_store_new(void);

/*
 * CM_OK: valid, and policies holds the valid policy set (the caller clears
 * it).  CM_CERT_VALIDITY: the same, but for the validity period of the leaf.
 * CM_PATH_UNTRUSTED, CM_NO_MEMORY: policies is empty.
 */
enum cm_reason cm_chain_verify(X509_STORE *store, const struct cm_chain *chain,
                               const struct cm_path_rules *rules,
                               struct cm_text_list *policies,
                               struct cm_detail *detail);

/* CM_OK or CM_CERT_WEAK_CRYPTO. */
enum cm_reason cm_chain_strength(const struct cm_chain *chain,
                                 int min_rsa_bits, struct cm_detail *detail);

/* Hands the initial policies and their flags to a verification. */
enum cm_reason cm_chain_demand_policies(X509_STORE_CTX *ctx,
                                        const struct cm_path_rules *rules,
                                        struct cm_detail *detail);

/* The valid policy set after one, in the anchor's domain, without anyPolicy.
 * False: no memory, out is empty. */
bool cm_chain_valid_policies(X509_STORE_CTX *ctx, struct cm_text_list *out);

/* Sets detail to the certificate's subject and what is said about it. */
void cm_chain_blame(X509 *cert, const char *what, struct cm_detail *detail);

#endif
