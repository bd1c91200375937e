/*
 * What an administrator chose by name, and what is left over from stock
 * PKINIT: relations that do less, or more, than they seem to.
 */
#include "check.h"

#include <stdlib.h>

static void
check_mode(struct cm_check *check, const struct cm_check_realm *realm)
{
    switch (realm->settings.mode) {
    case CM_MODE_ENFORCE:
        break;
    case CM_MODE_OBSERVE:
        cm_findings_add(&check->findings, CM_FINDING_MODE_OBSERVE, realm->name,
                        "mode = observe: certmap only logs, stock PKINIT "
                        "decides");
        break;
    case CM_MODE_OFF:
        cm_findings_add(&check->findings, CM_FINDING_MODE_OFF, realm->name,
                        "mode = off: certmap does nothing, stock PKINIT "
                        "decides");
        break;
    }
}

static void
check_enforcement(struct cm_check *check, const struct cm_check_realm *realm)
{
    switch (realm->settings.policy.enforcement) {
    case CM_ENFORCE_FULL:
        break;
    case CM_ENFORCE_COMPATIBILITY:
        cm_findings_add(&check->findings, CM_FINDING_ENFORCEMENT, realm->name,
                        "enforcement = compatibility: weak mappings of older "
                        "accounts are accepted");
        break;
    case CM_ENFORCE_DISABLED:
        cm_findings_add(&check->findings, CM_FINDING_ENFORCEMENT, realm->name,
                        "enforcement = disabled: weak mappings are accepted");
        break;
    }
}

void
cm_check_choices(struct cm_check *check, const struct cm_check_realm *realm)
{
    char *summary;

    check_mode(check, realm);
    if (realm->settings.mode == CM_MODE_OFF)
        return;
    check_enforcement(check, realm);
    summary = cm_settings_summary(&realm->settings);
    if (summary == NULL)
        check->findings.failed = true;
    else
        cm_findings_add(&check->findings, CM_FINDING_SUMMARY, realm->name,
                        "%s", summary);
    free(summary);
}

void
cm_check_pkinit_values(struct cm_check *check, enum cm_host_scope scope,
                       const char *realm, const char *relation,
                       struct cm_text_list *out)
{
    const char *in_realm[] = {"realms", realm, relation, NULL};
    const char *in_defaults[] = {"kdcdefaults", relation, NULL};
    bool ok = cm_host_values(check->host, scope, in_realm, out);

    if (ok && out->count == 0)
        ok = cm_host_values(check->host, scope, in_defaults, out);
    if (!ok)
        check->findings.failed = true;
}

/* One finding for a relation that is there at all. */
static void
check_leftover(struct cm_check *check, const char *realm, const char *relation,
               enum cm_finding_kind kind, const char *text)
{
    struct cm_text_list values = {0};

    cm_check_pkinit_values(check, CM_HOST_MERGED, realm, relation, &values);
    if (values.count > 0)
        cm_findings_add(&check->findings, kind, realm, "%s = %s: %s", relation,
                        values.items[0], text);
    cm_text_list_clear(&values);
}

/* Anchors that the KDC trusts although kdc.conf does not name them. */
static void
check_merged_anchors(struct cm_check *check, const char *realm)
{
    struct cm_text_list merged = {0}, own = {0};

    cm_check_pkinit_values(check, CM_HOST_MERGED, realm, "pkinit_anchors",
                           &merged);
    cm_check_pkinit_values(check, CM_HOST_KDC_CONF, realm, "pkinit_anchors",
                           &own);
    for (size_t i = 0; i < merged.count; i++) {
        if (!cm_text_list_has(&own, merged.items[i]))
            cm_findings_add(&check->findings, CM_FINDING_ANCHORS_MERGED, realm,
                            "stock PKINIT trusts pkinit_anchors = %s, which "
                            "krb5.conf names and kdc.conf does not",
                            merged.items[i]);
    }
    cm_text_list_clear(&own);
    cm_text_list_clear(&merged);
}

void
cm_check_leftovers(struct cm_check *check, const struct cm_check_realm *realm)
{
    const char *name = realm->name;

    check_leftover(check, name, "pkinit_revoke", CM_FINDING_PKINIT_REVOKE,
                   "a later CRL is not seen before a restart");
    check_leftover(check, name, "pkinit_cert_match",
                   CM_FINDING_PKINIT_CERT_MATCH, "certmap does not read it");
    check_leftover(check, name, "pkinit_indicator",
                   CM_FINDING_PKINIT_INDICATOR,
                   "asserted whatever certmap finds");
    if (realm->settings.mode == CM_MODE_ENFORCE) {
        check_leftover(check, name, "pkinit_allow_upn",
                       CM_FINDING_PKINIT_ALLOW_UPN, "without effect");
        check_leftover(check, name, "pkinit_eku_checking",
                       CM_FINDING_PKINIT_EKU_CHECKING, "without effect");
    }
    check_merged_anchors(check, name);
}
