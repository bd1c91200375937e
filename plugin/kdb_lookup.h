/*
 * Which principal does a client mean?  Asked of the realm's directory while
 * the KDC waits, hence bounded: by the login's budget, by a brief memory of
 * what was answered, and by the part of its time that the KDC may wait.
 */
#ifndef CM_KDB_LOOKUP_H
#define CM_KDB_LOOKUP_H

#include "authorize.h"
#include "kdb_names.h"
#include "log.h"

enum {
    CM_KDB_LOOKUP_SLOTS = 256,     /* answers kept, found or not */
    CM_KDB_LOOKUP_KEEP_MS = 5000,  /* each of them this long */
    CM_KDB_LOOKUP_SHARE = 4,       /* the KDC waits this part of its time, a
                                      quarter, at most, */
    CM_KDB_LOOKUP_AHEAD_MS = 1000, /* counted over a second and longer */
    CM_KDB_LOOKUP_MAX_LOG = 200    /* bytes of a name in the log */
};

/* Of one realm; one thread at a time. */
struct cm_kdb_lookup;

/* Borrows settings and log, which outlive it.  NULL: no memory. */
struct cm_kdb_lookup *cm_kdb_lookup_new(const struct cm_settings *settings,
                                        const struct cm_clock *clock,
                                        const struct cm_log *log);
void cm_kdb_lookup_free(struct cm_kdb_lookup *lookup);

/*
 * The canonical principal of the one account that the name stands for, as
 * cm_directory_who() says; the caller clears out.  What several accounts
 * claim is logged, and is CM_ACCOUNT_AMBIGUOUS.  CM_DIRECTORY_UNAVAILABLE
 * also where the KDC has waited for its part of the time.
 */
enum cm_reason cm_kdb_lookup_name(struct cm_kdb_lookup *lookup,
                                  struct cm_directory *directory,
                                  const struct cm_client_name *name,
                                  struct cm_principal *out);

/*
 * The same for a certificate whose path was verified: by every strong mapping
 * that the policy accepts and by its UPN, which must all mean one account.
 * Neither kept nor counted: whoever asks this holds a ticket.
 */
enum cm_reason cm_kdb_lookup_certificate(
    struct cm_kdb_lookup *lookup, struct cm_directory *directory,
    const struct cm_certificate *cert, const struct cm_policy *policy,
    int timeout_ms, struct cm_principal *out, struct cm_detail *detail);

#endif
