#include "config_host.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <krb5.h>
#include <profile.h>

#include "config.h"
#include "kdb_entry.h"
#include "kdb_inner.h"
#include "stock_own.h"

struct cm_host {
    krb5_context context;
    profile_t merged;
    profile_t kdc_conf; /* NULL: there is no such file */
    struct cm_text_list files;
};

static void
say_code(struct cm_host *host, const char *what, long code,
         struct cm_detail *detail)
{
    const char *text =
        krb5_get_error_message(host->context, (krb5_error_code)code);

    cm_detail_set(detail, "%s: %s", what, text);
    krb5_free_error_message(host->context, text);
}

/* A file named on the command line must be there: krb5 would do without. */
static bool
name_kdc_conf(const char *path, struct cm_detail *detail)
{
    if (access(path, R_OK) != 0) {
        cm_detail_set(detail, "cannot open %s: %s", path, strerror(errno));
        return false;
    }
    if (setenv("KRB5_KDC_PROFILE", path, 1) != 0) {
        cm_detail_set(detail, "out of memory");
        return false;
    }
    return true;
}

/*
 * kdc.conf by itself.  A missing one is no error, as for krb5kdc; one that
 * may not be read is: the library would pass over it without a word.
 */
static bool
open_kdc_conf(struct cm_host *host, struct cm_detail *detail)
{
    const char *names[] = {NULL, NULL};
    long code;

    if (host->files.count == 0)
        return true;
    names[0] = host->files.items[0];
    if (access(names[0], R_OK) != 0) {
        if (errno == ENOENT)
            return true;
        cm_detail_set(detail, "cannot open %s: %s", names[0], strerror(errno));
        return false;
    }
    code = profile_init(names, &host->kdc_conf);
    if (code == 0)
        return true;
    say_code(host, names[0], code, detail);
    return false;
}

static bool
open_host(struct cm_host *host, struct cm_detail *detail)
{
    krb5_error_code code;

    code =
        krb5_init_context_profile(NULL, KRB5_INIT_CONTEXT_KDC, &host->context);
    if (code != 0) {
        say_code(host, "cannot read the Kerberos configuration", code, detail);
        return false;
    }
    code = krb5_get_profile(host->context, &host->merged);
    if (code != 0) {
        say_code(host, "cannot read the Kerberos configuration", code, detail);
        return false;
    }
    if (!cm_config_files(&host->files)) {
        cm_detail_set(detail, "out of memory");
        return false;
    }
    return open_kdc_conf(host, detail);
}

struct cm_host *
cm_host_open(const char *kdc_conf, struct cm_detail *detail)
{
    struct cm_host *host;

    if (kdc_conf != NULL && !name_kdc_conf(kdc_conf, detail))
        return NULL;
    host = calloc(1, sizeof(*host));
    if (host == NULL) {
        cm_detail_set(detail, "out of memory");
        return NULL;
    }
    if (open_host(host, detail))
        return host;
    cm_host_close(host);
    return NULL;
}

void
cm_host_close(struct cm_host *host)
{
    if (host == NULL)
        return;
    if (host->kdc_conf != NULL)
        profile_release(host->kdc_conf);
    if (host->merged != NULL)
        profile_release(host->merged);
    krb5_free_context(host->context);
    cm_text_list_clear(&host->files);
    free(host);
}

const struct cm_text_list *
cm_host_files(const struct cm_host *host)
{
    return &host->files;
}

bool
cm_host_same_profile(const char *kdc_profile, const char *krb5_config)
{
    const char *ours = getenv("KRB5_KDC_PROFILE");
    const char *our_config = getenv("KRB5_CONFIG");

    return strcmp(kdc_profile != NULL ? kdc_profile : CERTMAP_KDC_CONF,
                  ours != NULL ? ours : CERTMAP_KDC_CONF) == 0 &&
           strcmp(krb5_config != NULL ? krb5_config : CERTMAP_KRB5_CONF,
                  our_config != NULL ? our_config : CERTMAP_KRB5_CONF) == 0;
}

