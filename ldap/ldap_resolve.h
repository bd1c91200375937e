/*
 * Host name resolution with a deadline.  getaddrinfo(3) has none of its own,
 * so it runs in a thread that may outlive the question.
 */
#ifndef CM_LDAP_RESOLVE_H
#define CM_LDAP_RESOLVE_H

#include <stdbool.h>
#include <stdint.h>

#include <netdb.h>

#include "detail.h"

struct cm_resolve; /* one question */

/*
 * Waits until the addresses of host are there or deadline (cm_backend_now_ms)
 * has passed.  *pending starts as NULL and holds a question that is still
 * open, so that a slow answer serves the next call; false leaves it so.
 * True: *out is the caller's, for freeaddrinfo(3), and *pending is NULL.
 */
bool cm_resolve(struct cm_resolve **pending, const char *host,
                const char *service, int64_t deadline, struct addrinfo **out,
                struct cm_detail *detail);

/* Gives an open question up; NULL is none. */
void cm_resolve_forget(struct cm_resolve *pending);

#endif
