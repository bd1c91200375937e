/*
 * What a thread keeps from one login to the next: its own connections.
 */
#ifndef CM_SEAT_H
#define CM_SEAT_H

#include <stdbool.h>

#include "authorize.h"

struct cm_realm;
struct cm_seat;

/* Opens nothing.  NULL: no memory. */
struct cm_seat *cm_seat_new(void);
void cm_seat_free(struct cm_seat *seat);

/*
 * The realm's services as this thread uses them: trust, store and what is
 * known about sick servers are shared by all threads; the directory handle and
 * the HTTP connections are this thread's.  The realm is ready
 * (CM_REALM_READY), and it and its services outlive the seat.  False: no
 * memory; out is then zeroed.
 */
bool cm_seat_services(struct cm_seat *seat, const struct cm_realm *realm,
                      struct cm_services *out);

#endif
