/*
 * A small realm in a temporary folder for tests of a whole login: a root, an
 * issuing CA on the NTAuth list, one beside it that is not, and a directory
 * of a few accounts.
 */
#ifndef FIXTURE_H
#define FIXTURE_H

#include <stddef.h>
#include <stdint.h>

#include "settings.h"
#include "testcert.h"

enum {
    FIXTURE_NOW = 1717200000 /* 2024-06-01T00:00:00Z */
};

#define FIXTURE_REALM "EXAMPLE.COM"
#define FIXTURE_SID "S-1-5-21-11-22-33-1101" /* of alice */

struct fixture {
    char folder[64];
    X509 *root;
    X509 *issuing;   /* on the NTAuth list */
    X509 *unlisted;  /* below the same root, not on the list */
    X509 *untrusted; /* a root of its own */
};

/* Makes CAs, roots.pem, intermediates/, ntauth/, accounts.ldif and an
 * empty store/. */
void fixture_make(struct fixture *fixture);
void fixture_remove(struct fixture *fixture);

/* Settings for it: enforce, accounts.ldif, revocation = off, the indicator
 * "card" always and hw-authent; all else at its default. */
void fixture_settings(const struct fixture *fixture,
                      struct cm_settings *settings);

/* folder "/" name, in one of a few static buffers. */
const char *fixture_path(const struct fixture *fixture, const char *name);

void fixture_write(const struct fixture *fixture, const char *name,
                   const void *data, size_t len);
void fixture_write_pem(const struct fixture *fixture, const char *name,
                       X509 *const *certs, size_t count);

/* A leaf of the issuing CA for alice: serial 0a1b, clientAuth, the SID
 * extension, UPN alice@example.com, policy 1.2.3.  The caller changes what it
 * likes before tc_make(). */
struct tc_spec fixture_leaf(const struct fixture *fixture);

/* The DER of a made leaf; the caller frees it. */
uint8_t *fixture_der(const struct tc_spec *spec, size_t *len);

#endif
