/*
 * Step 7: which rules hold, and which indicators are asserted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config_values.h"
#include "indicators.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define KEY_A                                                                 \
    "aa00000000000000000000000000000000000000000000000000000000000000"
#define KEY_B                                                                 \
    "BB00000000000000000000000000000000000000000000000000000000000000"

/* ---- conditions ---- */

static struct parse_row {
    const char *text;
    int kind; /* -1: refused */
    const char *words;
} parse_rows[] = {
    {"always", CM_CONDITION_ALWAYS, NULL},
    {"never", CM_CONDITION_NEVER, NULL},
    {"strength:strong", CM_CONDITION_STRENGTH_STRONG, NULL},
    {"policy:1.2.3", CM_CONDITION_POLICY, NULL},
    {"issuer:" KEY_A, CM_CONDITION_ISSUER, NULL},
    {"issuer:" KEY_B, CM_CONDITION_ISSUER, NULL},
    {"revocation:checked", CM_CONDITION_REVOCATION_CHECKED, NULL},
    {"", -1, "allowed: always"},
    {"Always", -1, "allowed: always"},
    {"always ", -1, "allowed: always"},
    {"strength:weak", -1, "allowed: always"},
    {"policy", -1, "allowed: always"},
    {"policy:", -1, "object identifier"},
    {"policy:1.2.3 ", -1, "object identifier"},
    {"policy:01.2", -1, "object identifier"},
    {"policy:1.2.3,1.2.4", -1, "object identifier"},
    {"policy:2.5.29.32.0", -1, "anyPolicy never counts"},
    {"issuer:aa", -1, "64 hex digits"},
    {"issuer:" KEY_A "00", -1, "64 hex digits"},
    {"issuer:CN=CA", -1, "64 hex digits"},
};

static void
test_parse(void **state)
{
    const struct parse_row *row = *state;
    struct cm_condition condition = {.kind = CM_CONDITION_NEVER};
    struct cm_detail detail = {{0}};

    assert_int_equal(cm_condition_parse(row->text, &condition, &detail),
                     row->kind >= 0);
    if (row->kind < 0) {
        assert_non_null(strstr(detail.text, row->words));
        assert_int_equal(condition.kind, CM_CONDITION_NEVER);
        return;
    }
    assert_int_equal(condition.kind, row->kind);
    cm_condition_clear(&condition);
    assert_null(condition.oid);
}

/* ---- evaluation ---- */

enum { MAX_RULES = 4, MAX_BLOCKS = 2 };

/* "name=condition" rules, hw_authent conditions. */
struct rules {
    const char *indicators[MAX_RULES];
    const char *hw_authent[MAX_RULES];
};

