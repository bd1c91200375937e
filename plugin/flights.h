/*
 * Logins in flight for one certificate, counted over all processes of a KDC.
 *
 * `krb5kdc -w N` forks its workers after the modules were initialised, so a
 * table in memory that they share is made before, and each process notes in it
 * what it has under way.  Nothing here waits, for a lock or for anything else:
 * who wants a place writes down that it is there, counts, and goes away again
 * where there are too many.  So there are never too many; where several come
 * in the same instant there may be one less.
 *
 * What a process leaves behind that was killed is given back once its id is
 * nobody's.  Where the id is somebody else's by then, that place stays taken
 * (and refuses); krb5kdc ends all its workers when one has died.
 */
#ifndef CM_FLIGHTS_H
#define CM_FLIGHTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CM_FLIGHTS_SAME = 2,    /* about one certificate */
    CM_FLIGHTS_MAX = 1024,  /* of all processes together */
    CM_FLIGHTS_ATTEMPTS = 3 /* more, where others come in the same instant */
};

struct cm_flights;

enum cm_flight {
    CM_FLIGHT_BUSY, /* as many as may are under way, or the table is full */
    CM_FLIGHT_REPEATED, /* this very request is under way: a client sent it
                           again, and another process took it */
    CM_FLIGHT_ENTERED
};

/* Before the fork.  NULL: no memory. */
struct cm_flights *cm_flights_new(void);

/* Ends this process's part in it; what it had under way must have left.  NULL:
 * nothing happens. */
void cm_flights_free(struct cm_flights *flights);

/* Takes a place for the calling process; both are SHA-256, request of the
 * whole message.  *place is written only if entered. */
enum cm_flight cm_flights_enter(struct cm_flights *flights,
                                const uint8_t certificate[32],
                                const uint8_t request[32], size_t *place);

/* Gives back what this process has entered; the place of another process is
 * left alone. */
void cm_flights_leave(struct cm_flights *flights, size_t place);

#endif
