/*
 * One account of the realm's directory, whichever it is: read, compared with
 * others, written.
 */
#ifndef CM_ACCOUNT_STORE_H
#define CM_ACCOUNT_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "account.h"
#include "change.h"
#include "edit.h"
#include "kdb_write.h"
#include "principal.h"
#include "target.h"

struct cm_account_store {
    struct cm_tool *tool;
    struct cm_target *target;
    const struct cm_principal *principal;
    int64_t now;
    struct cm_account account; /* as it was read last */
    /* directory = kdb */
    struct cm_kdb_writer *writer;
    struct cm_kdb_account kdb;
};

/*
 * Finds the one account of the principal and reads it.  Everything but the
 * store is borrowed.  CM_EXIT_YES, or an error was printed and the store is
 * closed: CM_EXIT_NO where there is no account or more than one.
 */
enum cm_exit cm_account_store_open(struct cm_tool *tool,
                                   struct cm_target *target,
                                   const struct cm_principal *principal,
                                   int64_t now, struct cm_account_store *out);
void cm_account_store_close(struct cm_account_store *store);

/* Reads it again.  As cm_account_store_open(). */
enum cm_exit cm_account_store_reread(struct cm_account_store *store);

/* The other accounts that hold a value which the candidate matches.  False:
 * not all could be seen, an error was printed. */
bool cm_account_store_holders(struct cm_account_store *store,
                              const struct cm_candidate *candidate,
                              struct cm_edit_holders *out);

/* The attribute of mapping values. */
const char *cm_account_store_attribute(const struct cm_account_store *store);

/*
 * Writes a change of mapping values that begins from the account as it was
 * read.  CM_EXIT_YES, or an error was printed: CM_EXIT_NO where nothing was
 * written, CM_EXIT_UNAVAILABLE where that is not certain or nobody answered.
 */
enum cm_exit cm_account_store_write(struct cm_account_store *store,
                                    const struct cm_change *change);

/* Appends what writing would do: LDIF, or commands of kadmin.local(8).
 * False: no memory. */
bool cm_account_store_plan(const struct cm_account_store *store,
                           const struct cm_change *change, struct cm_buf *out);

/*
 * PRINCIPAL of the command line, in its own realm, -r's or the default one;
 * options->realm then names its realm.  False: an error was printed.
 */
bool cm_account_principal(struct cm_options *options, const char *text,
                          struct cm_principal *out);

#endif
