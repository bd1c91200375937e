/*
 * The revocation store: a folder of standard files.
 *
 *     crl/<SHA-256 of CA SPKI>/<scope>.crl   as published, verified
 *     crl/<SHA-256 of CA SPKI>/<scope>.idx   its index (crl_index.h)
 *     ocsp/<xx>/<key>.ors                    DER responses
 *     ntauth/                                a mirror of the directory's list
 *     seen/<xx>/<SHA-256>.der                certificates that logged in
 *     deny                                   who is blocked now (deny.h)
 *     override                               a passing softening
 *     incoming/                              CRLs dropped in by hand
 *     state/crl/<SHA-256 of CA SPKI>/<scope> what must never go back
 *     state/lock                             one writer at a time
 *
 * <scope> is cm_crl_facts.scope_id in hex, <key> the SHA-256 over the SHA-256
 * of the issuing key's SPKI and the content octets of the serial number, and
 * <xx> the first two hex digits of the name.
 *
 * Files are written to a temporary name, synced, renamed, and never opened
 * for writing again; a CRL before its index, so that a crash between them
 * leaves the old index standing.  Readers open below a held folder without
 * following links and take only regular files that belong to root or to the
 * reader and that nobody else may write.  No locks are taken by readers.
 */
#ifndef CM_STORE_H
#define CM_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crl_status.h"
#include "log.h"
#include "ocsp.h"
#include "status.h"
#include "text.h"

#define CM_STORE_PATH "/var/lib/krb5kdc/certmap"

/* The folder of the mirrored NTAuth list.  Whatever is in it is written anew
 * at every successful look at the directory: its time is the list's age. */
#define CM_STORE_NTAUTH "ntauth"

enum {
    CM_STORE_MAX_SCOPES = 1024, /* CRLs of one CA key */
    CM_STORE_MAX_KEYS = 1024,   /* CA keys remembered by a process */
    CM_STORE_MAX_OPEN = 256,    /* indexes held open by a process */
    CM_STORE_MAX_DENY_FILE = 1024 * 1024,
    CM_STORE_MAX_SEEN = 200000, /* certificates kept warm */
    CM_STORE_SEEN_DAYS = 30,
    CM_STORE_LOOK_MS = 500, /* folders are looked at no more often; the deny
                               list is at every question */
    CM_OVERRIDE_MAX_SECONDS = 24 * 3600,
    CM_OVERRIDE_MAX_REASON = 1024 /* bytes */
};

struct cm_store;

/*
 * A handle; opens nothing yet, so it may be made before a fork, and may be
 * used by several threads.  must_exist: a missing folder is an error (it was
 * configured); else it is as if empty, until it was seen once: what has been
 * there and is gone is an error.  log is borrowed and may be NULL.  NULL: no
 * memory.
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

/*
 * A provider over the store's indexes; borrowed from the store.  An index is
 * valid during the call of visit alone.  each() is false where visit stopped
 * it, and where the store holds something for this key that cannot be
 * believed.
 */
const struct cm_crl_provider *cm_store_crls(struct cm_store *store);

/* The same over the stored responses, with each() as above. */
const struct cm_response_provider *cm_store_responses(struct cm_store *store);

/*
 * A question of several parts: from begin to end the calling thread has the
 * handle for itself.  end() is false where something that was asked for may
 * say "revoked" and could not be believed, such as a damaged index or a
 * foreign file; *why is then the first of it.
 */
void cm_store_begin(struct cm_store *store);
bool cm_store_end(struct cm_store *store, struct cm_detail *why);

enum cm_denial { CM_NOT_DENIED, CM_DENIED, CM_DENY_UNREADABLE };

/* Is the certificate on the deny list at `now`?  *why is then filled.  issuer
 * is the certificate above it in the path; of an anchor, the anchor.  A list
 * that cannot be read, or holds a line that cannot, or was there and is gone,
 * denies nothing by itself but is never "not denied". */
enum cm_denial cm_store_denied(struct cm_store *store, X509 *cert,
                               X509 *issuer, int64_t now,
                               struct cm_detail *why);

/* A softening in force at `now`; at most CM_OVERRIDE_MAX_SECONDS after it was
 * set, whatever the file says. */
