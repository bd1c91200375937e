/*
 * Writing the directory's NTAuth list, value by value: what someone else adds
 * or removes meanwhile is neither lost nor undone.
 *
 * In Active Directory the object is a certificationAuthority, whose class
 * demands two CRL attributes and at least one value of cACertificate: there a
 * single octet of zero stands for nothing, as Windows writes it.  Elsewhere
 * that class is auxiliary and its CRLs must be CRLs, so that the object is an
 * applicationProcess with pkiCA (RFC 4519, RFC 4523).
 */
#ifndef CM_NTAUTH_EDIT_H
#define CM_NTAUTH_EDIT_H

#include <stdbool.h>
#include <stddef.h>

#include "ntauth_object.h"
#include "text.h"

enum { CM_NTAUTH_MAX_MISSING = 8 /* entries that are created */ };

/* What the directory holds. */
struct cm_ntauth_state {
    char *dn;
    bool windows; /* the server names a configuration: Active Directory */
    bool exists;
    /* Values by the name they were read under; dn is not used. */
    struct cm_ntauth_object plain, binary;
    /* What would be created, the outermost first and the object last; none
     * where it exists. */
    struct cm_text_list missing;
};

void cm_ntauth_state_clear(struct cm_ntauth_state *state);

enum cm_ntauth_end {
    CM_NTAUTH_DONE,
    CM_NTAUTH_EDITED,  /* someone else has edited the object meanwhile */
    CM_NTAUTH_REFUSED, /* the server says no; its words are in detail */
    CM_NTAUTH_LOST /* no answer: what was asked for may have happened or not */
};

/* One connection to the first server that lets itself be opened. */
struct cm_ntauth_session;

/* config is borrowed and must outlive it.  NULL: detail says why. */
struct cm_ntauth_session *
cm_ntauth_session_open(const struct cm_directory_config *config,
                       int timeout_ms, struct cm_detail *detail);
void cm_ntauth_session_close(struct cm_ntauth_session *session);

/*
 * Reads the object, or what is missing above it.  CM_NTAUTH_DONE: the caller
 * clears out.  CM_NTAUTH_REFUSED: it may not be read, or what is missing above
 * it is not ours to create (only cn and ou are); CM_NTAUTH_LOST.
 */
enum cm_ntauth_end cm_ntauth_session_read(struct cm_ntauth_session *session,
                                          struct cm_ntauth_state *out,
                                          struct cm_detail *detail);

/*
 * Removes and adds values, in one operation where the object exists; creates
 * it otherwise, with what is missing above it.  state is what was read; a
 * value to be removed that is gone, or one to be added that has appeared, is
 * CM_NTAUTH_EDITED, and the values are as they were.  Names of entries that
 * were created are appended to *created, whatever comes after.
 */
enum cm_ntauth_end cm_ntauth_session_write(
    struct cm_ntauth_session *session, const struct cm_ntauth_state *state,
    const struct cm_ntauth_object *remove, const struct cm_ntauth_object *add,
    struct cm_text_list *created, struct cm_detail *detail);

#endif
