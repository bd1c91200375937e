/*
 * The index answers as a naive search of the CRL does, for every size around
 * a block and for long lists; and whatever happens to its file, it never
 * gives a wrong answer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crl_fixture.h"
#include "testcert.h"

enum { SIZE_LIMIT = 26, FIXED_SIZE = 2 * 4096 + 24 };

/* ---- Against a naive search ---- */

/* Serials of mixed lengths and signs, some repeated, reasons of all kinds. */
struct oracle {
    size_t count;
    unsigned seed;
    unsigned values; /* first octets come from so few values */
};

static uint64_t
scramble(uint64_t value)
{
    value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
    return value ^ value >> 31;
}

static size_t
oracle_serial(const struct oracle *oracle, size_t i, uint8_t *out)
{
    uint64_t value = scramble(i * 31 + oracle->seed);
    size_t len = 1 + value % CM_CRL_MAX_SERIAL;

    if (oracle->values != 0)
        len = 2;
    for (size_t at = 0; at < len; at++)
        out[at] = (uint8_t)(scramble(value + at) >> 3);
    if (oracle->values != 0)
        out[0] = (uint8_t)(out[0] % oracle->values);
    if (len > 1 && ((out[0] == 0x00 && out[1] < 0x80) ||
                    (out[0] == 0xff && out[1] >= 0x80)))
        out[0] ^= 0x40; /* minimal form */
    return len;
}

static int
oracle_reason(const struct oracle *oracle, size_t i)
{
    static const int reasons[] = {-1, 0, 1, 2, 3, 4, 5, 6, 9, 10};

    return reasons[scramble(i + oracle->seed) % 10];
}

static size_t
oracle_entry(const void *context, size_t i, uint8_t out[CRLGEN_MAX_ENTRY])
{
    const struct oracle *oracle = context;
    uint8_t serial[CRLGEN_SERIAL];
    size_t len = oracle_serial(oracle, i, serial);

    return crlgen_entry(serial, len, oracle_reason(oracle, i), out);
}

/* 0: not listed, 1: on hold, 2: revoked. */
static unsigned
naive(const struct oracle *oracle, const uint8_t serial[CM_CRL_SERIAL])
{
    uint8_t content[CRLGEN_SERIAL], wide[CM_CRL_SERIAL];
    unsigned worst = 0, here;
    size_t len;

    for (size_t i = 0; i < oracle->count; i++) {
        len = oracle_serial(oracle, i, content);
        crl_serial(content, len, wide);
        if (memcmp(wide, serial, sizeof(wide)) != 0)
            continue;
        here = oracle_reason(oracle, i) == CM_CRL_CERTIFICATE_HOLD ? 1U : 2U;
        if (here > worst)
            worst = here;
    }
    return worst;
}

static unsigned
ask(struct cm_crl_index *index, const X509_NAME *name,
    const uint8_t serial[CM_CRL_SERIAL])
{
    int reason = -1;

    switch (cm_crl_index_find(index, name, serial, &reason)) {
    case CM_CRL_NOT_LISTED:
        return 0;
    case CM_CRL_LISTED:
        assert_true(reason >= 0 && reason <= 10);
        return reason == CM_CRL_CERTIFICATE_HOLD ? 1U : 2U;
    case CM_CRL_UNREADABLE:
        break;
    }
    fail_msg("unreadable");
    return 3;
}

/* Asks about an entry, its neighbours, and a serial of another list. */
static void
compare_around(const struct oracle *oracle, struct cm_crl_index *index,
               const X509_NAME *name, size_t i)
{
    struct oracle other = *oracle;
    uint8_t content[CRLGEN_SERIAL], serial[CM_CRL_SERIAL];
    size_t len = oracle_serial(oracle, i, content);

    crl_serial(content, len, serial);
    assert_int_not_equal(ask(index, name, serial), 0);
    assert_int_equal(ask(index, name, serial), naive(oracle, serial));
    serial[CM_CRL_SERIAL - 1] ^= 1;
    assert_int_equal(ask(index, name, serial), naive(oracle, serial));
    serial[0] ^= 0x80; /* no number of 20 octets looks so */
    assert_int_equal(ask(index, name, serial), 0);
    other.seed++;
    crl_serial(content, oracle_serial(&other, i, content), serial);
    assert_int_equal(ask(index, name, serial), naive(oracle, serial));
}

