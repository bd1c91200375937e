/*
 * What is fetched for one issuing CA, and how it is judged.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "settings.h"
#include "testcert.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const uint8_t key_a[32] = {0xaa};

enum { MAX_BLOCKS = 3 };

/* An issuer block of key_a; its lists are words separated by blanks. */
struct block {
    const char *sources; /* NULL: the block does not say; "co", "c", ... */
    const char *crl_urls, *ocsp_urls;
    int64_t stale_grace;    /* -1: the block does not say */
    int allow_private;      /* likewise */
    const char *responders; /* one digit for each certificate */
};

static struct row {
    const char *what;
    struct block blocks[MAX_BLOCKS];
    size_t count;
    const char *sources, *crl_urls, *ocsp_urls;
    int64_t stale_grace;
    bool allow_private;
    const char *responders;
} rows[] = {
    {"no block: the realm's values",
     {{0}},
     0,
     "oc",
     "r1 r2",
     "r3",
     600,
     false,
     ""},
    {"an empty block changes nothing",
     {{NULL, "", "", -1, -1, ""}},
     1,
     "oc",
     "r1 r2",
     "r3",
     600,
     false,
     ""},
    {"one block replaces, also by something weaker",
     {{"c", "a1", "a2 a3", 7200, 1, "12"}},
     1,
     "c",
     "a1",
     "a2 a3",
     7200,
     true,
     "12"},
    {"URLs of several blocks add up, each once",
     {{NULL, "a b", "", -1, -1, ""}, {NULL, "b c", "d", -1, -1, ""}},
     2,
     "oc",
     "a b c",
     "d",
     600,
     false,
     ""},
    {"blocks that agree keep their order",
     {{"oc", "", "", -1, -1, ""}, {"oc", "", "", -1, -1, ""}},
     2,
     "oc",
     "r1 r2",
     "r3",
     600,
     false,
     ""},
    {"blocks that differ ask what any of them names",
     {{"oc", "", "", -1, -1, ""}, {"co", "", "", -1, -1, ""}},
     2,
     "co",
     "r1 r2",
     "r3",
     600,
     false,
     ""},
    {"blocks that have nothing in common ask both",
     {{"o", "", "", -1, -1, ""}, {"c", "", "", -1, -1, ""}},
     2,
     "co",
     "r1 r2",
     "r3",
     600,
     false,
     ""},
    {"the shorter grace, also where both are longer than the realm's",
     {{NULL, "", "", 7200, -1, ""}, {NULL, "", "", 3600, -1, ""}},
     2,
     "oc",
     "r1 r2",
     "r3",
     3600,
     false,
     ""},
    {"private addresses if all say so",
     {{NULL, "", "", -1, 1, ""}, {NULL, "", "", -1, 1, ""}},
     2,
     "oc",
     "r1 r2",
     "r3",
     600,
     true,
     ""},
    {"private addresses not if one says no",
     {{NULL, "", "", -1, 1, ""}, {NULL, "", "", -1, 0, ""}},
     2,
     "oc",
     "r1 r2",
     "r3",
     600,
     false,
     ""},
    {"responders that all of them have",
     {{NULL, "", "", -1, -1, "12"},
      {NULL, "", "", -1, -1, "23"},
      {NULL, "", "", -1, -1, ""}},
     3,
     "oc",
     "r1 r2",
     "r3",
     600,
     false,
     "2"},
    {"no responder that all of them have",
     {{NULL, "", "", -1, -1, "1"}, {NULL, "", "", -1, -1, "2"}},
     2,
     "oc",
     "r1 r2",
     "r3",
     600,
     false,
     ""},
};

enum { MAX_RESPONDERS = 4 };
static X509 *responders[MAX_RESPONDERS];

/* Certificates that differ, as far as a comparison looks. */
static int
make_responders(void **state)
{
    (void)state;
    for (size_t i = 0; i < MAX_RESPONDERS; i++)
        responders[i] = tc_make_ca(
            "CN=Responder", tc_key(TC_EC_P256, (unsigned)i), NULL, NULL);
    return 0;
}

static int
free_responders(void **state)
{
    (void)state;
    for (size_t i = 0; i < MAX_RESPONDERS; i++)
        X509_free(responders[i]);
    return 0;
}