static struct row {
    const char *what;
    struct rules realm;
    struct rules blocks[MAX_BLOCKS]; /* empty: says nothing */
    bool empty_block;                /* blocks[0] has an empty subsection */
    enum cm_strength strength;
    bool checked;
    const char *path_policy; /* in the valid policy set */
    const char *leaf_policy; /* in the leaf */
    const char *indicators;  /* joined by "," */
    bool hw_authent;
} rows[] = {
    {.what = "no rules", .indicators = ""},
    {.what = "always",
     .realm = {{"a=always", "b=always"}, {0}},
     .indicators = "a,b"},
    {.what = "each indicator once",
     .realm = {{"a=always", "a=strength:strong", "a=always"}, {0}},
     .strength = CM_STRENGTH_STRONG,
     .indicators = "a"},
    {.what = "any rule of a name suffices",
     .realm = {{"a=strength:strong", "a=revocation:checked"}, {0}},
     .strength = CM_STRENGTH_WEAK,
     .checked = true,
     .indicators = "a"},
    {.what = "strong",
     .realm = {{"a=strength:strong"}, {0}},
     .strength = CM_STRENGTH_STRONG,
     .indicators = "a"},
    {.what = "weak is not strong",
     .realm = {{"a=strength:strong"}, {0}},
     .strength = CM_STRENGTH_WEAK,
     .indicators = ""},
    {.what = "revocation not checked",
     .realm = {{"a=revocation:checked"}, {0}},
     .indicators = ""},
    {.what = "policy of the path",
     .realm = {{"a=policy:1.2.3", "b=policy:1.2.4"}, {"policy:1.2.3"}},
     .path_policy = "1.2.3",
     .indicators = "a",
     .hw_authent = true},
    {.what = "the leaf's claim is not enough in a realm rule",
     .realm = {{"a=policy:1.2.3"}, {"policy:1.2.3"}},
     .leaf_policy = "1.2.3",
     .indicators = ""},
    {.what = "a policy that begins alike",
     .realm = {{"a=policy:1.2.3"}, {0}},
     .path_policy = "1.2.34",
     .indicators = ""},
    {.what = "issuer",
     .realm = {{"a=issuer:" KEY_A, "b=issuer:" KEY_B}, {"issuer:" KEY_A}},
     .indicators = "a",
     .hw_authent = true},
    {.what = "hw_authent: any one suffices",
     .realm = {{0}, {"policy:1.2.4", "policy:1.2.3"}},
     .path_policy = "1.2.3",
     .indicators = "",
     .hw_authent = true},
    {.what = "hw_authent: never", .realm = {{0}, {"never"}}, .indicators = ""},
    {.what = "a block's rules replace the realm's and read the leaf",
     .realm = {{"a=always"}, {"policy:1.2.3"}},
     .blocks = {{{"b=policy:1.2.3"}, {"policy:1.2.3"}}},
     .leaf_policy = "1.2.3",
     .indicators = "b",
     .hw_authent = true},
    {.what = "a block's never replaces the realm's condition",
     .realm = {{"a=always"}, {"policy:1.2.3"}},
     .blocks = {{{0}, {"never"}}},
     .path_policy = "1.2.3",
     .indicators = "a"},
    {.what = "an empty block subsection asserts nothing",
     .realm = {{"a=always"}, {0}},
     .empty_block = true,
     .indicators = ""},
    {.what = "two blocks: what both assert",
     .realm = {{"d=always"}, {0}},
     .blocks = {{{"a=always", "b=always"}, {"issuer:" KEY_A}},
                {{"b=always", "c=always"}, {"issuer:" KEY_A}}},
     .indicators = "b",
     .hw_authent = true},
    {.what = "two blocks: one says never",
     .blocks = {{{0}, {"issuer:" KEY_A}}, {{0}, {"never"}}},
     .indicators = ""},
    {.what = "two blocks: one is silent",
     .blocks = {{{"a=always"}, {0}}, {{0}, {"issuer:" KEY_A}}},
     .indicators = "a",
     .hw_authent = true},
};

static void
fill_rules(const struct rules *rules, struct cm_indicator_rules *indicators,
           struct cm_conditions *hw_authent)
{
    struct cm_detail detail = {{0}};
    char name[] = "x";

    for (size_t i = 0; i < MAX_RULES && rules->indicators[i]; i++) {
        name[0] = rules->indicators[i][0];
        assert_true(cm_config_add_indicator(
            indicators, name, rules->indicators[i] + 2, &detail));
    }
    for (size_t i = 0; i < MAX_RULES && rules->hw_authent[i]; i++)
        assert_true(cm_config_add_hw_authent(hw_authent, rules->hw_authent[i],
                                             &detail));
}

