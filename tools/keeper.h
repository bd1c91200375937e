/*
 * The realms of this host, grouped by the store that they keep their
 * revocation data in: for refresh and status.
 *
 * All realms with a certmap subsection are loaded, whatever -r says: what one
 * of them trusts must not be dropped from a store because another one was
 * asked about.
 */
#ifndef CM_KEEPER_H
#define CM_KEEPER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config_host.h"
#include "refresh_sources.h"
#include "stock_own.h"
#include "tool.h"

struct cm_keeper_realm {
    char *name;
    struct cm_settings settings;
    char *store;   /* the path, as the file system knows it */
    bool selected; /* by -r, or all */
    struct cm_trust *trust;
    struct cm_snapshot *snapshot; /* NULL: it could not be loaded */
    struct cm_detail why;         /* then */
    struct cm_own_files own_files;
    struct cm_own own;        /* the KDC's certificate; cert NULL: none */
    struct cm_detail own_why; /* then */
};

struct cm_keeper {
    struct cm_tool *tool;
    struct cm_host *host;
    struct cm_log *log; /* owned: what holds it stays when this is moved */
    struct cm_keeper_realm *realms;
    size_t count;
    bool broken;                /* some realm's subsection could not be read */
    bool unsettled;             /* the same of a selected realm */
    struct cm_text_list stores; /* of the selected realms */
};

/*
 * Reads the configuration; realm NULL: all.  CM_EXIT_YES also where some
 * realm is broken; else errors are printed.  The caller closes it in any
 * case.  Move it by cm_keeper_move() only.
 */
enum cm_exit cm_keeper_open(struct cm_keeper *keeper, struct cm_tool *tool,
                            const char *kdc_conf, const char *realm);
void cm_keeper_close(struct cm_keeper *keeper);

/* Moves an open one; `to` holds nothing. */
void cm_keeper_move(struct cm_keeper *from, struct cm_keeper *to);

/* Loads whom each realm trusts and what its KDC's certificate is, as the
 * files say now. */
void cm_keeper_look(struct cm_keeper *keeper);

/*
 * Every certificate that a realm of the store trusts.  *whole: those are all
 * there are.  NULL: no memory.  The caller releases it.
 */
struct cm_snapshot *cm_keeper_trusted(const struct cm_keeper *keeper,
                                      const char *store, bool *whole);

/* The selected realms of the store whose trust could be loaded, and behind
 * them one for each of their KDCs' certificates that could.  The caller frees
 * *out.  False: no memory. */
bool cm_keeper_realms(const struct cm_keeper *keeper, const char *store,
                      struct cm_refresh_realm **out, size_t *count);

/* Does one of the selected realms keep its data in the store? */
bool cm_keeper_uses(const struct cm_keeper_realm *realm, const char *store);

#endif
