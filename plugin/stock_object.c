#include "stock_object.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <profile.h>

enum {
    MAJOR = 1, /* of the kdcpreauth interface */
    MINOR = 2
};

typedef krb5_error_code initvt_fn(krb5_context context, int maj_ver,
                                  int min_ver, krb5_plugin_vtable vtable);

struct cm_stock_object {
    void *handle;
    initvt_fn *initvt;
    unsigned references;
};

krb5_context
cm_stock_context(struct cm_detail *detail)
{
    krb5_context context = NULL;
    krb5_error_code code;
    const char *text;

    code = krb5_init_context_profile(NULL, KRB5_INIT_CONTEXT_KDC, &context);
    if (code == 0)
        return context;
    text = krb5_get_error_message(NULL, code);
    cm_detail_set(detail, "cannot read the Kerberos configuration: %s", text);
    krb5_free_error_message(NULL, text);
    return NULL;
}

/* As libkrb5 finds its plugins; the caller frees it. */
static char *
default_path(struct cm_detail *detail)
{
    krb5_context context = cm_stock_context(detail);
    char *folder = NULL, *path = NULL;
    profile_t profile = NULL;

    if (context == NULL)
        return NULL;
    if (krb5_get_profile(context, &profile) != 0 ||
        profile_get_string(profile, "libdefaults", "plugin_base_dir", NULL,
                           CERTMAP_KRB5_PLUGINS, &folder) != 0 ||
        folder == NULL ||
        asprintf(&path, "%s/preauth/pkinit.so", folder) < 0) {
        cm_detail_set(detail, "the plugins' folder cannot be found");
        path = NULL;
    }
    profile_release_string(folder);
    if (profile != NULL)
        profile_release(profile);
    krb5_free_context(context);
    return path;
}

static const char *
linker_error(void)
{
    const char *text = dlerror();

    return text != NULL ? text : "unknown error";
}

static bool
load(struct cm_stock_object *object, const char *path,
     struct cm_detail *detail)
{
    object->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (object->handle == NULL) {
        cm_detail_set(detail, "cannot load stock PKINIT: %s", linker_error());
        return false;
    }
    *(void **)&object->initvt =
        dlsym(object->handle, "kdcpreauth_pkinit_initvt");
    if (object->initvt == NULL) {
        cm_detail_set(detail, "cannot use stock PKINIT: %s", linker_error());
        return false;
    }
    return true;
}

struct cm_stock_object *
cm_stock_object_open(const char *path, struct cm_detail *detail)
{
    struct cm_stock_object *object = calloc(1, sizeof(*object));
    char *found = NULL;

    if (object == NULL) {
        cm_detail_set(detail, "out of memory");
        return NULL;
    }
    object->references = 1;
    if (path == NULL)
        path = found = default_path(detail);
    if (path == NULL || !load(object, path, detail)) {
        cm_stock_object_release(object);
        object = NULL;
    }
    free(found);
    return object;
}

struct cm_stock_object *
cm_stock_object_hold(struct cm_stock_object *object)
{
    object->references++;
    return object;
}

void
cm_stock_object_release(struct cm_stock_object *object)
{
    if (object == NULL || --object->references > 0)
        return;
    if (object->handle != NULL)
        dlclose(object->handle);
    free(object);
}

bool
cm_stock_object_vtable(const struct cm_stock_object *object,
                       krb5_context context, krb5_kdcpreauth_vtable out,
                       struct cm_detail *detail)
{
    struct krb5_kdcpreauth_vtable_st vt;
    krb5_error_code code;
    const char *text;

    memset(&vt, 0, sizeof(vt));
    code = object->initvt(context, MAJOR, MINOR, (krb5_plugin_vtable)&vt);
    if (code != 0) {
        text = krb5_get_error_message(context, code);
        cm_detail_set(detail, "cannot use stock PKINIT: %s", text);
        krb5_free_error_message(context, text);
        return false;
    }
    /* What we call or hand on; without one of them it is another module. */
    if (vt.pa_type_list == NULL || vt.init == NULL || vt.fini == NULL ||
        vt.flags == NULL || vt.edata == NULL || vt.verify == NULL ||
        vt.return_padata == NULL) {
        cm_detail_set(detail, "cannot use stock PKINIT: it lacks a method");
        return false;
    }
    *out = vt;
    return true;
}
