/*
 * Whom the realm trusts: each list by itself, loaded as the KDC loads it.
 */
#include "check.h"

#include <stdlib.h>

#include <openssl/x509v3.h>

#include "name.h"
#include "path.h"
#include "source.h"
#include "trusted.h"

struct listener {
    struct cm_check *check;
    const char *realm;
};

/* A file of a folder that was left out; what was loaded is no finding. */
static void
hear(void *context, enum cm_severity severity, const char *text)
{
    struct listener *listener = context;

    if (severity != CM_LOG_INFO)
        cm_findings_add(&listener->check->findings, CM_FINDING_TRUST_FILE,
                        listener->realm, "%s", text);
}

static void
find_issuing_nothing(struct cm_check *check, const char *realm,
                     const struct cm_source *source)
{
    char *name;

    for (size_t i = 0; i < source->good.count; i++) {
        X509 *x509 = source->good.list[i].x509;

        if (X509_check_ca(x509) != 0)
            continue;
        name = cm_name_rfc4514(X509_get_subject_name(x509));
        if (name == NULL)
            check->findings.failed = true;
        else
            cm_findings_add(&check->findings, CM_FINDING_TRUST_NOT_CA, realm,
                            "%s: %s is not a CA certificate", source->label,
                            name);
        free(name);
    }
}

static void
check_list(struct cm_check *check, const char *realm, struct cm_source *source,
           enum cm_finding_kind kind)
{
    struct listener listener = {check, realm};
    struct cm_log log = {hear, &listener};
    enum cm_reason reason;

    source->log = &log;
    reason = cm_source_look(source, 0);
    if (reason == CM_OK)
        find_issuing_nothing(check, realm, source);
    else if (reason == CM_NO_MEMORY)
        check->findings.failed = true;
    else
        cm_findings_add(&check->findings, kind, realm, "%s %s: %s",
                        source->label, source->location->path,
                        source->fault.text);
    cm_source_clear(source);
}

/* What a CA of the NTAuth list issues is refused unless it leads on. */
static void
check_issuer(struct cm_check *check, const struct cm_check_realm *realm,
             const struct cm_snapshot *snapshot, const struct cm_trusted *ca)
{
    struct cm_path_rules rules = {
        .now = check->now, .min_rsa_bits = realm->settings.logon.min_rsa_bits};
    struct cm_detail detail = {""};
    struct cm_path path;
    enum cm_reason reason;
    char *name;

    if (cm_trusted_list_has(&snapshot->anchors, ca))
        return;
    reason =
        cm_path_find(snapshot, ca->x509, &rules, NULL, NULL, &path, &detail);
    cm_path_clear(&path);
    if (reason == CM_OK)
        return;
    name = cm_name_rfc4514(X509_get_subject_name(ca->x509));
    if (name == NULL)
        check->findings.failed = true;
    else
        cm_findings_add(&check->findings, CM_FINDING_NTAUTH_UNTRUSTED,
                        realm->name,
                        "ntauth: %s does not lead to an anchor: %s: %s", name,
                        cm_reason_token(reason), detail.text);
    free(name);
}

static void
check_issuers(struct cm_check *check, const struct cm_check_realm *realm)
{
    struct cm_trust *trust = cm_trust_new(&realm->settings.trust, NULL);
    struct cm_snapshot *snapshot = NULL;

    if (trust == NULL) {
        check->findings.failed = true;
        return;
    }
    /* A list that cannot be used is a finding of its own. */
    if (cm_trust_current(trust, 0, &snapshot, NULL) == CM_OK) {
        for (size_t i = 0; i < snapshot->ntauth.count; i++)
            check_issuer(check, realm, snapshot, &snapshot->ntauth.list[i]);
    }
    cm_snapshot_release(snapshot);
    cm_trust_free(trust);
}

void
cm_check_trust(struct cm_check *check, const struct cm_check_realm *realm)
{
    const struct cm_trust_config *trust = &realm->settings.trust;
    struct cm_source anchors = {.label = "anchors",
                                .location = &trust->anchors};
    struct cm_source intermediates = {.label = "intermediates",
                                      .location = &trust->intermediates,
                                      .may_be_empty = true};
    struct cm_source ntauth = {.label = "ntauth", .location = &trust->ntauth};

    if (!trust->anchors_are_ntauth)
        check_list(check, realm->name, &anchors, CM_FINDING_ANCHORS_UNUSABLE);
    if (trust->intermediates.kind != CM_LOCATION_NONE)
        check_list(check, realm->name, &intermediates,
                   CM_FINDING_INTERMEDIATES_UNUSABLE);
    check_list(check, realm->name, &ntauth, CM_FINDING_NTAUTH_UNUSABLE);
    check_issuers(check, realm);
}
