/*
 * The parts of `certmap expiring`, one file each.
 */
#ifndef CM_EXPIRING_COMMAND_H
#define CM_EXPIRING_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>
#include <openssl/x509.h>

#include "detail.h"
#include "keeper.h"
#include "options.h"
#include "text.h"

enum {
    CM_EXPIRING_MAX = 4096,      /* rows; the soonest are kept */
    CM_EXPIRING_MAX_WHERE = 512, /* bytes of the places of one row */
    CM_EXPIRING_MAX_PROBLEMS = 64,
    CM_EXPIRING_MAX_STATE = 1024 * 1024, /* bytes of a state file */
    CM_DAY = 24 * 3600
};

enum cm_expiry_kind {
    CM_EXPIRY_NTAUTH,
    CM_EXPIRY_ANCHOR,
    CM_EXPIRY_INTERMEDIATE,
    CM_EXPIRY_KDC,
    CM_EXPIRY_OCSP_SIGNER,
    CM_EXPIRY_CRL,
    CM_EXPIRY_MIRROR, /* of the directory's NTAuth list */
    CM_EXPIRY_CARD,   /* logged in lately */
    CM_EXPIRY_USER    /* in the directory, and mapped */
};

/* "ntauth", "anchor", "intermediate", "kdc", "ocsp-signer", "crl", "mirror",
 * "card", "user". */
const char *cm_expiry_token(enum cm_expiry_kind kind);

struct cm_expiry {
    enum cm_expiry_kind kind;
    int64_t until;
    char *name;     /* a subject, or an issuer */
    char *where;    /* realms, a file, accounts */
    uint8_t id[32]; /* tells it from others of its kind */
    bool fresh;     /* it is renewed by itself, and there is time for that */
};

/* What runs out, the soonest first. */
struct cm_expiries {
    struct cm_expiry *list;
    size_t count;
    bool all;                     /* later ones too */
    int64_t limit;                /* the latest that is kept, unless all */
    size_t left_out;              /* found, and no room for them */
    bool failed;                  /* no memory */
    struct cm_text_list problems; /* what could not be looked at */
};

/* ---- expiring_list.c ---- */

/* Adds one, unless it is later than the limit; one of the same kind and id
 * gets the further place. */
void cm_expiries_add(struct cm_expiries *list, enum cm_expiry_kind kind,
                     int64_t until, const char *name, const char *where,
                     const uint8_t id[32]);
/* The same for what `certmap refresh` renews: it counts in the last quarter of
 * its time only, as of now. */
void cm_expiries_add_renewed(struct cm_expiries *list,
                             enum cm_expiry_kind kind, int64_t since,
                             int64_t until, int64_t now, const char *name,
                             const char *where, const uint8_t id[32]);
/* Does it run out before the limit? */
bool cm_expiry_counts(const struct cm_expiries *list,
                      const struct cm_expiry *one);
/* The same for a certificate.  One whose dates cannot be read is a problem. */
void cm_expiries_add_cert(struct cm_expiries *list, enum cm_expiry_kind kind,
                          X509 *cert, const char *where);
void cm_expiries_problem(struct cm_expiries *list, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void cm_expiries_clear(struct cm_expiries *list);

/* ---- expiring_gather.c ---- */

/* Everything but users.  Looks as of now. */
void cm_expiring_gather(struct cm_keeper *keeper, int64_t now,
                        struct cm_expiries *out);

/* ---- expiring_users.c ---- */

/* Cards that logged in lately, and the mapped certificates of the directory's
 * accounts; memory does not grow with their number. */
void cm_expiring_users(struct cm_keeper *keeper, int64_t now,
                       struct cm_expiries *out);

/* ---- expiring_state.c: what was told, and when ---- */

/* Drops what was told less than repeat seconds before now and has not expired
 * since.  A missing file has told nothing.  *told: what the file is to say
 * when the rest has been told; the caller frees it.  False: it cannot be read;
 * detail says why. */
bool cm_expiring_untold(struct cm_expiries *list, const char *path,
                        int64_t repeat, int64_t now, char **told,
                        struct cm_detail *detail);

/* ---- expiring_output.c ---- */

/* False: no memory. */
bool cm_expiring_print(struct cm_expiries *list, bool json, int64_t now,
                       FILE *out);

#endif
