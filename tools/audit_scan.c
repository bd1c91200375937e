/*
 * Reads the accounts, from whichever directory the realm has, and hands each
 * over to be judged.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "audit_command.h"
#include "field.h"
#include "kdb_row.h"
#include "ldif_file.h"
#include "schema_rules.h"
#include "sweep.h"
#include "text.h"

static const char *const certificate_names[] = {"userCertificate;binary",
                                                "userCertificate"};

/* What an entry is read into. */
struct reading {
    struct cm_audit_account account;
    struct cm_account state; /* disabled, computer */
    char *upn;
    char *owned[CM_AUDIT_MAX_NAMES]; /* of account.names */
};

static void
clear(struct reading *reading)
{
    for (size_t i = 0; i < reading->account.name_count; i++)
        free(reading->owned[i]);
    free(reading->upn);
    cm_account_clear(&reading->state);
}

/* ---- Names ---- */

static bool
add_name(struct reading *reading, const char *name)
{
    struct cm_audit_account *account = &reading->account;
    char *copy;

    if (account->name_count == CM_AUDIT_MAX_NAMES)
        return true;
    copy = strdup(name);
    if (copy == NULL)
        return false;
    reading->owned[account->name_count] = copy;
    account->names[account->name_count++] = copy;
    return true;
}

/* A principal of one component in the realm makes an implicit UPN. */
static bool
add_principal(const struct cm_audit *audit, struct reading *reading,
              const char *text)
{
    struct cm_principal principal;
    bool ok = true;

    if (!cm_principal_parse(text, NULL, &principal))
        return true;
    if (principal.component_count == 1 &&
        strcmp(principal.realm, audit->target.realm) == 0)
        ok = add_name(reading, principal.components[0]);
    cm_principal_clear(&principal);
    return ok;
}

static bool
read_names(const struct cm_audit *audit, const struct cm_entry *entry,
           struct reading *reading)
{
    const struct cm_schema *schema = audit->schema;
    bool own = schema->account_name != NULL;
    const struct cm_attribute *names =
        cm_entry_get(entry, own ? schema->account_name : schema->principal);
    bool ok = true;

    for (size_t i = 0; ok && names != NULL && i < names->count; i++) {
        const struct cm_value *value = &names->values[i];

        if (value->len == 0 ||
            !cm_text_is_clean((const uint8_t *)value->data, value->len))
            continue;
        ok = own ? add_name(reading, value->data)
                 : add_principal(audit, reading, value->data);
    }
    return ok;
}

/*
 * Could somebody log in with it?  Somebody, not a service or a machine: their
 * keys are in keytabs.  Of `ad` only what has userAccountControl is an
 * account; groups have names too.
 */
static bool
is_person(const struct cm_audit *audit, const struct cm_entry *entry,
          const struct reading *reading)
{
    const struct cm_attribute *principals;
    struct cm_principal principal;
    bool one = false;

    switch (audit->schema->preset) {
    case CM_SCHEMA_AD:
        return !reading->state.computer &&
               cm_entry_get(entry, "userAccountControl") != NULL;
    case CM_SCHEMA_POSIX:
        return cm_entry_get(entry, audit->schema->principal) != NULL;
    case CM_SCHEMA_MIT:
    case CM_SCHEMA_IPA:
        break;
    }
    principals = cm_entry_get(entry, audit->schema->principal);
    for (size_t i = 0; !one && principals != NULL && i < principals->count;
         i++) {
        if (!cm_principal_parse(principals->values[i].data, NULL, &principal))
            continue;
        one = principal.component_count == 1 &&
              strcmp(principal.realm, audit->target.realm) == 0;
        cm_principal_clear(&principal);
    }
    return one;
}

/* ---- Entries ---- */

/* Certificates of the account itself.  What is none is passed over: it maps
 * nothing. */
static bool
read_certificates(struct cm_audit *audit, const struct cm_entry *entry,
                  size_t *count)
{
    const struct cm_attribute *one;
    bool taken;

    cm_audit_certificates_empty(&audit->own);
    for (size_t i = 0; i < 2; i++) {
        one = cm_entry_get(entry, certificate_names[i]);
        for (size_t j = 0; one != NULL && j < one->count; j++) {
            if (!cm_audit_certificates_add(
                    &audit->own, &audit->world,
                    (const uint8_t *)one->values[j].data, one->values[j].len,
                    false, &taken))
                return false;
        }
    }
    *count = audit->own.count;
    return true;
}

