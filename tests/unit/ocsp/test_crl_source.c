/*
 * Where the bytes of a CRL come from: any size, files that change while they
 * are read, and every way to damage them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crl_fixture.h"
#include "derasm.h"
#include "testcert.h"

enum {
    LARGE = 60000, /* entries: several windows */
    SERIAL = 16
};

/* ---- Damage ---- */

/* Whatever octet is wrong, it is no CRL of this CA any more. */
static void
test_flipped(void **state)
{
    static const uint8_t masks[] = {0x01, 0x20, 0x80, 0xff};
    struct crl_fixture fixture;
    uint8_t *der;
    size_t len;

    (void)state;
    der = crl_fixture_small(&fixture, &len);
    assert_int_equal(crl_fixture_read_bytes(der, len, &fixture), CM_OK);
    for (size_t at = 0; at < len; at++) {
        for (size_t i = 0; i < sizeof(masks); i++) {
            der[at] ^= masks[i];
            if (crl_fixture_read_bytes(der, len, &fixture) !=
                CM_REVOCATION_UNKNOWN)
                fail_msg("octet %zu, mask %02x", at, masks[i]);
            der[at] ^= masks[i];
        }
    }
    free(der);
    crl_fixture_clear(&fixture);
}

static void
test_cut(void **state)
{
    struct crl_fixture fixture;
    uint8_t *der;
    size_t len;

    (void)state;
    der = crl_fixture_small(&fixture, &len);
    for (size_t cut = 0; cut < len; cut++)
        assert_int_equal(crl_fixture_read_bytes(der, cut, &fixture),
                         CM_REVOCATION_UNKNOWN);
    free(der);
    crl_fixture_clear(&fixture);
}

/* ---- Size ---- */

static const struct crlgen_series series = {.len = SERIAL,
                                            .reason = CM_CRL_SUPERSEDED};

static void
make_large(struct crl_fixture *fixture)
{
    crl_fixture_setup(fixture);
    fixture->spec.count = LARGE;
    fixture->spec.entry = crlgen_series_entry;
    fixture->spec.context = &series;
}

static bool
visit_in_order(void *context, const struct cm_crl_entry *entry)
{
    uint8_t content[CRLGEN_SERIAL], serial[CM_CRL_SERIAL];
    size_t *next = context;

    crlgen_serial((*next)++, SERIAL, content);
    crl_serial(content, SERIAL, serial);
    assert_memory_equal(entry->serial, serial, sizeof(serial));
    assert_int_equal(entry->reason, CM_CRL_SUPERSEDED);
    assert_int_equal(entry->issuer_index, 0);
    return true;
}

static void
test_windows(void **state)
{
    struct cm_crl_source *source;
    struct crl_fixture fixture;
    uint8_t digest[32];
    size_t next = 0, len;
    uint8_t *der;
    int fd;

    (void)state;
    make_large(&fixture);
    der = crlgen_make(&fixture.spec, &len);
    assert_true(len > 2 * (size_t)CM_CRL_WINDOW);
    fd = crlgen_bytes_file(der, len);
    assert_int_equal(crl_fixture_read(fd, &fixture), CM_OK);
    assert_int_equal(fixture.facts.entry_count, LARGE);
    assert_int_equal(fixture.facts.source_size, len);
    assert_int_equal(EVP_Digest(der, len, digest, NULL, EVP_sha256(), NULL),
                     1);
    assert_memory_equal(fixture.facts.source_sha256, digest, sizeof(digest));
    source = cm_crl_source_open(fd, &fixture.detail);
    assert_true(cm_crl_each(source, visit_in_order, &next));
    assert_int_equal(next, LARGE);
    cm_crl_source_free(source);
    /* One octet in the middle of a middle window. */
    der[len / 2] ^= 0x01;
    assert_int_equal(crl_fixture_read_bytes(der, len, &fixture),
                     CM_REVOCATION_UNKNOWN);
    free(der);
    close(fd);
    crl_fixture_clear(&fixture);
}

