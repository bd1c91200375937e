/*
 * The valid policy set of a path, and what may be demanded of it (RFC 5280
 * section 6.1), as a table over root, CA and leaf.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "path.h"
#include "testcert.h"

enum { NOW = 1704067200 /* 2024-01-01T00:00:00Z */ };

/* Policy mappings of the CA: its 1.2.3.1 is the leaf's 1.2.3.9. */
#define MAPPED "300c300a06032a030106032a0309"
#define ANY "2.5.29.32.0"

enum flag { EXPLICIT = 1 << 0, NO_MAPPING = 1 << 1, NO_ANY = 1 << 2 };

static const struct {
    const char *name;
    const char *ca; /* policies */
    const char *mapping;
    const char *leaf; /* policies */
    const char *initial;
    unsigned flags;
    const char *valid; /* the set; NULL: path-untrusted */
} rows[] = {
    {"none", NULL, NULL, NULL, "", 0, ""},
    {"the same", "1.2.3.1", NULL, "1.2.3.1", "", 0, "1.2.3.1"},
    {"two", "1.2.3.1,1.2.3.2", NULL, "1.2.3.2,1.2.3.1", "", 0,
     "1.2.3.1 1.2.3.2"},
    {"the leaf's alone", NULL, NULL, "1.2.3.1", "", 0, ""},
    {"the CA's alone", "1.2.3.1", NULL, NULL, "", 0, ""},
    {"different", "1.2.3.1", NULL, "1.2.3.2", "", 0, ""},
    {"CA says any", ANY, NULL, "1.2.3.1", "", 0, "1.2.3.1"},
    {"leaf says any", "1.2.3.1", NULL, ANY, "", 0, "1.2.3.1"},
    {"both say any", ANY, NULL, ANY, "", 0, ""},
    /* Then the set is any policy, which names none. */
    {"both say any, and others", ANY ",1.2.3.1", NULL, ANY ",1.2.3.2", "", 0,
     ""},
    {"both say any, one is wanted", ANY ",1.2.3.1", NULL, ANY ",1.2.3.2",
     "1.2.3.1", 0, "1.2.3.1"},
    {"mapped, in the anchor's domain", "1.2.3.1", MAPPED, "1.2.3.9", "", 0,
     "1.2.3.1"},
    {"mapped, leaf says any", "1.2.3.1", MAPPED, ANY, "", 0, "1.2.3.1"},
    {"mapped, leaf says the CA's", "1.2.3.1", MAPPED, "1.2.3.1", "", 0, ""},
    {"mapping inhibited", "1.2.3.1", MAPPED, "1.2.3.9", "", NO_MAPPING, ""},
    {"any inhibited", "1.2.3.1", NULL, ANY, "", NO_ANY, ""},

    {"wanted", "1.2.3.1,1.2.3.2", NULL, "1.2.3.1,1.2.3.2", "1.2.3.2", 0,
     "1.2.3.2"},
    {"wanted in vain", "1.2.3.1", NULL, "1.2.3.1", "1.2.3.2", 0, ""},
    {"wanted, both say any", ANY, NULL, ANY, "1.2.3.2", 0, "1.2.3.2"},
    {"any is wanted", "1.2.3.1", NULL, "1.2.3.1", ANY, 0, "1.2.3.1"},
    {"any is wanted beside another", "1.2.3.1", NULL, "1.2.3.1",
     "1.2.3.2 " ANY, 0, "1.2.3.1"},
    {"wanted by the anchor's name", "1.2.3.1", MAPPED, "1.2.3.9", "1.2.3.1", 0,
     "1.2.3.1"},
    {"wanted by the leaf's name", "1.2.3.1", MAPPED, "1.2.3.9", "1.2.3.9", 0,
     ""},

    {"demanded, some policy", "1.2.3.1", NULL, "1.2.3.1", "", EXPLICIT,
     "1.2.3.1"},
    {"demanded, both say any", ANY, NULL, ANY, "", EXPLICIT, ""},
    {"demanded, none", NULL, NULL, NULL, "", EXPLICIT, NULL},
    {"demanded, the leaf's alone", NULL, NULL, "1.2.3.1", "", EXPLICIT, NULL},
    {"demanded, different", "1.2.3.1", NULL, "1.2.3.2", "", EXPLICIT, NULL},
    {"demanded and there", "1.2.3.1", NULL, "1.2.3.1", "1.2.3.1", EXPLICIT,
     "1.2.3.1"},
    {"demanded in vain", "1.2.3.1", NULL, "1.2.3.1", "1.2.3.2", EXPLICIT,
     NULL},
    {"demanded, mapped", "1.2.3.1", MAPPED, "1.2.3.9", "1.2.3.1", EXPLICIT,
     "1.2.3.1"},
    {"demanded, mapping inhibited", "1.2.3.1", MAPPED, "1.2.3.9", "1.2.3.1",
     EXPLICIT | NO_MAPPING, NULL},
    {"demanded, any inhibited", "1.2.3.1", NULL, ANY, "1.2.3.1",
     EXPLICIT | NO_ANY, NULL},
    {"not an OID", "1.2.3.1", NULL, "1.2.3.1", "policy", 0, NULL},
};

