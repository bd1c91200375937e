/*
 * Allocations fail while a CRL is indexed and asked, one in each run: the
 * index is refused, or it answers rightly, or it says that it cannot.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crl_fixture.h"
#include "no_memory.h"
#include "testcert.h"

#define EXTENSIONS                                                            \
    "30( 06:551d23 04( 30( 80:0102030405 ) ) ) 30( 06:551d14 04( 02:07 ) )"   \
    "30( 06:551d1c 01:ff 04( 30( a0( a1( 30( 06:550403 0c'part' ) ) )"        \
    " 84:ff ) ) )"

/* With a key that is checked by digest, and one that takes the message. */
static const enum tc_key_type keys[] = {TC_RSA_2048, TC_ED25519};

static enum cm_reason
index_pem(const uint8_t *pem, size_t len, struct crl_fixture *fixture)
{
    int crl = crlgen_bytes_file(pem, len);
    enum cm_reason reason = CM_NO_MEMORY;
    struct cm_crl_source *source;

    source = cm_crl_source_open(crl, &fixture->detail);
    if (source != NULL)
        reason =
            cm_crl_index_build(source, fixture->key, fixture->spki,
                               fixture->fd, &fixture->facts, &fixture->detail);
    cm_crl_source_free(source);
    close(crl);
    return reason;
}

/* CM_CRL_UNREADABLE, too, where the index does not open. */
static enum cm_crl_listing
ask(struct crl_fixture *fixture, uint8_t number)
{
    uint8_t serial[CM_CRL_SERIAL];
    enum cm_crl_listing listing = CM_CRL_UNREADABLE;
    struct cm_crl_index *index;
    int reason;

    crl_serial(&number, 1, serial);
    index =
        cm_crl_index_open(dup(fixture->fd), fixture->spki, &fixture->detail);
    if (index != NULL)
        listing = cm_crl_index_find(index, fixture->name, serial, &reason);
    cm_crl_index_free(index);
    return listing;
}

struct pem {
    uint8_t text[8192];
    size_t len;
};

/* Fails allocation number n of building, opening and asking.  False: there
 * were not so many. */
static bool
fail_once(struct crl_fixture *fixture, const struct pem *pem, long *left,
          long n)
{
    enum cm_crl_listing listed = CM_CRL_UNREADABLE, other = listed;
    enum cm_reason reason;
    bool failed;

    fixture->fd = crl_empty_file();
    *left = n;
    reason = index_pem(pem->text, pem->len, fixture);
    if (reason == CM_OK) {
        listed = ask(fixture, 5);
        other = ask(fixture, 7);
    }
    failed = *left < 0;
    *left = -1;
    assert_true(failed || reason == CM_OK);
    assert_true(failed || listed == CM_CRL_LISTED);
    assert_true(failed || other == CM_CRL_NOT_LISTED);
    assert_int_not_equal(listed, CM_CRL_NOT_LISTED);
    assert_int_not_equal(other, CM_CRL_LISTED);
    assert_int_not_equal(reason, CM_REVOCATION_UNAVAILABLE);
    cm_crl_facts_clear(&fixture->facts);
    close(fixture->fd);
    fixture->fd = -1;
    return failed;
}

static void
make_pem(const struct crl_fixture *fixture, struct pem *pem)
{
    static const char begin[] = "-----BEGIN X509 CRL-----\n";
    static const char end[] = "-----END X509 CRL-----\n";
    uint8_t *der;
    size_t len;

    der = crlgen_make(&fixture->spec, &len);
    memcpy(pem->text, begin, sizeof(begin) - 1);
    pem->len = sizeof(begin) - 1;
    pem->len += (size_t)EVP_EncodeBlock(pem->text + pem->len, der, (int)len);
    pem->text[pem->len++] = '\n';
    memcpy(pem->text + pem->len, end, sizeof(end) - 1);
    pem->len += sizeof(end) - 1;
    free(der);
}

static void
test_memory(void **state)
{
    struct crl_fixture fixture;
    struct pem pem;
    long n;

    (void)state;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        crl_fixture_setup(&fixture);
        fixture.key = fixture.spec.key = tc_key(keys[i], 1);
        fixture.spec.extensions = EXTENSIONS;
        fixture.spec.entries =
            ENTRY("05") ENTRY_OF("06", "Second") ENTRY_OF("07", "Third");
        make_pem(&fixture, &pem);
        assert_false(fail_once(&fixture, &pem, &no_memory_ours, 1000000));
        for (n = 0; fail_once(&fixture, &pem, &no_memory_ours, n); n++)
            ;
        assert_true(n > 10);
        for (n = 0; fail_once(&fixture, &pem, &no_memory_openssl, n); n++)
            ;
        assert_true(n > 100);
        crl_fixture_clear(&fixture);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_memory)};

    if (!no_memory_prepare())
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
