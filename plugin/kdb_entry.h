/*
 * The only door to the KDC's database: kdb.h is included by kdb_entry.c and,
 * where a KDB module is written, by kdb_module*.c, and nowhere else.
 */
#ifndef CM_KDB_ENTRY_H
#define CM_KDB_ENTRY_H

#include <krb5.h>

#include "kdb_row.h"
#include "principal.h"
#include "schema.h"

struct _krb5_db_entry_new;

/* The canonical principal of an entry.  False: none, not representable, or no
 * memory. */
bool cm_kdb_principal(krb5_context context,
                      const struct _krb5_db_entry_new *entry,
                      struct cm_principal *out);

/*
 * The string attributes that make an account: altSecurityIdentities (also
 * .2, .3, ...), objectSid, userPrincipalName, as one entry without a DN.
 * False: no memory or an unreadable entry; out is zeroed.
 */
bool cm_kdb_strings(krb5_context context,
                    const struct _krb5_db_entry_new *entry,
                    struct cm_entry *out);

/*
 * For tools: opens the realm's database, hands the entry of the principal to
 * visit, and closes it.  Returns 0, KRB5_KDB_NOENTRY, or another krb5 code.
 */
krb5_error_code cm_kdb_with_entry(krb5_context context, const char *realm,
                                  const struct cm_principal *principal,
                                  void (*visit)(void *,
                                                struct _krb5_db_entry_new *),
                                  void *visit_context);

/* Calls visit for every principal until it returns false. */
krb5_error_code cm_kdb_each(krb5_context context, const char *realm,
                            bool (*visit)(void *, const struct cm_kdb_row *),
                            void *visit_context);

#endif
