/*
 * The parts of `certmap ntauth`, one file each.
 */
#ifndef CM_NTAUTH_COMMAND_H
#define CM_NTAUTH_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>
#include <openssl/x509.h>

#include "detail.h"
#include "ntauth_edit.h"
#include "options.h"
#include "target.h"
#include "text.h"
#include "trust.h"

/* One certificate of a list, or what stands there instead of one. */
struct cm_ntauth_item {
    uint8_t *der;
    size_t len;
    X509 *x509; /* NULL: it does not decode */
    uint8_t sha256[32];
    uint8_t sha512[64];
    uint8_t spki_sha256[32]; /* what membership compares */
    char *where;             /* the file; NULL: a directory's value */
};

struct cm_ntauth_items {
    struct cm_ntauth_item *list;
    size_t count;
};

/* ---- ntauth_items.c ---- */

/* False: no memory. */
bool cm_ntauth_items_add(struct cm_ntauth_items *items, const uint8_t *der,
                         size_t len, const char *where);
bool cm_ntauth_items_add_x509(struct cm_ntauth_items *items, X509 *x509,
                              const char *where);
void cm_ntauth_items_clear(struct cm_ntauth_items *items);

/* The first that is the same certificate, or NULL. */
const struct cm_ntauth_item *
cm_ntauth_items_find(const struct cm_ntauth_items *items,
                     const uint8_t sha256[32]);

/* How many certificates are there, each counted once? */
size_t cm_ntauth_items_distinct(const struct cm_ntauth_items *items);

/*
 * What an administrator names a certificate by: SHA-256 or SHA-512 of the
 * whole, or SHA-256 of its key, then meaning every certificate of that key.
 */
struct cm_ntauth_print {
    uint8_t bytes[64];
    size_t len; /* 32 or 64 */
};

/* Hex digits of either case, colons between octets allowed.  False: neither
 * length. */
bool cm_ntauth_print_parse(const char *text, struct cm_ntauth_print *out);
bool cm_ntauth_print_names(const struct cm_ntauth_print *print,
                           const struct cm_ntauth_item *item);

/*
 * May the certificate stand on the list?  A CA certificate above the floor
 * that has not expired, unless `anyway`.  False: detail says why not.
 * *warning: what is odd about one that may; empty: nothing.
 */
bool cm_ntauth_item_fits(const struct cm_ntauth_item *item, int min_rsa_bits,
                         int64_t now, bool anyway, struct cm_detail *warning,
                         struct cm_detail *detail);

/* ---- ntauth_files.c ---- */

/* Keeps other certmap processes from the list's files until the descriptor is
 * closed.  -1: detail says why. */
int cm_ntauth_files_lock(const struct cm_location *location,
                         struct cm_detail *detail);

/* Appends what the files hold.  A file of a folder that holds something else
 * is a warning.  False: detail says why. */
bool cm_ntauth_files_read(const struct cm_location *location,
                          struct cm_ntauth_items *out,
                          struct cm_text_list *warnings,
                          struct cm_detail *detail);

/* In a folder a file named by its SHA-256, else appended to the file. */
bool cm_ntauth_files_add(const struct cm_location *location,
                         const struct cm_ntauth_item *item,
                         struct cm_detail *detail);

/* From item->where; what else the file holds stays. */
bool cm_ntauth_files_remove(const struct cm_location *location,
                            const struct cm_ntauth_item *item,
                            struct cm_detail *detail);

/* ---- ntauth_output.c ---- */

struct cm_ntauth_plan {
    const char *action; /* "list", "add", "remove", "publish" */
    const char *place;  /* what is changed */
    bool dry;
    bool applied;
    struct cm_ntauth_items add, remove, keep;
    struct cm_text_list create;   /* entries of the directory */
    struct cm_text_list warnings; /* clean or not: escaped when shown */
};

void cm_ntauth_plan_clear(struct cm_ntauth_plan *plan);

/* False: no memory. */
bool cm_ntauth_print_list(const struct cm_ntauth_plan *plan, bool json,
                          int64_t now, FILE *out);
bool cm_ntauth_print_plan(const struct cm_ntauth_plan *plan, bool json,
                          int64_t now, FILE *out);

/* ---- ntauth_place.c: where the list is ---- */

enum { CM_NTAUTH_TIMEOUT_MS = 30 * 1000 }; /* for each operation */

struct cm_ntauth {
    struct cm_options options;
    struct cm_target_flags flags;
    const char *list, *fingerprint;
    bool directory, all, anyway, yes, prune, dry;

    struct cm_target target;           /* zeroed where --list says it all */
    struct cm_location files;          /* the list, or publish's source */
    struct cm_ntauth_session *session; /* NULL: the list is in files */
    struct cm_ntauth_state state;      /* of the directory's object */
    int lock;                          /* of files; -1: none */
    struct cm_ntauth_items held;       /* what the list holds */
    char *place;
    int min_rsa_bits;
    int64_t now;
    struct cm_ntauth_plan plan;
};

/* Finds the list and reads it.  publish: the directory's, with the files
 * beside it.  CM_EXIT_YES, or the error was printed.  The caller closes it in
 * any case. */
enum cm_exit cm_ntauth_open(struct cm_ntauth *ntauth, bool publish,
                            bool write);
void cm_ntauth_close(struct cm_ntauth *ntauth);

/* ---- ntauth_plan.c ---- */

/* Fills plan by plan.action, from what is held and what the command line
 * names.  CM_EXIT_YES, or the error was printed. */
enum cm_exit cm_ntauth_make_plan(struct cm_ntauth *ntauth);

/* ---- ntauth_place.c, again ---- */

/* Writes plan.add and plan.remove.  CM_EXIT_YES; else the error was printed:
 * CM_EXIT_NO: the directory refuses, or someone else was faster;
 * CM_EXIT_UNAVAILABLE. */
enum cm_exit cm_ntauth_apply(struct cm_ntauth *ntauth);

#endif