static void
fill_words(struct cm_text_list *list, const char *words)
{
    char *copy = strdup(words), *rest = NULL;

    assert_non_null(copy);
    for (char *word = strtok_r(copy, " ", &rest); word != NULL;
         word = strtok_r(NULL, " ", &rest))
        assert_true(cm_text_list_add(list, word));
    free(copy);
}

static void
fill_sources(struct cm_issuer_rules *rules, const char *letters)
{
    rules->source_count = 0;
    for (; *letters != '\0'; letters++)
        rules->sources[rules->source_count++] =
            *letters == 'c' ? CM_SOURCE_CRL : CM_SOURCE_OCSP;
}

/* References to the responders whose digits stand in `digits`. */
static void
fill_responders(struct cm_issuer_rules *rules, const char *digits)
{
    X509 *chosen[MAX_RESPONDERS];
    size_t count = 0;

    for (; digits[count] != '\0'; count++)
        chosen[count] = responders[digits[count] - '0'];
    rules->responders = tc_references(chosen, count);
    rules->responder_count = count;
}

static void
fill_block(struct cm_issuer_settings *issuer, const struct block *block)
{
    struct cm_issuer_rules *rules = &issuer->rules;

    fill_responders(rules, block->responders);
    memcpy(issuer->spki, key_a, sizeof(issuer->spki));
    issuer->has_sources = block->sources != NULL;
    if (block->sources != NULL)
        fill_sources(rules, block->sources);
    fill_words(&rules->crl_urls, block->crl_urls);
    fill_words(&rules->ocsp_urls, block->ocsp_urls);
    issuer->has_stale_grace = block->stale_grace >= 0;
    rules->stale_grace = block->stale_grace;
    issuer->has_allow_private = block->allow_private >= 0;
    rules->allow_private_addresses = block->allow_private > 0;
}

static void
assert_words(const struct cm_text_list *list, const char *words, bool ordered)
{
    struct cm_text_list expected = {0};

    fill_words(&expected, words);
    assert_int_equal(list->count, expected.count);
    for (size_t i = 0; i < list->count; i++)
        assert_true(ordered ? strcmp(list->items[i], expected.items[i]) == 0
                            : cm_text_list_has(&expected, list->items[i]));
    cm_text_list_clear(&expected);
}

/* The blocks in the order given by turn: none of it may matter. */
static void
check_row(const struct row *row, size_t turn)
{
    struct cm_issuer_rules rules, expected = {0};
    struct cm_settings settings;

    assert_true(cm_settings_init(&settings, "EXAMPLE.COM"));
    fill_sources(&settings.revocation, "oc");
    fill_words(&settings.revocation.crl_urls, "r1 r2");
    fill_words(&settings.revocation.ocsp_urls, "r3");
    settings.revocation.stale_grace = 600;
    settings.issuers = calloc(MAX_BLOCKS, sizeof(*settings.issuers));
    assert_non_null(settings.issuers);
    for (size_t i = 0; i < row->count; i++)
        fill_block(&settings.issuers[settings.issuer_count++],
                   &row->blocks[(i + turn) % row->count]);
    assert_true(cm_settings_rules_for(&settings, key_a, &rules));
    fill_sources(&expected, row->sources);
    assert_int_equal(rules.source_count, expected.source_count);
    for (size_t i = 0; i < rules.source_count; i++)
        assert_int_equal(rules.sources[i], expected.sources[i]);
    assert_words(&rules.crl_urls, row->crl_urls, turn == 0);
    assert_words(&rules.ocsp_urls, row->ocsp_urls, turn == 0);
    assert_int_equal(rules.stale_grace, row->stale_grace);
    assert_true(rules.allow_private_addresses == row->allow_private);
    assert_int_equal(rules.responder_count, strlen(row->responders));
    for (size_t i = 0; i < rules.responder_count; i++)
        assert_int_equal(X509_cmp(rules.responders[i],
                                  responders[row->responders[i] - '0']),
                         0);
    cm_issuer_rules_clear(&rules);
    cm_settings_clear(&settings);
}

static void
test_row(void **state)
{
    for (size_t turn = 0; turn < MAX_BLOCKS; turn++)
        check_row(*state, turn);
}

int
main(void)
{
    struct CMUnitTest tests[COUNT(rows)];

    for (size_t i = 0; i < COUNT(rows); i++)
        tests[i] =
            (struct CMUnitTest){rows[i].what, test_row, NULL, NULL, &rows[i]};
    return cmocka_run_group_tests(tests, make_responders, free_responders);
}
