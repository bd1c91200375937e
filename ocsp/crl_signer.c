#include "crl_signer.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

/* ---- Who might ---- */

bool
cm_crl_may_sign(X509 *ca)
{
    uint32_t flags = X509_get_extension_flags(ca);

    if ((flags & EXFLAG_INVALID) != 0)
        return false;
    return (flags & EXFLAG_KUSAGE) == 0 ||
           (X509_get_key_usage(ca) & X509v3_KU_CRL_SIGN) != 0;
}

/* As cm_crl_may_sign(), of a certificate that did not have to be a CA's. */
static bool
may_sign_beside(X509 *cert)
{
    uint32_t flags = X509_get_extension_flags(cert);

    return cm_crl_may_sign(cert) && (flags & (EXFLAG_KUSAGE | EXFLAG_CA)) != 0;
}

/* Its key signs CRLs and no certificates. */
static bool
signs_crls_only(X509 *cert)
{
    return (X509_get_extension_flags(cert) & EXFLAG_KUSAGE) != 0 &&
           (X509_get_key_usage(cert) & X509v3_KU_KEY_CERT_SIGN) == 0;
}

static bool
has_key(const struct cm_trusted *a, const struct cm_trusted *b)
{
    return memcmp(a->spki_sha256, b->spki_sha256, sizeof(a->spki_sha256)) == 0;
}

static bool
is_listed(const struct cm_crl_signers *signers,
          const struct cm_trusted *trusted)
{
    for (size_t i = 0; i < signers->count; i++) {
        if (memcmp(signers->list[i].trusted->sha256, trusted->sha256,
                   sizeof(trusted->sha256)) == 0)
            return true;
    }
    return false;
}

static bool
add_signer(struct cm_crl_signers *signers, const struct cm_trusted *trusted,
           bool same_name)
{
    struct cm_crl_signer *list;

    list = reallocarray(signers->list, signers->count + 1,
                        sizeof(*signers->list));
    if (list == NULL)
        return false;
    signers->list = list;
    list[signers->count].trusted = trusted;
    list[signers->count].same_name = same_name;
    list[signers->count++].crls_only = signs_crls_only(trusted->x509);
    return true;
}

/* Adds those of one list that bear the name. */
static bool
add_named(const struct cm_crl_asked *asked, const struct cm_trusted_list *from,
          size_t name, struct cm_crl_signers *signers)
{
    bool own = cm_crl_may_sign(asked->issuer.x509);
    const struct cm_trusted *trusted;
    size_t first, count;

    cm_trusted_list_named(from, asked->target.issuers[name], &first, &count);
    for (size_t i = first; i < first + count; i++) {
        trusted = &from->list[i];
        if (!may_sign_beside(trusted->x509) || is_listed(signers, trusted) ||
            (name == 0 && own && has_key(trusted, &asked->issuer)))
            continue;
        if (!add_signer(signers, trusted, name == 0))
            return false;
    }
    return true;
}

static bool
bears_a_name(const struct cm_crl_asked *asked, X509 *cert)
{
    const struct cm_crl_target *target = &asked->target;

    for (size_t i = 0; i < target->issuer_count; i++) {
        if (X509_NAME_cmp(X509_get_subject_name(cert), target->issuers[i]) ==
            0)
            return true;
    }
    return false;
}

/* What only this question brings, of its path and the helpers beside the
 * snapshot.  Most have nothing to do with it, and digests take time. */
static bool
collect_nearby(const struct cm_crl_inquiry *inquiry,
               const struct cm_crl_asked *asked, struct cm_trusted_list *out)
{
    X509 *certs[CM_PATH_MAX_LENGTH + CM_PATH_MAX_EXTRA];
    const struct cm_path_rules *rules = inquiry->rules;
    size_t count = 0;

    for (size_t i = 0; i < asked->path->count; i++) {
        if (asked->path->certs[i] != asked->issuer.x509 &&
            bears_a_name(asked, asked->path->certs[i]))
            certs[count++] = asked->path->certs[i];
    }
    for (size_t i = 0; i < rules->extra_count && i < CM_PATH_MAX_EXTRA; i++) {
        if (bears_a_name(asked, rules->extra[i]))
            certs[count++] = rules->extra[i];
    }
    return cm_trusted_list_build(certs, count, out);
}

