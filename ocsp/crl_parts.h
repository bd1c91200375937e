/*
 * The pieces that crl.h is made of.  Private to the files crl*.c.
 *
 * One pass reads the file once, from its first byte to its last: the digests
 * see exactly the bytes that were parsed.
 */
#ifndef CM_CRL_PARTS_H
#define CM_CRL_PARTS_H

#include "crl.h"
#include "crl_issuers.h"
#include "der.h"

/* ---- crl_window.c: the bytes ---- */

struct cm_crl_window {
    int fd;
    uint64_t size;   /* of the DER */
    uint8_t *buffer; /* CM_CRL_WINDOW bytes */
    uint64_t offset; /* of buffer[0] in the DER */
    size_t filled;   /* bytes in the buffer */
    size_t at;       /* next byte to be parsed */
    size_t digested; /* bytes that the digests have seen */

    uint64_t signed_from, signed_to; /* the tbsCertList */
    EVP_MD_CTX *whole;               /* SHA-256 of the DER */
    EVP_MD_CTX *message; /* of the tbsCertList; NULL: not asked for */
    uint8_t *copy;       /* of it; NULL: not asked for */
    bool failed;         /* a digest could not be made */
};

/* Starts a pass.  False: no memory. */
bool cm_crl_window_start(struct cm_crl_window *window);
void cm_crl_window_clear(struct cm_crl_window *window);

/* Offset of the next byte; bytes from there to the end. */
uint64_t cm_crl_window_at(const struct cm_crl_window *window);
uint64_t cm_crl_window_left(const struct cm_crl_window *window);

/* The next len bytes, of which there must be so many, and at most
 * CM_CRL_WINDOW; valid until the next call.  NULL: they cannot be read. */
const uint8_t *cm_crl_window_peek(struct cm_crl_window *window, size_t len,
                                  struct cm_detail *detail);
/* Passes over bytes that were peeked at. */
void cm_crl_window_skip(struct cm_crl_window *window, size_t len);

/* From now on the bytes of [from, to), not passed yet, are digested or copied
 * as the signature algorithm needs.  False: no memory. */
bool cm_crl_window_sign(struct cm_crl_window *window, uint64_t from,
                        uint64_t to, const EVP_MD *digest, bool copy);
/* Ends a pass that came to the end. */
bool cm_crl_window_finish(struct cm_crl_window *window, uint8_t whole[32],
                          uint8_t message[EVP_MAX_MD_SIZE], size_t *len);

/* An unlinked file; -1: errno says why. */
int cm_crl_temporary(void);

/* ---- crl_pem.c ---- */

/* Decodes the one block of a text; -1: detail says why.  The caller closes
 * the file. */
int cm_crl_decode_pem(int fd, uint64_t size, struct cm_detail *detail);

/* ---- crl_signature.c ---- */

struct cm_crl_signature {
    X509_ALGOR *algorithm;
    const EVP_MD *digest; /* NULL: below the floor, or EdDSA */
    bool eddsa;
    uint8_t message[EVP_MAX_MD_SIZE];
    size_t message_len;
    uint8_t *copy; /* of the tbsCertList, for EdDSA */
    size_t copy_len;
    uint8_t value[CM_CRL_MAX_SIGNATURE];
    size_t value_len;
};

/* From the whole AlgorithmIdentifier.  False: it does not decode. */
bool cm_crl_signature_read(struct cm_crl_signature *signature,
                           const struct cm_der *algorithm);
void cm_crl_signature_clear(struct cm_crl_signature *signature);

/* ---- crl_extensions.c ---- */

/* One Extension. */
struct cm_crl_extension {
    struct cm_der oid;
    bool critical;
    struct cm_der value; /* content of the OCTET STRING */
};

/* id-ce: 2.5.29 */
enum {
    CM_CRL_OID_ISSUER_ALT_NAME = 18,
    CM_CRL_OID_CRL_NUMBER = 20,
    CM_CRL_OID_REASON_CODE = 21,
    CM_CRL_OID_INVALIDITY_DATE = 24,
    CM_CRL_OID_DELTA_INDICATOR = 27,
    CM_CRL_OID_ISSUING_DISTRIBUTION_POINT = 28,
    CM_CRL_OID_CERTIFICATE_ISSUER = 29,
    CM_CRL_OID_AUTHORITY_KEY_IDENTIFIER = 35,
    CM_CRL_OID_FRESHEST_CRL = 46
};

