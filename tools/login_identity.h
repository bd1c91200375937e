/*
 * What a user of certmap login could log in with: certificates on cards and
 * in files, with what people and libkrb5 call each.
 */
#ifndef CM_LOGIN_IDENTITY_H
#define CM_LOGIN_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "card_list.h"
#include "certificate.h"
#include "detail.h"
#include "login_exchange.h"

enum {
    CM_LOGIN_MAX_FILE = 1024 * 1024 /* bytes of a PKCS#12 file */
};

struct cm_login_identity {
    bool decoded; /* cert is filled */
    struct cm_certificate cert;
    char *who;   /* its UPN, or else its subject; owned */
    char *where; /* the token and the certificate's label, or the file */
    char *value; /* for --identity, names it alone; NULL: nothing does */
    char *krb5;  /* value of X509_user_identity; NULL: not usable */
    bool usable;
    bool expired;         /* not usable now, but was or will be */
    struct cm_detail why; /* not usable; not escaped */
    bool on_card;
    struct cm_card_object card; /* on_card; owned */
    char *password;             /* of a PKCS#12 file that has one; owned */
};

struct cm_login_identities {
    struct cm_login_identity *list;
    size_t count;
};

/* Asks for a secret.  False: none is to be had. */
typedef bool cm_login_ask_fn(void *arg, const char *prompt, char *out,
                             size_t size, struct cm_detail *detail);

/* How --identity is written. */
enum cm_login_kind {
    CM_LOGIN_CARD,  /* "pkcs11:..." */
    CM_LOGIN_FILE,  /* "FILE:CERT[,KEY]", or the same without FILE: */
    CM_LOGIN_PKCS12 /* "PKCS12:PATH", or a path that ends in .p12 or .pfx */
};
enum cm_login_kind cm_login_kind(const char *text);

/* Why a URI cannot be used for a login, in which a PIN on the command line
 * would be seen by everybody; static.  NULL: it can. */
const char *cm_login_uri_fault(const char *uri);

/*
 * Those on the cards that the URI matches (NULL: on all), in the readers'
 * order; one that two modules show is one.  False: as cm_card_list() has it.
 * True with count 0: there is no certificate.
 */
bool cm_login_cards(const char *uri, int64_t now,
                    struct cm_login_identities *out, struct cm_detail *detail);

/*
 * The one of a file, as libkrb5 takes it: a PEM file's first certificate.
 * False: it cannot be read; detail says why, and *given_up whether it was for
 * the want of its password.
 */
bool cm_login_file(const char *text, int64_t now, cm_login_ask_fn *ask,
                   void *arg, struct cm_login_identities *out, bool *given_up,
                   struct cm_detail *detail);

void cm_login_identities_clear(struct cm_login_identities *identities);

/* ---- For the files that fill one ---- */

/* What was listed, which is emptied in any case.  False: no memory. */
bool cm_login_cards_take(struct cm_card_objects *objects, const char *uri,
                         int64_t now, struct cm_login_identities *out);

/* Decodes, and says who it is and whether it may be used to log in at all,
 * whatever a KDC may ask for beyond.  False: no memory. */
bool cm_login_identity_describe(struct cm_login_identity *identity,
                                const uint8_t *der, size_t len, int64_t now);
void cm_login_identity_clear(struct cm_login_identity *identity);

#endif
