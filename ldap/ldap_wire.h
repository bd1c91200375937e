/*
 * The socket under a libldap handle: connected within a deadline, bounded in
 * time and in what it takes in, never raising SIGPIPE.
 */
#ifndef CM_LDAP_WIRE_H
#define CM_LDAP_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ldap.h>

#include "detail.h"
#include "ldap_resolve.h"

struct cm_ldap_wire {
    int fd;
    size_t allowance; /* bytes that may still come in */
    int64_t deadline; /* cm_backend_now_ms(): past it, reading fails */
    bool patient;     /* wait for the deadline, rather than EAGAIN: libldap
                         does not wait within a TLS handshake, it spins */
    bool muted;       /* nothing is sent any more */
};

/*
 * Connects to the server of a parsed URL.  Returns a non-blocking socket, or
 * -1 with a detail.
 */
int cm_ldap_wire_connect(const LDAPURLDesc *url, struct cm_resolve **pending,
                         int64_t deadline, struct cm_detail *detail);

/*
 * A handle whose traffic goes through *wire, which must stay where it is
 * until the handle is gone; the handle closes wire->fd.  NULL: no memory, and
 * wire->fd is closed.
 */
LDAP *cm_ldap_wire_handle(struct cm_ldap_wire *wire, const char *uri);

#endif