/* Longer than derasm.h writes: made from the inside out. */
struct long_piece {
    uint8_t *bytes;
    size_t len;
};

static void
add(struct long_piece *piece, const void *bytes, size_t len)
{
    uint8_t *grown = realloc(piece->bytes, piece->len + len + 1);

    if (grown == NULL)
        abort();
    memcpy(grown + piece->len, bytes, len);
    piece->bytes = grown;
    piece->len += len;
}

static void
add_text(struct long_piece *piece, const char *text)
{
    size_t len;
    uint8_t *bytes = da_bytes(text, &len);

    add(piece, bytes, len);
    free(bytes);
}

/* Puts an element's header before what is there. */
static void
wrap(struct long_piece *piece, uint8_t tag)
{
    uint8_t header[] = {tag, 0x83, (uint8_t)(piece->len >> 16),
                        (uint8_t)(piece->len >> 8), (uint8_t)piece->len};
    struct long_piece out = {NULL, 0};

    assert_true(piece->len > 0xffff && piece->len < 0x1000000);
    add(&out, header, sizeof(header));
    add(&out, piece->bytes, piece->len);
    free(piece->bytes);
    *piece = out;
}

/* Puts other elements before what is there. */
static void
prefix(struct long_piece *piece, const char *text)
{
    struct long_piece out = {NULL, 0};

    add_text(&out, text);
    add(&out, piece->bytes, piece->len);
    free(piece->bytes);
    *piece = out;
}

#define ECDSA_SHA256 "30( 06:2a8648ce3d040302 )"
#define HEAD                                                                  \
    "02:01 " ECDSA_SHA256 NAME("CA") "17'260101000000Z' 17'270101000000Z'"

/* An Extension of 2.5.4.3 with so many zeroes, in its list. */
static struct long_piece
long_extensions(size_t zeroes)
{
    struct long_piece piece = {calloc(1, zeroes), zeroes};

    assert_non_null(piece.bytes);
    wrap(&piece, 0x04);
    prefix(&piece, "06:550403");
    wrap(&piece, 0x30);
    wrap(&piece, 0x30);
    return piece;
}

/* Reads the CRL whose tbsCertList goes on so after its head. */
static enum cm_reason
read_long(struct long_piece *piece, struct crl_fixture *fixture)
{
    struct cm_crl_source *source;
    enum cm_reason reason;
    int fd;

    prefix(piece, HEAD);
    wrap(piece, 0x30);
    add_text(piece, ECDSA_SHA256 "03:0000");
    wrap(piece, 0x30);
    fd = crlgen_bytes_file(piece->bytes, piece->len);
    source = cm_crl_source_open(fd, &fixture->detail);
    cm_crl_facts_clear(&fixture->facts);
    reason = cm_crl_read_facts(source, &fixture->facts, &fixture->detail);
    cm_crl_source_free(source);
    close(fd);
    free(piece->bytes);
    return reason;
}

static const struct {
    size_t zeroes;
    bool in_entry;
    const char *detail; /* NULL: accepted */
} long_ones[] = {
    {CM_CRL_MAX_HEAD - 1024, false, NULL},
    {CM_CRL_MAX_HEAD, false, "extensions too long"},
    {3 * 1024 * 1024, false, "extensions too long"},
    {CM_CRL_MAX_HEAD, true, "entry 1: not well-formed"},
    {3 * 1024 * 1024, true, "entry 1: not well-formed"},
};