static const struct {
    size_t count;
    unsigned values;
} oracles[] = {
    {0, 0},   {1, 0},   {2, 0},     {169, 0},   {170, 0},     {171, 0},
    {339, 0}, {340, 0}, {341, 0},   {1000, 0},  {10000, 0},   {1000, 1},
    {500, 2}, {170, 1}, {3000, 40}, {10000, 2}, {10000, 200},
};

static void
test_oracle(void **state)
{
    struct cm_crl_index *index;
    struct crl_fixture fixture;
    struct oracle oracle;
    size_t step;

    (void)state;
    for (size_t i = 0; i < sizeof(oracles) / sizeof(oracles[0]); i++) {
        crl_fixture_setup(&fixture);
        oracle.count = oracles[i].count;
        oracle.values = oracles[i].values;
        oracle.seed = (unsigned)i;
        fixture.spec.count = oracle.count;
        fixture.spec.entry = oracle_entry;
        fixture.spec.context = &oracle;
        index = crl_fixture_index(&fixture);
        assert_int_equal(cm_crl_index_facts(index)->entry_count, oracle.count);
        step = 1 + oracle.count / 400;
        for (size_t at = 0; at < oracle.count; at += step)
            compare_around(&oracle, index, fixture.name, at);
        cm_crl_index_free(index);
        crl_fixture_clear(&fixture);
    }
}

/* More entries than are sorted in memory at once. */
static void
test_runs(void **state)
{
    struct crlgen_series series = {.len = 16, .reason = CM_CRL_SUPERSEDED};
    uint8_t content[CRLGEN_SERIAL], serial[CM_CRL_SERIAL];
    enum { COUNT = 1500000, STEP = 97 };
    struct cm_crl_index *index;
    struct crl_fixture fixture;
    struct stat st;
    int reason;

    (void)state;
    crl_fixture_setup(&fixture);
    fixture.spec.count = COUNT;
    fixture.spec.entry = crlgen_series_entry;
    fixture.spec.context = &series;
    index = crl_fixture_index(&fixture);
    assert_int_equal(fstat(fixture.fd, &st), 0);
    assert_true(st.st_size <= (off_t)COUNT * SIZE_LIMIT);
    for (size_t i = 0; i < 2 * (size_t)COUNT; i += STEP) {
        crlgen_serial(i, series.len, content);
        crl_serial(content, series.len, serial);
        reason = -1;
        assert_int_equal(
            cm_crl_index_find(index, fixture.name, serial, &reason),
            i < COUNT ? CM_CRL_LISTED : CM_CRL_NOT_LISTED);
        assert_int_equal(reason, i < COUNT ? CM_CRL_SUPERSEDED : -1);
    }
    cm_crl_index_free(index);
    crl_fixture_clear(&fixture);
}

/* ---- Serials, repeated entries, issuers ---- */

/* Numbers that a careless comparison would take for each other. */
#define LONG_POSITIVE "00ffffffffffffffffffffffffffffffffffffffff"
#define LONG_NEGATIVE "8000000000000000000000000000000000000000"
static const struct {
    const char *serial;
    bool listed;
} serials[] = {
    {"00", true},
    {"80", true},   /* -128 */
    {"0080", true}, /* 128 */
    {"ff", true},   /* -1 */
    {"7f", true},
    {"00ff", false}, /* 255 */
    {"01", false},
    {"81", false},
    {LONG_POSITIVE, true},
    {LONG_NEGATIVE, true},
    {"00fffffffffffffffffffffffffffffffffffffffe", false},
    {"008000000000000000000000000000000000000000", false},
    {"7fffffffffffffffffffffffffffffffffffffff", false},
};

static void
test_serials(void **state)
{
    struct cm_crl_index *index;
    struct crl_fixture fixture;
    enum cm_crl_listing listing;
    int reason = -1;

    (void)state;
    crl_fixture_setup(&fixture);
    fixture.spec.entries = ENTRY("00") ENTRY("80") ENTRY("0080") ENTRY("ff")
        ENTRY("7f") ENTRY(LONG_POSITIVE) ENTRY(LONG_NEGATIVE);
    index = crl_fixture_index(&fixture);
    for (size_t i = 0; i < sizeof(serials) / sizeof(serials[0]); i++) {
        listing = crl_find(index, fixture.name, serials[i].serial, &reason);
        if (listing != (serials[i].listed ? CM_CRL_LISTED : CM_CRL_NOT_LISTED))
            fail_msg("%s", serials[i].serial);
    }
    cm_crl_index_free(index);
    crl_fixture_clear(&fixture);
}