char *
cm_host_default_realm(struct cm_host *host)
{
    char *realm = NULL, *copy;

    if (krb5_get_default_realm(host->context, &realm) != 0)
        return NULL;
    copy = strdup(realm);
    krb5_free_default_realm(host->context, realm);
    return copy;
}

static profile_t
profile_of(const struct cm_host *host, enum cm_host_scope scope)
{
    return scope == CM_HOST_MERGED ? host->merged : host->kdc_conf;
}

bool
cm_host_realms(struct cm_host *host, enum cm_host_scope scope,
               struct cm_text_list *out)
{
    const char *names[] = {"realms", NULL};
    profile_t profile = profile_of(host, scope);
    char **realms = NULL;
    bool ok = true;

    if (profile == NULL ||
        profile_get_subsection_names(profile, names, &realms) != 0)
        return true;
    for (char **realm = realms; ok && *realm != NULL; realm++)
        ok = cm_text_list_has(out, *realm) || cm_text_list_add(out, *realm);
    profile_free_list(realms);
    return ok;
}

bool
cm_host_values(struct cm_host *host, enum cm_host_scope scope,
               const char *const *names, struct cm_text_list *out)
{
    profile_t profile = profile_of(host, scope);
    char **values = NULL;
    bool ok = true;

    if (profile == NULL || profile_get_values(profile, names, &values) != 0)
        return true;
    for (char **value = values; ok && *value != NULL; value++)
        ok = cm_text_list_add(out, *value);
    profile_free_list(values);
    return ok;
}

enum cm_host_settings
cm_host_settings(struct cm_host *host, const char *realm,
                 struct cm_settings *out, struct cm_text_list *errors)
{
    struct cm_config_errors found = {{0}};

    switch (cm_config_load(host->context, &host->files, realm, out, &found)) {
    case CM_CONFIG_FOUND:
        cm_config_errors_clear(&found);
        return CM_HOST_FOUND;
    case CM_CONFIG_ABSENT:
        cm_config_errors_clear(&found);
        return CM_HOST_ABSENT;
    case CM_CONFIG_BROKEN:
        break;
    }
    *errors = found.list;
    return CM_HOST_BROKEN;
}

bool
cm_host_own_files(struct cm_host *host, const char *realm,
                  struct cm_own_files *out)
{
    return cm_own_files_read(host->merged, realm, out);
}

struct reading {
    struct cm_host *host;
    struct cm_entry *out;
    bool ok;
};

static void
read_strings(void *context, struct _krb5_db_entry_new *entry)
{
    struct reading *reading = context;

    reading->ok = cm_kdb_strings(reading->host->context, entry, reading->out);
}

enum cm_host_entry
cm_host_entry(struct cm_host *host, const struct cm_principal *principal,
              struct cm_entry *out, struct cm_detail *detail)
{
    struct reading reading = {host, out, false};
    krb5_error_code code;

    code = cm_kdb_with_entry(host->context, principal->realm, principal,
                             read_strings, &reading);
    if (code == 0 && reading.ok)
        return CM_HOST_ENTRY_FOUND;
    if (code == KRB5_KDB_NOENTRY) {
        cm_detail_set(detail, "the database has no entry %s", principal->text);
        return CM_HOST_ENTRY_ABSENT;
    }
    if (code == 0)
        cm_detail_set(detail, "the entry %s cannot be read", principal->text);
    else
        say_code(host, "the realm's database cannot be opened", code, detail);
    return CM_HOST_ENTRY_UNAVAILABLE;
}

bool
cm_host_each_principal(struct cm_host *host, const char *realm,
                       bool (*visit)(void *, const struct cm_kdb_row *),
                       void *context, struct cm_detail *detail)
{
    krb5_error_code code = cm_kdb_each(host->context, realm, visit, context);

    if (code == 0)
        return true;
    say_code(host, "the realm's database cannot be read", code, detail);
    return false;
}

bool
cm_host_kdb_module(struct cm_host *host, struct cm_detail *detail)
{
    return cm_kdb_module_load(host->merged, CM_KDB_OUTER_NAME, detail) != NULL;
}

bool
cm_host_kdb_inner(struct cm_host *host, struct cm_detail *detail)
{
    return cm_kdb_inner_find(host->merged, NULL, detail) != NULL;
}