bool
cm_crl_signers_find(const struct cm_crl_inquiry *inquiry,
                    const struct cm_crl_asked *asked,
                    struct cm_crl_signers *out)
{
    const struct cm_snapshot *snapshot = inquiry->snapshot;
    const struct cm_trusted_list *lists[] = {&out->nearby, &snapshot->anchors,
                                             &snapshot->intermediates,
                                             &snapshot->ntauth};
    bool ok;

    memset(out, 0, sizeof(*out));
    ok = collect_nearby(inquiry, asked, &out->nearby);
    for (size_t i = 0; i < asked->target.issuer_count; i++) {
        for (size_t j = 0; j < sizeof(lists) / sizeof(*lists); j++)
            ok = ok && add_named(asked, lists[j], i, out);
    }
    if (!ok)
        cm_crl_signers_clear(out);
    return ok;
}

void
cm_crl_signers_clear(struct cm_crl_signers *signers)
{
    free(signers->list);
    cm_trusted_list_clear(&signers->nearby);
    memset(signers, 0, sizeof(*signers));
}

/* ---- Whether it belongs to the CA ---- */

static bool
is_same_key(X509 *a, X509 *b)
{
    EVP_PKEY *left = X509_get0_pubkey(a), *right = X509_get0_pubkey(b);
    bool same;

    same = left != NULL && right != NULL && EVP_PKEY_eq(left, right) == 1;
    ERR_clear_error();
    return same;
}

/* The same CA: name and key. */
static bool
is_same_ca(X509 *a, X509 *b)
{
    return X509_NAME_cmp(X509_get_subject_name(a), X509_get_subject_name(b)) ==
               0 &&
           is_same_key(a, b);
}

static bool
is_self_issued(X509 *cert)
{
    return X509_NAME_cmp(X509_get_subject_name(cert),
                         X509_get_issuer_name(cert)) == 0;
}

/* Does the list hold a self-issued certificate in which the other key
 * certifies the issuing one? */
static bool
has_link(const struct cm_trusted_list *list, X509 *other, X509 *issuer)
{
    bool found = false;
    size_t first, count;
    X509 *link;

    cm_trusted_list_named(list, X509_get_subject_name(issuer), &first, &count);
    for (size_t i = first; i < first + count && !found; i++) {
        link = list->list[i].x509;
        found = is_self_issued(link) && is_same_key(link, issuer) &&
                X509_verify(link, X509_get0_pubkey(other)) == 1;
    }
    ERR_clear_error();
    return found;
}

static bool
certifies_issuer(const struct cm_crl_inquiry *inquiry,
                 const struct cm_crl_signers *signers, X509 *other,
                 X509 *issuer)
{
    return has_link(&signers->nearby, other, issuer) ||
           has_link(&inquiry->snapshot->anchors, other, issuer) ||
           has_link(&inquiry->snapshot->intermediates, other, issuer) ||
           has_link(&inquiry->snapshot->ntauth, other, issuer);
}

/*
 * Does the signer's path show that its key is the issuing CA's own?  Nobody's
 * claim alone will do: either the issuing key vouches for the signer's, or a
 * key that vouches for the issuing one does.
 */
static bool
is_linked(const struct cm_crl_inquiry *inquiry,
          const struct cm_crl_asked *asked,
          const struct cm_crl_signers *signers, const struct cm_path *path)
{
    X509 *issuer = asked->issuer.x509, *signer = path->certs[0];
    X509 *above = NULL;

    if (asked->position + 2 < asked->path->count)
        above = asked->path->certs[asked->position + 2];
    if (is_same_key(signer, issuer))
        return true;
    /* It certified the issuing key, and the asked path goes through that. */
    if (above != NULL && is_same_ca(above, signer))
        return is_self_issued(issuer);
    if (path->count < 2)
        return false;
    if (is_same_ca(path->certs[1], issuer))
        return true;
    return above != NULL && is_same_ca(path->certs[1], above) &&
           (signs_crls_only(signer) ||
            certifies_issuer(inquiry, signers, signer, issuer));
}

