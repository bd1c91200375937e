/*
 * One pass over a CRL:
 *
 *     CertificateList ::= SEQUENCE {
 *         tbsCertList SEQUENCE {
 *             version, signature, issuer, thisUpdate, nextUpdate   the head
 *             revokedCertificates SEQUENCE OF                      the entries
 *             crlExtensions [0] },                                 the tail
 *         signatureAlgorithm, signatureValue }
 *
 * Head and tail are small and looked at whole; the entries pass through the
 * window.  Whether they may name issuers or lift holds is known only from the
 * tail.
 */
#include "crl_parts.h"

#include <string.h>

#include <openssl/err.h>

#include "instant.h"

enum {
    HEADER_BYTES = 2 + CM_DER_MAX_LENGTH_OCTETS, /* identifier and length */
    VERSION_2 = 1,
    TAG_UTC_TIME = 0x17,
    TAG_GENERALIZED_TIME = 0x18,
    TAG_EXTENSIONS = CM_DER_CONTEXT_CONSTRUCTED
};

struct pass {
    struct cm_crl_window *window;
    struct cm_crl_scan *out;
    struct cm_crl_walk walk;
    struct cm_detail *detail;
    bool version_2;
    size_t head; /* bytes of it */
    uint64_t tbs_start, tbs_end, entries_end;
};

static enum cm_reason
refuse(struct pass *pass, const char *why)
{
    cm_detail_set(pass->detail, "%s", why);
    return CM_REVOCATION_UNKNOWN;
}

/* Reads identifier and length of an element that may be longer than the
 * window; it must end where the CRL ends, or before. */
static bool
read_header(struct pass *pass, uint8_t tag, size_t *len)
{
    uint64_t left = cm_crl_window_left(pass->window);
    struct cm_der der;
    uint8_t found;

    der.len = left < HEADER_BYTES ? (size_t)left : HEADER_BYTES;
    der.bytes = cm_crl_window_peek(pass->window, der.len, pass->detail);
    if (der.bytes == NULL)
        return false;
    left -= der.len;
    cm_detail_set(pass->detail, "CRL is not DER");
    if (!cm_der_read_header(&der, &found, len) || found != tag)
        return false;
    left += der.len;
    cm_crl_window_skip(pass->window,
                       (size_t)(cm_crl_window_left(pass->window) - left));
    return *len <= left;
}

/* A whole element that is DER throughout. */
static bool
read_strict(struct cm_der *der, uint8_t tag, struct cm_der *out)
{
    struct cm_der content;

    out->bytes = der->bytes;
    if (!cm_der_read_tag(der, tag, &content))
        return false;
    out->len = (size_t)(der->bytes - out->bytes);
    return cm_der_is_strict(out->bytes, out->len);
}

static bool
read_time(struct cm_der *der, int64_t *out)
{
    const uint8_t *start = der->bytes, *p = start;
    struct cm_der_element element;
    ASN1_TIME *time;
    bool read;

    if (!cm_der_read(der, &element))
        return false;
    time = d2i_ASN1_TIME(NULL, &p, (long)(der->bytes - start));
    read = time != NULL && p == der->bytes && cm_instant_read(time, out);
    ASN1_TIME_free(time);
    ERR_clear_error();
    return read;
}

static bool
is_time_next(const struct cm_der *der)
{
    return der->len > 0 && (der->bytes[0] == TAG_UTC_TIME ||
                            der->bytes[0] == TAG_GENERALIZED_TIME);
}

static enum cm_reason
read_version(struct pass *pass, struct cm_der *der)
{
    static const uint8_t version_2[] = {VERSION_2};
    struct cm_der version;

    if (der->len == 0 || der->bytes[0] != CM_DER_INTEGER)
        return CM_OK; /* version 1 */
    if (!cm_der_read_tag(der, CM_DER_INTEGER, &version) ||
        !cm_der_equals(&version, version_2, sizeof(version_2)))
        return refuse(pass, "unknown CRL version");
    pass->version_2 = true;
    return CM_OK;
}

