/*
 * What the administrator accepts as a mapping.
 */
#ifndef CM_POLICY_H
#define CM_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "altsecid.h"
#include "text.h"

enum cm_enforcement {
    CM_ENFORCE_FULL,          /* weak mappings are refused */
    CM_ENFORCE_COMPATIBILITY, /* weak, if the account is older */
    CM_ENFORCE_DISABLED       /* weak, whatever the dates say */
};

/* What may accept: a bit for each form, and these. */
#define CM_ACCEPT(form) (1U << (form))
#define CM_ACCEPT_SID CM_ACCEPT(16)     /* the extension strengthens */
#define CM_ACCEPT_SID_URI CM_ACCEPT(17) /* the SAN URI strengthens */
#define CM_ACCEPT_DEFAULT                                                     \
    (CM_ACCEPT_SID | CM_ACCEPT(CM_FORM_ISSUER_SID) |                          \
     CM_ACCEPT(CM_FORM_ISSUER_SERIAL) | CM_ACCEPT(CM_FORM_SKI) |              \
     CM_ACCEPT(CM_FORM_SHA1_PUKEY) | CM_ACCEPT(CM_FORM_ISSUER_SUBJECT) |      \
     CM_ACCEPT(CM_FORM_UPN) | CM_ACCEPT(CM_FORM_DNS))

enum {
    CM_THUMBPRINT_MAX = 32, /* octets: SHA-1 or SHA-256 */
    CM_TUPLE_MAX_OIDS = 16,
    CM_BACKDATING_MAX_DAYS = 36525 /* longer ones count as this */
};

struct cm_thumbprint {
    uint8_t bytes[CM_THUMBPRINT_MAX];
    size_t len; /* 20 or 32 */
};

/* One name_strong tuple ([MS-PKCA] 3.1.5.2.1.5). */
struct cm_name_strong {
    struct cm_thumbprint issuer;      /* of a certificate on the NTAuth list */
    struct cm_text_list oids;         /* the leaf must assert one of them */
    bool issuer_subject;              /* issuer-subject becomes strong */
    struct cm_text_list upn_suffixes; /* a UPN ending "@suffix" does */
};

struct cm_policy {
    enum cm_enforcement enforcement;
    unsigned accept; /* CM_ACCEPT bits */
    bool use_subject_alt_name;
    bool sid_mismatch_refuses; /* beside a strong mapping; else a warning */
    bool ski_trust_extension;
    int64_t backdating; /* seconds, 0 or more */
    char *dns_domain;   /* of the realm, never NULL */
    struct cm_name_strong *name_strong;
    size_t name_strong_count;
    /* UPN suffixes that the issuing CA may assert; empty: any. */
    struct cm_text_list upn_suffixes;
};

/* Everything at its default, dns_domain copied.  False: no memory. */
bool cm_policy_init(struct cm_policy *policy, const char *dns_domain);
void cm_policy_clear(struct cm_policy *policy);

/*
 * Parsers of relation values.  False: *out is unchanged, detail says what is
 * allowed.
 */

/* Words of `mappings`, separated by blanks, each once. */
bool cm_policy_parse_mappings(const char *text, unsigned *out,
                              struct cm_detail *detail);

/* "thumbprint;OID[,OID...];UPNSuffix=domain" or "...;IssuerSubject"; several
 * methods separated by commas. */
bool cm_policy_parse_name_strong(const char *text, struct cm_name_strong *out,
                                 struct cm_detail *detail);
void cm_name_strong_clear(struct cm_name_strong *tuple);

/* "10m", "90s", "2h", "5d"; "0".  Never a bare number: Windows counts
 * seconds, Samba minutes.  Too large counts as CM_BACKDATING_MAX_DAYS. */
bool cm_policy_parse_duration(const char *text, int64_t *seconds,
                              struct cm_detail *detail);

/* A dotted object identifier in canonical decimal form. */
bool cm_policy_oid_is_valid(const char *text);

/* A DNS domain as text: labels of ASCII letters, digits, "-" and "_", joined
 * by single dots, at most 255 bytes. */
bool cm_policy_domain_is_valid(const char *text);

#endif
