#include "chain.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "name.h"
#include "strength.h"

/* The SID of the account (MS-WCCE 2.2.2.7.7.4): read by mapping/, so a leaf
 * may mark it critical. */
static const char sid_extension[] = "1.3.6.1.4.1.311.25.2";

/* What OpenSSL's callbacks need to know of the verification they serve. */
struct verification {
    const struct cm_chain *chain;
    bool leaf_outside_validity;
};

void
cm_chain_blame(X509 *cert, const char *what, struct cm_detail *detail)
{
    char *subject = NULL;

    if (cert != NULL)
        subject = cm_name_rfc4514(X509_get_subject_name(cert));
    cm_detail_set(detail, "\"%.384s\": %s", subject != NULL ? subject : "?",
                  what);
    free(subject);
}

/*
 * Replaces OpenSSL's own choice of an issuer, which goes by name and key
 * identifier and does not come back from a wrong guess: the search has
 * chosen already.
 */
static int
is_next_in_chain(X509_STORE_CTX *ctx, X509 *cert, X509 *issuer)
{
    const struct verification *v = X509_STORE_CTX_get_app_data(ctx);
    const struct cm_chain *chain = v->chain;

    for (size_t i = 0; i + 1 < chain->count; i++) {
        if (chain->certs[i]->x509 == cert)
            return chain->certs[i + 1]->x509 == issuer &&
                   X509_NAME_cmp(X509_get_issuer_name(cert),
                                 X509_get_subject_name(issuer)) == 0;
    }
    return 0;
}

X509_STORE *
cm_chain_store_new(void)
{
    X509_STORE *store = X509_STORE_new();

    if (store != NULL)
        X509_STORE_set_check_issued(store, is_next_in_chain);
    return store;
}

/* Lets the verification go on past the leaf's validity period, to learn
 * whether anything else is wrong; everything else stops it. */
static int
note_leaf_validity(int ok, X509_STORE_CTX *ctx)
{
    struct verification *v = X509_STORE_CTX_get_app_data(ctx);
    int error = X509_STORE_CTX_get_error(ctx);

    if (ok || X509_STORE_CTX_get_error_depth(ctx) != 0)
        return ok;
    if (error != X509_V_ERR_CERT_NOT_YET_VALID &&
        error != X509_V_ERR_CERT_HAS_EXPIRED)
        return ok;
    v->leaf_outside_validity = true;
    return 1;
}

static bool
is_handled(X509_EXTENSION *extension, bool leaf)
{
    char oid[sizeof(sid_extension) + 1];
    int len;

    if (!X509_EXTENSION_get_critical(extension) ||
        X509_supported_extension(extension))
        return true;
    len =
        OBJ_obj2txt(oid, sizeof(oid), X509_EXTENSION_get_object(extension), 1);
    return leaf && len == (int)strlen(sid_extension) &&
           strcmp(oid, sid_extension) == 0;
}

/* Every extension decodes that OpenSSL reads, and every critical one is
 * understood by somebody. */
static enum cm_reason
check_extensions(const struct cm_chain *chain, struct cm_detail *detail)
{
    X509 *cert;

    for (size_t i = 0; i < chain->count; i++) {
        cert = chain->certs[i]->x509;
        if ((X509_get_extension_flags(cert) & EXFLAG_INVALID) != 0) {
            cm_chain_blame(cert, "an extension does not decode", detail);
            return CM_PATH_UNTRUSTED;
        }
        for (int j = 0; j < X509_get_ext_count(cert); j++) {
            if (!is_handled(X509_get_ext(cert, j), i == 0)) {
                cm_chain_blame(cert, "unknown critical extension", detail);
                return CM_PATH_UNTRUSTED;
            }
        }
    }
    return CM_OK;
}

/* OpenSSL must have verified this chain and no other. */
static bool
is_same_chain(X509_STORE_CTX *ctx, const struct cm_chain *chain)
{
    STACK_OF(X509) *built = X509_STORE_CTX_get0_chain(ctx);

    if (built == NULL || sk_X509_num(built) != (int)chain->count)
        return false;
    for (size_t i = 0; i < chain->count; i++) {
        if (X509_cmp(sk_X509_value(built, (int)i), chain->certs[i]->x509) != 0)
            return false;
    }
    return true;
}

