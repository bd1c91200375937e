/*
 * What a login is judged by, as plain values of our own: nothing here is the
 * KDC's, so a thread may read it, and it outlives the call that gave it.
 */
#ifndef CM_EVIDENCE_H
#define CM_EVIDENCE_H

#include <stdbool.h>

#include "authorize.h"

struct cm_realm;

struct cm_login_evidence {
    /* CM_INTERNAL until it is gathered; CM_OK: it may be judged; else why the
     * login is refused without being judged. */
    enum cm_reason reason;
    struct cm_detail detail;
    char *requested; /* the name that the client typed; NULL: unprintable */
    struct cm_principal principal; /* canonical; text NULL: none */
    const struct cm_realm *realm;  /* governing; borrowed; NULL: unknown */
    uint8_t *certificate;          /* DER; NULL: the client sent none */
    size_t certificate_len;
    bool has_kdb_entry; /* where the directory is the KDC's own */
    struct cm_entry kdb_entry;
    uint8_t *beside; /* what the blobs below point into */
    struct cm_blob intermediates[CM_PATH_MAX_EXTRA];
    size_t intermediate_count;
    struct cm_blob staple;
};

/* Nothing gathered. */
void cm_evidence_init(struct cm_login_evidence *evidence);
void cm_evidence_clear(struct cm_login_evidence *evidence);

/* Copies a certificate, replacing none.  False: no memory, empty, or there is
 * one already. */
bool cm_evidence_set_certificate(struct cm_login_evidence *evidence,
                                 const uint8_t *der, size_t len);

/* Copies what the client sent beside its certificate; called once.  staple
 * may be empty.  False: no memory, or more than CM_PATH_MAX_EXTRA. */
bool cm_evidence_add_beside(struct cm_login_evidence *evidence,
                            const struct cm_blob *intermediates, size_t count,
                            struct cm_blob staple);

/* The same as cm_authorize() takes it; borrowed from the evidence. */
void cm_evidence_login(const struct cm_login_evidence *evidence,
                       struct cm_login *out);

#endif
