#include "kdb_write.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <krb5.h>

#include <kadm5/admin.h>

struct cm_kdb_writer {
    krb5_context context;
    void *handle; /* of libkadm5srv */
    bool locked;
};

/* ---- Opening ---- */

static void
say(struct cm_kdb_writer *writer, const char *what, kadm5_ret_t code,
    struct cm_detail *detail)
{
    const char *text =
        krb5_get_error_message(writer->context, (krb5_error_code)code);

    cm_detail_set(detail, "%s: %s", what, text);
    krb5_free_error_message(writer->context, text);
}

/* Who changed an entry, as kadmin.local writes it there. */
static void
caller_name(const char *realm, char *out, size_t size)
{
    const struct passwd *user = getpwuid(geteuid());

    (void)snprintf(out, size, "%s/admin@%s",
                   user != NULL ? user->pw_name : "root", realm);
}

static kadm5_ret_t
open_handle(struct cm_kdb_writer *writer, const char *realm)
{
    kadm5_config_params params;
    char caller[CM_PRINCIPAL_MAX_TEXT], no_password[] = "";
    char service[] = KADM5_ADMIN_SERVICE;
    char *copy = strdup(realm);
    kadm5_ret_t code;

    if (copy == NULL)
        return KADM5_FAILURE;
    memset(&params, 0, sizeof(params));
    params.mask = KADM5_CONFIG_REALM;
    params.realm = copy;
    caller_name(realm, caller, sizeof(caller));
    code = kadm5_init_with_password(
        writer->context, caller, no_password, service, &params,
        KADM5_STRUCT_VERSION, KADM5_API_VERSION_4, NULL, &writer->handle);
    free(copy);
    if (code != 0)
        writer->handle = NULL;
    return code != 0 ? code : kadm5_init_iprop(writer->handle, NULL);
}

struct cm_kdb_writer *
cm_kdb_writer_open(const char *realm, struct cm_detail *detail)
{
    struct cm_kdb_writer *writer = calloc(1, sizeof(*writer));
    kadm5_ret_t code;

    if (writer == NULL) {
        cm_detail_set(detail, "out of memory");
        return NULL;
    }
    code = kadm5_init_krb5_context(&writer->context);
    if (code == 0)
        code = open_handle(writer, realm);
    if (code == 0)
        return writer;
    say(writer, "the realm's database cannot be opened for writing", code,
        detail);
    cm_kdb_writer_close(writer);
    return NULL;
}

void
cm_kdb_writer_close(struct cm_kdb_writer *writer)
{
    if (writer == NULL)
        return;
    if (writer->handle != NULL)
        (void)kadm5_destroy(writer->handle);
    krb5_free_context(writer->context);
    free(writer);
}

/* ---- Reading ---- */

static kadm5_ret_t
read_strings(struct cm_kdb_writer *writer, krb5_principal princ,
             struct cm_kdb_account *out)
{
    krb5_string_attr *strings = NULL;
    kadm5_ret_t code;
    int count = 0;

    code = kadm5_get_strings(writer->handle, princ, &strings, &count);
    if (code != 0)
        return code;
    for (int i = 0; code == 0 && i < count; i++) {
        if (!cm_kdb_account_add(out, strings[i].key, strings[i].value))
            code = KADM5_FAILURE;
    }
    (void)kadm5_free_strings(writer->handle, strings, count);
    return code;
}

static unsigned
newest_key(const kadm5_principal_ent_rec *entry)
{
    unsigned kvno = 0;

    for (int i = 0; i < entry->n_key_data; i++) {
        if (entry->key_data[i].key_data_kvno > kvno)
            kvno = entry->key_data[i].key_data_kvno;
    }
    return kvno;
}

/* Times of the database count from 1970 without a sign. */
static int64_t
time_of(krb5_timestamp when)
{
    return (int64_t)(uint32_t)when;
}

static kadm5_ret_t
read_entry(struct cm_kdb_writer *writer, krb5_principal princ,
           struct cm_kdb_account *out)
{
    kadm5_principal_ent_rec entry;
    kadm5_ret_t code;