static void
fill_settings(struct cm_settings *settings, const struct row *row)
{
    struct cm_issuer_settings *issuer;

    assert_true(cm_settings_init(settings, "EXAMPLE.COM"));
    fill_rules(&row->realm, &settings->indicators, &settings->hw_authent);
    settings->issuers = calloc(MAX_BLOCKS, sizeof(*settings->issuers));
    settings->issuer_count = MAX_BLOCKS;
    for (size_t i = 0; i < MAX_BLOCKS; i++) {
        issuer = &settings->issuers[i];
        issuer->spki[0] = 0xaa;
        fill_rules(&row->blocks[i], &issuer->indicators, &issuer->hw_authent);
        issuer->has_indicators =
            issuer->indicators.count > 0 || (i == 0 && row->empty_block);
        issuer->has_hw_authent = issuer->hw_authent.count > 0;
    }
}

static char *
join(const struct cm_text_list *list)
{
    struct cm_buf buf = CM_BUF_INIT;

    for (size_t i = 0; i < list->count; i++)
        cm_buf_addf(&buf, "%s%s", i > 0 ? "," : "", list->items[i]);
    return cm_buf_take(&buf);
}

static void
test_evaluate(void **state)
{
    const struct row *row = *state;
    struct cm_certificate cert = {0};
    struct cm_path path = {.issuer_spki_sha256 = {0xaa}};
    struct cm_text_list indicators = {0};
    struct cm_settings settings;
    struct cm_effective effective;
    bool hw_authent = !row->hw_authent;
    char *joined;

    fill_settings(&settings, row);
    if (row->path_policy != NULL)
        assert_true(cm_text_list_add(&path.policies, row->path_policy));
    if (row->leaf_policy != NULL)
        assert_true(cm_text_list_add(&cert.policies, row->leaf_policy));
    assert_true(cm_settings_for_issuer(&settings, path.issuer_spki_sha256,
                                       &effective));
    assert_true(cm_indicators_evaluate(&effective, &cert, &path, row->strength,
                                       row->checked, &indicators,
                                       &hw_authent));
    joined = join(&indicators);
    assert_string_equal(joined, row->indicators);
    assert_int_equal(hw_authent, row->hw_authent);
    free(joined);
    cm_text_list_clear(&indicators);
    cm_text_list_clear(&path.policies);
    cm_text_list_clear(&cert.policies);
    cm_effective_clear(&effective);
    cm_settings_clear(&settings);
}

/* anyPolicy in a set stands for none, however a rule came to name it. */
static void
test_any_policy_never_counts(void **state)
{
    struct cm_indicator_rules rules = {0};
    struct cm_effective effective = {.indicators = &rules};
    struct cm_path path = {0};
    struct cm_certificate cert = {0};
    struct cm_text_list indicators = {0};
    struct cm_detail detail;
    char *oid = strdup("2.5.29.32.0");
    bool hw_authent;

    (void)state;
    assert_non_null(oid);
    assert_true(cm_config_add_indicator(&rules, "a", "policy:1.2", &detail));
    free(rules.list[0].condition.oid);
    rules.list[0].condition.oid = oid;
    assert_true(cm_text_list_add(&path.policies, "2.5.29.32.0"));
    assert_true(cm_indicators_evaluate(&effective, &cert, &path,
                                       CM_STRENGTH_STRONG, true, &indicators,
                                       &hw_authent));
    assert_int_equal(indicators.count, 0);
    assert_false(hw_authent);
    free(rules.list[0].name);
    cm_condition_clear(&rules.list[0].condition);
    free(rules.list);
    cm_text_list_clear(&path.policies);
}

int
main(void)
{
    static struct CMUnitTest tests[COUNT(parse_rows) + COUNT(rows) + 1];
    size_t count = 0;

    for (size_t i = 0; i < COUNT(parse_rows); i++)
        tests[count++] = (struct CMUnitTest){parse_rows[i].text, test_parse,
                                             NULL, NULL, &parse_rows[i]};
    for (size_t i = 0; i < COUNT(rows); i++)
        tests[count++] = (struct CMUnitTest){rows[i].what, test_evaluate, NULL,
                                             NULL, &rows[i]};
    tests[count] =
        (struct CMUnitTest)cmocka_unit_test(test_any_policy_never_counts);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
