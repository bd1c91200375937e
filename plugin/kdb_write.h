/*
 * Writing to the KDC's database, as kadmin.local(8) does: through libkadm5srv,
 * and with the update log of incremental propagation, so that replicas follow.
 *
 * For tools.  Free of krb5 types; cm_host_open() comes first, which decides
 * the configuration file.
 */
#ifndef CM_KDB_WRITE_H
#define CM_KDB_WRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "detail.h"
#include "principal.h"

enum {
    CM_KDB_MAX_STRINGS = 65535 /* bytes of all strings of an entry, with a NUL
                                  after each name and each value */
};

/* The string attribute that says how an account was made card-only. */
#define CM_KDB_CARD_STRING "certmap_require_card"

struct cm_kdb_writer;

/* Opens the realm's database for writing.  NULL: detail says why. */
struct cm_kdb_writer *cm_kdb_writer_open(const char *realm,
                                         struct cm_detail *detail);
void cm_kdb_writer_close(struct cm_kdb_writer *writer);

struct cm_kdb_string {
    char *key;
    char *value;
};

/* One entry; owned. */
struct cm_kdb_account {
    struct cm_kdb_string *strings;
    size_t count;
    bool requires_preauth;
    bool requires_hwauth;
    bool disabled;      /* -allow_tix */
    int64_t expires;    /* 0: never */
    int64_t pw_expires; /* 0: never */
    unsigned kvno;      /* of its newest keys; 0: it has none */
};

void cm_kdb_account_clear(struct cm_kdb_account *account);

/* Appends a copy of a string.  False: no memory. */
bool cm_kdb_account_add(struct cm_kdb_account *account, const char *key,
                        const char *value);

/* The value of a string, borrowed; NULL: there is none. */
const char *cm_kdb_account_get(const struct cm_kdb_account *account,
                               const char *key);

/* Is this the name of a string that holds a mapping: altSecurityIdentities,
 * or that with ".2", ".3"? */
bool cm_kdb_is_mapping(const char *key);

/* A change of one entry; borrowed. */
struct cm_kdb_change {
    const struct cm_kdb_string *set; /* value NULL: the string is removed */
    size_t set_count;
    bool preauth_on;  /* +requires_preauth */
    bool hwauth_on;   /* +requires_hwauth */
    bool hwauth_off;  /* -requires_hwauth */
    bool random_keys; /* every key replaced by random ones, without an end */
};

enum cm_kdb_result {
    CM_KDB_DONE,
    CM_KDB_ABSENT,     /* the database has no such principal */
    CM_KDB_CONFLICT,   /* the entry is not what it was; nothing was changed */
    CM_KDB_TOO_LARGE,  /* over CM_KDB_MAX_STRINGS; nothing was changed */
    CM_KDB_UNAVAILABLE /* detail; some of the change may have been made: it is
                          safe to ask for it again */
};

enum cm_kdb_result cm_kdb_writer_read(struct cm_kdb_writer *writer,
                                      const struct cm_principal *principal,
                                      struct cm_kdb_account *out,
                                      struct cm_detail *detail);

/*
 * Makes the change if the entry is still what `was` says, under the
 * database's own lock where its module has one (DB2 has, LMDB and LDAP have
 * not).  Strings are written one by one, each whole, the last one last.
 */
enum cm_kdb_result cm_kdb_writer_change(struct cm_kdb_writer *writer,
                                        const struct cm_principal *principal,
                                        const struct cm_kdb_account *was,
                                        const struct cm_kdb_change *change,
                                        struct cm_detail *detail);

#endif
