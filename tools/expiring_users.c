/*
 * certmap expiring --users: certificates of people.  What a mapping value
 * names has no end of its own; the certificate is known where the directory
 * holds it, or where it has logged in.
 */
#include "expiring_command.h"

#include <stdlib.h>
#include <string.h>

#include "altsecid.h"
#include "certificate.h"
#include "store.h"
#include "sweep.h"

/* ---- Cards that logged in ---- */

struct seen {
    struct cm_expiries *out;
    const char *store;
};

static bool
visit_seen(void *context, X509 *cert, int64_t when)
{
    struct seen *seen = context;

    (void)when;
    cm_expiries_add_cert(seen->out, CM_EXPIRY_CARD, cert, seen->store);
    return !seen->out->failed;
}

static void
add_seen(struct cm_expiries *out, const char *path, int64_t now)
{
    struct cm_store *store = cm_store_new(path, false, NULL);
    struct seen seen = {out, path};

    if (store == NULL)
        out->failed = true;
    else
        cm_store_each_seen(store, now, visit_seen, &seen);
    cm_store_free(store);
}

/* ---- Accounts of the directory ---- */

struct users {
    struct cm_expiries *out;
    const struct cm_settings *settings;
};

/* Is one of the account's values what the certificate yields? */
static bool
is_mapped(const struct users *users, const struct cm_entry *entry,
          const struct cm_certificate *cert, bool *failed)
{
    const char *name = users->settings->directory.schema.mappings;
    const struct cm_attribute *values =
        name == NULL ? NULL : cm_entry_get(entry, name);
    struct cm_candidates candidates;
    bool found = false;

    if (!cm_candidates_build(cert, users->settings->policy.ski_trust_extension,
                             &candidates)) {
        *failed = true;
        return false;
    }
    for (size_t i = 0; values != NULL && !found && i < values->count; i++) {
        for (size_t j = 0; !found && j < candidates.count; j++)
            found = cm_candidate_matches(&candidates.list[j],
                                         values->values[i].data,
                                         values->values[i].len);
    }
    cm_candidates_clear(&candidates);
    return found;
}

/* The one value of an attribute as text; NULL: none, several, or not text. */
static char *
text_of(const struct cm_entry *entry, const char *name)
{
    const struct cm_attribute *one =
        name == NULL ? NULL : cm_entry_get(entry, name);

    return one == NULL || one->count != 1
               ? NULL
               : cm_text_dup_clean((const uint8_t *)one->values[0].data,
                                   one->values[0].len);
}

/* Does the certificate's UPN name the account? */
static bool
is_named(const struct users *users, const struct cm_entry *entry,
         const struct cm_certificate *cert)
{
    const struct cm_schema *schema = &users->settings->directory.schema;
    const struct cm_policy *policy = &users->settings->policy;
    struct cm_account account = {.upn = text_of(entry, schema->upn),
                                 .account_name =
                                     text_of(entry, schema->account_name)};
    bool named;

    account.upn_state = account.upn != NULL ? CM_PRESENT : CM_ABSENT;
    named = policy->use_subject_alt_name && cert->upn_state == CM_PRESENT &&
            cm_account_has_upn(&account, cert->upn, policy->dns_domain);
    cm_account_clear(&account);
    return named;
}

static void
add_user(const struct users *users, const struct cm_entry *entry,
         const struct cm_value *value)
{
    struct cm_certificate cert;

    /* What is no certificate has no end; audit speaks of it. */
    if (cm_certificate_decode((const uint8_t *)value->data, value->len, &cert,
                              NULL) != CM_OK)
        return;
    if ((users->out->all || cert.not_after <= users->out->limit) &&
        (is_mapped(users, entry, &cert, &users->out->failed) ||
         is_named(users, entry, &cert)))
        cm_expiries_add(users->out, CM_EXPIRY_USER, cert.not_after,
                        cert.subject_rfc4514, entry->dn, cert.sha256);
    cm_certificate_clear(&cert);
}

static bool
visit_entry(void *context, const struct cm_entry *entry)
{
    static const char *const names[] = {"userCertificate",
                                        "userCertificate;binary"};
    struct users *users = context;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const struct cm_attribute *one = cm_entry_get(entry, names[i]);

        for (size_t j = 0; one != NULL && j < one->count; j++)
            add_user(users, entry, &one->values[j]);
    }
    return !users->out->failed;
}

static void
add_accounts(struct cm_expiries *out, const struct cm_keeper_realm *realm)
{
    const struct cm_directory_config *config = &realm->settings.directory;
    const char *attributes[6] = {"userCertificate", "userCertificate;binary"};
    const char *const own[] = {config->schema.mappings, config->schema.upn,
                               config->schema.account_name};
    struct users users = {out, &realm->settings};
    struct cm_detail why = {""};
    struct cm_sweep sweep = {.filter = "(userCertificate=*)",
                             .attributes = attributes,
                             .visit = visit_entry,
                             .context = &users};
    size_t count = 2;

    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
        if (own[i] != NULL)
            attributes[count++] = own[i];
    }
    switch (cm_sweep(config, &sweep, &why)) {
    case CM_SWEEP_WHOLE:
    case CM_SWEEP_STOPPED:
        break;
    case CM_SWEEP_TRUNCATED:
    case CM_SWEEP_FAILED:
        cm_expiries_problem(out, "realm %s: the directory: %s", realm->name,
                            why.text);
        break;
    }
}

void
cm_expiring_users(struct cm_keeper *keeper, int64_t now,
                  struct cm_expiries *out)
{
    for (size_t i = 0; i < keeper->stores.count; i++)
        add_seen(out, keeper->stores.items[i], now);
    for (size_t i = 0; i < keeper->count; i++) {
        const struct cm_keeper_realm *realm = &keeper->realms[i];

        if (realm->selected &&
            realm->settings.directory.kind == CM_DIRECTORY_LDAP)
            add_accounts(out, realm);
    }
}
