/*
 * Step 4 of a login for one path: what is at hand about its certificates, and
 * what is asked for now because it lacks.
 */
#ifndef CM_JUDGE_H
#define CM_JUDGE_H

#include "authorize.h"

/* All borrowed. */
struct cm_judge {
    const struct cm_settings *settings;
    const struct cm_services *services;
    const struct cm_login *login;
    const struct cm_snapshot *snapshot;
    const struct cm_path_rules *rules;
    int64_t fetch_until_ms; /* monotonic */
    bool fetches;           /* asks responders for what lacks */
};

/* May anybody be asked at all? */
bool cm_judge_can_fetch(const struct cm_judge *judge);

/*
 * As cm_revocation_check(), the client's stapled response included; with
 * `fetches` each certificate without a current good answer is asked about,
 * and all is judged again.  CM_REVOCATION_UNAVAILABLE also where nothing
 * current is known because a responder did not answer in time.
 */
enum cm_reason cm_judge_path(const struct cm_judge *judge,
                             const struct cm_path *path,
                             const struct cm_issuer_rules *issuer,
                             struct cm_revocation_result *out,
                             struct cm_detail *detail);

#endif