static bool
read_entry(struct cm_audit *audit, const struct cm_entry *entry,
           struct reading *reading)
{
    const struct cm_schema *schema = audit->schema;
    struct cm_audit_account *account = &reading->account;
    const struct cm_attribute *values = cm_entry_get(entry, schema->mappings);

    account->id = entry->dn != NULL ? entry->dn : "";
    if (values != NULL) {
        account->values = values->values;
        account->value_count = values->count;
    }
    if (!cm_account_read_state(schema->preset, entry, audit->now,
                               &reading->state) ||
        (schema->upn != NULL &&
         !cm_field_text(entry, schema->upn, &account->upn_state,
                        &reading->upn)) ||
        (!reading->state.computer && !read_names(audit, entry, reading)))
        return false;
    account->upn = reading->upn;
    account->disabled = reading->state.disabled;
    account->disabled_why = reading->state.disabled_why;
    account->person = is_person(audit, entry, reading);
    return read_certificates(audit, entry, &account->certificate_count);
}

static bool
judge(struct cm_audit *audit, struct reading *reading)
{
    audit->counts.accounts++;
    cm_meter_step(&audit->meter, audit->counts.accounts);
    return cm_audit_judge(audit, &reading->account);
}

bool
cm_audit_entry(struct cm_audit *audit, const struct cm_entry *entry)
{
    struct reading reading;
    bool ok;

    memset(&reading, 0, sizeof(reading));
    ok =
        read_entry(audit, entry, &reading) || cm_detail_no_memory(&audit->why);
    ok = ok && judge(audit, &reading);
    clear(&reading);
    return ok;
}

static bool
visit_entry(void *context, const struct cm_entry *entry)
{
    return cm_audit_entry(context, entry);
}

/* ---- LDAP ---- */

static void
choose_attributes(const struct cm_audit *audit,
                  const char *out[CM_SWEEP_MAX_ATTRIBUTES + 1])
{
    const char *all[CM_SCHEMA_MAX_ATTRIBUTES];
    size_t count = 0;

    cm_schema_attributes(audit->schema, all);
    while (count < CM_SWEEP_MAX_ATTRIBUTES - 2 && all[count] != NULL) {
        out[count] = all[count];
        count++;
    }
    out[count++] = certificate_names[0];
    out[count++] = certificate_names[1];
    out[count] = NULL;
}

static void
write_filter(const struct cm_schema *schema, struct cm_buf *filter)
{
    const char *const names[] = {schema->mappings, schema->principal,
                                 schema->upn};

    cm_buf_add_text(filter, "(&");
    if (schema->object_filter != NULL)
        cm_buf_add_text(filter, schema->object_filter);
    cm_buf_add_text(filter, "(|");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (names[i] != NULL)
            cm_buf_addf(filter, "(%s=*)", names[i]);
    }
    cm_buf_add_text(filter, "))");
}

static bool
scan_ldap(struct cm_audit *audit)
{
    const char *attributes[CM_SWEEP_MAX_ATTRIBUTES + 1];
    struct cm_buf filter = CM_BUF_INIT;
    struct cm_sweep sweep = {
        .attributes = attributes, .visit = visit_entry, .context = audit};
    struct cm_detail detail = {""};
    enum cm_sweep_end end = CM_SWEEP_STOPPED;

    choose_attributes(audit, attributes);
    write_filter(audit->schema, &filter);
    if (filter.failed) {
        cm_buf_clear(&filter);
        return cm_detail_no_memory(&audit->why);
    }
    sweep.filter = filter.data;
    end = cm_sweep(audit->target.directory, &sweep, &detail);
    cm_buf_clear(&filter);
    audit->whole = end == CM_SWEEP_WHOLE;
    if (end == CM_SWEEP_TRUNCATED || end == CM_SWEEP_FAILED)
        audit->why = detail;
    return end != CM_SWEEP_STOPPED;
}

/* ---- LDIF ---- */

