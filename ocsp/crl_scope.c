#include "crl_parts.h"

#include <string.h>

#include <openssl/err.h>

enum { REASON_BITS = 9 };

static enum cm_reason
refuse(struct cm_detail *detail, const char *why)
{
    cm_detail_set(detail, "issuingDistributionPoint: %s", why);
    return CM_REVOCATION_UNKNOWN;
}

/* A relative name, made whole, as a list of one full name. */
static enum cm_reason
whole_name(DIST_POINT_NAME *point, X509_NAME *issuer, GENERAL_NAMES **out)
{
    GENERAL_NAME *name;
    GENERAL_NAMES *names;
    X509_NAME *copy;

    if (DIST_POINT_set_dpname(point, issuer) != 1)
        return CM_NO_MEMORY;
    copy = X509_NAME_dup(point->dpname);
    name = GENERAL_NAME_new();
    names = GENERAL_NAMES_new();
    if (copy == NULL || name == NULL || names == NULL ||
        sk_GENERAL_NAME_push(names, name) == 0) {
        X509_NAME_free(copy);
        GENERAL_NAME_free(name);
        GENERAL_NAMES_free(names);
        return CM_NO_MEMORY;
    }
    GENERAL_NAME_set0_value(name, GEN_DIRNAME, copy);
    *out = names;
    return CM_OK;
}

/* DistributionPointName: type 0 is fullName. */
static enum cm_reason
read_names(DIST_POINT_NAME *point, X509_NAME *issuer, struct cm_crl_scope *out,
           struct cm_detail *detail)
{
    if (point->type == 0) {
        if (sk_GENERAL_NAME_num(point->name.fullname) <= 0)
            return refuse(detail, "a distribution point without name");
        out->names = point->name.fullname;
        point->name.fullname = NULL;
        return CM_OK;
    }
    if (sk_X509_NAME_ENTRY_num(point->name.relativename) <= 0)
        return refuse(detail, "a distribution point without name");
    return whole_name(point, issuer, &out->names);
}

static enum cm_reason
read_reasons(ASN1_BIT_STRING *bits, struct cm_crl_scope *out,
             struct cm_detail *detail)
{
    out->reasons = 0;
    for (int i = 1; i < REASON_BITS; i++) {
        if (ASN1_BIT_STRING_get_bit(bits, i) == 1)
            out->reasons |= 1U << i;
    }
    if (out->reasons == 0)
        return refuse(detail, "onlySomeReasons without a reason");
    return CM_OK;
}

static enum cm_reason
read_point(ISSUING_DIST_POINT *point, X509_NAME *issuer,
           struct cm_crl_scope *out, struct cm_detail *detail)
{
    enum cm_reason reason = CM_OK;

    out->has_idp = true;
    out->only_user = point->onlyuser > 0;
    out->only_ca = point->onlyCA > 0;
    out->only_attribute = point->onlyattr > 0;
    out->indirect = point->indirectCRL > 0;
    if (out->only_user + out->only_ca + out->only_attribute > 1)
        return refuse(detail, "onlyContains... more than once");
    if (point->distpoint != NULL)
        reason = read_names(point->distpoint, issuer, out, detail);
    if (reason == CM_OK && point->onlysomereasons != NULL)
        reason = read_reasons(point->onlysomereasons, out, detail);
    return reason;
}

enum cm_reason
cm_crl_read_scope(const struct cm_der *idp, X509_NAME *issuer,
                  struct cm_crl_scope *out, struct cm_detail *detail)
{
    const uint8_t *p = idp->bytes;
    ISSUING_DIST_POINT *point;
    enum cm_reason reason;

    point = d2i_ISSUING_DIST_POINT(NULL, &p, (long)idp->len);
    if (point == NULL || p != idp->bytes + idp->len)
        reason = refuse(detail, "does not decode");
    else
        reason = read_point(point, issuer, out, detail);
    ISSUING_DIST_POINT_free(point);
    ERR_clear_error();
    return reason;
}

void
cm_crl_scope_clear(struct cm_crl_scope *scope)
{
    GENERAL_NAMES_free(scope->names);
    memset(scope, 0, sizeof(*scope));
}

/* Length and content, so that no two lists of parts digest alike. */
static bool
digest_part(EVP_MD_CTX *digest, const uint8_t *bytes, size_t len)
{
    uint64_t size = len;
    uint8_t prefix[sizeof(size)];

    for (size_t i = 0; i < sizeof(prefix); i++)
        prefix[i] = (uint8_t)(size >> (56 - 8 * i));
    return EVP_DigestUpdate(digest, prefix, sizeof(prefix)) == 1 &&
           EVP_DigestUpdate(digest, bytes, len) == 1;
}

bool
cm_crl_scope_digest(struct cm_crl_facts *facts, const struct cm_der *idp)
{
    uint8_t flags[2] = {facts->scope.has_idp, facts->base.present};
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    const uint8_t *issuer = NULL;
    size_t len = 0;
    bool ok;

    ok = digest != NULL &&
         X509_NAME_get0_der(facts->issuer, &issuer, &len) == 1 &&
         EVP_DigestInit_ex(digest, EVP_sha256(), NULL) == 1 &&
         digest_part(digest, issuer, len) &&
         digest_part(digest, idp->bytes, idp->len) &&
         digest_part(digest, flags, sizeof(flags)) &&
         EVP_DigestFinal_ex(digest, facts->scope_id, NULL) == 1;
    EVP_MD_CTX_free(digest);
    return ok;
}