struct cm_override {
    bool soft;
    int64_t set_at, until;
    char *reason; /* owned; clean text */
};
bool cm_store_override(struct cm_store *store, int64_t now,
                       struct cm_override *out);
void cm_override_clear(struct cm_override *override);

/* The file's one line, "soft set_at until reason"; the caller frees it.
 * NULL: no memory. */
char *cm_override_format(const struct cm_override *override);

/* Remembers a certificate that leads to the NTAuth list and has logged in, or
 * would have if anything were known about it: its status is kept warm.  At
 * most one write a certificate a day; failures are ignored. */
void cm_store_note_seen(struct cm_store *store, X509 *cert, int64_t now);

/* Calls visit with each certificate seen in the CM_STORE_SEEN_DAYS before
 * `now`, until it returns false; cert is borrowed. */
void cm_store_each_seen(struct cm_store *store, int64_t now,
                        bool (*visit)(void *context, X509 *cert, int64_t when),
                        void *context);

/* ---- For the refresher and the commands; they hold the store's lock ---- */

struct cm_store_writer;

/* Takes the store's lock (waits at most wait_ms), making the folders that are
 * missing, but not those above the store.  NULL: detail says why. */
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

/*
 * Verifies, indexes and publishes one CRL of the key; source_fd is borrowed.
 * Refused: a thisUpdate after `now` (skew CM_STATUS_SKEW); and, unless
 * accept_rollback, a CRL number or thisUpdate below the highest seen.
 * *facts: what the CRL says of itself, where it was read that far; the caller
 * clears it in any case.
 */
enum cm_publish cm_store_publish_crl(struct cm_store_writer *writer,
                                     int source_fd, EVP_PKEY *key,
                                     const uint8_t spki[32], int64_t now,
                                     bool accept_rollback,
                                     struct cm_crl_facts *facts,
                                     struct cm_detail *detail);

/* Publishes a response that cm_ocsp_check() finds good or revoked, unless one
 * with a newer thisUpdate is there. */
enum cm_publish cm_store_publish_ocsp(struct cm_store_writer *writer,
                                      const struct cm_ocsp_question *question,
                                      const uint8_t *response, size_t len,
                                      struct cm_detail *detail);

/*
 * Which trusted certificate's key signed the CRL?  Every one that bears its
 * issuer's name is tried.  *facts: what the CRL says of itself, where it was
 * read that far; the caller clears it in any case.  NULL: nobody, or not a
 * CRL; detail says why.
 */
const struct cm_trusted *
cm_store_find_signer(const struct cm_snapshot *trusted, int source_fd,
                     struct cm_crl_facts *facts, struct cm_detail *detail);

/*
 * Puts the store in order, at `now`:
 * - indexes that are missing, damaged or older than their CRL are built anew;
 * - CRLs dropped in by hand, as crl/<SPKI>/<anything>.crl or as any file in
 *   incoming/, are verified, published under their scope and removed; what is
 *   refused stays, and is logged;
 * - if `whole`, what belongs to keys that no certificate of `trusted` has is
 *   removed, its responses too; else not all that is trusted is known;
 * - certificates not seen for CM_STORE_SEEN_DAYS, and temporary files that a
 *   crash left, are removed.
 * False: something could not be written; detail says what.
 */
bool cm_store_repair(struct cm_store_writer *writer,
                     const struct cm_snapshot *trusted, bool whole,
                     int64_t now, const struct cm_log *log,
                     struct cm_detail *detail);

/* One file of the store replaced atomically; name is relative, folders that
 * are missing are made. */
bool cm_store_write_file(struct cm_store_writer *writer, const char *name,
                         const void *data, size_t len,
                         struct cm_detail *detail);

/* True also if there is none. */
bool cm_store_remove_file(struct cm_store_writer *writer, const char *name,
                          struct cm_detail *detail);

enum cm_store_file {
    CM_STORE_FILE_READ,
    CM_STORE_FILE_MISSING, /* it, or a folder above it */
    CM_STORE_FILE_REFUSED  /* unsafe, too large, unreadable; detail says why */
};

/* One regular, safe file of the store, at most max bytes; the caller frees
 * *data, which has a NUL after its end. */
enum cm_store_file cm_store_read_file(struct cm_store *store, const char *name,
                                      size_t max, uint8_t **data, size_t *len,
                                      struct cm_detail *detail);

#endif
