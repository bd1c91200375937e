/* certmap expiring: what a realm's logins rest on. */
#include "expiring_command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "certfile.h"
#include "check.h"
#include "status_command.h"

/* ---- Certificates that are configured ---- */

static void
add_trusted(struct cm_expiries *out, enum cm_expiry_kind kind,
            const struct cm_trusted_list *list, const char *realm)
{
    for (size_t i = 0; i < list->count; i++)
        cm_expiries_add_cert(out, kind, list->list[i].x509, realm);
}

static void
add_responders(struct cm_expiries *out, const struct cm_keeper_realm *realm)
{
    const struct cm_settings *settings = &realm->settings;
    const struct cm_issuer_rules *rules = &settings->revocation;

    for (size_t i = 0; i < rules->responder_count; i++)
        cm_expiries_add_cert(out, CM_EXPIRY_OCSP_SIGNER, rules->responders[i],
                             realm->name);
    for (size_t i = 0; i < settings->issuer_count; i++) {
        rules = &settings->issuers[i].rules;
        for (size_t j = 0; j < rules->responder_count; j++)
            cm_expiries_add_cert(out, CM_EXPIRY_OCSP_SIGNER,
                                 rules->responders[j], realm->name);
    }
}

/* What stock PKINIT presents to clients: the first of the first file. */
static void
add_identity(struct cm_expiries *out, const char *realm, const char *value)
{
    static const char kind[] = "FILE:";
    struct cm_detail why = {""};
    X509 **list = NULL;
    size_t count = 0;
    char *path;

    if (strncmp(value, kind, strlen(kind)) != 0) {
        cm_expiries_problem(out,
                            "realm %s: pkinit_identity = %s was not looked "
                            "into",
                            realm, value);
        return;
    }
    value += strlen(kind);
    path = strndup(value, strcspn(value, ","));
    if (path == NULL)
        out->failed = true;
    else if (!cm_certfile_read_all(path, &list, &count, &why))
        cm_expiries_problem(out, "realm %s: pkinit_identity: %s", realm,
                            why.text);
    else
        cm_expiries_add_cert(out, CM_EXPIRY_KDC, list[0], path);
    cm_certificates_free(list, count);
    free(path);
}

static void
add_kdc(struct cm_expiries *out, struct cm_host *host, const char *realm)
{
    struct cm_check check = {.host = host};
    struct cm_text_list values = {0};

    cm_check_pkinit_values(&check, CM_HOST_MERGED, realm, "pkinit_identity",
                           &values);
    if (check.findings.failed)
        out->failed = true;
    else if (values.count > 0)
        add_identity(out, realm, values.items[0]);
    cm_text_list_clear(&values);
}

static void
add_realm(struct cm_expiries *out, struct cm_host *host,
          const struct cm_keeper_realm *realm)
{
    const struct cm_snapshot *snapshot = realm->snapshot;

    if (snapshot == NULL) {
        cm_expiries_problem(out, "realm %s: %s", realm->name, realm->why.text);
    } else {
        add_trusted(out, CM_EXPIRY_NTAUTH, &snapshot->ntauth, realm->name);
        add_trusted(out, CM_EXPIRY_INTERMEDIATE, &snapshot->intermediates,
                    realm->name);
        if (!realm->settings.trust.anchors_are_ntauth)
            add_trusted(out, CM_EXPIRY_ANCHOR, &snapshot->anchors,
                        realm->name);
    }
    add_responders(out, realm);
    add_kdc(out, host, realm->name);
}

/* ---- The store ---- */

static void
add_crl(struct cm_expiries *out, const struct cm_view_crl *crl,
        const char *store, int64_t now)
{
    const struct cm_refresh_window *window = &crl->window;
    uint8_t both[64], id[32];

    /* One that has ended beside a current one is missed by nobody. */
    if (!window->known || (crl->health == CM_REFRESH_ENDED && !crl->needed))
        return;
    memcpy(both, crl->spki, 32);
    memcpy(both + 32, crl->scope, 32);
    if (EVP_Digest(both, sizeof(both), id, NULL, EVP_sha256(), NULL) != 1)
        out->failed = true;
    else
        cm_expiries_add_renewed(out, CM_EXPIRY_CRL, window->this_update,
                                cm_refresh_end(window), now, crl->issuer,
                                store, id);
}

static void
add_mirror(struct cm_expiries *out, const struct cm_status_mirror *mirror,
           int64_t now)
{
    const struct cm_keeper_realm *realm = mirror->realm;
    uint8_t id[32];

    if (!mirror->there) {
        cm_expiries_problem(out,
                            "realm %s: there is no NTAuth list in the store",
                            realm->name);
    } else if (EVP_Digest(realm->store, strlen(realm->store), id, NULL,
                          EVP_sha256(), NULL) != 1) {
        out->failed = true;
    } else {
        cm_expiries_add_renewed(
            out, CM_EXPIRY_MIRROR, mirror->written,
            mirror->written + realm->settings.ntauth.max_age, now,
            "NTAuth list of the directory", realm->name, id);
    }
}

/* Does a login of a selected realm need the store? */
static bool
is_needed(const struct cm_keeper *keeper, const char *store)
{
    for (size_t i = 0; i < keeper->count; i++) {
        const struct cm_keeper_realm *realm = &keeper->realms[i];

        if (realm->selected && cm_keeper_uses(realm, store) &&
            (realm->settings.revocation.mode != CM_REVOCATION_OFF ||
             realm->settings.ntauth.from_ldap))
            return true;
    }
    return false;
}

static void
add_store(struct cm_expiries *out, const struct cm_keeper *keeper,
          const char *store, int64_t now)
{
    struct cm_status_report report = {.store = store};

    if (!cm_status_look(&report, keeper, now)) {
        out->failed = true;
    } else if (report.state != CM_OK) {
        cm_expiries_problem(out, "store %s: %s", store, report.why.text);
    } else {
        for (size_t i = 0; i < report.view.crl_count; i++)
            add_crl(out, &report.view.crls[i], store, now);
        for (size_t i = 0; i < report.mirror_count; i++)
            add_mirror(out, &report.mirrors[i], now);
    }
    cm_status_report_clear(&report);
}

void
cm_expiring_gather(struct cm_keeper *keeper, int64_t now,
                   struct cm_expiries *out)
{
    cm_keeper_look(keeper);
    for (size_t i = 0; i < keeper->count; i++) {
        if (keeper->realms[i].selected)
            add_realm(out, keeper->host, &keeper->realms[i]);
    }
    for (size_t i = 0; i < keeper->stores.count; i++) {
        if (is_needed(keeper, keeper->stores.items[i]))
            add_store(out, keeper, keeper->stores.items[i], now);
    }
}
