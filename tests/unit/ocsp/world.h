/*
 * A small world of CAs: certificates by name, made from one table.
 */
#ifndef WORLD_H
#define WORLD_H

#include <stddef.h>

#include <openssl/x509.h>

#include "path.h"

enum {
    WORLD_MAX_LIST = 16,
    WORLD_NOW = 1704067200 /* 2024-01-01T00:00:00Z */
};

/* Makes every certificate, and frees them: for a group of tests. */
int world_set_up(void **state);
int world_tear_down(void **state);

/* The certificate of that name in the table; borrowed. */
X509 *world_get(const char *id);
/* Its name; "?" for a certificate that is not of this world. */
const char *world_id(const X509 *cert);

/* Certificates named in a text, separated by blanks. */
struct world_list {
    X509 *certs[WORLD_MAX_LIST];
    size_t count;
};

enum world_order { WORLD_FORWARD, WORLD_BACKWARD, WORLD_ORDERS };

void world_list(const char *ids, enum world_order order,
                struct world_list *out);

struct cm_snapshot *world_snapshot(const char *anchors,
                                   const char *intermediates,
                                   const char *ntauth, enum world_order order);

/* Rules at WORLD_NOW, with the default floor. */
struct cm_path_rules world_rules(void);

/* "leaf ca root", as the table names them; valid until the next call. */
const char *world_path(const struct cm_path *path);

#endif