    memset(&entry, 0, sizeof(entry));
    code = kadm5_get_principal(writer->handle, princ, &entry,
                               KADM5_PRINCIPAL_NORMAL_MASK | KADM5_KEY_DATA);
    if (code != 0)
        return code;
    out->requires_preauth =
        (entry.attributes & KRB5_KDB_REQUIRES_PRE_AUTH) != 0;
    out->requires_hwauth = (entry.attributes & KRB5_KDB_REQUIRES_HW_AUTH) != 0;
    out->disabled = (entry.attributes & KRB5_KDB_DISALLOW_ALL_TIX) != 0;
    out->expires = time_of(entry.princ_expire_time);
    out->pw_expires = time_of(entry.pw_expiration);
    out->kvno = newest_key(&entry);
    (void)kadm5_free_principal_ent(writer->handle, &entry);
    return read_strings(writer, princ, out);
}

static enum cm_kdb_result
finish(struct cm_kdb_writer *writer, const char *what, kadm5_ret_t code,
       const struct cm_principal *principal, struct cm_detail *detail)
{
    if (code == 0)
        return CM_KDB_DONE;
    if (code == KADM5_UNK_PRINC) {
        cm_detail_set(detail, "the database has no entry %s", principal->text);
        return CM_KDB_ABSENT;
    }
    say(writer, what, code, detail);
    return CM_KDB_UNAVAILABLE;
}

enum cm_kdb_result
cm_kdb_writer_read(struct cm_kdb_writer *writer,
                   const struct cm_principal *principal,
                   struct cm_kdb_account *out, struct cm_detail *detail)
{
    struct cm_kdb_account account = {0};
    krb5_principal princ = NULL;
    kadm5_ret_t code;

    memset(out, 0, sizeof(*out));
    code = krb5_parse_name(writer->context, principal->text, &princ);
    if (code == 0)
        code = read_entry(writer, princ, &account);
    krb5_free_principal(writer->context, princ);
    if (code == 0)
        *out = account;
    else
        cm_kdb_account_clear(&account);
    return finish(writer, "the entry cannot be read", code, principal, detail);
}

/* ---- Writing ---- */

/* Not every database has a lock; then what is compared may change between. */
static kadm5_ret_t
lock(struct cm_kdb_writer *writer)
{
    kadm5_ret_t code = kadm5_lock(writer->handle);

    writer->locked = code == 0;
    return code == KRB5_PLUGIN_OP_NOTSUPP ? 0 : code;
}

static void
unlock(struct cm_kdb_writer *writer)
{
    if (writer->locked)
        (void)kadm5_unlock(writer->handle);
    writer->locked = false;
}

static bool
is_same(const struct cm_kdb_account *a, const struct cm_kdb_account *b)
{
    const char *other;

    if (a->count != b->count || a->requires_preauth != b->requires_preauth ||
        a->requires_hwauth != b->requires_hwauth ||
        a->disabled != b->disabled || a->expires != b->expires ||
        a->pw_expires != b->pw_expires || a->kvno != b->kvno)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        other = cm_kdb_account_get(b, a->strings[i].key);
        if (other == NULL || strcmp(other, a->strings[i].value) != 0)
            return false;
    }
    return true;
}

static const struct cm_kdb_string *
find_set(const struct cm_kdb_change *change, const char *key)
{
    for (size_t i = 0; i < change->set_count; i++) {
        if (strcmp(change->set[i].key, key) == 0)
            return &change->set[i];
    }
    return NULL;
}

static size_t
size_of(const char *key, const char *value)
{
    return strlen(key) + strlen(value) + 2;
}

/* All strings after the change, as the entry holds them. */
static bool
fits(const struct cm_kdb_account *was, const struct cm_kdb_change *change)
{
    size_t size = 0;

    for (size_t i = 0; i < was->count; i++) {
        if (find_set(change, was->strings[i].key) == NULL)
            size += size_of(was->strings[i].key, was->strings[i].value);
    }
    for (size_t i = 0; i < change->set_count; i++) {
        if (change->set[i].value != NULL)
            size += size_of(change->set[i].key, change->set[i].value);
    }
    return size <= CM_KDB_MAX_STRINGS;
}

