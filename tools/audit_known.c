#include "audit_known.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/sha.h>

#include "audit_dn.h"
#include "audit_world.h"
#include "buf.h"

struct cm_audit_yield {
    struct cm_audit_digest digest;
    uint32_t certificate; /* index */
};

/* ---- Digests ---- */

static char
fold(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static void
add_folded(struct cm_buf *buf, const char *text, size_t len)
{
    size_t start = buf->len;

    cm_buf_add(buf, text, len);
    for (size_t i = start; !buf->failed && i < buf->len; i++)
        buf->data[i] = fold(buf->data[i]);
}

static void
finish_digest(struct cm_buf *buf, struct cm_audit_digest *out)
{
    uint8_t digest[SHA256_DIGEST_LENGTH] = {0};

    if (!buf->failed)
        (void)SHA256((const uint8_t *)(buf->data != NULL ? buf->data : ""),
                     buf->len, digest);
    memcpy(out->bytes, digest, sizeof(out->bytes));
    cm_buf_clear(buf);
}

static void
add_name(struct cm_buf *buf, const char *text, size_t len, bool loosely)
{
    struct cm_buf other = CM_BUF_INIT;

    if (loosely && cm_audit_dn_is_unusual(text, len) &&
        cm_audit_dn_rewrite(text, len, false, &other))
        add_folded(buf, other.data, other.len);
    else
        add_folded(buf, text, len);
    cm_buf_clear(&other);
    cm_buf_add_char(buf, '\0');
}

void
cm_audit_digest_of(const struct cm_altsecid *parsed, bool loosely,
                   struct cm_audit_digest *out)
{
    struct cm_buf buf = CM_BUF_INIT;

    cm_buf_add_char(&buf, (char)('0' + (int)parsed->form));
    add_name(&buf, parsed->issuer.data, parsed->issuer.len, loosely);
    add_name(&buf, parsed->subject.data, parsed->subject.len, loosely);
    /* Mail addresses and SIDs compare as they are. */
    if (parsed->form == CM_FORM_RFC822 || parsed->form == CM_FORM_ISSUER_SID)
        cm_buf_add(&buf, parsed->other.data, parsed->other.len);
    else
        add_folded(&buf, parsed->other.data, parsed->other.len);
    finish_digest(&buf, out);
}

void
cm_audit_digest_folded(const char *text, size_t len,
                       struct cm_audit_digest *out)
{
    struct cm_buf buf = CM_BUF_INIT;

    add_folded(&buf, text, len);
    finish_digest(&buf, out);
}

/* ---- Sets ---- */

void
cm_audit_certificates_empty(struct cm_audit_certificates *certificates)
{
    certificates->count = 0;
    certificates->yield_count = 0;
    certificates->sorted = false;
}

void
cm_audit_certificates_clear(struct cm_audit_certificates *certificates)
{
    free(certificates->list);
    free(certificates->yields);
    memset(certificates, 0, sizeof(*certificates));
}

static int
compare_yields(const void *a, const void *b)
{
    const struct cm_audit_yield *one = a, *other = b;

    return memcmp(one->digest.bytes, other->digest.bytes, CM_AUDIT_DIGEST);
}

size_t
cm_audit_certificates_find(
    struct cm_audit_certificates *certificates,
    const struct cm_audit_digest *digest,
    void (*visit)(void *context, struct cm_audit_certificate *certificate),
    void *context)
{
    size_t low = 0, high = certificates->yield_count, middle, count = 0;

    if (!certificates->sorted && high > 1)
        qsort(certificates->yields, high, sizeof(*certificates->yields),
              compare_yields);
    certificates->sorted = true;
    while (low < high) {
        middle = low + (high - low) / 2;
        if (memcmp(certificates->yields[middle].digest.bytes, digest->bytes,
                   CM_AUDIT_DIGEST) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < certificates->yield_count &&
           memcmp(certificates->yields[low].digest.bytes, digest->bytes,
                  CM_AUDIT_DIGEST) == 0;
         low++) {
        count++;
        if (visit != NULL)
            visit(context,
                  &certificates->list[certificates->yields[low].certificate]);
    }
    return count;
}

static bool
grow(void **list, size_t *capacity, size_t count, size_t size)
{
    size_t wanted = *capacity == 0 ? 8 : 2 * *capacity;
    void *grown;

    if (count < *capacity)
        return true;
    grown = reallocarray(*list, wanted, size);
    if (grown == NULL)
        return false;
    *list = grown;
    *capacity = wanted;
    return true;
}

static bool
add_yield(struct cm_audit_certificates *certificates,
          const struct cm_candidate *candidate, size_t number)
{
    struct cm_altsecid parsed;
    void *list = certificates->yields;
    bool ok = grow(&list, &certificates->yield_capacity,
                   certificates->yield_count, sizeof(*certificates->yields));
    struct cm_audit_yield *yield;

    certificates->yields = list;
    if (!ok)
        return false;
    yield = &certificates->yields[certificates->yield_count];
    cm_altsecid_parse(candidate->value, candidate->len, &parsed);
    if (parsed.form == CM_FORM_NONE)
        return true;
    cm_audit_digest_of(&parsed, false, &yield->digest);
    yield->certificate = (uint32_t)number;
    certificates->yield_count++;
    return true;
}

/* Adds one that is decoded; an SKI counts whatever it is. */
static bool
add_decoded(struct cm_audit_certificates *certificates,
            const struct cm_certificate *cert, bool revoked)
{
    struct cm_candidates candidates;
    void *list = certificates->list;
    bool ok = grow(&list, &certificates->capacity, certificates->count,
                   sizeof(*certificates->list));

    certificates->list = list;
    if (!ok || !cm_candidates_build(cert, true, &candidates))
        return false;
    certificates->list[certificates->count] = (struct cm_audit_certificate){
        .not_after = cert->not_after,
        .revoked = revoked,
        .ski_is_key_hash = cert->ski_is_key_hash};
    for (size_t i = 0; ok && i < candidates.count; i++)
        ok = add_yield(certificates, &candidates.list[i], certificates->count);
    cm_candidates_clear(&candidates);
    certificates->count++;
    certificates->sorted = false;
    return ok;
}

bool
cm_audit_certificates_add(struct cm_audit_certificates *certificates,
                          struct cm_audit_world *world, const uint8_t *der,
                          size_t len, bool verified, bool *taken)
{
    struct cm_certificate cert;
    enum cm_reason reason = cm_certificate_decode(der, len, &cert, NULL);
    bool ok;

    *taken = reason == CM_OK;
    if (reason != CM_OK)
        return reason != CM_NO_MEMORY;
    ok = add_decoded(certificates, &cert,
                     cm_audit_is_revoked(world, cert.x509, verified));
    cm_certificate_clear(&cert);
    return ok;
}

struct seen {
    struct cm_audit_certificates *certificates;
    struct cm_audit_world *world;
    bool ok;
};

static bool
visit_seen(void *context, X509 *cert, int64_t when)
{
    struct seen *seen = context;
    unsigned char *der = NULL;
    int len = i2d_X509(cert, &der);
    bool taken;

    (void)when;
    seen->ok =
        len > 0 && cm_audit_certificates_add(seen->certificates, seen->world,
                                             der, (size_t)len, true, &taken);
    OPENSSL_free(der);
    return seen->ok;
}

bool
cm_audit_certificates_add_seen(struct cm_audit_certificates *certificates,
                               struct cm_audit_world *world)
{
    struct seen seen = {certificates, world, true};

    cm_store_each_seen(world->store, world->now, visit_seen, &seen);
    return seen.ok;
}
