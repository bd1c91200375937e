/*
 * Writing the mapping values of one account.
 */
#include "account_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

enum { MAX_KEY = 40 };

/* ---- The KDC's database: one string for each value ---- */

/* A change of values as one of strings; the keys are owned. */
struct strings {
    struct cm_kdb_string *set;
    size_t count;
};

static void
strings_clear(struct strings *strings)
{
    for (size_t i = 0; i < strings->count; i++)
        free(strings->set[i].key);
    free(strings->set);
}

static bool
is_taken(const struct cm_kdb_account *kdb, const struct strings *strings,
         const char *key)
{
    for (size_t i = 0; i < kdb->count; i++) {
        if (cm_text_equal_fold(kdb->strings[i].key, key))
            return true;
    }
    for (size_t i = 0; i < strings->count; i++) {
        if (cm_text_equal_fold(strings->set[i].key, key))
            return true;
    }
    return false;
}

/* altSecurityIdentities, or that with the least number that is free. */
static char *
free_key(const struct cm_account_store *store, const struct strings *strings)
{
    char key[MAX_KEY];

    (void)snprintf(key, sizeof(key), "%s", cm_account_store_attribute(store));
    for (unsigned n = 2; is_taken(&store->kdb, strings, key); n++)
        (void)snprintf(key, sizeof(key), "%s.%u",
                       cm_account_store_attribute(store), n);
    return strdup(key);
}

/* The string that holds a value and does not go yet. */
static const char *
key_of(const struct cm_kdb_account *kdb, const struct strings *strings,
       const struct cm_value *value)
{
    for (size_t i = 0; i < kdb->count; i++) {
        const struct cm_kdb_string *string = &kdb->strings[i];

        if (cm_kdb_is_mapping(string->key) &&
            strlen(string->value) == value->len &&
            memcmp(string->value, value->data, value->len) == 0 &&
            !is_taken(&(struct cm_kdb_account){0}, strings, string->key))
            return string->key;
    }
    return NULL;
}

static bool
put(struct strings *strings, char *key, char *value)
{
    if (key == NULL)
        return false;
    strings->set[strings->count].key = key;
    strings->set[strings->count].value = value;
    strings->count++;
    return true;
}

/* The values are borrowed from the change. */
static bool
strings_of(const struct cm_account_store *store,
           const struct cm_change *change, struct strings *out)
{
    const struct cm_change_part *part = &change->parts[0];
    const char *key;
    bool ok;

    memset(out, 0, sizeof(*out));
    out->set =
        calloc(part->remove_count + part->add_count + 1, sizeof(*out->set));
    ok = out->set != NULL;
    for (size_t i = 0; ok && i < part->remove_count; i++) {
        key = key_of(&store->kdb, out, &part->remove[i]);
        ok = key == NULL || put(out, strdup(key), NULL);
    }
    for (size_t i = 0; ok && i < part->add_count; i++)
        ok = put(out, free_key(store, out), part->add[i].data);
    return ok;
}

static enum cm_exit
say_kdb_result(struct cm_account_store *store, enum cm_kdb_result result,
               const struct cm_detail *detail)
{
    switch (result) {
    case CM_KDB_DONE:
        return CM_EXIT_YES;
    case CM_KDB_ABSENT:
    case CM_KDB_CONFLICT:
    case CM_KDB_TOO_LARGE:
        cm_tool_error(store->tool, "%s; nothing was changed", detail->text);
        return CM_EXIT_NO;
    case CM_KDB_UNAVAILABLE:
        break;
    }
    cm_tool_error(store->tool, "%s", detail->text);
    return CM_EXIT_UNAVAILABLE;
}

static enum cm_exit
write_kdb(struct cm_account_store *store, const struct cm_change *change)
{
    struct cm_detail detail = {"out of memory"};
    enum cm_kdb_result result = CM_KDB_UNAVAILABLE;
    struct strings strings;

    if (strings_of(store, change, &strings)) {
        const struct cm_kdb_change sets = {.set = strings.set,
                                           .set_count = strings.count};

        result = cm_kdb_writer_change(store->writer, store->principal,
                                      &store->kdb, &sets, &detail);
    }
    strings_clear(&strings);
    return say_kdb_result(store, result, &detail);
}

/* ---- LDAP ---- */

static enum cm_exit
write_ldap(struct cm_account_store *store, const struct cm_change *change)
{
    struct cm_detail detail = {""};
    struct cm_tool *tool = store->tool;

    switch (cm_edit_apply(store->target->directory, change, CM_EDIT_TIMEOUT_MS,
                          &detail)) {
    case CM_EDIT_WRITTEN:
        return CM_EXIT_YES;
    case CM_EDIT_CONFLICT:
        cm_tool_error(tool,
                      "the account was changed meanwhile, or the directory "
                      "takes two values for one; nothing was written; look "
                      "with \"certmap map list\" and try again (%s)",
                      detail.text);
        return CM_EXIT_NO;
    case CM_EDIT_REFUSED:
        cm_tool_error(tool, "the directory refuses the change of %s: %s",
                      change->dn, detail.text);
        return CM_EXIT_NO;
    case CM_EDIT_UNSENT:
        cm_tool_error(tool, "nothing was written: %s", detail.text);
        return CM_EXIT_UNAVAILABLE;
    case CM_EDIT_TIMEOUT:
    case CM_EDIT_UNKNOWN:
        break;
    }
    cm_tool_error(tool,
                  "it is not known whether the change was made (%s); look "
                  "with \"certmap map list %s\", and run this again: it "
                  "writes nothing twice",
                  detail.text, store->principal->text);
    return CM_EXIT_UNAVAILABLE;
}

enum cm_exit
cm_account_store_write(struct cm_account_store *store,
                       const struct cm_change *change)
{
    switch (store->target->directory->kind) {
    case CM_DIRECTORY_KDB:
        return write_kdb(store, change);
    case CM_DIRECTORY_LDAP:
        return write_ldap(store, change);
    case CM_DIRECTORY_LDIF:
        break;
    }
    cm_tool_error(store->tool,
                  "the realm's directory is the LDIF file %s, which is only "
                  "read; -n shows the change",
                  store->target->directory->ldif_path);
    return CM_EXIT_USAGE;
}

/* ---- What would be done ---- */

/* A word of kadmin.local(8): quotation marks are doubled. */
static void
add_quoted(struct cm_buf *out, const char *text)
{
    cm_buf_add_text(out, " \"");
    for (; *text != '\0'; text++) {
        if (*text == '"')
            cm_buf_add_char(out, '"');
        cm_buf_add_char(out, *text);
    }
    cm_buf_add_char(out, '"');
}

static bool
plan_kdb(const struct cm_account_store *store, const struct cm_change *change,
         struct cm_buf *out)
{
    struct strings strings;
    bool ok = strings_of(store, change, &strings);

    for (size_t i = 0; ok && i < strings.count; i++) {
        const struct cm_kdb_string *set = &strings.set[i];

        cm_buf_add_text(out, set->value != NULL ? "set_string" : "del_string");
        add_quoted(out, store->principal->text);
        add_quoted(out, set->key);
        if (set->value != NULL)
            add_quoted(out, set->value);
        cm_buf_add_char(out, '\n');
    }
    strings_clear(&strings);
    return ok && !out->failed;
}

bool
cm_account_store_plan(const struct cm_account_store *store,
                      const struct cm_change *change, struct cm_buf *out)
{
    return store->target->directory->kind == CM_DIRECTORY_KDB
               ? plan_kdb(store, change, out)
               : cm_change_ldif(change, out);
}
