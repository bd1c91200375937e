#include "crl_coverage.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>

/* ReasonFlags: bit 0 is unused, 1 to 8 are reasons. */
enum { FIRST_REASON = 1, LAST_REASON = 8 };

static bool
is_name(const GENERAL_NAME *general, const X509_NAME *name)
{
    return general->type == GEN_DIRNAME &&
           X509_NAME_cmp(general->d.directoryName, name) == 0;
}

static bool
names_have(const GENERAL_NAMES *names, const X509_NAME *name)
{
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        if (is_name(sk_GENERAL_NAME_value(names, i), name))
            return true;
    }
    return false;
}

static bool
names_meet(const GENERAL_NAMES *a, const GENERAL_NAMES *b)
{
    for (int i = 0; i < sk_GENERAL_NAME_num(a); i++) {
        for (int j = 0; j < sk_GENERAL_NAME_num(b); j++) {
            if (GENERAL_NAME_cmp(sk_GENERAL_NAME_value(a, i),
                                 sk_GENERAL_NAME_value(b, j)) == 0)
                return true;
        }
    }
    return false;
}

/* ---- The certificate ---- */

static bool
add_issuer(struct cm_crl_target *target, const X509_NAME *name)
{
    for (size_t i = 0; i < target->issuer_count; i++) {
        if (X509_NAME_cmp(target->issuers[i], name) == 0)
            return true;
    }
    if (target->issuer_count == CM_CRL_MAX_NAMED)
        return false;
    target->issuers[target->issuer_count++] = name;
    return true;
}

/* The name that completes a relative one: the cRLIssuer's, else that of the
 * certificate's issuer.  NULL: two of them, which RFC 5280 forbids here. */
static const X509_NAME *
base_of_relative(const struct cm_crl_target *target, const DIST_POINT *point)
{
    const X509_NAME *base = NULL;
    const GENERAL_NAME *general;

    if (point->CRLissuer == NULL)
        return target->issuers[0];
    for (int i = 0; i < sk_GENERAL_NAME_num(point->CRLissuer); i++) {
        general = sk_GENERAL_NAME_value(point->CRLissuer, i);
        if (general->type != GEN_DIRNAME)
            continue;
        if (base != NULL)
            return NULL;
        base = general->d.directoryName;
    }
    return base;
}

static bool
read_point(struct cm_crl_target *target, const DIST_POINT *point)
{
    const GENERAL_NAME *general;
    const X509_NAME *base;

    for (int i = 0; i < sk_GENERAL_NAME_num(point->CRLissuer); i++) {
        general = sk_GENERAL_NAME_value(point->CRLissuer, i);
        if (general->type == GEN_DIRNAME &&
            !add_issuer(target, general->d.directoryName))
            return false;
    }
    if (point->distpoint == NULL || point->distpoint->type == 0)
        return true;
    base = base_of_relative(target, point);
    return base != NULL && DIST_POINT_set_dpname(point->distpoint, base) == 1;
}

static bool
read_points(struct cm_crl_target *target)
{
    int state = -1; /* absent */

    target->points = X509_get_ext_d2i(
        target->cert, NID_crl_distribution_points, &state, NULL);
    if (target->points == NULL)
        return state == -1;
    for (int i = 0; i < sk_DIST_POINT_num(target->points); i++) {
        if (!read_point(target, sk_DIST_POINT_value(target->points, i)))
            return false;
    }
    return true;
}

bool
cm_crl_target_init(X509 *cert, struct cm_crl_target *out)
{
    struct cm_crl_target target = {0};
    bool ok;

    memset(out, 0, sizeof(*out));
    target.cert = cert;
    target.is_ca = (X509_get_extension_flags(cert) & EXFLAG_CA) != 0;
    target.issuers[target.issuer_count++] = X509_get_issuer_name(cert);
    ok = cm_crl_serial(X509_get0_serialNumber(cert), target.serial) &&
         read_points(&target);
    ERR_clear_error();
    if (ok)
        *out = target;
    else
        cm_crl_target_clear(&target);
    return ok;
}

