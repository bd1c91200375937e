/*
 * What a verify call does, by what the stock module does in it.
 */
#ifndef KDCPREAUTH_ROWS_H
#define KDCPREAUTH_ROWS_H

#include <stddef.h>

#include <krb5.h>

#define STRONG "X509:<I>DC=com,DC=example,CN=Issuing CA<SR>1b0a"
#define WEAK "X509:<I>DC=com,DC=example,CN=Issuing CA<S>CN=alice"

/* How the client learns the reference that stands in the line. */
enum told {
    UNTOLD,    /* there is none: "ref=-" */
    TOLD_DATA, /* the last of the e-data */
    TOLD_HINT  /* a hint, for as long as the KDC is being told */
};

struct verify_case {
    const char *name;
    const char *script;  /* of the first PA-PK-AS-REQ */
    const char *extra;   /* relations beside the usual ones */
    const char *mapping; /* of alice */
    krb5_error_code expected;
    krb5_flags flags;
    const char *indicators; /* joined, "" for none */
    const char *line;       /* the one audit line holds this; NULL: none */
    const char *client;     /* NULL: alice */
    long second;            /* type of another padata; 0: none */
    int vers;               /* of the callbacks; 0: 6 */
    enum told told;
};

extern const struct verify_case verify_cases[];
extern const size_t verify_case_count;

#endif