/* Delta CRLs may remove; the CRL number is there because it must be. */
#define DELTA "30( 06:551d14 04( 02:02 ) ) 30( 06:551d1b 01:ff 04( 02:01 ) )"

static const struct {
    const char *entries;
    int reason; /* that counts for serial 5 */
} repeated[] = {
    {ENTRY("05"), CM_CRL_UNSPECIFIED},
    {ENTRY_FOR("05", "06") ENTRY_FOR("05", "08"), CM_CRL_CERTIFICATE_HOLD},
    {ENTRY_FOR("05", "08") ENTRY_FOR("05", "06"), CM_CRL_CERTIFICATE_HOLD},
    {ENTRY_FOR("05", "08") ENTRY_FOR("05", "08"), CM_CRL_REMOVE_FROM_CRL},
    {ENTRY_FOR("05", "06") ENTRY("05"), CM_CRL_UNSPECIFIED},
    {ENTRY("05") ENTRY_FOR("05", "06"), CM_CRL_UNSPECIFIED},
    {ENTRY_FOR("05", "08") ENTRY_FOR("05", "04"), CM_CRL_SUPERSEDED},
    {ENTRY_FOR("05", "09") ENTRY_FOR("05", "01"), CM_CRL_KEY_COMPROMISE},
    {ENTRY_FOR("05", "01") ENTRY_FOR("05", "09"), CM_CRL_KEY_COMPROMISE},
    {ENTRY_FOR("04", "01") ENTRY_FOR("05", "06") ENTRY_FOR("06", "01"),
     CM_CRL_CERTIFICATE_HOLD},
};

static void
test_repeated(void **state)
{
    struct cm_crl_index *index;
    struct crl_fixture fixture;
    int reason;

    (void)state;
    for (size_t i = 0; i < sizeof(repeated) / sizeof(repeated[0]); i++) {
        crl_fixture_setup(&fixture);
        fixture.spec.entries = repeated[i].entries;
        fixture.spec.extensions = DELTA;
        index = crl_fixture_index(&fixture);
        assert_true(cm_crl_index_facts(index)->base.present);
        reason = -1;
        assert_int_equal(crl_find(index, fixture.name, "05", &reason),
                         CM_CRL_LISTED);
        if (reason != repeated[i].reason)
            fail_msg("%s: %d", repeated[i].entries, reason);
        cm_crl_index_free(index);
        crl_fixture_clear(&fixture);
    }
}

static const struct {
    const char *issuer; /* NULL: the CRL's own */
    const char *serial;
    bool listed;
} indirect[] = {
    {NULL, "01", true},         {"CN=Second", "02", true},
    {"CN=Second", "03", true},                             /* sticky */
    {"CN=Third", "04", true},   {"CN=Second", "05", true}, /* and back */
    {"CN=second", "02", true}, /* names fold case */
    {NULL, "02", false},        {NULL, "05", false},
    {"CN=Second", "01", false}, {"CN=Second", "04", false},
    {"CN=Third", "03", false},  {"CN=Fourth", "01", false},
    {"CN=Fourth", "04", false},
};

static void
test_indirect(void **state)
{
    struct tc_spec spec = {.subject = NULL};
    struct cm_crl_index *index;
    struct crl_fixture fixture;
    enum cm_crl_listing listing;
    X509 *other;
    int reason;

    (void)state;
    crl_fixture_setup(&fixture);
    fixture.spec.extensions = INDIRECT;
    fixture.spec.entries = ENTRY("01") ENTRY_OF("02", "Second") ENTRY("03")
        ENTRY_OF("04", "Third") ENTRY_OF("05", "SECOND");
    index = crl_fixture_index(&fixture);
    assert_true(cm_crl_index_facts(index)->scope.indirect);
    for (size_t i = 0; i < sizeof(indirect) / sizeof(indirect[0]); i++) {
        spec.subject = indirect[i].issuer;
        other = tc_make(&spec);
        listing =
            crl_find(index,
                     indirect[i].issuer == NULL ? fixture.name
                                                : X509_get_subject_name(other),
                     indirect[i].serial, &reason);
        X509_free(other);
        if (listing !=
            (indirect[i].listed ? CM_CRL_LISTED : CM_CRL_NOT_LISTED))
            fail_msg("row %zu", i);
    }
    cm_crl_index_free(index);
    crl_fixture_clear(&fixture);
}

