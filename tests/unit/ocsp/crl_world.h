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

/* Makes every certificate, and frees them: for a group of tests. */
int crl_world_set_up(void **state);
int crl_world_tear_down(void **state);

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

/* A scene with everything made that it needs. */
struct crl_stage {
    struct cm_path path; /* borrowed certificates */
    struct cm_path_rules rules;
    struct cm_snapshot *snapshot;
    struct cm_crl_files *files;
    struct cm_crl_provider provider; /* over files; may be replaced */
    struct cm_crl_question question;
};

/* Sets it up with all lists in this order or the opposite. */
void crl_stage_make(const struct crl_scene *scene, bool backward,
                    struct crl_stage *stage);
void crl_stage_clear(struct crl_stage *stage);

/* Sets it up, asks and clears it. */
void crl_world_ask(const struct crl_scene *scene, bool backward,
                   struct cm_status *out);

/* Adds the CRL to files as a new file's content. */
enum cm_reason crl_world_add(struct cm_crl_files *files, const char *id,
                             struct cm_detail *detail);

X509 *crl_world_cert(const char *id);

#endif
