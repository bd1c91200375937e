#include "trust.h"

#include <stdlib.h>

#include "trusted.h"

struct cm_snapshot *
cm_snapshot_build(X509 *const *anchors, size_t anchors_n,
                  X509 *const *intermediates, size_t intermediates_n,
                  X509 *const *ntauth, size_t ntauth_n)
{
    struct cm_snapshot *snapshot = calloc(1, sizeof(*snapshot));

    if (snapshot == NULL)
        return NULL;
    snapshot->references = 1;
    snapshot->generation = 1;
    if (!cm_trusted_list_build(anchors, anchors_n, &snapshot->anchors) ||
        !cm_trusted_list_build(intermediates, intermediates_n,
                               &snapshot->intermediates) ||
        !cm_trusted_list_build(ntauth, ntauth_n, &snapshot->ntauth)) {
        cm_snapshot_release(snapshot);
        return NULL;
    }
    return snapshot;
}

void
cm_snapshot_release(struct cm_snapshot *snapshot)
{
    if (snapshot == NULL ||
        __atomic_sub_fetch(&snapshot->references, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    cm_trusted_list_clear(&snapshot->anchors);
    cm_trusted_list_clear(&snapshot->intermediates);
    cm_trusted_list_clear(&snapshot->ntauth);
    free(snapshot);
}
