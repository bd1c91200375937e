/*
 * A CA and its CRL, made for one test.
 */
#ifndef CRL_FIXTURE_H
#define CRL_FIXTURE_H

#include <stddef.h>
#include <stdint.h>

#include "crl_index.h"
#include "crlgen.h"

/* Pieces of CRLs as derasm.h writes them; serial and code are hex. */
#define DATE " 17'260101000000Z' "
#define REASON(code) " 30( 30( 06:551d15 04( 0a:" code " ) ) ) "
#define ENTRY(serial) "30( 02:" serial DATE ") "
#define ENTRY_FOR(serial, code) "30( 02:" serial DATE REASON(code) ") "

#define NAME(text) "30( 31( 30( 06:550403 0c'" text "' ) ) )"
#define ISSUER(text) "30( 06:551d1d 01:ff 04( 30( a4( " NAME(text) ") ) ) )"
#define ENTRY_OF(serial, text) "30( 02:" serial DATE " 30(" ISSUER(text) ") ) "
#define INDIRECT "30( 06:551d1c 01:ff 04( 30( 84:ff ) ) )"

struct crl_fixture {
    X509 *ca;
    const X509_NAME *name;
    EVP_PKEY *key;
    uint8_t spki[32];        /* only a label here */
    struct crlgen_spec spec; /* an empty CRL, to be filled */
    struct cm_crl_facts facts;
    struct cm_detail detail;
    int fd; /* of the index, once it was built */
};

void crl_fixture_setup(struct crl_fixture *fixture);
void crl_fixture_clear(struct crl_fixture *fixture);

/* Builds the index of the CRL into fd. */
enum cm_reason crl_fixture_build(struct crl_fixture *fixture);

/* The same, and opens it; fails the test otherwise. */
struct cm_crl_index *crl_fixture_index(struct crl_fixture *fixture);

/* Sets up, and makes a CRL with entries of every kind; the caller frees it. */
uint8_t *crl_fixture_small(struct crl_fixture *fixture, size_t *len);

/* Reads a CRL into facts.  CM_OK only if it is signed by the fixture's key. */
enum cm_reason crl_fixture_read(int fd, struct crl_fixture *fixture);
enum cm_reason crl_fixture_read_bytes(const void *bytes, size_t len,
                                      struct crl_fixture *fixture);

int crl_empty_file(void);

/* Content octets of an INTEGER as the index wants them. */
void crl_serial(const uint8_t *content, size_t len,
                uint8_t out[CM_CRL_SERIAL]);

/* Looks up content octets in hex. */
enum cm_crl_listing crl_find(struct cm_crl_index *index,
                             const X509_NAME *issuer, const char *hex,
                             int *reason);

#endif
