/*
 * What all handles of one directory know together about its servers, so that
 * a dead one costs a process one timeout and not one for each thread.
 *
 * A server that fails is left alone for CM_LDAP_SKIP_MS; then one caller tries
 * it before all others.  Where every server has failed there is nothing to
 * turn to, and a login would rather find out whether one is back.  So then one
 * caller at a time tries them, whenever CM_HEALTH_REST_FACTOR times as long
 * has passed as the last such try took: a server that refuses at once is
 * noticed at once when it is back, and one that hangs takes at most a fifth of
 * the time.  All others are told that the directory is unavailable, without
 * waiting.
 *
 * Any thread may call.  It starts with every server at work.
 */
#ifndef CM_HEALTH_H
#define CM_HEALTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CM_HEALTH_REST_FACTOR = 4,
    /* A server that had less time than this, because others took the login's,
     * is not blamed for not answering within it. */
    CM_HEALTH_FAIR_MS = 100
};

struct cm_directory_health;

/* For count servers, at most CM_DIRECTORY_MAX_URIS; they are told apart by
 * their place in the configuration.  NULL: no memory. */
struct cm_directory_health *cm_directory_health_new(size_t count);
void cm_directory_health_free(struct cm_directory_health *health);

/* Would this server be tried now?  Promises nothing. */
bool cm_health_is_due(struct cm_directory_health *health, size_t server,
                      int64_t now_ms);

/* May the caller try it now?  If so it says how that went. */
bool cm_health_may_try(struct cm_directory_health *health, size_t server,
                       int64_t now_ms);

/* Where no server is due: may the caller try every one?  If so it says how
 * that went. */
bool cm_health_may_try_all(struct cm_directory_health *health, int64_t now_ms);

/* How a try went.  True: that is news (to be logged). */
bool cm_health_worked(struct cm_directory_health *health, size_t server);
bool cm_health_failed(struct cm_directory_health *health, size_t server,
                      int64_t now_ms);

/* Whoever tried what there was, in vain, says how long it took. */
void cm_health_none_worked(struct cm_directory_health *health, int64_t now_ms,
                           int64_t spent_ms);

#endif
