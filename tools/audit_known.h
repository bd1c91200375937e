/*
 * What is known of the certificates that mapping values speak of: those of
 * the accounts themselves and those that logged in lately (the store's
 * seen/), their end and whether they are revoked, offline; and the names of
 * the realm's CAs.
 *
 * Of a certificate that is known 16 bytes are kept for each value it yields:
 * at most CM_STORE_MAX_SEEN certificates, some 40 MB.
 */
#ifndef CM_AUDIT_KNOWN_H
#define CM_AUDIT_KNOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "altsecid.h"
#include "certificate.h"
#include "settings.h"
#include "store.h"
#include "trust.h"

enum {
    CM_AUDIT_DIGEST = 16,
    CM_AUDIT_MAX_CHAINS = 256 /* paths of CAs that are remembered */
};

struct cm_audit_digest {
    uint8_t bytes[CM_AUDIT_DIGEST];
};

/*
 * Of a well-formed value: equal for those that match the same certificates.
 * `loosely`: names are rewritten (audit_dn.h) first, so that quoting and
 * blanks make no difference either.
 */
void cm_audit_digest_of(const struct cm_altsecid *parsed, bool loosely,
                        struct cm_audit_digest *out);
/* The same of any bytes, folding ASCII case. */
void cm_audit_digest_folded(const char *text, size_t len,
                            struct cm_audit_digest *out);

/* A certificate. */
struct cm_audit_certificate {
    int64_t not_after;
    bool revoked;
    bool ski_is_key_hash;
    bool counted; /* for whoever counts each once */
};

struct cm_audit_yield;

/* A set of certificates, found by the values that they yield. */
struct cm_audit_certificates {
    struct cm_audit_certificate *list;
    size_t count, capacity;
    struct cm_audit_yield *yields;
    size_t yield_count, yield_capacity;
    bool sorted;
};

void cm_audit_certificates_empty(struct cm_audit_certificates *certificates);
void cm_audit_certificates_clear(struct cm_audit_certificates *certificates);

/* Calls visit for each certificate that yields the value.  Returns how many
 * there are. */
size_t cm_audit_certificates_find(
    struct cm_audit_certificates *certificates,
    const struct cm_audit_digest *digest,
    void (*visit)(void *context, struct cm_audit_certificate *certificate),
    void *context);

/* ---- The realm's trust, and revocation ---- */

struct cm_audit_chain;

struct cm_audit_world {
    const struct cm_settings *settings;
    int64_t now;
    struct cm_trust *trust;
    struct cm_snapshot *snapshot;
    struct cm_store *store;
    struct cm_audit_chain *chains;
    size_t chain_count;
    /* Certificates whose revocation could not be looked up because something
     * in the store cannot be believed; why: the first. */
    uint64_t unbelieved;
    struct cm_detail unbelieved_why;
};

/* CM_OK, CM_CONFIG (the CAs cannot be read) or CM_NO_MEMORY.  world must be
 * closed in any case. */
enum cm_reason cm_audit_world_open(struct cm_audit_world *world,
                                   const struct cm_settings *settings,
                                   int64_t now, struct cm_detail *why);
void cm_audit_world_close(struct cm_audit_world *world);

/*
 * Adds a certificate; *taken is false where the bytes are none.  verified:
 * somebody has verified who issued it.  False: no memory.
 */
bool cm_audit_certificates_add(struct cm_audit_certificates *certificates,
                               struct cm_audit_world *world,
                               const uint8_t *der, size_t len, bool verified,
                               bool *taken);

/* Adds those of the store.  False: no memory. */
bool cm_audit_certificates_add_seen(struct cm_audit_certificates *certificates,
                                    struct cm_audit_world *world);

#endif