static void
split(const char *text, struct cm_text_list *out)
{
    char copy[256], *rest = copy, *word;

    memset(out, 0, sizeof(*out));
    assert_true(strlen(text) < sizeof(copy));
    strcpy(copy, text);
    while ((word = strsep(&rest, " ")) != NULL) {
        if (word[0] != '\0')
            assert_true(cm_text_list_add(out, word));
    }
}

static bool
same_set(const struct cm_text_list *a, const struct cm_text_list *b)
{
    bool same = a->count == b->count;

    for (size_t i = 0; i < a->count; i++)
        same = same && cm_text_list_has(b, a->items[i]);
    return same;
}

static X509 *
make_ca(X509 *root, const char *policies, const char *mapping)
{
    struct tc_spec spec = {.subject = "CN=CA",
                           .issuer = root,
                           .issuer_key = tc_key(TC_EC_P256, 1),
                           .key = tc_key(TC_EC_P256, 2),
                           .basic_constraints = "critical,CA:TRUE",
                           .policies = policies};

    if (mapping != NULL) {
        spec.raw[0].oid = "2.5.29.33";
        spec.raw[0].critical = 1;
        spec.raw[0].value_hex = mapping;
    }
    return tc_make(&spec);
}

static X509 *
make_leaf(X509 *ca, const char *policies)
{
    struct tc_spec spec = {.subject = "CN=leaf",
                           .issuer = ca,
                           .issuer_key = tc_key(TC_EC_P256, 2),
                           .policies = policies};

    return tc_make(&spec);
}

static bool
check_row(size_t i, X509 *root)
{
    X509 *ca = make_ca(root, rows[i].ca, rows[i].mapping);
    X509 *leaf = make_leaf(ca, rows[i].leaf);
    struct cm_path_rules rules = {.now = NOW, .min_rsa_bits = 2048};
    struct cm_text_list initial, valid;
    struct cm_snapshot *snapshot;
    struct cm_detail detail = {""};
    enum cm_reason reason;
    struct cm_path path;
    bool ok;

    split(rows[i].initial, &initial);
    split(rows[i].valid != NULL ? rows[i].valid : "", &valid);
    rules.initial_policies = &initial;
    rules.explicit_policy = (rows[i].flags & EXPLICIT) != 0;
    rules.inhibit_policy_mapping = (rows[i].flags & NO_MAPPING) != 0;
    rules.inhibit_any_policy = (rows[i].flags & NO_ANY) != 0;
    snapshot = cm_snapshot_build(&root, 1, &ca, 1, NULL, 0);
    assert_non_null(snapshot);
    reason = cm_path_find(snapshot, leaf, &rules, NULL, NULL, &path, &detail);
    ok = reason == (rows[i].valid != NULL ? CM_OK : CM_PATH_UNTRUSTED) &&
         same_set(&path.policies, &valid);
    if (!ok)
        print_error("%s: %s, %zu policies: %s\n", rows[i].name,
                    cm_reason_token(reason), path.policies.count, detail.text);
    cm_path_clear(&path);
    cm_snapshot_release(snapshot);
    cm_text_list_clear(&initial);
    cm_text_list_clear(&valid);
    X509_free(leaf);
    X509_free(ca);
    return ok;
}

static void
test_rows(void **state)
{
    X509 *root = tc_make_ca("CN=Root", tc_key(TC_EC_P256, 1), NULL, NULL);
    unsigned differences = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        differences += !check_row(i, root);
    X509_free(root);
    assert_int_equal(differences, 0);
}

/* No list at all means any policy, too. */
static void
test_no_list(void **state)
{
    X509 *root = tc_make_ca("CN=Root", tc_key(TC_EC_P256, 1), NULL, NULL);
    X509 *ca = make_ca(root, "1.2.3.1", NULL);
    X509 *leaf = make_leaf(ca, "1.2.3.1");
    struct cm_path_rules rules = {
        .now = NOW, .min_rsa_bits = 2048, .explicit_policy = true};
    struct cm_snapshot *snapshot;
    struct cm_path path;

    (void)state;
    snapshot = cm_snapshot_build(&root, 1, &ca, 1, NULL, 0);
    assert_int_equal(
        cm_path_find(snapshot, leaf, &rules, NULL, NULL, &path, NULL), CM_OK);
    assert_int_equal(path.policies.count, 1);
    assert_string_equal(path.policies.items[0], "1.2.3.1");
    cm_path_clear(&path);
    cm_snapshot_release(snapshot);
    X509_free(leaf);
    X509_free(ca);
    X509_free(root);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_no_list),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
