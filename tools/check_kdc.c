/*
 * The KDC's own certificate: without it no client gets as far as certmap.
 * Files are read and the path is built as stock PKINIT does both.
 */
#include "check.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509_vfy.h>

#include "certfile.h"
#include "kdc_cert.h"
#include "trust.h"

struct certificates {
    X509 **list;
    size_t count;
};

struct kdc {
    struct cm_check *check;
    const char *realm;
    struct certificates anchors;
    struct certificates pool;
};

static void
clear_certificates(struct certificates *certs)
{
    cm_certificates_free(certs->list, certs->count);
}

/* A value that begins with this prefix; the rest of it, or NULL. */
static const char *
after(const char *value, const char *prefix)
{
    size_t len = strlen(prefix);

    return strncmp(value, prefix, len) == 0 ? value + len : NULL;
}

/* The certificates behind one FILE: or DIR: value. */
static void
collect(struct kdc *kdc, const char *relation, const char *value,
        struct certificates *into)
{
    const char *path = after(value, "FILE:");
    struct cm_detail detail = {""};

    if (path == NULL)
        path = after(value, "DIR:");
    if (path == NULL)
        cm_findings_add(&kdc->check->findings, CM_FINDING_KDC_UNCHECKED,
                        kdc->realm, "%s = %s was not looked into", relation,
                        value);
    else if (!cm_certfile_collect(path, &into->list, &into->count, &detail))
        cm_findings_add(&kdc->check->findings, CM_FINDING_KDC_FILE_UNREADABLE,
                        kdc->realm, "%s: %s", relation, detail.text);
}

/* Returns how many values there are. */
static size_t
collect_all(struct kdc *kdc, const char *relation, struct certificates *into)
{
    struct cm_text_list values = {0};
    size_t count;

    cm_check_pkinit_values(kdc->check, CM_HOST_MERGED, kdc->realm, relation,
                           &values);
    for (size_t i = 0; i < values.count; i++)
        collect(kdc, relation, values.items[i], into);
    count = values.count;
    cm_text_list_clear(&values);
    return count;
}

static STACK_OF(X509) * stack_of(const struct certificates *certs)
{
    STACK_OF(X509) *stack = sk_X509_new_null();

    for (size_t i = 0; stack != NULL && i < certs->count; i++) {
        if (sk_X509_push(stack, certs->list[i]) == 0) {
            sk_X509_free(stack);
            return NULL;
        }
    }
    return stack;
}

/* Whether OpenSSL finds a whole chain, as the KDC does when it answers. */
static bool
verify(const struct kdc *kdc, X509 *cert, int *error)
{
    STACK_OF(X509) *anchors = stack_of(&kdc->anchors);
    STACK_OF(X509) *pool = stack_of(&kdc->pool);
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    bool ok = false;

    *error = X509_V_ERR_OUT_OF_MEM;
    if (anchors != NULL && pool != NULL && store != NULL && ctx != NULL &&
        X509_STORE_CTX_init(ctx, store, cert, pool) == 1) {
        X509_STORE_CTX_set0_trusted_stack(ctx, anchors);
        X509_STORE_CTX_set_time(ctx, 0, (time_t)kdc->check->now);
        ok = X509_verify_cert(ctx) == 1;
        *error = X509_STORE_CTX_get_error(ctx);
    }
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
    sk_X509_free(pool);
    sk_X509_free(anchors);
    ERR_clear_error();
    return ok;
}

static void
check_path(const struct kdc *kdc, X509 *cert, const char *path)
{
    int error;

    if (kdc->anchors.count == 0 || verify(kdc, cert, &error))
        return; /* no anchors: that is a finding of its own */
    cm_findings_add(&kdc->check->findings, CM_FINDING_KDC_PATH, kdc->realm,
                    "%s has no path to pkinit_anchors: %s", path,
                    X509_verify_cert_error_string(error));
}

/* False: outside its validity period; then nothing is said about its path. */
static bool
check_validity(const struct kdc *kdc, const X509 *cert, const char *path)
{
    time_t now = (time_t)kdc->check->now;
    bool early = X509_cmp_time(X509_get0_notBefore(cert), &now) >= 0;
    bool late = X509_cmp_time(X509_get0_notAfter(cert), &now) <= 0;

    if (early || late)
        cm_findings_add(&kdc->check->findings, CM_FINDING_KDC_VALIDITY,
                        kdc->realm, "%s %s", path,
                        late ? "has expired" : "is not valid yet");
    return !early && !late;
}

static void
check_certificate(const struct kdc *kdc, X509 *cert, const char *path)
{
    if (!cm_kdc_cert_has_eku(cert))
        cm_findings_add(&kdc->check->findings, CM_FINDING_KDC_EKU, kdc->realm,
                        "%s does not carry the KDC's extended key usage: "
                        "clients refuse it",
                        path);
    if (!cm_kdc_cert_names(cert, kdc->realm))
        cm_findings_add(&kdc->check->findings, CM_FINDING_KDC_NAME, kdc->realm,
                        "%s does not name krbtgt/%s@%s: clients refuse it",
                        path, kdc->realm, kdc->realm);
    if (check_validity(kdc, cert, path))
        check_path(kdc, cert, path);
}

/* "FILE:certificate[,key]". */
static void
check_identity(struct kdc *kdc, const char *value)
{
    const char *file = after(value, "FILE:");
    struct certificates certs = {NULL, 0};
    struct cm_detail detail = {""};
    char *path;

    if (file == NULL) {
        cm_findings_add(&kdc->check->findings, CM_FINDING_KDC_UNCHECKED,
                        kdc->realm, "pkinit_identity = %s was not looked into",
                        value);
        return;
    }
    path = strndup(file, strcspn(file, ","));
    if (path == NULL)
        kdc->check->findings.failed = true;
    else if (!cm_certfile_read_all(path, &certs.list, &certs.count, &detail))
        cm_findings_add(&kdc->check->findings, CM_FINDING_KDC_FILE_UNREADABLE,
                        kdc->realm, "pkinit_identity: %s", detail.text);
    else /* of several, stock PKINIT presents the one at the top */
        check_certificate(kdc, certs.list[0], path);
    clear_certificates(&certs);
    free(path);
}

void
cm_check_kdc(struct cm_check *check, const struct cm_check_realm *realm)
{
    struct kdc kdc = {.check = check, .realm = realm->name};
    struct cm_text_list identity = {0};

    if (collect_all(&kdc, "pkinit_anchors", &kdc.anchors) == 0)
        cm_findings_add(&check->findings, CM_FINDING_KDC_ANCHORS_MISSING,
                        realm->name,
                        "pkinit_anchors is not set: PKINIT is off");
    collect_all(&kdc, "pkinit_pool", &kdc.pool);
    cm_check_pkinit_values(check, CM_HOST_MERGED, realm->name,
                           "pkinit_identity", &identity);
    if (identity.count == 0)
        cm_findings_add(&check->findings, CM_FINDING_KDC_IDENTITY_MISSING,
                        realm->name,
                        "pkinit_identity is not set: PKINIT is off");
    else /* the library takes the first value of several */
        check_identity(&kdc, identity.items[0]);
    cm_text_list_clear(&identity);
    clear_certificates(&kdc.pool);
    clear_certificates(&kdc.anchors);
}
