/*
 * Paths judged by CRLs from files, as `certmap verify --crl` does it.
 */
#ifndef CRL_JUDGE_H
#define CRL_JUDGE_H

#include "crl_files.h"
#include "path.h"

struct crl_judge {
    const struct cm_snapshot *snapshot;
    const struct cm_path_rules *rules;
    const struct cm_crl_files *files;
};

/* For cm_path_find(); context is a struct crl_judge. */
enum cm_reason crl_judge_path(void *context, const struct cm_path *path,
                              struct cm_detail *detail);

/* Adds a file's CRL; its reason as cm_crl_files_add(). */
enum cm_reason crl_judge_add(struct cm_crl_files *files, const char *path);

#endif
