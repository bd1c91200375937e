/*
 * The directory, and whether each mapped account asks for preauthentication:
 * without it anybody gets an answer that is encrypted in its password.
 */
#include "check.h"

#include <stdlib.h>
#include <string.h>

#include "directory.h"
#include "kdb_row.h"

struct accounts {
    struct cm_check *check;
    const struct cm_check_realm *realm;
    struct cm_text_list lax; /* principals without requires_preauth, sorted */
    size_t capacity;
    size_t found;      /* mapped accounts among them */
    size_t with_rules; /* principals with a pkinit_cert_match string */
};

static void
report_lax(struct accounts *accounts, const char *principal)
{
    struct cm_findings *findings = &accounts->check->findings;

    accounts->found++;
    if (accounts->found <= CM_CHECK_MAX_NAMED)
        cm_findings_add(findings, CM_FINDING_ACCOUNT_WITHOUT_PREAUTH,
                        accounts->realm->name,
                        "%s has a mapping and not requires_preauth",
                        principal);
}

/* Ends the lists of names that were begun. */
static void
report_rest(struct accounts *accounts)
{
    if (accounts->with_rules > CM_CHECK_MAX_NAMED)
        cm_findings_add(&accounts->check->findings,
                        CM_FINDING_PKINIT_CERT_MATCH, accounts->realm->name,
                        "%zu more principals have a pkinit_cert_match string",
                        accounts->with_rules - CM_CHECK_MAX_NAMED);
    if (accounts->found > CM_CHECK_MAX_NAMED)
        cm_findings_add(&accounts->check->findings,
                        CM_FINDING_ACCOUNT_WITHOUT_PREAUTH,
                        accounts->realm->name,
                        "%zu more accounts have a mapping and not "
                        "requires_preauth",
                        accounts->found - CM_CHECK_MAX_NAMED);
}

/* Rules of the stock module dbmatch, which is not asked when we enforce. */
static void
check_row_leftover(struct accounts *accounts, const struct cm_kdb_row *row)
{
    if (!row->has_cert_match)
        return;
    accounts->with_rules++;
    if (accounts->with_rules <= CM_CHECK_MAX_NAMED)
        cm_findings_add(&accounts->check->findings,
                        CM_FINDING_PKINIT_CERT_MATCH, accounts->realm->name,
                        "%s has a pkinit_cert_match string, which certmap "
                        "does not read",
                        row->principal);
}

/* Doubles as it grows: a database may hold millions. */
static bool
keep_lax(struct accounts *accounts, const char *principal)
{
    struct cm_text_list *lax = &accounts->lax;
    size_t capacity = accounts->capacity;
    char **items, *copy;

    if (lax->count == capacity) {
        capacity = capacity == 0 ? 64 : 2 * capacity;
        items = reallocarray(lax->items, capacity, sizeof(*items));
        if (items == NULL)
            return false;
        lax->items = items;
        accounts->capacity = capacity;
    }
    copy = strdup(principal);
    if (copy == NULL)
        return false;
    lax->items[lax->count++] = copy;
    return true;
}

/* Anonymous PKINIT is possible where this principal is. */
static void
check_anonymous(const struct accounts *accounts, const char *principal)
{
    static const char name[] = "WELLKNOWN/ANONYMOUS@";

    if (accounts->realm->settings.anonymous_refused ||
        strncmp(principal, name, sizeof(name) - 1) != 0)
        return;
    cm_findings_add(&accounts->check->findings, CM_FINDING_ANONYMOUS,
                    accounts->realm->name,
                    "%s exists, and anonymous is allowed: anybody gets an "
                    "anonymous ticket, without a certificate",
                    principal);
}

static bool
visit_row(void *context, const struct cm_kdb_row *row)
{
    struct accounts *accounts = context;
    bool from_kdb =
        accounts->realm->settings.directory.kind == CM_DIRECTORY_KDB;

    check_row_leftover(accounts, row);
    check_anonymous(accounts, row->principal);
    if (row->requires_preauth)
        return true;
    if (from_kdb) {
        if (row->has_mapping)
            report_lax(accounts, row->principal);
        return true;
    }
    if (keep_lax(accounts, row->principal))
        return true;
    accounts->check->findings.failed = true;
    return false;
}

