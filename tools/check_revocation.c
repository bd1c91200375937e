/*
 * Whether revocation can be known: the store, its deny list, an override in
 * force, the mirrored NTAuth list.  How fresh each CA's data is says
 * `certmap status`.
 */
#include "check.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "timetext.h"

static void
check_mode(struct cm_check *check, const struct cm_check_realm *realm)
{
    switch (realm->settings.revocation.mode) {
    case CM_REVOCATION_OFF:
        cm_findings_add(&check->findings, CM_FINDING_REVOCATION_OFF,
                        realm->name,
                        "revocation = off: a revoked card still logs in, "
                        "unless it is on the deny list");
        break;
    case CM_REVOCATION_SOFT:
        cm_findings_add(&check->findings, CM_FINDING_REVOCATION_SOFT,
                        realm->name,
                        "revocation = soft: a card about which nothing is "
                        "known logs in");
        break;
    case CM_REVOCATION_REQUIRE:
        break;
    }
}

/* The default folder may be missing; then nothing is known. */
static void
check_folder(struct cm_check *check, const struct cm_check_realm *realm)
{
    const struct cm_settings *settings = &realm->settings;
    struct stat st;

    if (settings->store_given ||
        settings->revocation.mode == CM_REVOCATION_OFF ||
        stat(settings->store, &st) == 0 || errno != ENOENT)
        return;
    cm_findings_add(&check->findings, CM_FINDING_STORE_MISSING, realm->name,
                    "store %s: there is none, so nothing is known about any "
                    "certificate",
                    settings->store);
}

/* A login asks the list first, and believes nothing while it is broken. */
static void
check_deny_list(struct cm_check *check, const struct cm_check_realm *realm,
                struct cm_store *store, const struct cm_snapshot *snapshot)
{
    X509 *any = snapshot->ntauth.list[0].x509;
    struct cm_detail detail = {""};

    if (cm_store_denied(store, any, any, check->now, &detail) ==
        CM_DENY_UNREADABLE)
        cm_findings_add(&check->findings, CM_FINDING_DENY_UNREADABLE,
                        realm->name, "%s", detail.text);
}

static void
check_override(struct cm_check *check, const struct cm_check_realm *realm,
               struct cm_store *store)
{
    struct cm_override override;
    char until[CM_TIME_TEXT];

    if (realm->settings.revocation.mode != CM_REVOCATION_REQUIRE ||
        !cm_store_override(store, check->now, &override))
        return;
    cm_time_text(override.until, until);
    cm_findings_add(&check->findings, CM_FINDING_OVERRIDE, realm->name,
                    "until %s a card about which nothing is known logs in: "
                    "%s",
                    until, override.reason);
    cm_override_clear(&override);
}

static void
check_store(struct cm_check *check, const struct cm_check_realm *realm,
            struct cm_store *store, const struct cm_snapshot *snapshot)
{
    struct cm_detail detail = {""};

    if (cm_store_check(store, 0, &detail) != CM_OK) {
        cm_findings_add(&check->findings, CM_FINDING_STORE_UNUSABLE,
                        realm->name, "store %s: %s", realm->settings.store,
                        detail.text);
        return;
    }
    check_folder(check, realm);
    if (snapshot != NULL)
        check_deny_list(check, realm, store, snapshot);
    check_override(check, realm, store);
}

void
cm_check_revocation(struct cm_check *check, const struct cm_check_realm *realm)
{
    const struct cm_settings *settings = &realm->settings;
    struct cm_store *store =
        cm_store_new(settings->store, settings->store_given, NULL);
    struct cm_trust *trust = cm_trust_new(&settings->trust, NULL);
    struct cm_snapshot *snapshot = NULL;
    struct cm_detail detail = {""};

    check_mode(check, realm);
    if (store == NULL || trust == NULL) {
        check->findings.failed = true;
    } else {
        /* A list that cannot be used is a finding of its own. */
        if (cm_trust_current(trust, 0, &snapshot, NULL) == CM_OK &&
            cm_trust_check_age(trust, check->now, &detail) != CM_OK)
            cm_findings_add(&check->findings, CM_FINDING_NTAUTH_MIRROR,
                            realm->name, "%s", detail.text);
        check_store(check, realm, store, snapshot);
    }
    cm_snapshot_release(snapshot);
    cm_trust_free(trust);
    cm_store_free(store);
}