/* ---- How it stands ---- */

struct judgement {
    struct cm_crl_inquiry *inquiry;
    const struct cm_crl_asked *asked;
    const struct cm_crl_signers *signers;
    const struct cm_crl_signer *signer;
    struct cm_crl_standing best;
};

static enum cm_crl_standing_kind
kind_of(enum cm_status_state state)
{
    switch (state) {
    case CM_STATUS_GOOD:
        return CM_CRL_STANDS;
    case CM_STATUS_STALE:
        return CM_CRL_STANDS_STALE;
    case CM_STATUS_UNKNOWN:
        return CM_CRL_STANDS_UNKNOWN;
    case CM_STATUS_REVOKED:
        break;
    }
    return CM_CRL_STANDS_NOT;
}

/* The standing falls to that of the weakest certificate. */
static void
weaken(struct cm_crl_standing *standing, const struct cm_status *status)
{
    enum cm_crl_standing_kind kind = kind_of(status->state);

    if (kind < standing->kind)
        standing->kind = kind;
    if (!standing->bounded) {
        standing->bounded = true;
        standing->has_next_update = status->has_next_update;
        standing->next_update = status->next_update;
    } else if (!status->has_next_update) {
        standing->has_next_update = false;
    } else if (status->next_update < standing->next_update) {
        standing->next_update = status->next_update;
    }
}

static bool
is_better(const struct cm_crl_standing *a, const struct cm_crl_standing *b)
{
    if (a->kind != b->kind)
        return a->kind > b->kind;
    if (a->bounded != b->bounded)
        return b->bounded;
    if (a->has_next_update != b->has_next_update)
        return a->has_next_update;
    return a->has_next_update && a->next_update > b->next_update;
}

/* Judges one path of the signer; accepts it if nothing better can come. */
static enum cm_reason
judge_path(void *context, const struct cm_path *path, struct cm_detail *detail)
{
    struct judgement *judgement = context;
    const struct cm_crl_asked *asked = judgement->asked;
    struct cm_crl_standing standing = {.kind = CM_CRL_STANDS};
    struct cm_status status;

    (void)detail;
    if (!is_same_ca(path->certs[path->count - 1],
                    asked->path->certs[asked->path->count - 1]) ||
        (judgement->signer->same_name &&
         !is_linked(judgement->inquiry, asked, judgement->signers, path)))
        return CM_PATH_UNTRUSTED;
    for (size_t i = 0; i + 1 < path->count; i++) {
        if (i == 0 && X509_cmp(path->certs[0], asked->target.cert) == 0)
            continue;
        cm_crl_ask(judgement->inquiry, path, i, asked->depth + 1, &status);
        weaken(&standing, &status);
    }
    if (is_better(&standing, &judgement->best))
        judgement->best = standing;
    return standing.kind == CM_CRL_STANDS ? CM_OK : CM_REVOCATION_UNKNOWN;
}

void
cm_crl_signer_standing(struct cm_crl_inquiry *inquiry,
                       const struct cm_crl_asked *asked,
                       const struct cm_crl_signers *signers,
                       const struct cm_crl_signer *signer,
                       struct cm_crl_standing *out)
{
    struct judgement judgement = {
        inquiry, asked, signers, signer, {.kind = CM_CRL_STANDS_NOT}};
    const struct cm_path_rules rules = {
        .now = inquiry->rules->now,
        .min_rsa_bits = inquiry->rules->min_rsa_bits,
        .extra = inquiry->rules->extra,
        .extra_count = inquiry->rules->extra_count,
    };
    struct cm_path path = {0};
    enum cm_reason reason;

    *out = judgement.best;
    if (inquiry->searches == CM_CRL_MAX_SEARCHES) {
        inquiry->gave_up = true;
        return;
    }
    inquiry->searches++;
    reason = cm_path_find(inquiry->snapshot, signer->trusted->x509, &rules,
                          judge_path, &judgement, &path, NULL);
    if (reason == CM_NO_MEMORY)
        inquiry->gave_up = true;
    *out = judgement.best;
    cm_path_clear(&path);
}