static int
compare_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Reads the KDC's database.  False: it cannot be read here. */
static bool
read_database(struct accounts *accounts)
{
    const struct cm_check_realm *realm = accounts->realm;
    struct cm_detail detail = {""};
    bool needed = realm->settings.directory.kind == CM_DIRECTORY_KDB;

    if (!cm_host_each_principal(accounts->check->host, realm->name, visit_row,
                                accounts, &detail)) {
        cm_findings_add(&accounts->check->findings,
                        needed ? CM_FINDING_DIRECTORY_UNAVAILABLE
                               : CM_FINDING_KDB_UNAVAILABLE,
                        realm->name, "%s", detail.text);
        return false;
    }
    if (accounts->lax.count > 0)
        qsort(accounts->lax.items, accounts->lax.count, sizeof(char *),
              compare_text);
    return true;
}

/* A principal of the directory, if the database has it without the flag. */
static void
look_up(struct accounts *accounts, const char *principal)
{
    if (accounts->lax.count > 0 &&
        bsearch(&principal, accounts->lax.items, accounts->lax.count,
                sizeof(char *), compare_text) != NULL)
        report_lax(accounts, principal);
}

/* One value of the attribute that holds principals, or account names. */
static void
look_up_value(struct accounts *accounts, const struct cm_value *value)
{
    struct cm_principal principal;
    char *text;

    text = cm_text_dup_clean((const uint8_t *)value->data, value->len);
    if (text == NULL)
        return;
    if (cm_principal_parse(text, accounts->realm->name, &principal)) {
        look_up(accounts, principal.text);
        cm_principal_clear(&principal);
    }
    free(text);
}

static bool
visit_entry(void *context, const struct cm_entry *entry)
{
    struct accounts *accounts = context;
    const struct cm_schema *schema =
        &accounts->realm->settings.directory.schema;
    const struct cm_attribute *names = cm_entry_get(entry, schema->principal);

    for (size_t i = 0; names != NULL && i < names->count; i++)
        look_up_value(accounts, &names->values[i]);
    return true;
}

static void
log_nothing(void *context, enum cm_severity severity, const char *text)
{
    (void)context;
    (void)severity;
    (void)text;
}

static void
check_mapped(struct accounts *accounts, struct cm_directory *directory)
{
    const struct cm_settings *settings = &accounts->realm->settings;
    struct cm_findings *findings = &accounts->check->findings;
    struct cm_detail detail = {""};
    bool truncated = false;

    if (cm_directory_each_mapped(directory, CM_CHECK_MAX_ACCOUNTS,
                                 CM_TIMEOUT_MAX_MS, visit_entry, accounts,
                                 &truncated, &detail) != CM_OK)
        cm_findings_add(findings, CM_FINDING_DIRECTORY_UNAVAILABLE,
                        settings->realm, "%s", detail.text);
    if (truncated)
        cm_findings_add(findings, CM_FINDING_ACCOUNTS_TRUNCATED,
                        settings->realm, "more than %d accounts have mappings",
                        (int)CM_CHECK_MAX_ACCOUNTS);
}

/* Is the directory there, and what does the database say of its accounts? */
static void
check_directory(struct accounts *accounts)
{
    const struct cm_settings *settings = &accounts->realm->settings;
    struct cm_log log = {log_nothing, NULL};
    struct cm_directory *directory;
    struct cm_detail detail = {""};

    directory = cm_directory_new(&settings->directory, &log);
    if (directory == NULL)
        accounts->check->findings.failed = true;
    else if (cm_directory_probe(directory, settings->timeout_ms, &detail) !=
             CM_OK)
        cm_findings_add(&accounts->check->findings,
                        CM_FINDING_DIRECTORY_UNAVAILABLE, settings->realm,
                        "%s", detail.text);
    else if (read_database(accounts))
        check_mapped(accounts, directory);
    cm_directory_free(directory);
}

void
cm_check_accounts(struct cm_check *check, const struct cm_check_realm *realm)
{
    struct accounts accounts = {.check = check, .realm = realm};

    if (realm->settings.directory.kind == CM_DIRECTORY_KDB)
        read_database(&accounts);
    else
        check_directory(&accounts);
    report_rest(&accounts);
    cm_text_list_clear(&accounts.lax);
}
