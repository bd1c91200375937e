/*
 * The AS exchange of certmap login, by libkrb5: with one identity and the
 * names that it could be known by, into a credential cache.
 */
#ifndef CM_LOGIN_EXCHANGE_H
#define CM_LOGIN_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "detail.h"
#include "reference.h"

enum cm_login_name_kind {
    CM_LOGIN_PRINCIPAL,  /* as typed: "alice" or "alice@EXAMPLE.COM" */
    CM_LOGIN_ENTERPRISE, /* a UPN (RFC 6806 section 5); canonicalized */
    CM_LOGIN_X500        /* "X509:<SKI>..." (kdb_names.h); canonicalized */
};

struct cm_login_name {
    enum cm_login_name_kind kind;
    const char *text;
};

/*
 * A secret that the exchange needs: the PIN, or a key file's password.  Writes
 * it into size bytes that the caller wipes.  False: the user gave up.  The
 * prompt is raw text.
 *
 * Empty: nothing is offered.  So a PIN that is typed on the reader is asked
 * for there, and any other token fails without losing a try.
 */
typedef bool cm_login_secret_fn(void *arg, const char *prompt, char *out,
                                size_t size);

enum {
    CM_LOGIN_MAX_NAMES = 16,
    CM_LOGIN_MAX_SECRET = 256 /* bytes with the NUL */
};

struct cm_login_request {
    /* In this order; the next one is asked about only where the KDC does not
     * know the one before, before any PIN is used.  At least one. */
    const struct cm_login_name *names;
    size_t name_count;
    const char *realm;    /* NULL: the default realm */
    const char *identity; /* value of X509_user_identity (krb5.conf(5)) */
    const char *anchors;  /* value of X509_anchors; NULL: krb5.conf's */
    const char *armor;    /* a cache to armor with (FAST); NULL: none */
    const char *cache;    /* where tickets go; NULL: libkrb5's default */
    int32_t lifetime;     /* seconds; 0: krb5.conf's or the KDC's */
    int32_t renewable;    /* seconds; 0: krb5.conf's, else not renewable */
    bool forwardable;     /* false: krb5.conf's */
    bool proxiable;       /* false: krb5.conf's */
    cm_login_secret_fn *secret; /* NULL: gives up */
    void *secret_arg;
};

enum cm_login_end {
    CM_LOGIN_DONE,
    CM_LOGIN_REFUSED,     /* the KDC said no: number */
    CM_LOGIN_UNREACHABLE, /* no KDC of the realm answered */
    CM_LOGIN_GIVEN_UP,    /* secret returned false */
    CM_LOGIN_CLIENT /* something on this side: identity, key, cache, the KDC's
                       own certificate */
};

/* What is wrong on this side. */
enum cm_login_fault {
    CM_LOGIN_FAULT_NONE,            /* the end is not CM_LOGIN_CLIENT */
    CM_LOGIN_FAULT_OTHER,           /* said holds all that is known */
    CM_LOGIN_FAULT_NAME,            /* the name cannot be a principal's */
    CM_LOGIN_FAULT_MODULE,          /* libkrb5's PKINIT is not installed */
    CM_LOGIN_FAULT_ANCHORS,         /* no CA certificates to know the KDC by */
    CM_LOGIN_FAULT_IDENTITY,        /* certificate or key: unreadable, wrong
                                       PIN or password, refused to sign */
    CM_LOGIN_FAULT_VALIDITY,        /* the certificate, or one above it, has
                                       expired or is not valid yet */
    CM_LOGIN_FAULT_PATH,            /* no path from the certificate to an
                                       anchor of this computer's */
    CM_LOGIN_FAULT_LOCKED,          /* the token says that its PIN is */
    CM_LOGIN_FAULT_NOT_OFFERED,     /* the KDC takes no certificate */
    CM_LOGIN_FAULT_NO_PREAUTH,      /* the KDC sent a ticket for a password's
                                       holder, without asking who it is */
    CM_LOGIN_FAULT_KDC_CERTIFICATE, /* not trusted here, or its purpose */
    CM_LOGIN_FAULT_KDC_NAME,        /* the certificate of another realm's KDC,
                                       or of no KDC */
    CM_LOGIN_FAULT_CLOCK,           /* the reply is of another time */
    CM_LOGIN_FAULT_ARMOR,           /* the cache to armor with */
    CM_LOGIN_FAULT_REALM,           /* the KDC sends to another realm */
    CM_LOGIN_FAULT_REPLY,           /* a ticket for nobody, or for a name that
                                       is no principal's */
    CM_LOGIN_FAULT_CACHE            /* the tickets cannot be stored */
};

struct cm_login_result {
    enum cm_login_end end;
    enum cm_login_fault fault;
    /* The KDC's error number (RFC 4120 section 7.5.9, RFC 4556 section 3.1.3);
     * 0 where it sent none. */
    int number;
    size_t name; /* index of the name that the end is about */
    char reference[CM_REFERENCE_SIZE]; /* "" where the KDC sent none */
    struct cm_detail said;             /* libkrb5's words; not escaped */
    /* When done; owned. */
    char *principal;
    char *cache;
    int64_t ends;        /* seconds since 1970 */
    int64_t renew_until; /* 0: not renewable */
};

/*
 * Logs in with the identity and nothing else: libkrb5 may not fall back to a
 * password or to another method.  The cache is written only when everything
 * succeeded: the named one, or as kinit(1) chooses among those of the default
 * collection.  out is always filled.
 *
 * How long it takes is bounded by libkrb5's own tries of each KDC, not by us
 * (a single one that is silent: 18 s, 27 s if it takes a connection), and a
 * PKCS#11 module may hold it up.
 */
void cm_login_exchange(const struct cm_login_request *request,
                       struct cm_login_result *out);
void cm_login_result_clear(struct cm_login_result *result);

#endif
