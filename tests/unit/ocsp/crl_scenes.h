/*
 * Scenes in the world of crl_world.h, and what must come of each.
 */
#ifndef CRL_SCENES_H
#define CRL_SCENES_H

#include "crl_world.h"

#define GOOD CM_STATUS_GOOD, 0
#define STALE CM_STATUS_STALE, 0
#define UNKNOWN CM_STATUS_UNKNOWN, 0
#define REVOKED(why) CM_STATUS_REVOKED, why

#define KEY CM_CRL_KEY_COMPROMISE
#define HOLD CM_CRL_CERTIFICATE_HOLD

struct crl_scenes {
    const struct crl_scene *list;
    size_t count;
};

extern const struct crl_scenes crl_scenes_complete; /* complete CRLs */
extern const struct crl_scenes crl_scenes_keys;     /* whose CRLs count */
extern const struct crl_scenes crl_scenes_scopes;   /* what they are about */
extern const struct crl_scenes crl_scenes_deltas;
extern const struct crl_scenes crl_scenes_indirect;

#endif
