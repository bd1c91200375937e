/*
 * The stock PKINIT's shared object, open as long as somebody holds it.
 */
#ifndef CM_STOCK_OBJECT_H
#define CM_STOCK_OBJECT_H

#include <stdbool.h>

#include <krb5.h>
#include <krb5/kdcpreauth_plugin.h>

#include "detail.h"

struct cm_stock_object;

/* A krb5 context as the KDC has it; the caller frees it.  NULL: detail says
 * why. */
krb5_context cm_stock_context(struct cm_detail *detail);

/* path NULL: where libkrb5 looks for its plugins.  NULL: detail says why. */
struct cm_stock_object *cm_stock_object_open(const char *path,
                                             struct cm_detail *detail);
struct cm_stock_object *cm_stock_object_hold(struct cm_stock_object *object);
void cm_stock_object_release(struct cm_stock_object *object);

/* Fills the vtable.  False: the object is not what we can work with; detail
 * says why. */
bool cm_stock_object_vtable(const struct cm_stock_object *object,
                            krb5_context context, krb5_kdcpreauth_vtable out,
                            struct cm_detail *detail);

#endif
