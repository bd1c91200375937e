/*
 * A realm's settings as they hold for one issuing CA.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "settings.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define BIT(form) CM_ACCEPT(CM_FORM_##form)

static const uint8_t key_a[32] = {0xaa};
static const uint8_t key_b[32] = {0xbb};

enum { MAX_SUFFIXES = 4, MAX_BLOCKS = 3 };

/* What an issuer block says; 0, NULL and false: nothing. */
struct block {
    const uint8_t *key;
    bool has_revocation;
    enum cm_revocation_mode revocation;
    unsigned mappings;
    const char *suffixes[MAX_SUFFIXES];
    bool has_rules; /* indicators and hw_authent */
};

static struct row {
    const char *what;
    struct block blocks[MAX_BLOCKS];
    enum cm_revocation_mode revocation;
    unsigned mappings;
    const char *suffixes[MAX_SUFFIXES]; /* none: any */
    bool realm_rules;                   /* the realm's rules still hold */
    size_t applied;
} rows[] = {
    {"no block", {{0}}, CM_REVOCATION_SOFT, CM_ACCEPT_DEFAULT, {0}, true, 0},
    {"another CA's block",
     {{key_b, true, CM_REVOCATION_OFF, BIT(SKI), {"b"}, true}},
     CM_REVOCATION_SOFT,
     CM_ACCEPT_DEFAULT,
     {0},
     true,
     0},
    {"an empty block",
     {{key_a, false, 0, 0, {0}, false}},
     CM_REVOCATION_SOFT,
     CM_ACCEPT_DEFAULT,
     {0},
     true,
     1},
    {"one block replaces, also by something weaker",
     {{key_a, true, CM_REVOCATION_OFF, BIT(SKI) | BIT(SUBJECT), {"a"}, true}},
     CM_REVOCATION_OFF,
     BIT(SKI) | BIT(SUBJECT),
     {"a"},
     false,
     1},
    {"the stricter revocation",
     {{key_a, true, CM_REVOCATION_OFF, 0, {0}, false},
      {key_a, true, CM_REVOCATION_REQUIRE, 0, {0}, false},
      {key_a, true, CM_REVOCATION_SOFT, 0, {0}, false}},
     CM_REVOCATION_REQUIRE,
     CM_ACCEPT_DEFAULT,
     {0},
     true,
     3},
    {"a block without revocation does not count",
     {{key_a, true, CM_REVOCATION_OFF, 0, {0}, false},
      {key_a, false, CM_REVOCATION_REQUIRE, 0, {0}, false}},
     CM_REVOCATION_OFF,
     CM_ACCEPT_DEFAULT,
     {0},
     true,
     2},
    {"the intersection of mappings",
     {{key_a, false, 0, BIT(SKI) | BIT(UPN) | BIT(SUBJECT), {0}, false},
      {key_b, false, 0, BIT(DNS), {0}, false},
      {key_a, false, 0, BIT(UPN) | BIT(SUBJECT) | BIT(DNS), {0}, false}},
     CM_REVOCATION_SOFT,
     BIT(UPN) | BIT(SUBJECT),
     {0},
     true,
     2},
    {"disjoint mappings accept nothing",
     {{key_a, false, 0, BIT(SKI), {0}, false},
      {key_a, false, 0, BIT(UPN), {0}, false}},
     CM_REVOCATION_SOFT,
     0,
     {0},
     true,
     2},
    {"the intersection of suffixes, without case",
     {{key_a, false, 0, 0, {"a.example", "b.example", "c.example"}, false},
      {key_a, false, 0, 0, {"C.EXAMPLE", "B.example"}, false}},
     CM_REVOCATION_SOFT,
     CM_ACCEPT_DEFAULT,
     {"b.example", "c.example"},
     true,
     2},
    {"any suffix beside a list is the list",
     {{key_a, false, 0, 0, {0}, false},
      {key_a, false, 0, 0, {"a.example"}, false},
      {key_a, false, 0, 0, {0}, false}},
     CM_REVOCATION_SOFT,
     CM_ACCEPT_DEFAULT,
     {"a.example"},
     true,
     3},
    {"disjoint suffixes allow none: not any",
     {{key_a, false, 0, 0, {"a.example"}, false},
      {key_a, false, 0, 0, {"b.example"}, false}},
     CM_REVOCATION_SOFT,
     CM_ACCEPT_DEFAULT,
     {"\x01"},
     true,
     2},
    {"disjoint suffixes stay so",
     {{key_a, false, 0, 0, {"a.example"}, false},
      {key_a, false, 0, 0, {"b.example"}, false},
      {key_a, false, 0, 0, {"a.example", "b.example"}, false}},
     CM_REVOCATION_SOFT,
     CM_ACCEPT_DEFAULT,
     {"\x01"},
     true,
     3},
};

