/*
 * The KDC's own certificate: without it no client gets as far as certmap.
 * Files are read and the path is built as stock PKINIT does both.
 */
#include "check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509_vfy.h>

#include "certfile.h"
#include "kdc_cert.h"
#include "pem_file.h"
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

/* The private key of a PEM file.  NULL: a finding says why. */
static EVP_PKEY *
read_key(const struct kdc *kdc, const char *path)
{
    struct cm_findings *findings = &kdc->check->findings;
    int error;
    EVP_PKEY *key = cm_pem_key(path, &error);

    if (key != NULL)
        return key;
    if (error == EACCES)
        cm_findings_add(findings, CM_FINDING_KDC_UNCHECKED, kdc->realm,
                        "%s cannot be read by this user", path);
    else if (error != 0)
        cm_findings_add(findings, CM_FINDING_KDC_FILE_UNREADABLE, kdc->realm,
                        "pkinit_identity: %s: %s", path, strerror(error));
    else
        cm_findings_add(findings, CM_FINDING_KDC_FILE_UNREADABLE, kdc->realm,
                        "pkinit_identity: %s holds no private key that can "
                        "be read without a passphrase",
                        path);
    return NULL;
}

/* Stock PKINIT does not ask whether they belong together, and signs. */
static void
check_key(const struct kdc *kdc, const X509 *cert, const char *path,
          const char *key_path)
{
    EVP_PKEY *key = read_key(kdc, key_path);

    if (key != NULL && EVP_PKEY_eq(X509_get0_pubkey(cert), key) != 1)
        cm_findings_add(&kdc->check->findings, CM_FINDING_KDC_KEY, kdc->realm,
                        "%s is not the key of %s: no client believes what it "
                        "signs",
                        key_path, path);
    EVP_PKEY_free(key);
    ERR_clear_error();
}

/* "CERTIFICATE[,KEY]"; without a second name the first file has both. */
static void
check_files(struct kdc *kdc, char *files)
{
    struct certificates certs = {NULL, 0};
    struct cm_detail detail = {""};
    char *rest = NULL, *path = strtok_r(files, ",", &rest);
    const char *key_path = strtok_r(NULL, ",", &rest);

    if (path == NULL) {
        cm_findings_add(&kdc->check->findings, CM_FINDING_KDC_FILE_UNREADABLE,
                        kdc->realm, "pkinit_identity names no file");
    } else if (!cm_certfile_read_all(path, &certs.list, &certs.count,
                                     &detail)) {
        cm_findings_add(&kdc->check->findings, CM_FINDING_KDC_FILE_UNREADABLE,
                        kdc->realm, "pkinit_identity: %s", detail.text);
    } else { /* of several, stock PKINIT presents the one at the top */
        check_certificate(kdc, certs.list[0], path);
        check_key(kdc, certs.list[0], path,
                  key_path != NULL ? key_path : path);
    }
    clear_certificates(&certs);
}

static void
check_identity(struct kdc *kdc, const char *value)
{
    const char *file = after(value, "FILE:");
    char *copy;

    if (file == NULL) {
        cm_findings_add(&kdc->check->findings, CM_FINDING_KDC_UNCHECKED,
                        kdc->realm, "pkinit_identity = %s was not looked into",
                        value);
        return;
    }
    copy = strdup(file);
    if (copy == NULL)
        kdc->check->findings.failed = true;
    else
        check_files(kdc, copy);
    free(copy);
}

/* How many clients may knock by TCP at once: those with a card do. */
static void
check_backlog(struct cm_check *check)
{
    const char *names[] = {"kdcdefaults", "kdc_tcp_listen_backlog", NULL};
    struct cm_text_list values = {0};
    long backlog = CM_CHECK_DEFAULT_BACKLOG;

    if (!cm_host_values(check->host, CM_HOST_MERGED, names, &values))
        check->findings.failed = true;
    if (values.count > 0)
        backlog = strtol(values.items[0], NULL, 10);
    if (backlog < CM_CHECK_MIN_BACKLOG)
        cm_findings_add(&check->findings, CM_FINDING_KDC_BACKLOG, NULL,
                        "kdc_tcp_listen_backlog is %ld%s: of more clients "
                        "that connect at once the others wait a second and "
                        "try again",
                        backlog, values.count == 0 ? ", the default" : "");
    cm_text_list_clear(&values);
}

void
cm_check_kdc(struct cm_check *check, const struct cm_check_realm *realm)
{
    struct kdc kdc = {.check = check, .realm = realm->name};
    struct cm_text_list identity = {0};

    check_backlog(check);
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