/* The whole file, as a login reads it. */
static char *
read_file(const char *path, size_t *len, struct cm_detail *why)
{
    FILE *file = fopen(path, "re");
    char *text = NULL;

    if (file == NULL) {
        cm_detail_set(why, "cannot open %s: %s", path, strerror(errno));
        return NULL;
    }
    text = malloc(CM_LDIF_MAX_FILE + 1);
    if (text == NULL) {
        cm_detail_set(why, "out of memory");
    } else {
        *len = fread(text, 1, CM_LDIF_MAX_FILE, file);
        if (ferror(file) != 0 || getc(file) != EOF) {
            cm_detail_set(why, "cannot read %s, or it is too large", path);
            free(text);
            text = NULL;
        } else {
            text[*len] = '\0';
        }
    }
    (void)fclose(file);
    return text;
}

static bool
scan_ldif(struct cm_audit *audit)
{
    const char *path = audit->target.directory->ldif_path;
    const char *attributes[CM_SWEEP_MAX_ATTRIBUTES + 1];
    struct cm_ldif_content content = {0};
    size_t len = 0;
    char *text = read_file(path, &len, &audit->why);
    bool ok = true;

    if (text == NULL)
        return true; /* audit->whole says it */
    choose_attributes(audit, attributes);
    if (cm_ldif_parse(path, text, len, attributes, &content, &audit->why) ==
        CM_OK) {
        for (size_t i = 0; ok && i < content.count; i++)
            ok = cm_audit_entry(audit, &content.entries[i]);
        audit->whole = ok;
    }
    cm_ldif_content_clear(&content);
    free(text);
    return ok;
}

/* ---- The KDC's database ---- */

/* Administration, tickets and the like have other keys than people. */
static bool
is_kdb_person(const struct cm_principal *principal)
{
    return principal->component_count == 1;
}

static bool
read_row(const struct cm_audit *audit, const struct cm_kdb_row *row,
         struct reading *reading)
{
    struct cm_audit_account *account = &reading->account;
    const struct cm_attribute *values =
        cm_entry_get(row->strings, "altSecurityIdentities");
    struct cm_principal principal;

    account->id = row->principal;
    account->disabled = row->disabled;
    account->disabled_why = row->disabled ? "no tickets allowed" : NULL;
    if (values != NULL) {
        account->values = values->values;
        account->value_count = values->count;
    }
    if (!cm_field_text(row->strings, "userPrincipalName", &account->upn_state,
                       &reading->upn) ||
        !add_principal(audit, reading, row->principal))
        return false;
    account->upn = reading->upn;
    if (cm_principal_parse(row->principal, NULL, &principal)) {
        account->person = is_kdb_person(&principal);
        cm_principal_clear(&principal);
    }
    return true;
}

static bool
visit_row(void *context, const struct cm_kdb_row *row)
{
    struct cm_audit *audit = context;
    struct reading reading;
    bool ok;

    memset(&reading, 0, sizeof(reading));
    cm_audit_certificates_empty(&audit->own);
    ok = read_row(audit, row, &reading) || cm_detail_no_memory(&audit->why);
    ok = ok && judge(audit, &reading);
    clear(&reading);
    if (!ok)
        audit->whole = false;
    return ok;
}

static bool
scan_kdb(struct cm_audit *audit)
{
    struct cm_detail detail = {""};
    bool read;

    audit->whole = true;
    read = cm_host_each_principal(audit->target.host, audit->target.realm,
                                  visit_row, audit, &detail);
    if (!audit->whole)
        return false;
    audit->whole = read;
    if (!read)
        audit->why = detail;
    return true;
}

bool
cm_audit_scan(struct cm_audit *audit)
{
    bool ok = false;

    cm_meter_start(&audit->meter, audit->options.tool->err, "accounts read",
                   0);
    switch (audit->target.directory->kind) {
    case CM_DIRECTORY_LDAP:
        ok = scan_ldap(audit);
        break;
    case CM_DIRECTORY_LDIF:
        ok = scan_ldif(audit);
        break;
    case CM_DIRECTORY_KDB:
        ok = scan_kdb(audit);
        break;
    }
    cm_meter_end(&audit->meter);
    return ok;
}
