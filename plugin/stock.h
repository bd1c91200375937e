/*
 * The stock PKINIT module, loaded by us, in generations.
 *
 * It reads anchors, pool and the KDC's certificate once, when it is
 * initialised.  So that a changed file needs no restart it is initialised
 * anew, in a krb5 context of its own, whenever one of the files that its
 * configuration names has changed; requests that an older generation has
 * begun end with that one.
 */
#ifndef CM_STOCK_H
#define CM_STOCK_H

#include <stdbool.h>

#include <krb5.h>
#include <krb5/kdcpreauth_plugin.h>

#include "detail.h"
#include "log.h"

enum { CM_STOCK_LOOK_MS = 500 /* files are looked at no more often */ };

struct cm_stock;

/* One initialised stock module. */
struct cm_generation {
    struct krb5_kdcpreauth_vtable_st vt;
    krb5_kdcpreauth_moddata moddata;
    unsigned long number; /* 1, 2, ... */
    krb5_context context; /* private to stock.c, as all below */
    unsigned references;
};

/*
 * Loads the shared object and the first generation.  realms is the KDC's
 * NULL-terminated list, borrowed as long as the handle lives; log is copied.
 * path NULL: where the krb5 installation keeps it.
 *
 * A stock module that cannot be loaded or initialised (a missing key file) is
 * no failure here: there is no generation until it can, and the log says why.
 * NULL: no memory.
 */
struct cm_stock *cm_stock_new(const char *path, const char **realms,
                              const struct cm_log *log);
/* Generations that are still held live until they are released. */
void cm_stock_free(struct cm_stock *stock);

/* The vtable before anything is initialised: pa_type_list, flags.  False: the
 * object cannot be loaded; detail says why. */
bool cm_stock_vtable(struct cm_stock *stock, krb5_kdcpreauth_vtable out,
                     struct cm_detail *detail);

/*
 * The generation in force at now_ms (monotonic); held for the caller, who
 * gives it back with cm_generation_release().  Where changed files do not
 * load, the last one stays in force and the log says so, once for each
 * change.  NULL: there is none; detail says why.
 *
 * Called on the loop's thread only.
 */
struct cm_generation *cm_stock_current(struct cm_stock *stock, int64_t now_ms,
                                       struct cm_detail *detail);
struct cm_generation *cm_generation_hold(struct cm_generation *generation);
void cm_generation_release(struct cm_generation *generation);

#endif
