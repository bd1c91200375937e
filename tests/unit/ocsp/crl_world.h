/*
 * A small world of CAs and CRL issuers, and the CRLs that they publish, made
 * from two tables.
 */
#ifndef CRL_WORLD_H
#define CRL_WORLD_H

#include <stdbool.h>
#include <stddef.h>

#include "crl_files.h"
#include "crl_status.h"

enum { CRL_WORLD_NOW = 1704067200 /* 2024-01-01T00:00:00Z */ };

void crl_world_make(void);
void crl_world_free(void);

/* One question; names are separated by blanks. */
struct crl_scene {
    const char *name;
    const char *leaf;
    size_t position;     /* in the leaf's path */
    const char *anchors; /* NULL: "root" */
    const char *helpers; /* intermediates beside those of the leaf's path */
    const char *crls;
    enum cm_status_state state;
    int reason; /* where revoked */
};

/* Asks it with everything in this order or the opposite; provider wraps the
 * one over the scene's CRLs, or is NULL. */
void crl_world_ask(const struct crl_scene *scene, bool backward,
                   bool (*wrap)(void *context, const uint8_t spki[32],
                                bool (*visit)(void *visit_context,
                                              struct cm_crl_index *index),
                                void *visit_context),
                   struct cm_status *out);

/* Adds the CRL to files as a new file's content. */
enum cm_reason crl_world_add(struct cm_crl_files *files, const char *id,
                             struct cm_detail *detail);

X509 *crl_world_cert(const char *id);

#endif
