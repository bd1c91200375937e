/*
 * The search behind cm_path_find(), with what it cost.
 */
#ifndef CM_SEARCH_H
#define CM_SEARCH_H

#include "path.h"

struct cm_search_effort {
    unsigned steps;      /* candidate issuers looked at */
    unsigned signatures; /* checked to tell candidates of one name apart */
    unsigned chains;     /* whole chains verified */
};

enum cm_reason cm_search(const struct cm_snapshot *snapshot, X509 *leaf,
                         const struct cm_path_rules *rules,
                         cm_path_judge judge, void *context,
                         struct cm_path *out, struct cm_search_effort *effort,
                         struct cm_detail *detail);

#endif
