/*
 * The revocation store: a folder of standard files.
 *
 *     crl/<SHA-256 of CA SPKI>/<scope>.crl   as published, verified
 *     crl/<SHA-256 of CA SPKI>/<scope>.idx   its index (crl_index.h)
 *     ocsp/<xx>/<key>.ors                    DER responses
 *     ntauth/                                the mirror of the directory's
 * list seen/                                  certificates that logged in
 * lately deny                                   cards that are blocked now
 *     override                               a passing softening, with its end
 *     state/                                 what must never go back
 *
 * Files are written to a temporary name, synced, renamed, and never opened
 * for writing again.  Readers open below a held folder without following
 * links and take only regular files that belong to root or to the reader and
 * that nobody else may write.  No locks are taken by readers.
 */
#ifndef CM_STORE_H
#define CM_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crl_status.h"
#include "log.h"
#include "text.h"

enum {
    CM_STORE_MAX_SCOPES = 1024, /* CRLs of one CA key */
    CM_STORE_MAX_DENY_FILE = 4 * 1024 * 1024,
    CM_STORE_MAX_SEEN = 200000, /* certificates kept warm */
    CM_STORE_SEEN_DAYS = 30,
    CM_STORE_LOOK_MS = 500, /* files are looked at no more often */
    CM_OVERRIDE_MAX_SECONDS = 24 * 3600
};

struct cm_store;

/*
 * A handle; opens nothing yet, so it may be made before a fork.  must_exist:
 * a missing folder is an error (it was configured); else it is as if empty.
 * NULL: no memory.
 */
struct cm_store *cm_store_new(const char *path, bool must_exist,
                              const struct cm_log *log);
void cm_store_free(struct cm_store *store);

/*
 * Is the folder there and safe to believe?  CM_OK; CM_REVOCATION_UNAVAILABLE:
 * missing although it must exist, not a folder, a foreign owner, writable by
 * others.  Looked at again at most every CM_STORE_LOOK_MS.
 */
enum cm_reason cm_store_check(struct cm_store *store, int64_t now_ms,
                              struct cm_detail *detail);

/* ---- For logins ---- */

/* A provider over the store's indexes; borrowed from the store. */
const struct cm_crl_provider *cm_store_crls(struct cm_store *store);

/* Calls visit with each stored response for the certificate. */
bool cm_store_each_ocsp(struct cm_store *store, X509 *cert, X509 *issuer,
                        bool (*visit)(void *context, const uint8_t *response,
                                      size_t len),
                        void *context);

enum cm_denial { CM_NOT_DENIED, CM_DENIED, CM_DENY_UNREADABLE };

/* Is the certificate on the deny list at `now`?  *why is then filled.  A list
 * that cannot be read, or holds a line that cannot, denies nothing by itself
 * but is never "not denied". */
enum cm_denial cm_store_denied(struct cm_store *store, X509 *cert, int64_t now,
                               struct cm_detail *why);

/* A softening in force at `now`; at most CM_OVERRIDE_MAX_SECONDS after it was
 * set, whatever the file says. */
struct cm_override {
    bool soft;
    int64_t set_at, until;
    char *reason; /* owned */
};
bool cm_store_override(struct cm_store *store, int64_t now,
                       struct cm_override *out);
void cm_override_clear(struct cm_override *override);

/* Remembers a certificate whose login was authorized, so that its status is
 * kept warm.  At most one write a certificate a day; failures are ignored. */
void cm_store_note_seen(struct cm_store *store, X509 *cert, int64_t now);

/* ---- For the refresher and the commands; they hold the store's lock ---- */

struct cm_store_writer;

/* Takes the store's lock (waits at most wait_ms), making the folders that are
 * missing.  NULL: detail says why. */
struct cm_store_writer *cm_store_writer_open(const char *path, int wait_ms,
                                             struct cm_detail *detail);
void cm_store_writer_free(struct cm_store_writer *writer);

enum cm_publish {
    CM_PUBLISHED,
    CM_UNCHANGED,       /* the same CRL or response is there already */
    CM_PUBLISH_OLDER,   /* refused: the CRL number, or thisUpdate, went back */
    CM_PUBLISH_REFUSED, /* it does not verify; detail says why */
    CM_PUBLISH_FAILED   /* disk full and the like */
};

/* Verifies, indexes and publishes one CRL of the key. */
enum cm_publish cm_store_publish_crl(struct cm_store_writer *writer,
                                     int source_fd, EVP_PKEY *key,
                                     const uint8_t spki[32],
                                     bool accept_rollback,
                                     struct cm_crl_facts *facts,
                                     struct cm_detail *detail);

/* Publishes a response that cm_ocsp_check() found current. */
enum cm_publish cm_store_publish_ocsp(struct cm_store_writer *writer,
                                      X509 *cert, X509 *issuer,
                                      const uint8_t *response, size_t len,
                                      struct cm_detail *detail);

/* Rebuilds indexes that are missing or damaged, from their CRLs; drops what
 * belongs to keys that are not in `keys` any more.  Files dropped in by hand
 * as crl/<SPKI>/<anything>.crl are verified and published under their scope.
 */
bool cm_store_repair(struct cm_store_writer *writer,
                     const struct cm_snapshot *trusted,
                     const struct cm_log *log, struct cm_detail *detail);

/* One file of the store replaced atomically; name is relative. */
bool cm_store_write_file(struct cm_store_writer *writer, const char *name,
                         const void *data, size_t len,
                         struct cm_detail *detail);

/* One regular, safe file of the store; the caller frees it. */
bool cm_store_read_file(struct cm_store *store, const char *name, size_t max,
                        uint8_t **data, size_t *len, struct cm_detail *detail);

#endif
