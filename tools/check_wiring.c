#include "check_wiring.h"

#include <stdbool.h>
#include <string.h>

static const char our_name[] = "certmap";
static const char ocsp_name[] = "certmap_ocsp";
static const char stock_name[] = "pkinit";

/* Does enable_only, which is the order too, put stock PKINIT first?  Without
 * it, modules that are listed come before those that are built in. */
static bool
stock_is_first(const struct cm_check_interface *kdcpreauth)
{
    const struct cm_text_list *order = &kdcpreauth->enable_only;

    for (size_t i = 0; i < order->count; i++) {
        if (strcmp(order->items[i], our_name) == 0)
            return false;
        if (strcmp(order->items[i], stock_name) == 0)
            return true;
    }
    return false;
}

/* Both offer the preauthentication type of PKINIT, and the KDC asks the first
 * that does. */
static void
report_both(struct cm_check *check,
            const struct cm_check_interface *kdcpreauth)
{
    if (stock_is_first(kdcpreauth))
        cm_findings_add(&check->findings, CM_FINDING_PKINIT_FIRST, NULL,
                        "[plugins] kdcpreauth puts pkinit before certmap: "
                        "the KDC asks the first that offers PKINIT, so that "
                        "certmap is never asked there");
    else
        cm_findings_add(&check->findings, CM_FINDING_PKINIT_TWICE, NULL,
                        "[plugins] kdcpreauth lists certmap and leaves stock "
                        "pkinit on beside it: clients are offered PKINIT "
                        "twice, and where certmap cannot be loaded stock "
                        "PKINIT serves, and the KDC waits");
}

static void
report_alone(struct cm_check *check)
{
    cm_findings_add(&check->findings, CM_FINDING_CERTAUTH_ALONE, NULL,
                    "[plugins] kdcpreauth does not list certmap: the KDC "
                    "serves nobody else while a card login waits, which "
                    "certauth_wait limits, and certificates that the client "
                    "sends along are not used");
}

/* Evidence goes from one module to the other inside the shared object. */
static void
check_paths(struct cm_check *check, const char *certauth,
            const char *kdcpreauth)
{
    if (certauth == NULL)
        cm_findings_add(&check->findings, CM_FINDING_CERTAUTH_MISSING, NULL,
                        "[plugins] kdcpreauth lists certmap, and certauth "
                        "does not: every certificate login is refused "
                        "(config)");
    else if (cm_check_interface_differ(check, certauth, kdcpreauth))
        cm_findings_add(&check->findings, CM_FINDING_MODULE_PATHS, NULL,
                        "certauth has %s, and kdcpreauth has %s: these are "
                        "two files, and every certificate login is refused "
                        "(config)",
                        certauth, kdcpreauth);
}

/* A relation that this wiring does not ask. */
static void
check_wait(struct cm_check *check, const struct cm_check_realms *realms)
{
    for (size_t i = 0; i < realms->count; i++) {
        const struct cm_check_realm *realm = &realms->list[i];

        switch (realm->settings.certauth_wait) {
        case CM_WAIT_DIRECTORY:
            break;
        case CM_WAIT_NONE:
        case CM_WAIT_ALL:
            cm_findings_add(&check->findings, CM_FINDING_CERTAUTH_WAIT,
                            realm->name,
                            "certauth_wait is set, and nobody asks it: the "
                            "kdcpreauth module waits on a thread of its own");
            break;
        }
    }
}

static bool
some_realm_asks_for_status(const struct cm_check_realms *realms)
{
    for (size_t i = 0; i < realms->count; i++) {
        const struct cm_settings *settings = &realms->list[i].settings;

        if (settings->mode != CM_MODE_OFF &&
            settings->revocation.mode != CM_REVOCATION_OFF)
            return true;
    }
    return false;
}

/* The module that staples the response about the KDC's own certificate. */
static void
check_ocsp(struct cm_check *check, const struct cm_check_realms *realms,
           const struct cm_check_interface *kdcpreauth, bool ours)
{
    const char *path = cm_check_interface_path(kdcpreauth, ocsp_name);
    bool on = path != NULL && cm_check_interface_allows(kdcpreauth, ocsp_name);

    if (path != NULL)
        cm_check_interface_file(check, kdcpreauth->name, ocsp_name, path);
    if (on && !ours)
        cm_findings_add(&check->findings, CM_FINDING_OCSP_MODULE_ALONE, NULL,
                        "[plugins] kdcpreauth has certmap_ocsp without "
                        "certmap: the KDC's own OCSP response is stapled to "
                        "replies, and what clients staple is not read");
    if (!on && ours && some_realm_asks_for_status(realms))
        cm_findings_add(&check->findings, CM_FINDING_OCSP_MODULE_ABSENT, NULL,
                        "[plugins] kdcpreauth has no certmap_ocsp: a client "
                        "that asks for an OCSP response about the KDC's "
                        "certificate gets none");
}

void
cm_check_wiring(struct cm_check *check, const struct cm_check_realms *realms,
                const struct cm_check_interface *certauth,
                const struct cm_check_interface *kdcpreauth)
{
    const char *path = cm_check_interface_path(kdcpreauth, our_name);
    bool ours =
        path != NULL && cm_check_interface_allows(kdcpreauth, our_name);
    bool stock = cm_check_interface_allows(kdcpreauth, stock_name);

    if (path != NULL)
        cm_check_interface_file(check, kdcpreauth->name, our_name, path);
    if (path != NULL && !ours)
        cm_findings_add(&check->findings, CM_FINDING_MODULE_DISABLED, NULL,
                        "[plugins] kdcpreauth lists certmap, and disable or "
                        "enable_only turns it off");
    if (!ours && !stock)
        cm_findings_add(&check->findings, CM_FINDING_PKINIT_DISABLED, NULL,
                        "[plugins] kdcpreauth turns pkinit off: no "
                        "certificate logs in");
    if (ours && stock)
        report_both(check, kdcpreauth);
    if (!ours && stock)
        report_alone(check);
    check_ocsp(check, realms, kdcpreauth, ours);
    if (!ours)
        return;
    check_paths(check, cm_check_interface_path(certauth, our_name), path);
    check_wait(check, realms);
}