static enum cm_reason
explain_failure(X509_STORE_CTX *ctx, struct cm_detail *detail)
{
    int error = X509_STORE_CTX_get_error(ctx);

    if (error == X509_V_ERR_OUT_OF_MEM)
        return CM_NO_MEMORY;
    cm_chain_blame(X509_STORE_CTX_get_current_cert(ctx),
                   X509_verify_cert_error_string(error), detail);
    return CM_PATH_UNTRUSTED;
}

static enum cm_reason
verify_prepared(X509_STORE_CTX *ctx, const struct verification *v,
                struct cm_text_list *policies, struct cm_detail *detail)
{
    if (X509_verify_cert(ctx) != 1)
        return explain_failure(ctx, detail);
    if (!is_same_chain(ctx, v->chain)) {
        cm_detail_set(detail, "another chain than the chosen was verified");
        return CM_PATH_UNTRUSTED;
    }
    if (!cm_chain_valid_policies(ctx, policies))
        return CM_NO_MEMORY;
    if (v->leaf_outside_validity) {
        cm_chain_blame(v->chain->certs[0]->x509, "outside its validity period",
                       detail);
        return CM_CERT_VALIDITY;
    }
    return CM_OK;
}

/* Sets ctx up for the one chain: its end is all that is trusted. */
static enum cm_reason
verify_with(X509_STORE_CTX *ctx, X509_STORE *store, STACK_OF(X509) * untrusted,
            STACK_OF(X509) * trusted, const struct cm_chain *chain,
            const struct cm_path_rules *rules, struct cm_text_list *policies,
            struct cm_detail *detail)
{
    struct verification v = {chain, false};
    X509_VERIFY_PARAM *param;
    enum cm_reason reason;

    if (X509_STORE_CTX_init(ctx, store, chain->certs[0]->x509, untrusted) !=
            1 ||
        X509_STORE_CTX_set_app_data(ctx, &v) != 1)
        return CM_NO_MEMORY;
    X509_STORE_CTX_set0_trusted_stack(ctx, trusted);
    X509_STORE_CTX_set_verify_cb(ctx, note_leaf_validity);
    param = X509_STORE_CTX_get0_param(ctx);
    X509_VERIFY_PARAM_set_time(param, (time_t)rules->now);
    /* check_extensions() looks at the critical ones instead. */
    X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN |
                                           X509_V_FLAG_IGNORE_CRITICAL);
    reason = cm_chain_demand_policies(ctx, rules, detail);
    if (reason != CM_OK)
        return reason;
    return verify_prepared(ctx, &v, policies, detail);
}

enum cm_reason
cm_chain_verify(X509_STORE *store, const struct cm_chain *chain,
                const struct cm_path_rules *rules,
                struct cm_text_list *policies, struct cm_detail *detail)
{
    STACK_OF(X509) * untrusted, *trusted;
    enum cm_reason reason = CM_NO_MEMORY;
    X509_STORE_CTX *ctx;
    bool ready;

    memset(policies, 0, sizeof(*policies));
    if (check_extensions(chain, detail) != CM_OK)
        return CM_PATH_UNTRUSTED;
    ctx = X509_STORE_CTX_new();
    untrusted = sk_X509_new_null();
    trusted = sk_X509_new_null();
    ready = ctx != NULL && untrusted != NULL && trusted != NULL &&
            sk_X509_push(trusted, chain->certs[chain->count - 1]->x509) > 0;
    for (size_t i = 1; ready && i + 1 < chain->count; i++)
        ready = sk_X509_push(untrusted, chain->certs[i]->x509) > 0;
    if (ready)
        reason = verify_with(ctx, store, untrusted, trusted, chain, rules,
                             policies, detail);
    X509_STORE_CTX_free(ctx);
    sk_X509_free(untrusted);
    sk_X509_free(trusted);
    ERR_clear_error();
    return reason;
}

enum cm_reason
cm_chain_strength(const struct cm_chain *chain, int min_rsa_bits,
                  struct cm_detail *detail)
{
    struct cm_detail why = {""};
    bool anchor;
    X509 *cert;

    for (size_t i = 0; i < chain->count; i++) {
        cert = chain->certs[i]->x509;
        anchor = i + 1 == chain->count;
        /* The anchor is trusted as it is; its signature proves nothing. */
        if (!cm_strength_key(cert, min_rsa_bits, &why) ||
            (!anchor && !cm_strength_signature(cert, &why))) {
            cm_chain_blame(cert, why.text, detail);
            return CM_CERT_WEAK_CRYPTO;
        }
    }
    return CM_OK;
}
