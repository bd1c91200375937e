/*
 * altSecurityIdentities: the seven forms of [MS-PKCA] section 3.1.5.2.1.3.
 *
 * A mapping is decided by writing the certificate's own canonical text and
 * comparing it whole with the directory's value.  Parsing serves diagnosis.
 */
#ifndef CM_ALTSECID_H
#define CM_ALTSECID_H

#include <stdbool.h>
#include <stddef.h>

#include "certificate.h"

enum { CM_ALTSECID_MAX = 16 * 1024 }; /* bytes; a longer value is malformed */

/* What ties a certificate to an account: the seven forms, then names. */
enum cm_form {
    CM_FORM_NONE,
    CM_FORM_ISSUER_SUBJECT, /* X509:<I>issuer<S>subject     weak */
    CM_FORM_SUBJECT,        /* X509:<S>subject              weak */
    CM_FORM_ISSUER_SERIAL,  /* X509:<I>issuer<SR>serial     strong */
    CM_FORM_SKI,            /* X509:<SKI>identifier         strong */
    CM_FORM_SHA1_PUKEY,     /* X509:<SHA1-PUKEY>thumbprint  strong */
    CM_FORM_RFC822,         /* X509:<RFC822>mail            weak */
    CM_FORM_ISSUER_SID,     /* X509:<I>issuer<SID>sid       strong */
    CM_FORM_UPN,            /* userPrincipalName            weak */
    CM_FORM_DNS,            /* dNSName of a computer        weak */
    CM_FORM_SID             /* the SID extension alone      strong */
};

enum cm_strength { CM_STRENGTH_NONE, CM_STRENGTH_WEAK, CM_STRENGTH_STRONG };

/* "issuer-serial", ...; "none" for CM_FORM_NONE.  As in `mappings`. */
const char *cm_form_token(enum cm_form form);
/* CM_FORM_NONE if there is no such token. */
enum cm_form cm_form_from_token(const char *token);
enum cm_strength cm_form_strength(enum cm_form form);
const char *cm_strength_token(enum cm_strength strength);

struct cm_candidate {
    enum cm_form form; /* one of the seven */
    char *value;       /* canonical: what an administrator would write */
    size_t len;        /* of value */
};

/* Every value that a certificate yields; at most 6 and one per rfc822Name. */
struct cm_candidates {
    struct cm_candidate *list;
    size_t count;
};

/*
 * Writes them.  Serial numbers of zero or below, names without text and
 * absent fields yield none; an SKI that is not a hash of the certificate's
 * key yields one only with ski_trust_extension.  Hex digits are lower case.
 * False: out of memory, out is empty.
 */
bool cm_candidates_build(const struct cm_certificate *cert,
                         bool ski_trust_extension, struct cm_candidates *out);
void cm_candidates_clear(struct cm_candidates *candidates);

/*
 * Is the directory's value this candidate?  Whole-string equality, folding
 * ASCII case in distinguished names and hex digits only; tags are exact;
 * blanks between "X509:" and the first "<" are tolerated.  value need not be
 * NUL-terminated and may hold anything.
 */
bool cm_candidate_matches(const struct cm_candidate *candidate,
                          const char *value, size_t len);

/* What a directory value is, for people. */
struct cm_altsecid {
    bool is_x509;      /* false: another kind (Kerberos:, ...), not an error */
    enum cm_form form; /* CM_FORM_NONE: malformed */
    const char *fault; /* static text, NULL when well formed */
    /* Slices of the value; empty where the form has no such part. */
    struct {
        const char *data;
        size_t len;
    } issuer, subject, other;
};

/* Linear in len. */
void cm_altsecid_parse(const char *value, size_t len, struct cm_altsecid *out);

#endif
