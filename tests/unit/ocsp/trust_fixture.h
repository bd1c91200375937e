/*
 * A folder with roots.pem (certificate 0), inter/ (1 and 2) and ntauth/ (1),
 * a handle that reads them, a clock that the tests move, and the log.
 */
#ifndef TRUST_FIXTURE_H
#define TRUST_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/x509.h>

#include "trust.h"

enum { FIXTURE_CERTS = 6, FIXTURE_NOT_A_CA = 5 };

/* CN=CA 0 to CN=CA 4, and one that is no CA and has an evil name. */
extern X509 *certs[FIXTURE_CERTS];

extern struct cm_trust_config config;
extern struct cm_trust *trust;
extern int64_t now; /* ms */

/* Of the group, and of each test. */
int fixture_make_certificates(void **state);
int fixture_free_certificates(void **state);
int fixture_set_up(void **state);
int fixture_tear_down(void **state);

#define FIXTURE_TEST(function)                                                \
    cmocka_unit_test_setup_teardown(function, fixture_set_up,                 \
                                    fixture_tear_down)

/* How often the log says it, since it was last forgotten. */
unsigned logged(const char *what);
void forget_log(void);

/* The snapshot at the next look; NULL: refused. */
struct cm_snapshot *look(void);
bool look_is_good(void);
void assert_counts(size_t anchors, size_t intermediates, size_t ntauth);

#endif