static void
fill_block(struct cm_issuer_settings *issuer, const struct block *block)
{
    char *label = strdup("label");

    assert_non_null(label);
    issuer->label = label;
    memcpy(issuer->spki, block->key, sizeof(issuer->spki));
    issuer->has_revocation = block->has_revocation;
    issuer->rules.mode = block->revocation;
    issuer->has_mappings = block->mappings != 0;
    issuer->mappings = block->mappings;
    issuer->has_indicators = block->has_rules;
    issuer->has_hw_authent = block->has_rules;
    for (size_t i = 0; i < MAX_SUFFIXES && block->suffixes[i] != NULL; i++)
        assert_true(
            cm_text_list_add(&issuer->upn_suffixes, block->suffixes[i]));
}

static size_t
count_texts(const char *const texts[MAX_SUFFIXES])
{
    size_t count = 0;

    while (count < MAX_SUFFIXES && texts[count] != NULL)
        count++;
    return count;
}

/* Fills the blocks in the order given by turn: none of it may matter. */
static void
check_row(const struct row *row, size_t turn)
{
    struct cm_effective effective;
    struct cm_settings settings;
    size_t blocks = 0;

    assert_true(cm_settings_init(&settings, "EXAMPLE.COM"));
    settings.revocation.mode = CM_REVOCATION_SOFT;
    settings.issuers = calloc(MAX_BLOCKS, sizeof(*settings.issuers));
    while (blocks < MAX_BLOCKS && row->blocks[blocks].key != NULL)
        blocks++;
    for (size_t i = 0; i < blocks; i++)
        fill_block(&settings.issuers[settings.issuer_count++],
                   &row->blocks[(i + turn) % blocks]);
    assert_true(cm_settings_for_issuer(&settings, key_a, &effective));
    assert_int_equal(effective.revocation.mode, row->revocation);
    assert_int_equal(effective.policy.accept, row->mappings);
    assert_int_equal(effective.policy.upn_suffixes.count,
                     count_texts(row->suffixes));
    for (size_t i = 0; i < count_texts(row->suffixes); i++)
        assert_true(turn != 0 ||
                    cm_text_list_has(&effective.policy.upn_suffixes,
                                     row->suffixes[i]));
    assert_true((effective.indicators == &settings.indicators) ==
                row->realm_rules);
    assert_true((effective.hw_authent == &settings.hw_authent) ==
                row->realm_rules);
    assert_int_equal(effective.block_count, row->applied);
    cm_effective_clear(&effective);
    cm_settings_clear(&settings);
}

static void
test_row(void **state)
{
    for (size_t turn = 0; turn < MAX_BLOCKS; turn++)
        check_row(*state, turn);
}

static void
test_defaults(void **state)
{
    struct cm_settings s;

    (void)state;
    assert_true(cm_settings_init(&s, "EXAMPLE.COM"));
    assert_int_equal(s.mode, CM_MODE_ENFORCE);
    assert_int_equal(s.revocation.mode, CM_REVOCATION_REQUIRE);
    assert_int_equal(s.revocation.source_count, 2);
    assert_int_equal(s.revocation.sources[0], CM_SOURCE_CRL);
    assert_int_equal(s.revocation.sources[1], CM_SOURCE_OCSP);
    assert_int_equal(s.revocation.stale_grace, 0);
    assert_false(s.revocation.allow_private_addresses);
    assert_string_equal(s.store, "/var/lib/krb5kdc/certmap");
    assert_false(s.store_given);
    assert_null(s.http.proxy);
    assert_int_equal(s.timeout_ms, 1000);
    assert_int_equal(s.logon.min_rsa_bits, 2048);
    assert_false(s.logon.require_key_purpose);
    assert_int_equal(s.logon.key_purposes, 7);
    assert_int_equal(s.policy.enforcement, CM_ENFORCE_FULL);
    assert_int_equal(s.policy.accept, CM_ACCEPT_DEFAULT);
    assert_true(s.policy.use_subject_alt_name);
    assert_string_equal(s.policy.dns_domain, "example.com");
    assert_int_equal(s.directory.kind, CM_DIRECTORY_KDB);
    assert_false(s.unavailable_discards);
    assert_false(s.anonymous_refused);
    assert_int_equal(s.staple_max_age, 3600);
    cm_settings_clear(&s);
    assert_null(s.realm);
}

static void
test_summary_escapes_the_realm(void **state)
{
    struct cm_settings settings;
    char *summary;

    (void)state;
    assert_true(cm_settings_init(&settings, "A\" mode=off\nB"));
    summary = cm_settings_summary(&settings);
    assert_string_equal(summary, "realm=\"A\\x22 mode=off\\x0aB\" "
                                 "mode=enforce directory=kdb weakened: "
                                 "nothing");
    free(summary);
    cm_settings_clear(&settings);
}

int
main(void)
{
    struct CMUnitTest tests[COUNT(rows) + 2] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_summary_escapes_the_realm)};

    for (size_t i = 0; i < COUNT(rows); i++)
        tests[i + 2] =
            (struct CMUnitTest){rows[i].what, test_row, NULL, NULL, &rows[i]};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