static enum cm_reason
read_issuer(struct pass *pass, const struct cm_der *der)
{
    const uint8_t *p = der->bytes;
    enum cm_crl_issuer outcome;
    unsigned number = 0;
    X509_NAME *name;

    name = d2i_X509_NAME(NULL, &p, (long)der->len);
    ERR_clear_error();
    if (name == NULL || p != der->bytes + der->len) {
        X509_NAME_free(name);
        return refuse(pass, "issuer does not decode");
    }
    pass->out->facts.issuer = name;
    outcome = cm_crl_issuers_add(&pass->out->issuers, name, &number);
    return outcome == CM_CRL_ISSUER_KNOWN ? CM_OK : CM_NO_MEMORY;
}

static enum cm_reason
read_validity(struct pass *pass, struct cm_der *der)
{
    struct cm_crl_facts *facts = &pass->out->facts;

    if (!read_time(der, &facts->this_update))
        return refuse(pass, "thisUpdate does not decode");
    facts->has_next_update = is_time_next(der);
    if (facts->has_next_update && !read_time(der, &facts->next_update))
        return refuse(pass, "nextUpdate does not decode");
    return CM_OK;
}

/* Everything before the entries, and the header of their list. */
static enum cm_reason
parse_head(struct pass *pass, struct cm_der *der)
{
    struct cm_der algorithm, issuer;
    enum cm_reason reason;

    reason = read_version(pass, der);
    if (reason != CM_OK)
        return reason;
    if (!read_strict(der, CM_DER_SEQUENCE, &algorithm) ||
        !cm_crl_signature_read(&pass->out->signature, &algorithm))
        return refuse(pass, "signature algorithm does not decode");
    if (!read_strict(der, CM_DER_SEQUENCE, &issuer))
        return refuse(pass, "issuer does not decode");
    reason = read_issuer(pass, &issuer);
    if (reason == CM_OK)
        reason = read_validity(pass, der);
    return reason;
}

/* The list of entries may be absent; an empty one is not DER, but common. */
static enum cm_reason
open_entries(struct pass *pass, struct cm_der *der)
{
    uint8_t tag;
    size_t len = 0;

    pass->entries_end = 0;
    if (der->len == 0 || der->bytes[0] != CM_DER_SEQUENCE)
        return CM_OK;
    if (!cm_der_read_header(der, &tag, &len))
        return refuse(pass, "list of entries does not decode");
    pass->entries_end = len;
    return CM_OK;
}

static enum cm_reason
read_head(struct pass *pass)
{
    uint64_t at = cm_crl_window_at(pass->window);
    uint64_t left = pass->tbs_end - at;
    enum cm_reason reason;
    struct cm_der der;

    der.len = left < CM_CRL_MAX_HEAD ? (size_t)left : CM_CRL_MAX_HEAD;
    pass->head = der.len;
    der.bytes = cm_crl_window_peek(pass->window, der.len, pass->detail);
    if (der.bytes == NULL)
        return CM_REVOCATION_UNKNOWN;
    reason = parse_head(pass, &der);
    if (reason == CM_OK)
        reason = open_entries(pass, &der);
    if (reason != CM_OK)
        return reason;
    pass->head -= der.len;
    cm_crl_window_skip(pass->window, pass->head);
    at = cm_crl_window_at(pass->window);
    if (pass->entries_end > pass->tbs_end - at)
        return refuse(pass, "list of entries does not decode");
    pass->entries_end += at;
    return CM_OK;
}

/* Opens both outer sequences. */
static enum cm_reason
read_frame(struct pass *pass)
{
    size_t len;

    if (!read_header(pass, CM_DER_SEQUENCE, &len))
        return CM_REVOCATION_UNKNOWN;
    if (len != cm_crl_window_left(pass->window))
        return refuse(pass, "bytes after the end of the CRL");
    pass->tbs_start = cm_crl_window_at(pass->window);
    if (!read_header(pass, CM_DER_SEQUENCE, &len))
        return CM_REVOCATION_UNKNOWN;
    pass->tbs_end = cm_crl_window_at(pass->window) + len;
    return CM_OK;
}

