/*
 * The rows of the OCSP tests: who signed which answers, and whether they
 * count.
 */
#ifndef OCSP_ROWS_H
#define OCSP_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ocsp.h"
#include "ocsp_world.h"
#include "path.h"

#define DAY ((int64_t)24 * 3600)
#define NO_NEXT INT64_MIN

/* What the caller's delegate_status says. */
enum ask { NO_CALLBACK, SAYS_GOOD, SAYS_STALE, SAYS_UNKNOWN, SAYS_REVOKED };

/* Times are relative to now. */
struct says {
    const char *status; /* NULL: no such answer */
    int64_t at;         /* thisUpdate */
    int64_t next;       /* 0: in an hour */
    const char *about;  /* NULL: "card" */
    const char *issuer; /* in its CertID; NULL: "ca" */
    const EVP_MD *(*digest)(void);
    const char *at_der;
    const char *extensions;
};

struct row {
    const char *name;
    const char *signer; /* NULL: "ca" */
    const char *named;  /* as responder; NULL: the signer */
    const char *certs;  /* NULL: the signer's, unless it is the CA */
    const char *configured;
    struct says says[3];
    enum cm_status_state state;
    const char *words; /* of the detail */

    bool by_key, pss;
    const EVP_MD *(*digest)(void);
    enum ask ask;
    int64_t produced;
    const char *produced_der, *version, *responder_id, *extensions;
    size_t repeat, repeat_certs;
    int reason;
};

#define GOOD .state = CM_STATUS_GOOD
#define REVOKED .state = CM_STATUS_REVOKED
#define STALE .state = CM_STATUS_STALE
#define REFUSED(text) .state = CM_STATUS_UNKNOWN, .words = text

/* clang-format off */
#define SAYS(...) .says = {__VA_ARGS__}
/* clang-format on */

extern const struct cm_path_rules ocsp_rows_rules;

/* The response of a row; the caller frees it. */
uint8_t *ocsp_row_response(const struct row *row, size_t *len);

/* What is found in it, by the question that belongs to the row. */
void ocsp_row_check_response(const struct row *row, const uint8_t *response,
                             size_t len, struct cm_status *out);

/* Both. */
void ocsp_row_judge(const struct row *row, struct cm_status *out);

/* Fails the test, and says which rows differ. */
void ocsp_rows_check(const struct row *rows, size_t count);

#endif
