#include "login_identity.h"

#include <stdlib.h>
#include <string.h>

#include "logon.h"
#include "text.h"

/* Any of the purposes that a KDC can be told to accept; how strong keys and
 * signatures must be is for the KDC to say, and is judged last. */
static const struct cm_logon_rules rules = {
    .key_purposes = CM_PURPOSE_CLIENT_AUTH | CM_PURPOSE_SMARTCARD_LOGON |
                    CM_PURPOSE_PKINIT_CLIENT,
    .require_key_purpose = false,
    .min_rsa_bits = 0,
};

static void
judge(struct cm_login_identity *identity, int64_t now)
{
    enum cm_reason reason =
        cm_logon_check(&identity->cert, &rules, now, &identity->why);

    identity->usable = reason == CM_OK || reason == CM_CERT_WEAK_CRYPTO;
    identity->expired = reason == CM_CERT_VALIDITY;
    if (identity->usable)
        cm_detail_set(&identity->why, "%s", "");
}

static const char *
holder(const struct cm_certificate *cert)
{
    if (cert->upn_state == CM_PRESENT)
        return cert->upn;
    return cert->subject_rfc4514[0] != '\0' ? cert->subject_rfc4514
                                            : "(no name)";
}

bool
cm_login_identity_describe(struct cm_login_identity *identity,
                           const uint8_t *der, size_t len, int64_t now)
{
    struct cm_detail detail = {""};
    enum cm_reason reason =
        cm_certificate_decode(der, len, &identity->cert, &detail);

    identity->decoded = reason == CM_OK;
    if (identity->decoded)
        judge(identity, now);
    else
        cm_detail_set(&identity->why, "damaged: %s", detail.text);
    identity->who =
        strdup(identity->decoded ? holder(&identity->cert) : "(unreadable)");
    return reason != CM_NO_MEMORY && identity->who != NULL;
}

void
cm_login_identity_clear(struct cm_login_identity *identity)
{
    if (identity->decoded)
        cm_certificate_clear(&identity->cert);
    free(identity->who);
    free(identity->where);
    free(identity->value);
    free(identity->krb5);
    if (identity->password != NULL)
        explicit_bzero(identity->password, strlen(identity->password));
    free(identity->password);
    cm_card_object_clear(&identity->card);
    memset(identity, 0, sizeof(*identity));
}

void
cm_login_identities_clear(struct cm_login_identities *identities)
{
    for (size_t i = 0; i < identities->count; i++)
        cm_login_identity_clear(&identities->list[i]);
    free(identities->list);
    memset(identities, 0, sizeof(*identities));
}