/* n of an OID 2.5.29.n; 0: another. */
unsigned cm_crl_oid(const struct cm_der *oid);

/*
 * Calls take for each Extension of the SEQUENCE's content.  False: not
 * well-formed, none at all, too many, one twice (detail says so), or take
 * said false.
 */
bool cm_crl_extensions_each(struct cm_der list,
                            bool (*take)(void *context,
                                         const struct cm_crl_extension *one,
                                         struct cm_detail *detail),
                            void *context, struct cm_detail *detail);

/* crlExtensions into facts, whose issuer is there.  *idp: the content of the
 * issuingDistributionPoint extension, or empty; points into list. */
enum cm_reason cm_crl_read_extensions(struct cm_der list,
                                      struct cm_crl_facts *facts,
                                      struct cm_der *idp,
                                      struct cm_detail *detail);

/* ---- crl_scope.c ---- */

/* An IssuingDistributionPoint. */
enum cm_reason cm_crl_read_scope(const struct cm_der *idp, X509_NAME *issuer,
                                 struct cm_crl_scope *out,
                                 struct cm_detail *detail);
void cm_crl_scope_clear(struct cm_crl_scope *scope);

/* Fills scope_id of facts.  False: no memory. */
bool cm_crl_scope_digest(struct cm_crl_facts *facts, const struct cm_der *idp);

/* ---- crl_entries.c ---- */

enum { CM_CRL_COMMON = 16, CM_CRL_COMMON_BYTES = 32 };

/* Extensions of an entry, octet by octet, that hold a reason and no issuer:
 * a CRL repeats a handful of them. */
struct cm_crl_common {
    uint8_t bytes[CM_CRL_COMMON_BYTES];
    size_t len;
    int reason;
};

typedef bool cm_crl_visit(void *context, const struct cm_crl_entry *entry);

struct cm_crl_walk {
    struct cm_crl_window *window;
    struct cm_crl_issuers *issuers; /* [0] is the CRL's */
    cm_crl_visit *visit;
    void *context;
    size_t count;
    bool stopped;        /* visit said false */
    bool has_extensions; /* what only some CRLs may hold: seen */
    bool has_issuer;
    bool has_removal;

    struct cm_crl_common common[CM_CRL_COMMON]; /* seen, by last octet */
};

/* Walks the entries up to the offset `to`. */
enum cm_reason cm_crl_walk_entries(struct cm_crl_walk *walk, uint64_t to,
                                   struct cm_detail *detail);

/* content octets of an INTEGER, in minimal form or not. */
bool cm_crl_serial_octets(const struct cm_der *content,
                          uint8_t out[CM_CRL_SERIAL]);

/* ---- crl_scan.c: a whole pass ---- */

/* What a pass yields. */
struct cm_crl_scan {
    struct cm_crl_facts facts;
    struct cm_crl_issuers issuers;
    ASN1_OCTET_STRING *idp; /* content of the extension; NULL: none */
    bool stopped;           /* visit said false: the rest is incomplete */
    struct cm_crl_signature signature;
};

struct cm_crl_source {
    struct cm_crl_window window;
    bool own_fd;
    /* Of the last pass that cm_crl_source_keep() was told of. */
    bool known;
    uint8_t sha256[32];
    struct cm_crl_signature signature;
};

/* visit may be NULL.  As cm_crl_read_facts(); the caller clears out. */
enum cm_reason cm_crl_scan(struct cm_crl_source *source,
                           struct cm_crl_scan *out, cm_crl_visit *visit,
                           void *context, struct cm_detail *detail);
void cm_crl_scan_clear(struct cm_crl_scan *scan);

/* From now on the source stands for what this complete pass read; takes the
 * signature out of it. */
void cm_crl_source_keep(struct cm_crl_source *source,
                        struct cm_crl_scan *scan);

#endif