/* From here on the signed bytes are digested as they pass. */
static enum cm_reason
begin_digest(struct pass *pass)
{
    if (pass->out->signature.eddsa &&
        pass->tbs_end - pass->tbs_start > CM_CRL_MAX_EDDSA)
        return refuse(pass, "too long for EdDSA");
    return cm_crl_window_sign(pass->window, pass->tbs_start, pass->tbs_end,
                              pass->out->signature.digest,
                              pass->out->signature.eddsa)
               ? CM_OK
               : CM_NO_MEMORY;
}

static enum cm_reason
keep_idp(struct pass *pass, const struct cm_der *idp)
{
    if (idp->len == 0)
        return CM_OK;
    pass->out->idp = ASN1_OCTET_STRING_new();
    if (pass->out->idp == NULL ||
        ASN1_OCTET_STRING_set(pass->out->idp, idp->bytes, (int)idp->len) != 1)
        return CM_NO_MEMORY;
    return CM_OK;
}

/* crlExtensions [0] EXPLICIT Extensions, or nothing. */
static enum cm_reason
read_extensions(struct pass *pass, struct cm_der rest)
{
    struct cm_der whole, idp = {NULL, 0}, list;
    enum cm_reason reason;

    if (rest.len > 0) {
        if (!read_strict(&rest, TAG_EXTENSIONS, &whole) || rest.len != 0 ||
            !cm_der_read_tag(&whole, TAG_EXTENSIONS, &rest) ||
            !cm_der_read_tag(&rest, CM_DER_SEQUENCE, &list) || rest.len != 0)
            return refuse(pass, "extensions do not decode");
        if (!pass->version_2)
            return refuse(pass, "extensions in a CRL before version 2");
        reason = cm_crl_read_extensions(list, &pass->out->facts, &idp,
                                        pass->detail);
        if (reason != CM_OK)
            return reason;
    }
    if (!cm_crl_scope_digest(&pass->out->facts, &idp))
        return CM_NO_MEMORY;
    return keep_idp(pass, &idp);
}

/* The BIT STRING of whole octets that ends the CRL. */
static enum cm_reason
read_value(struct pass *pass, struct cm_der rest)
{
    struct cm_crl_signature *signature = &pass->out->signature;
    struct cm_der bits;

    if (!cm_der_read_tag(&rest, CM_DER_BIT_STRING, &bits) || rest.len != 0 ||
        bits.len < 2 || bits.bytes[0] != 0 ||
        bits.len - 1 > sizeof(signature->value))
        return refuse(pass, "signature does not decode");
    signature->value_len = bits.len - 1;
    memcpy(signature->value, bits.bytes + 1, signature->value_len);
    return CM_OK;
}

/* RFC 5280 section 5.1.1.2. */
static bool
is_same_algorithm(const X509_ALGOR *inner, const struct cm_der *outer)
{
    const uint8_t *p = outer->bytes;
    X509_ALGOR *algorithm = d2i_X509_ALGOR(NULL, &p, (long)outer->len);
    bool same;

    same = algorithm != NULL && X509_ALGOR_cmp(inner, algorithm) == 0;
    X509_ALGOR_free(algorithm);
    ERR_clear_error();
    return same;
}

static enum cm_reason
read_tail(struct pass *pass)
{
    uint64_t left = cm_crl_window_left(pass->window);
    enum cm_reason reason;
    struct cm_der rest, extensions, algorithm;

    if (left > CM_CRL_MAX_HEAD - pass->head)
        return refuse(pass, "extensions too long");
    rest.len = (size_t)left;
    rest.bytes = cm_crl_window_peek(pass->window, rest.len, pass->detail);
    if (rest.bytes == NULL)
        return CM_REVOCATION_UNKNOWN;
    extensions.bytes = rest.bytes;
    extensions.len = (size_t)(pass->tbs_end - cm_crl_window_at(pass->window));
    rest.bytes += extensions.len;
    rest.len -= extensions.len;
    reason = read_extensions(pass, extensions);
    if (reason != CM_OK)
        return reason;
    if (!read_strict(&rest, CM_DER_SEQUENCE, &algorithm) ||
        !is_same_algorithm(pass->out->signature.algorithm, &algorithm))
        return refuse(pass, "the two signature algorithms differ");
    reason = read_value(pass, rest);
    cm_crl_window_skip(pass->window, (size_t)left);
    return reason;
}

