/*
 * The deny list: certificates that an administrator blocks now, whatever any
 * CA says about them.
 *
 * One line an entry, UTF-8, for people to read:
 *
 *     kind value expires added reason
 *
 *     sha256 <64 hex digits>            the certificate with this fingerprint
 *     sha1 <40 hex digits>              likewise
 *     ski <hex>                         every certificate with this key
 *                                       identifier
 *     serial <hex>:<64 hex digits>      serial number, and SHA-256 of the
 *                                       issuing key's SubjectPublicKeyInfo
 *     serial <hex>:"<name>"             serial number, and the issuer's name
 *                                       as RFC 4514 writes it
 *
 * expires is a time as RFC 3339 writes it, or "never"; added is a time; the
 * reason is the rest of the line.  Fields are separated by single blanks.
 * Empty lines and lines that begin with "#" say nothing.  Any other line
 * spoils the whole list: it may have been meant to block somebody.
 */
#ifndef CM_DENY_H
#define CM_DENY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/x509.h>

#include "certificate.h"
#include "detail.h"
#include "reason.h"

enum {
    CM_DENY_MAX_ENTRIES = 16384,
    CM_DENY_MAX_LINE = 8192,  /* bytes */
    CM_DENY_MAX_REASON = 1024 /* bytes */
};

enum cm_deny_kind {
    CM_DENY_SHA256,
    CM_DENY_SHA1,
    CM_DENY_SKI,
    CM_DENY_SERIAL_KEY, /* serial number and the issuing key */
    CM_DENY_SERIAL_NAME /* serial number and the issuer's name */
};

/* "sha256", "sha1", "ski", "serial". */
const char *cm_deny_kind_token(enum cm_deny_kind kind);

struct cm_deny_entry {
    enum cm_deny_kind kind;
    /* Fingerprint, key identifier, or magnitude of the serial number without
     * leading zeros. */
    uint8_t value[CM_CERT_MAX_SKI];
    size_t value_len;
    uint8_t issuer_spki[32]; /* CM_DENY_SERIAL_KEY */
    char *issuer;            /* CM_DENY_SERIAL_NAME; else NULL */
    bool expires;
    int64_t until; /* where it expires */
    int64_t added;
    char *reason; /* clean text, not empty */
};

struct cm_deny_list {
    struct cm_deny_entry *list;
    size_t count;
};

/*
 * Reads a whole file.  False: detail names the line and what is wrong with
 * it, or memory is short; out is empty.
 */
bool cm_deny_parse(const char *text, size_t len, struct cm_deny_list *out,
                   struct cm_detail *detail);

/* Writes it, with a comment that says what the file is.  The caller frees it.
 * NULL: no memory, or larger than the store takes. */
char *cm_deny_format(const struct cm_deny_list *list);

/* "serial 0a7b:\"CN=CA\"": kind and value of one entry.  The caller frees it.
 * NULL: no memory. */
char *cm_deny_selector(const struct cm_deny_entry *entry);

/* Appends a copy.  False: no memory, or too many. */
bool cm_deny_add(struct cm_deny_list *list, const struct cm_deny_entry *entry);

/* Do both name the same certificates? */
bool cm_deny_same(const struct cm_deny_entry *a,
                  const struct cm_deny_entry *b);

/*
 * The first entry in force at `now` that names the certificate; *found is
 * NULL where none does.  issuer is the certificate above it; NULL: not known,
 * then entries by issuing key are compared by serial number alone.  False: no
 * memory.
 */
bool cm_deny_find(const struct cm_deny_list *list, X509 *cert, X509 *issuer,
                  int64_t now, const struct cm_deny_entry **found);

/* Can the name stand in an entry?  Clean, not empty, every quotation mark
 * escaped. */
bool cm_deny_name_is_valid(const char *name);

void cm_deny_entry_clear(struct cm_deny_entry *entry);
void cm_deny_list_clear(struct cm_deny_list *list);

#endif