/* ---- Facts survive ---- */

#define URI "30( a0( a0( 86'http://crl.example/1.crl' ) ) 83:0560 )"
#define ALL_EXTENSIONS                                                        \
    "30( 06:551d23 04( 30( 80:0102030405 ) ) )"                               \
    "30( 06:551d14 04( 02:00ff01 ) )"                                         \
    "30( 06:551d1b 01:ff 04( 02:7f ) )"                                       \
    "30( 06:551d1c 01:ff 04(" URI ") )"

static void
test_facts(void **state)
{
    const struct cm_crl_facts *built, *read;
    struct cm_crl_index *index;
    struct crl_fixture fixture;

    (void)state;
    crl_fixture_setup(&fixture);
    fixture.spec.entries = ENTRY("05") ENTRY("05");
    fixture.spec.extensions = ALL_EXTENSIONS;
    index = crl_fixture_index(&fixture);
    built = &fixture.facts;
    read = cm_crl_index_facts(index);
    assert_int_equal(X509_NAME_cmp(read->issuer, fixture.name), 0);
    assert_int_equal(read->this_update, 1767225600);
    assert_true(read->has_next_update);
    assert_int_equal(read->next_update, 2082758400);
    assert_memory_equal(&read->number, &built->number, sizeof(read->number));
    assert_int_equal(read->number.octets[CM_CRL_MAX_NUMBER - 2], 0xff);
    assert_memory_equal(&read->base, &built->base, sizeof(read->base));
    assert_true(read->scope.has_idp);
    assert_int_equal(sk_GENERAL_NAME_num(read->scope.names), 1);
    assert_int_equal(read->scope.reasons, 1U << 1 | 1U << 2);
    assert_int_equal(built->scope.reasons, read->scope.reasons);
    assert_memory_equal(read->scope_id, built->scope_id, 32);
    assert_int_equal(ASN1_OCTET_STRING_cmp(read->key_id, built->key_id), 0);
    assert_int_equal(read->entry_count, 2);
    assert_memory_equal(read->source_sha256, built->source_sha256, 32);
    assert_int_equal(read->source_size, built->source_size);
    assert_memory_equal(read->signer_spki, fixture.spki, 32);
    assert_memory_equal(built->signer_spki, fixture.spki, 32);
    cm_crl_index_free(index);
    crl_fixture_clear(&fixture);
}

/* Nothing but the source and the key decides what is written. */
static void
test_same_bytes(void **state)
{
    static const char *const entries = ENTRY("05") ENTRY_FOR("07", "01");
    uint8_t first[FIXED_SIZE], second[FIXED_SIZE];
    struct cm_crl_facts facts;
    struct cm_crl_source *source;
    struct crl_fixture fixture;
    int crl, fd;

    (void)state;
    crl_fixture_setup(&fixture);
    fixture.spec.entries = entries;
    crl = crlgen_file(&fixture.spec);
    source = cm_crl_source_open(crl, NULL);
    for (int i = 0; i < 2; i++) {
        fd = crl_empty_file();
        assert_int_equal(cm_crl_index_build(source, fixture.key, fixture.spki,
                                            fd, &facts, NULL),
                         CM_OK);
        assert_int_equal(pread(fd, i == 0 ? first : second, FIXED_SIZE, 0),
                         FIXED_SIZE);
        cm_crl_facts_clear(&facts);
        close(fd);
    }
    assert_memory_equal(first, second, FIXED_SIZE);
    cm_crl_source_free(source);
    close(crl);
    crl_fixture_clear(&fixture);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_oracle),     cmocka_unit_test(test_runs),
        cmocka_unit_test(test_serials),    cmocka_unit_test(test_repeated),
        cmocka_unit_test(test_indirect),   cmocka_unit_test(test_facts),
        cmocka_unit_test(test_same_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
