/*
 * What is remembered about one URL between two tries: a small text file of
 * "name value" lines, state/url/<SHA-256 of kind and URL>.
 */
#ifndef CM_REFRESH_STATE_H
#define CM_REFRESH_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "detail.h"
#include "fetch.h"
#include "refresh_plan.h"
#include "store.h"
#include "text.h"

enum {
    CM_REFRESH_MAX_STATE = 64 * 1024, /* bytes of a file */
    CM_REFRESH_MAX_DELTAS = 16,       /* URLs in a CRL's freshestCRL */
    CM_REFRESH_STATE_NAME = 128,      /* bytes of a name below the store */
    /* An untouched state is forgotten after so many seconds. */
    CM_REFRESH_FORGET = 60 * 24 * 3600
};

enum cm_refresh_kind {
    CM_REFRESH_CRL,
    CM_REFRESH_OCSP,  /* a responder */
    CM_REFRESH_CARD,  /* one certificate that no responder had news about */
    CM_REFRESH_NTAUTH /* the directory's object; url: servers and name */
};

/* "crl", "ocsp", "card", "ntauth". */
const char *cm_refresh_kind_token(enum cm_refresh_kind kind);

struct cm_refresh_state {
    enum cm_refresh_kind kind;
    char *url; /* owned; of a card: SHA-256 of its certificate */
    /* Seconds since 1970; 0: never. */
    int64_t last_try, last_success, next_due;
    unsigned last_try_ms;   /* 0 to 999; which of two was first */
    unsigned failures;      /* in a row */
    struct cm_detail error; /* of the last of them; clean text */

    /* CRLs: what came last, and the validators that speak of it. */
    bool has_crl;
    uint8_t spki[32]; /* of the key that signed it */
    uint8_t scope[32];
    uint8_t sha256[32];
    struct cm_refresh_window window;
    char etag[CM_FETCH_MAX_VALIDATOR];
    char last_modified[CM_FETCH_MAX_VALIDATOR];
    struct cm_text_list deltas; /* where its deltas are */
};

/* A state of nothing known.  False: no memory; state needs no clearing. */
bool cm_refresh_state_init(struct cm_refresh_state *state,
                           enum cm_refresh_kind kind, const char *url);
void cm_refresh_state_clear(struct cm_refresh_state *state);

/* Where it is kept, below the store. */
void cm_refresh_state_name(enum cm_refresh_kind kind, const char *url,
                           char out[CM_REFRESH_STATE_NAME]);

/* The file's text; the caller frees it.  NULL: no memory. */
char *cm_refresh_state_format(const struct cm_refresh_state *state);

/* Reads one.  False: not such a file (or no memory); out needs no clearing.
 * Unknown lines are passed over. */
bool cm_refresh_state_parse(const char *text, size_t len,
                            struct cm_refresh_state *out);

/*
 * The state as the store has it; of nothing known where it has none, or one
 * that cannot be believed (it only costs a try).  False: no memory.
 */
bool cm_refresh_state_read(struct cm_store *store, enum cm_refresh_kind kind,
                           const char *url, struct cm_refresh_state *out);
bool cm_refresh_state_write(struct cm_store_writer *writer,
                            const struct cm_refresh_state *state,
                            struct cm_detail *detail);

/* Removes states that nobody has written for CM_REFRESH_FORGET before `now`:
 * their URLs are nobody's any more.  store is the path. */
void cm_refresh_state_forget(struct cm_store_writer *writer, const char *store,
                             int64_t now);

/* Notes how a try ended at now_ms, milliseconds since 1970.  why: raw
 * text. */
void cm_refresh_state_succeed(struct cm_refresh_state *state, int64_t now_ms,
                              int64_t next_due);
void cm_refresh_state_fail(struct cm_refresh_state *state, int64_t now_ms,
                           const char *why);

/* Was it tried at now_ms or later? */
bool cm_refresh_state_tried_since(const struct cm_refresh_state *state,
                                  int64_t now_ms);

#endif
