/*
 * Writing to one entry of a directory, and what is to be known before.
 */
#ifndef CM_EDIT_H
#define CM_EDIT_H

#include <stdbool.h>
#include <stdint.h>

#include "altsecid.h"
#include "change.h"
#include "detail.h"
#include "directory.h"
#include "ldap_connection.h"
#include "text.h"

enum {
    CM_EDIT_TIMEOUT_MS = 30000, /* for one change, connecting included */
    CM_EDIT_MAX_HOLDERS = 20    /* named; more are only said to be there */
};

/* ---- One change ---- */

enum cm_edit_result {
    CM_EDIT_WRITTEN,
    CM_EDIT_CONFLICT, /* what was to go is gone, or what was to come is there:
                         someone else was faster.  Nothing was changed */
    CM_EDIT_REFUSED,  /* by the server; nothing was changed */
    CM_EDIT_UNSENT,   /* no server could be asked; nothing was changed */
    CM_EDIT_TIMEOUT,  /* no answer in time: it may have been done or not */
    CM_EDIT_UNKNOWN   /* connection lost: it may have been done or not */
};

/* What an LDAP result code of a modify operation (RFC 4511 section 4.6)
 * means; -1, an answer that cannot be read, is CM_EDIT_UNKNOWN. */
enum cm_edit_result cm_edit_judge(int code);

/* What an administrator can do about a result code, or NULL. */
const char *cm_edit_hint(int code);
/* Puts it behind the server's words. */
void cm_edit_add_hint(int code, struct cm_detail *detail);

/*
 * Sends the change as one operation, so that it is done whole or not at all,
 * on an open connection, and waits for the answer.  detail says why for
 * everything but CM_EDIT_WRITTEN.
 */
enum cm_edit_result cm_edit_modify(struct cm_ldap_connection *connection,
                                   const struct cm_change *change,
                                   int64_t deadline, struct cm_detail *detail);

/* Sends it without waiting, with controls or NULL.  The LDAP result code of
 * sending; LDAP_SUCCESS sets *message_id. */
int cm_edit_send(struct cm_ldap_connection *connection,
                 const struct cm_change *change, LDAPControl **controls,
                 int *message_id);

/* The same with a connection of its own to the first server that is there. */
enum cm_edit_result cm_edit_apply(const struct cm_directory_config *config,
                                  const struct cm_change *change,
                                  int timeout_ms, struct cm_detail *detail);

/* ---- Who holds a value ---- */

struct cm_edit_holders {
    struct cm_text_list names; /* DNs, at most CM_EDIT_MAX_HOLDERS */
    bool more;
};

void cm_edit_holders_clear(struct cm_edit_holders *holders);

/* Does one value of the attribute match? */
bool cm_edit_entry_holds(const struct cm_entry *entry, const char *attribute,
                         const struct cm_candidate *candidate);

/*
 * Appends the entries other than `except` that hold a value which the
 * candidate matches, wherever they are below the base.  Where the server's
 * schema cannot search the attribute by value, every entry that holds the
 * attribute is looked at.  For ldap and ldif.  False: not all could be seen;
 * out is empty.
 */
bool cm_edit_find_holders(const struct cm_directory_config *config,
                          const struct cm_candidate *candidate,
                          const char *except, struct cm_edit_holders *out,
                          struct cm_detail *detail);

#endif
