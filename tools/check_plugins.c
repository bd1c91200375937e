/*
 * [plugins] certauth: is our module loaded, and does nobody else decide?
 */
#include "check_interface.h"
#include "check_wiring.h"

#include <string.h>

static const char our_name[] = "certmap";

static void
check_certauth_module(struct cm_check *check,
                      const struct cm_check_interface *certauth)
{
    const char *path = cm_check_interface_path(certauth, our_name);

    if (path == NULL)
        cm_findings_add(&check->findings, CM_FINDING_MODULE_NOT_LISTED, NULL,
                        "[plugins] certauth does not list the module "
                        "certmap: it is never asked");
    else
        cm_check_interface_file(check, certauth->name, our_name, path);
    if (cm_text_list_has(&certauth->disable, our_name))
        cm_findings_add(&check->findings, CM_FINDING_MODULE_DISABLED, NULL,
                        "[plugins] certauth has disable = certmap: it is "
                        "never asked");
    if (certauth->enable_only.count == 0)
        cm_findings_add(&check->findings, CM_FINDING_ENABLE_ONLY_MISSING, NULL,
                        "[plugins] certauth has no enable_only: if certmap "
                        "cannot be loaded, stock PKINIT accepts alone");
}

/* Only certmap may decide in a realm that enforces. */
static void
check_enforcing(struct cm_check *check, const char *realm,
                const struct cm_text_list *enabled)
{
    bool san = cm_text_list_has(enabled, "pkinit_san");

    if (san)
        cm_findings_add(&check->findings, CM_FINDING_STOCK_SAN_ENABLED, realm,
                        "enable_only lists pkinit_san, and mode is enforce");
    for (size_t i = 0; i < enabled->count; i++) {
        if (strcmp(enabled->items[i], our_name) != 0 &&
            strcmp(enabled->items[i], "pkinit_san") != 0)
            cm_findings_add(&check->findings, CM_FINDING_ENABLE_ONLY_MODE,
                            realm,
                            "enable_only = %s beside certmap, and mode is "
                            "enforce",
                            enabled->items[i]);
    }
    if (!cm_text_list_has(enabled, our_name))
        cm_findings_add(&check->findings, CM_FINDING_ENABLE_ONLY_MODE, realm,
                        "enable_only does not list certmap, and mode is "
                        "enforce");
}

/* Stock PKINIT decides in a realm that does not enforce. */
static void
check_not_enforcing(struct cm_check *check, const char *realm,
                    const struct cm_text_list *enabled, bool observe)
{
    static const char *const needed[] = {"pkinit_san", "pkinit_eku", our_name};
    size_t count = observe ? 3 : 2; /* off does without certmap */

    for (size_t i = 0; i < count; i++) {
        if (!cm_text_list_has(enabled, needed[i]))
            cm_findings_add(&check->findings, CM_FINDING_ENABLE_ONLY_MODE,
                            realm,
                            "enable_only does not list %s, and mode is %s",
                            needed[i], observe ? "observe" : "off");
    }
}

static void
check_modes(struct cm_check *check, const struct cm_check_realms *realms,
            const struct cm_text_list *enabled)
{
    if (enabled->count == 0)
        return; /* that is a finding of its own */
    for (size_t i = 0; i < realms->count; i++) {
        const struct cm_check_realm *realm = &realms->list[i];

        switch (realm->settings.mode) {
        case CM_MODE_ENFORCE:
            check_enforcing(check, realm->name, enabled);
            break;
        case CM_MODE_OBSERVE:
            check_not_enforcing(check, realm->name, enabled, true);
            break;
        case CM_MODE_OFF:
            check_not_enforcing(check, realm->name, enabled, false);
            break;
        }
    }
}

void
cm_check_plugins(struct cm_check *check, const struct cm_check_realms *realms)
{
    struct cm_check_interface certauth, kdcpreauth;
    bool needed = realms->broken;

    for (size_t i = 0; i < realms->count; i++)
        needed = needed || realms->list[i].settings.mode != CM_MODE_OFF;
    if (!needed)
        return;
    cm_check_interface_read(check, "certauth", &certauth);
    cm_check_interface_read(check, "kdcpreauth", &kdcpreauth);
    check_certauth_module(check, &certauth);
    check_modes(check, realms, &certauth.enable_only);
    cm_check_wiring(check, realms, &certauth, &kdcpreauth);
    cm_check_interface_clear(&kdcpreauth);
    cm_check_interface_clear(&certauth);
}