static kadm5_ret_t
change_flags(struct cm_kdb_writer *writer, krb5_principal princ,
             const struct cm_kdb_change *change)
{
    kadm5_principal_ent_rec entry;
    kadm5_ret_t code;
    long mask = KADM5_ATTRIBUTES;

    if (!change->preauth_on && !change->hwauth_on && !change->hwauth_off &&
        !change->random_keys)
        return 0;
    memset(&entry, 0, sizeof(entry));
    code = kadm5_get_principal(writer->handle, princ, &entry,
                               KADM5_PRINCIPAL_NORMAL_MASK);
    if (code != 0)
        return code;
    if (change->preauth_on)
        entry.attributes |= KRB5_KDB_REQUIRES_PRE_AUTH;
    if (change->hwauth_on)
        entry.attributes |= KRB5_KDB_REQUIRES_HW_AUTH;
    if (change->hwauth_off)
        entry.attributes &= ~KRB5_KDB_REQUIRES_HW_AUTH;
    if (change->random_keys) {
        /* Nobody could change a password that nobody knows. */
        entry.attributes &= ~KRB5_KDB_REQUIRES_PWCHANGE;
        entry.pw_expiration = 0;
        mask |= KADM5_PW_EXPIRATION;
    }
    code = kadm5_modify_principal(writer->handle, &entry, mask);
    (void)kadm5_free_principal_ent(writer->handle, &entry);
    return code;
}

static kadm5_ret_t
apply(struct cm_kdb_writer *writer, krb5_principal princ,
      const struct cm_kdb_change *change)
{
    kadm5_ret_t code = 0;

    if (change->random_keys)
        code = kadm5_randkey_principal_3(writer->handle, princ, FALSE, 0, NULL,
                                         NULL, NULL);
    if (code == 0)
        code = change_flags(writer, princ, change);
    for (size_t i = 0; code == 0 && i < change->set_count; i++)
        code = kadm5_set_string(writer->handle, princ, change->set[i].key,
                                change->set[i].value);
    return code;
}

static enum cm_kdb_result
change_locked(struct cm_kdb_writer *writer,
              const struct cm_principal *principal, krb5_principal princ,
              const struct cm_kdb_account *was,
              const struct cm_kdb_change *change, struct cm_detail *detail)
{
    struct cm_kdb_account now = {0};
    kadm5_ret_t code = read_entry(writer, princ, &now);
    bool same = code == 0 && is_same(was, &now);

    cm_kdb_account_clear(&now);
    if (code == 0 && !same) {
        cm_detail_set(detail, "the entry %s was changed meanwhile",
                      principal->text);
        return CM_KDB_CONFLICT;
    }
    if (code == 0)
        code = apply(writer, princ, change);
    return finish(writer, "the entry cannot be written", code, principal,
                  detail);
}

enum cm_kdb_result
cm_kdb_writer_change(struct cm_kdb_writer *writer,
                     const struct cm_principal *principal,
                     const struct cm_kdb_account *was,
                     const struct cm_kdb_change *change,
                     struct cm_detail *detail)
{
    enum cm_kdb_result result = CM_KDB_UNAVAILABLE;
    krb5_principal princ = NULL;
    kadm5_ret_t code;

    if (!fits(was, change)) {
        cm_detail_set(detail,
                      "all strings of an entry share %d bytes, and those of "
                      "%s would take more",
                      (int)CM_KDB_MAX_STRINGS, principal->text);
        return CM_KDB_TOO_LARGE;
    }
    code = krb5_parse_name(writer->context, principal->text, &princ);
    if (code == 0)
        code = lock(writer);
    if (code == 0)
        result = change_locked(writer, principal, princ, was, change, detail);
    else
        say(writer, "the database cannot be locked; try again", code, detail);
    unlock(writer);
    krb5_free_principal(writer->context, princ);
    return result;
}
