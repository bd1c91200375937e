/*
 * What a process keeps for its realms: configuration read until it is without
 * error, services opened lazily and again after a fork.
 */
#ifndef CM_REALM_H
#define CM_REALM_H

#include <krb5.h>

#include "authorize.h"
#include "log.h"

enum cm_realm_state {
    CM_REALM_READY,  /* settings and services are usable */
    CM_REALM_OFF,    /* mode = off: not ours to decide */
    CM_REALM_BROKEN, /* refuse everything, config */
    CM_REALM_ABSENT  /* no certmap subsection: refuse, config */
};

struct cm_realm {
    enum cm_realm_state state;
    char *name;
    struct cm_settings settings;
    struct cm_services services;
    /* What is known about its directory servers; every handle of the realm
     * shares it. */
    struct cm_directory_health *health;
    const struct cm_log *log; /* for what else is opened for it; borrowed */
    struct cm_detail why;     /* BROKEN, ABSENT: the first error */
    int64_t read_ms;          /* when the configuration was read */
};

struct cm_realms;

/* Opens nothing.  log is copied; every line that it is handed begins with
 * "certmap: ".  NULL: no memory. */
struct cm_realms *cm_realms_new(const struct cm_log *log);
void cm_realms_free(struct cm_realms *realms);

/* Instead of the system's, which is what a new one goes by. */
void cm_realms_set_clock(struct cm_realms *realms,
                         const struct cm_clock *clock);

/*
 * The realm by name; its configuration is read at first use, and its summary
 * line or errors logged then.  What is BROKEN is read again after
 * CM_REALM_RETRY_MS, as a file may have been late, or memory short; until it
 * is read without error nothing of it is in use.  What is READY stays so until
 * a fork.  Borrowed until cm_realms_free().  NULL: no memory, or more than
 * CM_REALMS_MAX realms.
 */
enum { CM_REALMS_MAX = 256, CM_REALM_RETRY_MS = 10000 };
const struct cm_realm *cm_realms_get(struct cm_realms *realms,
                                     krb5_context context, const char *name);

/*
 * The realm's services as the process's own thread uses them: with an HTTP
 * client of its own where certauth_wait = all, made when it is first needed,
 * and never one that a parent process has used.  The realm's own
 * services.fetcher is always NULL: a fetcher belongs to one thread.
 */
struct cm_services cm_realms_services(struct cm_realms *realms,
                                      const struct cm_realm *realm);

#endif
