#include "crl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/err.h>

#include "crl_parts.h"

/* DER of a CRL is longer than 127 bytes, so it begins with a SEQUENCE in the
 * long form of the length; no text begins so. */
enum { LONG_LENGTH = 0x80 };

const char *
cm_crl_reason_token(int reason)
{
    switch (reason) {
    case CM_CRL_UNSPECIFIED:
        return "unspecified";
    case CM_CRL_KEY_COMPROMISE:
        return "keyCompromise";
    case CM_CRL_CA_COMPROMISE:
        return "cACompromise";
    case CM_CRL_AFFILIATION_CHANGED:
        return "affiliationChanged";
    case CM_CRL_SUPERSEDED:
        return "superseded";
    case CM_CRL_CESSATION_OF_OPERATION:
        return "cessationOfOperation";
    case CM_CRL_CERTIFICATE_HOLD:
        return "certificateHold";
    case CM_CRL_REMOVE_FROM_CRL:
        return "removeFromCRL";
    case CM_CRL_PRIVILEGE_WITHDRAWN:
        return "privilegeWithdrawn";
    case CM_CRL_AA_COMPROMISE:
        return "aACompromise";
    default:
        return "unknown";
    }
}

int
cm_crl_number_compare(const struct cm_crl_number *a,
                      const struct cm_crl_number *b)
{
    return memcmp(a->octets, b->octets, sizeof(a->octets));
}

bool
cm_crl_serial(const ASN1_INTEGER *serial, uint8_t out[CM_CRL_SERIAL])
{
    struct cm_der der, content;
    uint8_t *bytes = NULL;
    int len;
    bool ok;

    if (ASN1_STRING_length(serial) > CM_CRL_SERIAL)
        return false;
    len = i2d_ASN1_INTEGER(serial, &bytes);
    if (len <= 0) {
        ERR_clear_error();
        return false;
    }
    der.bytes = bytes;
    der.len = (size_t)len;
    ok = cm_der_read_tag(&der, CM_DER_INTEGER, &content) &&
         cm_crl_serial_octets(&content, out);
    OPENSSL_free(bytes);
    return ok;
}

void
cm_crl_facts_clear(struct cm_crl_facts *facts)
{
    X509_NAME_free(facts->issuer);
    cm_crl_scope_clear(&facts->scope);
    ASN1_OCTET_STRING_free(facts->key_id);
    CRL_DIST_POINTS_free(facts->freshest);
    memset(facts, 0, sizeof(*facts));
}

static bool
check_file(int fd, uint64_t *size, struct cm_detail *detail)
{
    struct stat st;

    if (fstat(fd, &st) != 0) {
        cm_detail_set(detail, "%s", strerror(errno));
        return false;
    }
    if (!S_ISREG(st.st_mode)) {
        cm_detail_set(detail, "not a regular file");
        return false;
    }
    if ((uint64_t)st.st_size > CM_CRL_MAX_FILE) {
        cm_detail_set(detail, "longer than %zu bytes", CM_CRL_MAX_FILE);
        return false;
    }
    *size = (uint64_t)st.st_size;
    return true;
}

static bool
is_der(int fd)
{
    uint8_t first[2];

    return pread(fd, first, sizeof(first), 0) == (ssize_t)sizeof(first) &&
           first[0] == CM_DER_SEQUENCE && first[1] >= LONG_LENGTH;
}

static bool
open_pem(struct cm_crl_source *source, int fd, uint64_t size,
         struct cm_detail *detail)
{
    source->window.fd = cm_crl_decode_pem(fd, size, detail);
    if (source->window.fd < 0)
        return false;
    source->own_fd = true;
    return check_file(source->window.fd, &source->window.size, detail);
}

struct cm_crl_source *
cm_crl_source_open(int fd, struct cm_detail *detail)
{
    struct cm_crl_source *source;
    uint64_t size;

    if (!check_file(fd, &size, detail))
        return NULL;
    source = calloc(1, sizeof(*source));
    if (source == NULL) {
        cm_detail_set(detail, "out of memory");
        return NULL;
    }
    source->window.fd = fd;
    source->window.size = size;
    if (!is_der(fd) && !open_pem(source, fd, size, detail)) {
        cm_crl_source_free(source);
        return NULL;
    }
    return source;
}

void
cm_crl_source_free(struct cm_crl_source *source)
{
    if (source == NULL)
        return;
    if (source->own_fd)
        close(source->window.fd);
    cm_crl_window_clear(&source->window);
    cm_crl_signature_clear(&source->signature);
    free(source);
}

enum cm_reason
cm_crl_read_facts(struct cm_crl_source *source, struct cm_crl_facts *facts,
                  struct cm_detail *detail)
{
    struct cm_crl_scan scan;
    enum cm_reason reason;

    memset(facts, 0, sizeof(*facts));
    reason = cm_crl_scan(source, &scan, NULL, NULL, detail);
    if (reason == CM_OK) {
        cm_crl_source_keep(source, &scan);
        *facts = scan.facts;
        memset(&scan.facts, 0, sizeof(scan.facts));
    }
    cm_crl_scan_clear(&scan);
    return reason;
}

bool
cm_crl_each(struct cm_crl_source *source,
            bool (*visit)(void *context, const struct cm_crl_entry *entry),
            void *context)
{
    struct cm_crl_scan scan;
    bool complete;

    complete =
        cm_crl_scan(source, &scan, visit, context, NULL) == CM_OK &&
        !scan.stopped &&
        (!source->known || memcmp(scan.facts.source_sha256, source->sha256,
                                  sizeof(source->sha256)) == 0);
    cm_crl_scan_clear(&scan);
    return complete;
}
