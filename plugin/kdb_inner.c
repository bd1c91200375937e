#include "kdb_inner.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <krb5.h>

static const char modules_section[] = "dbmodules";
static const char library_relation[] = "db_library";
static const char inner_relation[] = "certmap_inner";

bool
cm_kdb_inner_name_is_valid(const char *name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    size_t len = strlen(name);

    return len > 0 && len <= CM_KDB_INNER_MAX_NAME &&
           strspn(name, allowed) == len &&
           strcmp(name, CM_KDB_OUTER_NAME) != 0;
}

/* The values of a relation of one subsection, NULL-terminated; NULL: none. */
static char **
values_of(profile_t profile, const char *section, const char *relation)
{
    const char *names[] = {modules_section, section, relation, NULL};
    char **values = NULL;

    return profile_get_values(profile, names, &values) == 0 ? values : NULL;
}

static bool
is_ours(profile_t profile, const char *section)
{
    char **values = values_of(profile, section, library_relation);
    bool ours = values != NULL && values[0] != NULL &&
                strcmp(values[0], CM_KDB_OUTER_NAME) == 0;

    profile_free_list(values);
    return ours;
}

/* Takes what one subsection names into *name. */
static bool
take_names(profile_t profile, const char *section, char **name,
           struct cm_detail *detail)
{
    char **values = values_of(profile, section, inner_relation);
    bool ok = values != NULL && values[0] != NULL;

    if (!ok)
        cm_detail_set(detail,
                      "[dbmodules] %s: %s is missing; it names the module "
                      "that holds the database, such as db2",
                      section, inner_relation);
    for (size_t i = 0; ok && values[i] != NULL; i++) {
        if (!cm_kdb_inner_name_is_valid(values[i])) {
            cm_detail_set(detail,
                          "[dbmodules] %s: %s = %s: allowed: the name of "
                          "another KDB module, such as db2",
                          section, inner_relation, values[i]);
            ok = false;
        } else if (*name == NULL) {
            *name = strdup(values[i]);
            ok = *name != NULL;
        } else if (strcmp(*name, values[i]) != 0) {
            cm_detail_set(detail,
                          "[dbmodules] %s: %s = %s, and elsewhere %s: every "
                          "realm with db_library = %s needs the same",
                          section, inner_relation, values[i], *name,
                          CM_KDB_OUTER_NAME);
            ok = false;
        }
    }
    profile_free_list(values);
    return ok;
}

char *
cm_kdb_inner_name(profile_t profile, struct cm_detail *detail)
{
    const char *names[] = {modules_section, NULL};
    char **sections = NULL, *name = NULL;
    bool ok;

    cm_detail_set(detail, "no subsection of [dbmodules] has db_library = %s",
                  CM_KDB_OUTER_NAME);
    ok = profile_get_subsection_names(profile, names, &sections) == 0 &&
         sections != NULL;
    for (size_t i = 0; ok && sections[i] != NULL; i++) {
        if (is_ours(profile, sections[i]))
            ok = take_names(profile, sections[i], &name, detail);
    }
    profile_free_list(sections);
    if (ok)
        return name;
    free(name);
    return NULL;
}

/* Opens folder/name.so.  NULL with *there: it is there and will not do. */
static void *
open_in(const char *folder, const char *name, bool *there,
        struct cm_detail *detail)
{
    void *handle = NULL;
    const char *text;
    char *path;

    if (asprintf(&path, "%s/%s.so", folder, name) < 0)
        return NULL;
    *there = access(path, F_OK) == 0;
    if (*there) {
        handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        if (handle == NULL) {
            text = dlerror();
            cm_detail_set(detail, "%s: %s", path,
                          text != NULL ? text : "cannot be loaded");
        }
    }
    free(path);
    return handle;
}

static const char *
relation_of(const char *name)
{
    return strcmp(name, CM_KDB_OUTER_NAME) == 0 ? library_relation
                                                : inner_relation;
}

/* In the folders of db_module_dir, then in libkrb5's own. */
static void *
open_module(profile_t profile, const char *name, struct cm_detail *detail)
{
    const char *names[] = {modules_section, "db_module_dir", NULL};
    char **folders = NULL;
    void *handle = NULL;
    bool there = false;

    cm_detail_set(detail, "%s = %s: there is no %s.so in db_module_dir or %s",
                  relation_of(name), name, name, CERTMAP_KRB5_PLUGINS "/kdb");
    if (profile_get_values(profile, names, &folders) != 0)
        folders = NULL;
    for (size_t i = 0; !there && folders != NULL && folders[i] != NULL; i++)
        handle = open_in(folders[i], name, &there, detail);
    if (!there)
        handle = open_in(CERTMAP_KRB5_PLUGINS "/kdb", name, &there, detail);
    profile_free_list(folders);
    return handle;
}

const void *
cm_kdb_module_load(profile_t profile, const char *name,
                   struct cm_detail *detail)
{
    void *handle = open_module(profile, name, detail);
    const void *table =
        handle != NULL ? dlsym(handle, "kdb_function_table") : NULL;

    if (handle != NULL && table == NULL)
        cm_detail_set(detail, "%s = %s: it is no KDB module",
                      relation_of(name), name);
    return table;
}

const void *
cm_kdb_inner_find(profile_t profile, const void *own, struct cm_detail *detail)
{
    char *name = cm_kdb_inner_name(profile, detail);
    const void *table = NULL;

    if (name == NULL)
        return NULL;
    table = cm_kdb_module_load(profile, name, detail);
    if (table != NULL && table == own) {
        cm_detail_set(detail, "%s = %s: that is this module itself",
                      inner_relation, name);
        table = NULL;
    }
    free(name);
    return table;
}

const void *
cm_kdb_inner_load(const void *own, struct cm_detail *detail)
{
    krb5_context context = NULL;
    profile_t profile = NULL;
    const void *table = NULL;

    if (krb5_init_context_profile(NULL, KRB5_INIT_CONTEXT_KDC, &context) !=
            0 ||
        krb5_get_profile(context, &profile) != 0)
        cm_detail_set(detail, "the KDC's profile cannot be read");
    else
        table = cm_kdb_inner_find(profile, own, detail);
    if (profile != NULL)
        profile_release(profile);
    krb5_free_context(context);
    return table;
}
