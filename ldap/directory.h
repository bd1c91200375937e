/*
 * Where accounts come from.  One query a login; see architecture in README.
 *
 * A directory may be made before a process forks: files and connections are
 * opened lazily, per process, and reopened after a failure.  One thread at a
 * time uses a handle.
 */
#ifndef CM_DIRECTORY_H
#define CM_DIRECTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "account.h"
#include "detail.h"
#include "health.h"
#include "log.h"
#include "reason.h"
#include "schema.h"

enum {
    CM_DIRECTORY_MAX_URIS = 8,
    CM_DIRECTORY_MAX_ENTRIES = 8, /* in one answer; more is ambiguous */
    CM_LDAP_MAX_ANSWER = 16 * 1024 * 1024, /* bytes of one answer */
    CM_LDAP_SKIP_MS = 10000,   /* a dead server is left alone this long */
    CM_LDAP_MAX_SECRET = 1024, /* bytes of a password file */
    CM_LDIF_MAX_FILE = 64 * 1024 * 1024 /* bytes of an LDIF file */
};

/* Where Active Directory keeps the NTAuth list: in the configuration that the
 * server names, or else before the base. */
#define CM_NTAUTH_CONTAINER                                                   \
    "CN=NTAuthCertificates,CN=Public Key Services,CN=Services"
#define CM_NTAUTH_RDNS CM_NTAUTH_CONTAINER ",CN=Configuration"

enum cm_directory_kind {
    CM_DIRECTORY_KDB,
    CM_DIRECTORY_LDAP,
    CM_DIRECTORY_LDIF
};

enum cm_bind { CM_BIND_SIMPLE, CM_BIND_EXTERNAL, CM_BIND_GSSAPI };

/* All strings owned. */
struct cm_directory_config {
    enum cm_directory_kind kind;
    struct cm_schema schema; /* ldap and ldif */
    char *ldif_path;

    char *uris[CM_DIRECTORY_MAX_URIS]; /* ldap:// ldaps:// ldapi:// */
    size_t uri_count;
    char *base;
    char *bind_dn;       /* NULL: anonymous, unless SASL */
    char *password_file; /* read at each bind; one line */
    char *password;      /* used instead, by a process that may not read it */
    enum cm_bind bind;
    char *ca_file; /* PEM; NULL: the system's */
    bool starttls;
    char *ciphers; /* in the TLS library's syntax; NULL: its default */
    /* Of the object whose cACertificate is the NTAuth list; NULL: as
     * cm_ntauth_object_read() finds it. */
    char *ntauth_dn;
};

void cm_directory_config_clear(struct cm_directory_config *config);

/*
 * What only this backend can judge before a connection exists: URIs, a base
 * that is a DN, ldap:// without StartTLS only to loopback, ciphers that the
 * TLS library accepts, files that can be read.  False: detail names relation,
 * value and what is allowed.
 */
bool cm_directory_config_check(const struct cm_directory_config *config,
                               struct cm_detail *detail);

struct cm_directory_query {
    struct cm_lookup lookup;
    /* The string attributes of the KDC's entry: what `kdb` answers from. */
    const struct cm_entry *kdb_entry;
    int timeout_ms; /* what is left of the login's budget */
    bool may_wait;  /* false: a directory that needs a network refuses */
};

struct cm_directory;

/* config and log are borrowed and must outlive it.  NULL: no memory. */
struct cm_directory *cm_directory_new(const struct cm_directory_config *config,
                                      const struct cm_log *log);
void cm_directory_free(struct cm_directory *directory);

/*
 * What is known about sick servers is shared with the other handles of this
 * configuration (health.h).  Without this it is the handle's own, and where
 * every server has failed each call tries them all: nobody else is there to be
 * spared.  Called before anything is asked; health must outlive it.
 */
void cm_directory_share_health(struct cm_directory *directory,
                               struct cm_directory_health *health);

/*
 * Finds the account of the canonical principal and any account that the UPN
 * names, in one query.  The answer is compared again locally: entries that do
 * not match what was asked are dropped, referrals ignored.
 *
 * CM_OK: *out holds what was found, possibly nothing; the caller clears it.
 * Exactly one of its accounts is `named`, or cm_decide() refuses.
 * CM_DIRECTORY_UNAVAILABLE: no answer in time, none that can be understood,
 * or waiting is not allowed.  CM_ACCOUNT_AMBIGUOUS: more entries than
 * CM_DIRECTORY_MAX_ENTRIES.  CM_NO_MEMORY.  Then *out is empty.
 */
enum cm_reason cm_directory_find(struct cm_directory *directory,
                                 const struct cm_directory_query *query,
                                 struct cm_accounts *out,
                                 struct cm_detail *detail);

/*
 * Is the directory there and usable, for `certmap check`: connects, binds and
 * reads the base (or the file).  CM_OK or CM_DIRECTORY_UNAVAILABLE.
 */
enum cm_reason cm_directory_probe(struct cm_directory *directory,
                                  int timeout_ms, struct cm_detail *detail);

/*
 * Calls visit for each account that holds at least one mapping value, for
 * `certmap check`; stops after limit accounts (*truncated is then set) or
 * when visit returns false.  For ldif and ldap; kdb answers nothing.
 */
enum cm_reason cm_directory_each_mapped(
    struct cm_directory *directory, size_t limit, int timeout_ms,
    bool (*visit)(void *context, const struct cm_entry *entry), void *context,
    bool *truncated, struct cm_detail *detail);

#endif
