/*
 * Whom the realm trusts: anchors, intermediates and the NTAuth list, as an
 * immutable snapshot that is replaced when its files change.
 *
 * Nothing is opened before the first cm_trust_current(), so a handle may be
 * made before a process forks.  A handle may be used by several threads.
 */
#ifndef CM_TRUST_H
#define CM_TRUST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/x509.h>

#include "detail.h"
#include "log.h"
#include "policy.h"
#include "reason.h"

enum {
    CM_TRUST_MAX_FILE = 16 * 1024 * 1024, /* bytes of one file */
    CM_TRUST_MAX_FILES = 4096,            /* files in one folder */
    CM_TRUST_MAX_CERTIFICATES = 8192,     /* in one list */
    CM_TRUST_LOOK_MS = 500,    /* files are looked at no more often */
    CM_TRUST_GRACE_MS = 60000, /* last good content of a broken file */
    CM_TRUST_SKEW = 300,       /* seconds that a file may be ahead */
};

enum cm_location_kind { CM_LOCATION_NONE, CM_LOCATION_FILE, CM_LOCATION_DIR };

/* "FILE:/path" or "DIR:/path".  In a folder every regular file that does not
 * start with "." counts, PEM or DER; subfolders do not. */
struct cm_location {
    enum cm_location_kind kind;
    char *path;
};

/* False: detail says what is allowed; out is unchanged. */
bool cm_location_parse(const char *text, struct cm_location *out,
                       struct cm_detail *detail);
void cm_location_clear(struct cm_location *location);

struct cm_trust_config {
    struct cm_location anchors;
    bool anchors_are_ntauth;          /* then anchors is empty */
    struct cm_location intermediates; /* may be CM_LOCATION_NONE */
    struct cm_location ntauth;
    /* Seconds since the oldest file of ntauth was written; 0: any age. */
    int64_t ntauth_max_age;
};

void cm_trust_config_clear(struct cm_trust_config *config);

/* One certificate of a snapshot. */
struct cm_trusted {
    X509 *x509;
    uint8_t sha1[20];
    uint8_t sha256[32];
    uint8_t spki_sha256[32]; /* SHA-256 of SubjectPublicKeyInfo */
};

struct cm_trusted_list {
    struct cm_trusted *list;
    size_t count;
};

/* Immutable once published; shared by reference counting. */
struct cm_snapshot {
    struct cm_trusted_list anchors;
    struct cm_trusted_list intermediates;
    struct cm_trusted_list ntauth;
    unsigned long generation; /* 1, 2, ... */
    unsigned references;      /* private to trust.c */
};

struct cm_trust;

/* config and log are borrowed and must outlive the handle; log may be NULL.
 * NULL: no memory. */
struct cm_trust *cm_trust_new(const struct cm_trust_config *config,
                              const struct cm_log *log);
void cm_trust_free(struct cm_trust *trust);

/*
 * The snapshot in force at now_ms, a monotonic clock in milliseconds.
 *
 * The files are looked at (stat) at most every CM_TRUST_LOOK_MS.  What
 * changed is loaded anew; each certificate added or removed is logged with
 * its fingerprint.  In a folder a file that does not load is left out and
 * logged.  A FILE that does not load serves its last good content for
 * CM_TRUST_GRACE_MS.  A list that is missing or holds no certificate refuses
 * at once (intermediates may be empty, not missing).
 *
 * CM_OK: *out must be given back with cm_snapshot_release().  CM_CONFIG,
 * CM_NO_MEMORY: *out is NULL and detail names the file.
 */
enum cm_reason cm_trust_current(struct cm_trust *trust, int64_t now_ms,
                                struct cm_snapshot **out,
                                struct cm_detail *detail);
void cm_snapshot_release(struct cm_snapshot *snapshot);

/*
 * With ntauth_max_age: are the files of ntauth, as cm_trust_current() saw them
 * last, all usable and none too old at `now` (seconds since 1970)?  A file
 * from the future has no age that could be believed.
 *
 * CM_OK, also without ntauth_max_age.  CM_CONFIG: detail says why.
 */
enum cm_reason cm_trust_check_age(struct cm_trust *trust, int64_t now,
                                  struct cm_detail *detail);

/*
 * A snapshot from certificates at hand, for `certmap verify` and tests.  The
 * X509 objects are referenced, not taken.  NULL: no memory.
 */
struct cm_snapshot *cm_snapshot_build(X509 *const *anchors, size_t anchors_n,
                                      X509 *const *intermediates,
                                      size_t intermediates_n,
                                      X509 *const *ntauth, size_t ntauth_n);

/*
 * The certificates in PEM ("CERTIFICATE" blocks; other text is ignored, other
 * blocks are an error) or DER bytes (one certificate, nothing after it).
 * False: nothing usable, or one of several does not decode; detail says
 * which.  On success the caller frees each X509 and the array.
 */
bool cm_certificates_read(const uint8_t *bytes, size_t len, X509 ***out,
                          size_t *count, struct cm_detail *detail);

/* The same from a file of at most CM_TRUST_MAX_FILE bytes. */
bool cm_certificates_load(const char *path, X509 ***out, size_t *count,
                          struct cm_detail *detail);
void cm_certificates_free(X509 **list, size_t count);

/*
 * The same two for what an administrator brings along: also the certificates
 * of a PKCS#7 SignedData (RFC 2315, RFC 5652; ".p7b"), in DER, BER or PEM
 * ("PKCS7", "CMS").  Its signature, if any, is not looked at.  A login never
 * reads such files: what a realm trusts is in PEM or DER.
 */
bool cm_certificates_read_any(const uint8_t *bytes, size_t len, X509 ***out,
                              size_t *count, struct cm_detail *detail);
bool cm_certificates_load_any(const char *path, X509 ***out, size_t *count,
                              struct cm_detail *detail);

#endif