static void
test_long_pieces(void **state)
{
    struct crl_fixture fixture;
    struct long_piece piece;
    enum cm_reason reason;

    (void)state;
    crl_fixture_setup(&fixture);
    for (size_t i = 0; i < sizeof(long_ones) / sizeof(long_ones[0]); i++) {
        piece = long_extensions(long_ones[i].zeroes);
        if (long_ones[i].in_entry) {
            prefix(&piece, "02:05" DATE);
            wrap(&piece, 0x30);
            wrap(&piece, 0x30);
        } else {
            wrap(&piece, 0xa0);
        }
        reason = read_long(&piece, &fixture);
        if (reason !=
            (long_ones[i].detail == NULL ? CM_OK : CM_REVOCATION_UNKNOWN))
            fail_msg("row %zu: %s", i, fixture.detail.text);
        if (reason != CM_OK)
            assert_string_equal(fixture.detail.text, long_ones[i].detail);
    }
    crl_fixture_clear(&fixture);
}

/* ---- Files ---- */

static void
test_not_a_file(void **state)
{
    struct cm_detail detail;
    int ends[2], fd;

    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_null(cm_crl_source_open(ends[0], &detail));
    assert_string_equal(detail.text, "not a regular file");
    close(ends[0]);
    close(ends[1]);
    fd = open("/", O_RDONLY | O_CLOEXEC);
    assert_null(cm_crl_source_open(fd, &detail));
    assert_string_equal(detail.text, "not a regular file");
    close(fd);
    assert_null(cm_crl_source_open(-1, &detail));
    fd = crl_empty_file();
    assert_null(cm_crl_source_open(fd, &detail));
    assert_string_equal(detail.text, "neither DER nor an X509 CRL in PEM");
    assert_int_equal(ftruncate(fd, (off_t)CM_CRL_MAX_FILE + 1), 0);
    assert_null(cm_crl_source_open(fd, &detail));
    assert_string_equal(detail.text, "longer than 1073741824 bytes");
    close(fd);
}

static bool
visit_any(void *context, const struct cm_crl_entry *entry)
{
    size_t *left = context;

    (void)entry;
    return --*left > 0;
}

/* Someone writes to the file while we hold it: what was read and verified
 * before is not what is there now. */
static void
test_changing_file(void **state)
{
    struct cm_crl_source *source;
    struct crl_fixture fixture;
    size_t left, len;
    struct stat st;
    uint8_t *der;
    int fd;

    (void)state;
    make_large(&fixture);
    der = crlgen_make(&fixture.spec, &len);
    fd = crlgen_bytes_file(der, len);
    source = cm_crl_source_open(fd, &fixture.detail);
    assert_int_equal(
        cm_crl_read_facts(source, &fixture.facts, &fixture.detail), CM_OK);
    left = 10 * (size_t)LARGE;
    assert_true(cm_crl_each(source, visit_any, &left));
    left = 5;
    assert_false(cm_crl_each(source, visit_any, &left));
    assert_int_equal(left, 0);
    /* Another serial: well-formed, but not what was verified. */
    der[len / 2] ^= 0xff;
    assert_int_equal(pwrite(fd, der, len, 0), (ssize_t)len);
    left = 10 * (size_t)LARGE;
    assert_false(cm_crl_each(source, visit_any, &left));
    assert_true(cm_crl_verify(source, fixture.key, &fixture.detail));
    cm_crl_facts_clear(&fixture.facts);
    if (cm_crl_read_facts(source, &fixture.facts, &fixture.detail) == CM_OK)
        assert_false(cm_crl_verify(source, fixture.key, &fixture.detail));
    /* Cut: an error, not a signal. */
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(ftruncate(fd, st.st_size / 2), 0);
    assert_false(cm_crl_each(source, visit_any, &left));
    cm_crl_facts_clear(&fixture.facts);
    assert_int_equal(
        cm_crl_read_facts(source, &fixture.facts, &fixture.detail),
        CM_REVOCATION_UNKNOWN);
    assert_string_equal(fixture.detail.text,
                        "CRL cannot be read: the file was cut");
    cm_crl_source_free(source);
    free(der);
    close(fd);
    crl_fixture_clear(&fixture);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flipped),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_windows),
        cmocka_unit_test(test_long_pieces),
        cmocka_unit_test(test_not_a_file),
        cmocka_unit_test(test_changing_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
