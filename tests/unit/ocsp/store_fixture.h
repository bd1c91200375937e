/*
 * A store in a temporary folder, a small PKI, a clock that the tests move,
 * and the log.
 */
#ifndef STORE_FIXTURE_H
#define STORE_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crlgen.h"
#include "files.h"
#include "store.h"
#include "testocsp.h"

enum { STORE_NOW = 1767225600 /* 2026-01-01T00:00:00Z */ };

#define NUMBER(hex) "30( 06:551d14 04( 02:" hex " ) ) "
#define REVOKE(serial) "30( 02:" serial " 17'251201000000Z' ) "
#define LEAF REVOKE("0a7b")
#define NOBODY REVOKE("0102")
/* A minute after STORE_NOW. */
#define LATER " 17'260101000100Z' "

/* CN=Root, CN=CA below it, CN=alice (serial 0a7b) below that; CN=Other has
 * nothing to do with them. */
extern X509 *root, *ca, *leaf, *other;
extern uint8_t ca_spki[32], root_spki[32], other_spki[32];
EVP_PKEY *ca_key(void);
EVP_PKEY *root_key(void);
EVP_PKEY *other_key(void);

extern struct cm_store *store;
extern int64_t now_ms;
extern struct cm_detail why;

/* Of the group, and of each test. */
int store_make_certificates(void **state);
int store_free_certificates(void **state);
int store_set_up(void **state);
int store_tear_down(void **state);

#define STORE_TEST(function)                                                  \
    cmocka_unit_test_setup_teardown(function, store_set_up, store_tear_down)

/* Replaces the handle by a new one, as after a restart. */
void restart(bool must_exist);
/* Lets time pass until the folder is looked at again. */
enum cm_reason look(void);

/* What was logged since it was last forgotten. */
extern const struct cm_log store_log;
bool logged(const char *what);
void forget_log(void);

/* "store/" and name. */
const char *store_path(const char *name);
/* "crl/<SPKI>/<name>", below the store; valid until the next call. */
const char *crl_name(const uint8_t spki[32], const char *name);
bool store_has(const char *name);
/* How many names the folder holds; 0 also if it is not there. */
size_t count_files(const char *name);

/* Specifies a CRL of the CA; this_update as in crlgen.h, or NULL. */
struct crlgen_spec crl_of(const X509 *issuer, EVP_PKEY *key,
                          const char *extensions, const char *entries,
                          const char *this_update);
/* Publishes it. */
enum cm_publish publish(const struct crlgen_spec *spec, const uint8_t spki[32],
                        bool accept_rollback);
enum cm_publish publish_fd(int fd, EVP_PKEY *key, const uint8_t spki[32],
                           bool accept_rollback);
/* The scope of the CRL that was last published, in hex. */
extern char last_scope[65];
/* The same for a CRL of ca; and a file of the CRL that was last published,
 * below the store, by its ending ("": the scope alone). */
enum cm_publish put(const char *extensions, const char *entries,
                    const char *this_update);
const char *published(const char *ending);
bool repair(const struct cm_snapshot *trusted);

/* Is the leaf's serial number listed in any index of the key? */
enum { ASK_NOBODY, ASK_NOT_LISTED, ASK_LISTED, ASK_FAULT };
int ask(const uint8_t spki[32]);

/* A response about a certificate, signed by the issuer; the caller frees
 * it. */
uint8_t *response_about(X509 *cert, X509 *issuer, EVP_PKEY *key,
                        const char *status, int64_t this_update,
                        int64_t next_update, size_t *len);
struct cm_path_rules store_rules(int64_t now);
enum cm_publish publish_response(X509 *cert, X509 *issuer,
                                 const uint8_t *bytes, size_t len,
                                 int64_t now);

#endif