void
cm_crl_target_clear(struct cm_crl_target *target)
{
    CRL_DIST_POINTS_free(target->points);
    memset(target, 0, sizeof(*target));
}

/* ---- The CRL ---- */

static unsigned
point_reasons(const DIST_POINT *point)
{
    unsigned reasons = 0;

    if (point->reasons == NULL)
        return CM_CRL_ALL_REASONS;
    for (int i = FIRST_REASON; i <= LAST_REASON; i++) {
        if (ASN1_BIT_STRING_get_bit(point->reasons, i) == 1)
            reasons |= 1U << i;
    }
    return reasons;
}

/* Is the CRL the one that is found at this distribution point?  One without
 * a name of its own goes by its cRLIssuer. */
static bool
is_at_point(const DIST_POINT *point, const GENERAL_NAMES *names)
{
    const DIST_POINT_NAME *name = point->distpoint;

    if (names == NULL)
        return true;
    if (name == NULL)
        return names_meet(point->CRLissuer, names);
    if (name->type == 0)
        return names_meet(name->name.fullname, names);
    return names_have(names, name->dpname);
}

/* May this issuer publish CRLs for the distribution point?  A cRLIssuer that
 * is named must say itself that its CRL is indirect. */
static bool
is_point_issuer(const DIST_POINT *point, const X509_NAME *crl_issuer,
                bool direct, const struct cm_crl_scope *scope)
{
    if (point->CRLissuer == NULL)
        return direct;
    return scope->indirect && names_have(point->CRLissuer, crl_issuer);
}

unsigned
cm_crl_coverage_reasons(const struct cm_crl_target *target,
                        const X509_NAME *crl_issuer,
                        const struct cm_crl_scope *scope)
{
    bool direct = X509_NAME_cmp(crl_issuer, target->issuers[0]) == 0;
    const DIST_POINT *point;
    unsigned reasons = 0;

    if (scope->only_attribute || (scope->only_user && target->is_ca) ||
        (scope->only_ca && !target->is_ca))
        return 0;
    for (int i = 0; i < sk_DIST_POINT_num(target->points); i++) {
        point = sk_DIST_POINT_value(target->points, i);
        if (is_point_issuer(point, crl_issuer, direct, scope) &&
            is_at_point(point, scope->names))
            reasons |= point_reasons(point);
    }
    /* The distribution point that every certificate has without saying so:
     * its issuer's own name. */
    if (direct &&
        (scope->names == NULL || names_have(scope->names, target->issuers[0])))
        reasons = CM_CRL_ALL_REASONS;
    return reasons & scope->reasons;
}

bool
cm_crl_coverage_is_named(const struct cm_crl_target *target,
                         const struct cm_crl_scope *scope)
{
    if (target->points == NULL)
        return true;
    for (int i = 0; i < sk_DIST_POINT_num(target->points); i++) {
        if (scope->names != NULL &&
            is_at_point(sk_DIST_POINT_value(target->points, i), scope->names))
            return true;
    }
    return false;
}

bool
cm_crl_coverage_digest(const struct cm_crl_scope *scope, uint8_t out[32])
{
    const uint8_t head[] = {
        scope->names != NULL,
        scope->only_user,
        scope->only_ca,
        scope->only_attribute,
        scope->indirect,
        (uint8_t)(scope->reasons & 0xff),
        (uint8_t)(scope->reasons >> 8),
    };
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    uint8_t *der = NULL;
    int len = 0;
    bool ok;

    if (scope->names != NULL)
        len = i2d_GENERAL_NAMES(scope->names, &der);
    ok = ctx != NULL && len >= 0 &&
         EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1 &&
         EVP_DigestUpdate(ctx, head, sizeof(head)) == 1 &&
         EVP_DigestUpdate(ctx, der, (size_t)len) == 1 &&
         EVP_DigestFinal_ex(ctx, out, NULL) == 1;
    OPENSSL_free(der);
    EVP_MD_CTX_free(ctx);
    ERR_clear_error();
    return ok;
}
