/*
 * What the files of the KDB module share.
 *
 * libkdb5 hands a module nothing of its own to keep, and the database object
 * of a context belongs to the module below.  So what there is is the
 * process's: the table that we stand on, and the realms, behind a lock.
 */
#ifndef CM_KDB_MODULE_PARTS_H
#define CM_KDB_MODULE_PARTS_H

#include <stdbool.h>

#include <krb5.h>

#include "kdb_lookup.h"
#include "realm.h"

struct _krb5_db_entry_new;
struct _kdb_vftabl;

/* The table that we stand on; its methods may be NULL, as libkdb5 says which
 * are optional. */
const struct _kdb_vftabl *cm_kdb_module_inner(void);

/* ---- kdb_module_state.c: the realms, under the lock ---- */

/* Waits for the lock. */
void cm_kdb_module_lock(void);
void cm_kdb_module_unlock(void);
/* Forgets every realm, as the library is closed. */
void cm_kdb_module_forget(void);

/* What a realm needs to find accounts. */
struct cm_kdb_module_realm {
    struct cm_realms *realms;
    const struct cm_realm *realm; /* ready, with mode = enforce */
    struct cm_kdb_lookup *lookup;
};

enum cm_kdb_module_state {
    CM_KDB_MODULE_OURS,  /* out is filled */
    CM_KDB_MODULE_NOT,   /* no certmap subsection, mode = off or observe, or
                          * not the realm that the context is for */
    CM_KDB_MODULE_BROKEN /* its configuration does not hold, or no memory */
};
enum cm_kdb_module_state cm_kdb_module_realm(krb5_context context,
                                             const krb5_data *name,
                                             struct cm_kdb_module_realm *out);

/* ---- kdb_module_entry.c: entries that are not as the database has them ----
 *
 * They carry a mark, which is never stored: the KDC's audit of a login writes
 * the entry that it was given, so that gets the database's own. */

enum cm_kdb_mark {
    CM_KDB_MARK_NONE,
    CM_KDB_MARK_FOUND, /* a real account, by its UPN */
    CM_KDB_MARK_CARD,  /* a real account, by a mapping: a card must prove it */
    CM_KDB_MARK_NOBODY, /* a stand-in */
    CM_KDB_MARK_OTHER   /* not ours to read: refused */
};
enum cm_kdb_mark cm_kdb_mark_of(const struct _krb5_db_entry_new *entry);
krb5_error_code cm_kdb_mark(struct _krb5_db_entry_new *entry,
                            enum cm_kdb_mark mark);

/* Nothing but a card can prove this client: takes its keys away, and what a
 * one-time password would need, and asks for preauthentication. */
krb5_error_code cm_kdb_card_only(krb5_context context,
                                 struct _krb5_db_entry_new *entry);

/* An account that is not told of to the client: the log says why. */
void cm_kdb_log_nobodys(krb5_context context, const struct cm_log *log,
                        const struct _krb5_db_entry_new *entry,
                        const char *why);

/* Would the KDC say before any preauthentication that it is disabled, expired
 * or has to change its password?  Whoever knows a mapping would hear it. */
bool cm_kdb_is_told_early(const struct _krb5_db_entry_new *entry,
                          krb5_timestamp now);

/* A client that is nobody, looking like an account without keys. */
krb5_error_code cm_kdb_nobody(krb5_context context, const krb5_data *realm,
                              struct _krb5_db_entry_new **out);

/* Makes an entry nobody's where it lies.  With an error it is as it was. */
krb5_error_code cm_kdb_become_nobody(krb5_context context,
                                     struct _krb5_db_entry_new *entry);

/* ---- kdb_module_names.c ---- */

/* As the method of the table: what the module below does not know may be a
 * client's other name. */
krb5_error_code cm_kdb_get_principal(krb5_context context,
                                     krb5_const_principal name,
                                     unsigned int flags,
                                     struct _krb5_db_entry_new **out);

/* The entry of a principal, from the module below.  KRB5_KDB_NOENTRY also
 * for one that libkrb5 cannot have. */
krb5_error_code cm_kdb_inner_entry(krb5_context context,
                                   const struct cm_principal *principal,
                                   unsigned int flags,
                                   struct _krb5_db_entry_new **out);

/* ---- kdb_module_s4u.c ---- */

/* As the method of the table. */
krb5_error_code cm_kdb_get_s4u(krb5_context context,
                               const krb5_data *certificate,
                               krb5_const_principal name, unsigned int flags,
                               struct _krb5_db_entry_new **out);

#endif