/* What the entries held, and the tail must allow. */
static enum cm_reason
check_entries(struct pass *pass)
{
    const struct cm_crl_facts *facts = &pass->out->facts;

    if (pass->walk.has_extensions && !pass->version_2)
        return refuse(pass, "extensions in a CRL before version 2");
    if (pass->walk.has_issuer && !facts->scope.indirect)
        return refuse(pass, "certificateIssuer in a CRL that is not indirect");
    if (pass->walk.has_removal && !facts->base.present)
        return refuse(pass, "removeFromCRL in a CRL that is not a delta");
    return CM_OK;
}

/* Keeps what was digested, now that all has passed. */
static enum cm_reason
finish(struct pass *pass)
{
    struct cm_crl_signature *signature = &pass->out->signature;
    struct cm_crl_facts *facts = &pass->out->facts;

    if (!cm_crl_window_finish(pass->window, facts->source_sha256,
                              signature->message, &signature->message_len))
        return CM_NO_MEMORY;
    signature->copy = pass->window->copy;
    signature->copy_len = (size_t)(pass->tbs_end - pass->tbs_start);
    pass->window->copy = NULL;
    facts->source_size = pass->window->size;
    facts->entry_count = pass->walk.count;
    return CM_OK;
}

static enum cm_reason
run(struct pass *pass)
{
    enum cm_reason reason;

    reason = read_frame(pass);
    if (reason == CM_OK)
        reason = read_head(pass);
    if (reason == CM_OK)
        reason = begin_digest(pass);
    if (reason != CM_OK)
        return reason;
    pass->walk.issuers = &pass->out->issuers;
    reason = cm_crl_walk_entries(&pass->walk, pass->entries_end, pass->detail);
    if (reason != CM_OK || pass->walk.stopped)
        return reason;
    reason = read_tail(pass);
    if (reason == CM_OK)
        reason = check_entries(pass);
    if (reason == CM_OK)
        reason = finish(pass);
    return reason;
}

enum cm_reason
cm_crl_scan(struct cm_crl_source *source, struct cm_crl_scan *out,
            cm_crl_visit *visit, void *context, struct cm_detail *detail)
{
    struct pass pass = {
        .window = &source->window,
        .out = out,
        .walk = {.window = &source->window,
                 .visit = visit,
                 .context = context},
        .detail = detail,
    };
    enum cm_reason reason = CM_NO_MEMORY;

    memset(out, 0, sizeof(*out));
    out->facts.scope.reasons = CM_CRL_ALL_REASONS;
    if (cm_crl_window_start(&source->window))
        reason = run(&pass);
    if (reason == CM_NO_MEMORY)
        cm_detail_set(detail, "out of memory");
    out->stopped = pass.walk.stopped;
    return reason;
}

void
cm_crl_scan_clear(struct cm_crl_scan *scan)
{
    cm_crl_facts_clear(&scan->facts);
    cm_crl_issuers_clear(&scan->issuers);
    cm_crl_signature_clear(&scan->signature);
    ASN1_OCTET_STRING_free(scan->idp);
    memset(scan, 0, sizeof(*scan));
}

void
cm_crl_source_keep(struct cm_crl_source *source, struct cm_crl_scan *scan)
{
    cm_crl_signature_clear(&source->signature);
    source->signature = scan->signature;
    memset(&scan->signature, 0, sizeof(scan->signature));
    memcpy(source->sha256, scan->facts.source_sha256, sizeof(source->sha256));
    source->known = true;
}
