/*
 * [dbmodules]: can the KDB module of ours be loaded, and what it stands on?
 */
#include "check.h"

#include <string.h>

static const char our_name[] = "certmap";

/* The first value, which the library takes, is this one. */
static bool
is_first(const struct cm_text_list *values, const char *text)
{
    return values->count > 0 && strcmp(values->items[0], text) == 0;
}

/* The subsection of a database is named as the realm unless database_module
 * says otherwise. */
static bool
is_ours(struct cm_check *check, const char *realm)
{
    const char *pointer[] = {"realms", realm, "database_module", NULL};
    const char *library[] = {"dbmodules", realm, "db_library", NULL};
    struct cm_text_list sections = {0}, libraries = {0};
    bool ours;

    if (!cm_host_values(check->host, CM_HOST_MERGED, pointer, &sections))
        check->findings.failed = true;
    if (sections.count > 0)
        library[1] = sections.items[0];
    if (!cm_host_values(check->host, CM_HOST_MERGED, library, &libraries))
        check->findings.failed = true;
    ours = is_first(&libraries, our_name);
    cm_text_list_clear(&libraries);
    cm_text_list_clear(&sections);
    return ours;
}

/* It serves other names only where it decides, and finds them only as far as
 * the directory goes. */
static void
check_names(struct cm_check *check, const struct cm_check_realm *realm)
{
    const struct cm_settings *settings = &realm->settings;

    if (settings->mode == CM_MODE_ENFORCE &&
        settings->directory.kind == CM_DIRECTORY_KDB)
        cm_findings_add(&check->findings, CM_FINDING_KDB_NAMES, realm->name,
                        "directory = kdb has no index: clients are known by "
                        "PRINCIPAL@%s as a UPN, and by no other UPN and no "
                        "X.500 name",
                        settings->policy.dns_domain);
}

void
cm_check_database(struct cm_check *check, const struct cm_check_realm *realm)
{
    struct cm_detail detail = {""};

    if (!is_ours(check, realm->name))
        return;
    if (!cm_host_kdb_module(check->host, &detail))
        cm_findings_add(&check->findings, CM_FINDING_KDB_MODULE, NULL, "%s",
                        detail.text);
    if (!cm_host_kdb_inner(check->host, &detail))
        cm_findings_add(&check->findings, CM_FINDING_KDB_INNER, NULL, "%s",
                        detail.text);
    check_names(check, realm);
}
