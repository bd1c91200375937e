/*
 * One authenticated LDAP connection, and operations on it with deadlines.
 *
 * libldap would reconnect on its own where a connection is lost, without TLS
 * by StartTLS and without the bind; a connection made here cannot.
 */
#ifndef CM_LDAP_CONNECTION_H
#define CM_LDAP_CONNECTION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <ldap.h>

#include "detail.h"
#include "directory.h"
#include "ldap_wire.h"

struct cm_ldap_connection {
    LDAP *handle; /* NULL: closed */
    pid_t pid;    /* of the process that opened it */
    struct cm_ldap_wire wire;
};

/*
 * Connects to uri, starts TLS as configured and binds, all before deadline
 * (cm_backend_now_ms).  connection is closed, and must stay where it is while
 * it is open.  pending as for cm_resolve().  False: it stays closed.
 */
bool cm_ldap_open(struct cm_ldap_connection *connection,
                  const struct cm_directory_config *config, const char *uri,
                  struct cm_resolve **pending, int64_t deadline,
                  struct cm_detail *detail);

/*
 * Opens the first of the configured servers that lets itself be opened; each
 * gets its share of timeout_ms.  False: detail names the last one.
 */
bool cm_ldap_open_first(struct cm_ldap_connection *connection,
                        const struct cm_directory_config *config,
                        int timeout_ms, struct cm_detail *detail);

/*
 * Harmless on a closed one.  After a fork the parent's connection is only
 * forgotten: nothing is sent on it.
 */
void cm_ldap_close(struct cm_ldap_connection *connection);

/* Why an operation has no answer. */
enum cm_ldap_wait {
    CM_LDAP_ANSWERED,
    CM_LDAP_LOST,   /* the connection is broken or what came is garbage */
    CM_LDAP_TIMEOUT /* the deadline has passed */
};

/*
 * Waits for the next message of an operation.  The caller frees *out with
 * ldap_msgfree().
 */
enum cm_ldap_wait cm_ldap_next(struct cm_ldap_connection *connection,
                               int message_id, int64_t deadline,
                               LDAPMessage **out, struct cm_detail *detail);

/* Renews what an answer may hold and how long it may take: call before each
 * operation. */
void cm_ldap_begin(struct cm_ldap_connection *connection, int64_t deadline);

/*
 * The result code of a final message, freeing it; -1 where it cannot be
 * decoded.  detail gets the server's words for anything but success.
 */
int cm_ldap_result_code(struct cm_ldap_connection *connection,
                        LDAPMessage *message, const char *what,
                        struct cm_detail *detail);

/* Does the configuration want TLS on this URI? */
bool cm_ldap_uri_wants_tls(const struct cm_directory_config *config,
                           const char *uri);

/*
 * Reads the one line of a password file into out, CM_LDAP_MAX_SECRET + 1
 * bytes; the caller wipes it.  The file must be regular, owned by root or the
 * process's user, and closed to group and others.
 */
bool cm_ldap_read_secret(const char *path, char *out,
                         struct cm_detail *detail);

#endif
