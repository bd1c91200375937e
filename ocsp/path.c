#include "path.h"

#include <stdlib.h>
#include <string.h>

#include "search.h"

void
cm_path_clear(struct cm_path *path)
{
    for (size_t i = 0; i < path->count; i++)
        X509_free(path->certs[i]);
    free(path->ntauth);
    cm_text_list_clear(&path->policies);
    memset(path, 0, sizeof(*path));
}

enum cm_reason
cm_path_find(const struct cm_snapshot *snapshot, X509 *leaf,
             const struct cm_path_rules *rules, cm_path_judge judge,
             void *context, struct cm_path *out, struct cm_detail *detail)
{
    struct cm_search_effort effort;

    return cm_search(snapshot, leaf, rules, judge, context, out, &effort,
                     detail);
}
