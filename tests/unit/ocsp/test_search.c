/*
 * The search for a path: what its judge is asked, what it costs, and that it
 * ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "search.h"
#include "testcert.h"
#include "world.h"

enum { NAMESAKES = 200, CROSSED = 8, SLOT_LEAF = 30, SLOT_ROOT = 31 };

/* Refuses each path by the second certificate in it. */
struct ruling {
    const char *issuer; /* in the world; NULL: any other */
    enum cm_reason reason;
};

struct court {
    const struct ruling *rulings;
    unsigned asked;
};

static enum cm_reason
rule(void *context, const struct cm_path *path, struct cm_detail *detail)
{
    const struct ruling *ruling;
    struct court *court = context;

    court->asked++;
    assert_true(path->count >= 2);
    for (ruling = court->rulings; ruling->issuer != NULL; ruling++) {
        if (strcmp(ruling->issuer, world_id(path->certs[1])) == 0)
            break;
    }
    if (ruling->reason != CM_OK)
        cm_detail_set(detail, "ruled on %s", world_id(path->certs[1]));
    return ruling->reason;
}

static const struct {
    const char *name;
    struct ruling rulings[3];
    enum cm_reason reason;
    const char *result;
    unsigned asked; /* at least */
} trials[] = {
    {"all well", {{NULL, CM_OK}}, CM_OK, "", 1},
    {"first rejected, second accepted",
     {{"ca", CM_REVOCATION_UNKNOWN}, {NULL, CM_OK}},
     CM_OK,
     "leaf ca-cross root2",
     1},
    {"the other way round",
     {{"ca-cross", CM_REVOCATION_UNKNOWN}, {NULL, CM_OK}},
     CM_OK,
     "leaf ca root",
     1},
    {"both rejected, revoked stands",
     {{"ca", CM_REVOKED}, {NULL, CM_REVOCATION_UNAVAILABLE}},
     CM_REVOKED,
     "ruled on ca",
     2},
    {"both rejected, revoked stands again",
     {{"ca", CM_REVOCATION_UNKNOWN}, {NULL, CM_REVOKED}},
     CM_REVOKED,
     "ruled on ca-cross",
     2},
};

static void
test_judge(void **state)
{
    struct cm_path_rules rules = world_rules();
    struct cm_snapshot *snapshot;
    struct cm_detail detail;
    enum cm_reason reason;
    struct court court;
    struct cm_path path;

    (void)state;
    rules.require_ntauth = true;
    for (unsigned i = 0; i < 2 * sizeof(trials) / sizeof(*trials); i++) {
        snapshot = world_snapshot("root root2", "ca ca-cross", "ca",
                                  (enum world_order)(i % 2));
        court.rulings = trials[i / 2].rulings;
        court.asked = 0;
        reason = cm_path_find(snapshot, world_get("leaf"), &rules, rule,
                              &court, &path, &detail);
        assert_int_equal(reason, trials[i / 2].reason);
        assert_in_range(court.asked, trials[i / 2].asked, 2);
        if (reason != CM_OK)
            assert_string_equal(detail.text, trials[i / 2].result);
        else if (trials[i / 2].result[0] != '\0')
            assert_string_equal(world_path(&path), trials[i / 2].result);
        cm_path_clear(&path);
        cm_snapshot_release(snapshot);
    }
}

/* The judge is not asked about what is refused without it. */
static void
test_judge_comes_last(void **state)
{
    static const struct ruling accept = {NULL, CM_OK};
    static const struct {
        const char *leaf;
        enum cm_reason reason;
    } rows[] = {
        {"leaf-past", CM_CERT_VALIDITY},
        {"leaf-forged", CM_PATH_UNTRUSTED},
        {"leaf-sha1", CM_CERT_WEAK_CRYPTO},
        {"leaf-of-weak", CM_PATH_UNTRUSTED},
    };
    struct cm_path_rules rules = world_rules();
    struct cm_snapshot *snapshot;
    struct court court = {&accept, 0};
    struct cm_path path;

    (void)state;
    snapshot = world_snapshot("root", "ca", "", WORLD_FORWARD);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        assert_int_equal(cm_path_find(snapshot, world_get(rows[i].leaf),
                                      &rules, rule, &court, &path, NULL),
                         rows[i].reason);
    rules.require_ntauth = true;
    assert_int_equal(cm_path_find(snapshot, world_get("leaf"), &rules, rule,
                                  &court, &path, NULL),
                     CM_NTAUTH_ABSENT);
    assert_int_equal(court.asked, 0);
    cm_snapshot_release(snapshot);
}

/* The usual path costs one verification and nothing besides. */
static void
test_usual_cost(void **state)
{
    struct cm_path_rules rules = world_rules();
    struct cm_search_effort effort;
    struct cm_snapshot *snapshot;
    struct cm_path path;

    (void)state;
    snapshot = world_snapshot("root root2", "ca ca-last ca-nc", "ca ca-last",
                              WORLD_FORWARD);
    assert_int_equal(cm_search(snapshot, world_get("leaf"), &rules, NULL, NULL,
                               &path, &effort, NULL),
                     CM_OK);
    assert_int_equal(effort.steps, 2);
    assert_int_equal(effort.signatures, 0);
    assert_int_equal(effort.chains, 1);
    cm_path_clear(&path);
    cm_snapshot_release(snapshot);
}

static X509 *
make_root(void)
{
    return tc_make_ca("CN=Far root", tc_key(TC_EC_P256, SLOT_ROOT), NULL,
                      NULL);
}

/* Two hundred CAs of one name; only one of them issued the leaf. */
static void
find_among_namesakes(bool present)
{
    struct tc_spec spec = {.subject = "CN=leaf"};
    struct cm_path_rules rules = world_rules();
    X509 *root = make_root(), *cas[NAMESAKES], *leaf;
    struct cm_search_effort effort;
    struct cm_snapshot *snapshot;
    enum cm_reason reason;
    struct cm_path path;
    EVP_PKEY *key;

    for (size_t i = 0; i < NAMESAKES; i++) {
        key = EVP_EC_gen("P-256");
        cas[i] =
            tc_make_ca("CN=Smith", key, root, tc_key(TC_EC_P256, SLOT_ROOT));
        EVP_PKEY_free(key);
    }
    spec.issuer = cas[0];
    spec.issuer_key = tc_key(TC_EC_P256, SLOT_LEAF);
    if (present) {
        X509_free(cas[0]);
        cas[0] = tc_make_ca("CN=Smith", tc_key(TC_EC_P256, SLOT_LEAF), root,
                            tc_key(TC_EC_P256, SLOT_ROOT));
        spec.issuer = cas[0];
    }
    leaf = tc_make(&spec);
    snapshot = cm_snapshot_build(&root, 1, cas, NAMESAKES, NULL, 0);
    reason =
        cm_search(snapshot, leaf, &rules, NULL, NULL, &path, &effort, NULL);
    assert_int_equal(reason, present ? CM_OK : CM_PATH_UNTRUSTED);
    assert_in_range(effort.signatures, 1, NAMESAKES);
    assert_int_equal(effort.chains, present ? 1 : 0);
    cm_path_clear(&path);
    cm_snapshot_release(snapshot);
    X509_free(leaf);
    for (size_t i = 0; i < NAMESAKES; i++)
        X509_free(cas[i]);
    X509_free(root);
}

static void
test_namesakes(void **state)
{
    (void)state;
    find_among_namesakes(true);
    find_among_namesakes(false);
}

static X509 *
make_crossed(unsigned subject, unsigned issuer)
{
    char name[16], issuer_name[16];
    X509 *stand_in, *cert;

    snprintf(name, sizeof(name), "CN=X%u", subject);
    snprintf(issuer_name, sizeof(issuer_name), "CN=X%u", issuer);
    stand_in = tc_make_ca(issuer_name, tc_key(TC_EC_P256, issuer), NULL, NULL);
    cert = tc_make_ca(name, tc_key(TC_EC_P256, subject), stand_in,
                      tc_key(TC_EC_P256, issuer));
    X509_free(stand_in);
    return cert;
}

/*
 * Eight CAs that have all certified each other: thousands of paths, none of
 * which leads anywhere, or one that does.
 */
static void
search_maze(bool exit)
{
    X509 *maze[CROSSED * CROSSED], *root = make_root(), *leaf;
    struct tc_spec spec = {.subject = "CN=leaf"};
    struct cm_path_rules rules = world_rules();
    struct cm_search_effort effort;
    struct cm_snapshot *snapshot;
    struct cm_detail detail = {""};
    enum cm_reason reason;
    struct cm_path path;
    size_t count = 0;

    for (unsigned i = 0; i < CROSSED; i++) {
        for (unsigned j = 0; j < CROSSED; j++) {
            if (i != j)
                maze[count++] = make_crossed(i, j);
        }
    }
    if (exit)
        maze[count++] = tc_make_ca("CN=X5", tc_key(TC_EC_P256, 5), root,
                                   tc_key(TC_EC_P256, SLOT_ROOT));
    spec.issuer = maze[0];
    spec.issuer_key = tc_key(TC_EC_P256, 0);
    leaf = tc_make(&spec);
    snapshot = cm_snapshot_build(&root, 1, maze, count, NULL, 0);
    reason =
        cm_search(snapshot, leaf, &rules, NULL, NULL, &path, &effort, &detail);
    assert_int_equal(reason, exit ? CM_OK : CM_PATH_UNTRUSTED);
    assert_in_range(effort.steps, 1, CM_PATH_MAX_STEPS);
    if (!exit)
        assert_string_equal(detail.text,
                            "gave up after 2048 candidate issuers");
    cm_path_clear(&path);
    cm_snapshot_release(snapshot);
    X509_free(leaf);
    for (size_t i = 0; i < count; i++)
        X509_free(maze[i]);
    X509_free(root);
}

static void
test_maze(void **state)
{
    (void)state;
    search_maze(true);
    search_maze(false);
}

/* As many whole paths as there are certificates of one CA, all of them
 * unlisted: the search stops, and says what was wrong with the first. */
static void
test_many_paths(void **state)
{
    enum { PATHS = CM_PATH_MAX_CANDIDATES + 10 };
    struct cm_path_rules rules = world_rules();
    X509 *root = make_root(), *cas[PATHS], *leaf;
    struct tc_spec spec = {.subject = "CN=leaf"};
    struct cm_search_effort effort;
    struct cm_snapshot *snapshot;
    struct cm_path path;

    (void)state;
    for (size_t i = 0; i < PATHS; i++)
        cas[i] = tc_make_ca("CN=CA", tc_key(TC_EC_P256, 1), root,
                            tc_key(TC_EC_P256, SLOT_ROOT));
    spec.issuer = cas[0];
    spec.issuer_key = tc_key(TC_EC_P256, 1);
    leaf = tc_make(&spec);
    rules.require_ntauth = true;
    snapshot = cm_snapshot_build(&root, 1, cas, PATHS, &root, 1);
    assert_int_equal(
        cm_search(snapshot, leaf, &rules, NULL, NULL, &path, &effort, NULL),
        CM_NTAUTH_ABSENT);
    assert_int_equal(effort.chains, CM_PATH_MAX_CANDIDATES);
    cm_snapshot_release(snapshot);
    X509_free(leaf);
    for (size_t i = 0; i < PATHS; i++)
        X509_free(cas[i]);
    X509_free(root);
}

/* A chain of CAs one below the other; slot 0 is the root. */
static enum cm_reason
find_through(unsigned cas, struct cm_path *path)
{
    X509 *line[CM_PATH_MAX_LENGTH + 1], *leaf;
    struct tc_spec spec = {.subject = "CN=leaf"};
    struct cm_path_rules rules = world_rules();
    struct cm_snapshot *snapshot;
    enum cm_reason reason;
    char name[16];

    for (unsigned i = 0; i < cas; i++) {
        snprintf(name, sizeof(name), "CN=L%u", i);
        line[i] =
            tc_make_ca(name, tc_key(TC_EC_P256, i), i > 0 ? line[i - 1] : NULL,
                       i > 0 ? tc_key(TC_EC_P256, i - 1) : NULL);
    }
    spec.issuer = line[cas - 1];
    spec.issuer_key = tc_key(TC_EC_P256, cas - 1);
    leaf = tc_make(&spec);
    snapshot = cm_snapshot_build(line, 1, line + 1, cas - 1, NULL, 0);
    reason = cm_path_find(snapshot, leaf, &rules, NULL, NULL, path, NULL);
    cm_snapshot_release(snapshot);
    X509_free(leaf);
    for (unsigned i = 0; i < cas; i++)
        X509_free(line[i]);
    return reason;
}

static void
test_length(void **state)
{
    struct cm_path path;

    (void)state;
    assert_int_equal(find_through(CM_PATH_MAX_LENGTH - 1, &path), CM_OK);
    assert_int_equal(path.count, CM_PATH_MAX_LENGTH);
    cm_path_clear(&path);
    assert_int_equal(find_through(CM_PATH_MAX_LENGTH, &path),
                     CM_PATH_UNTRUSTED);
    assert_int_equal(path.count, 0);
}

static void
test_extra_is_bounded(void **state)
{
    struct cm_path_rules rules = world_rules();
    X509 *extra[CM_PATH_MAX_EXTRA + 1];
    struct cm_snapshot *snapshot;
    struct cm_detail detail;
    struct cm_path path;

    (void)state;
    for (size_t i = 0; i <= CM_PATH_MAX_EXTRA; i++)
        extra[i] = world_get(i == 7 ? "ca" : "ca-nc");
    rules.extra = extra;
    rules.extra_count = CM_PATH_MAX_EXTRA;
    snapshot = world_snapshot("root", "", "", WORLD_FORWARD);
    assert_int_equal(cm_path_find(snapshot, world_get("leaf"), &rules, NULL,
                                  NULL, &path, &detail),
                     CM_OK);
    cm_path_clear(&path);
    rules.extra_count = CM_PATH_MAX_EXTRA + 1;
    assert_int_equal(cm_path_find(snapshot, world_get("leaf"), &rules, NULL,
                                  NULL, &path, &detail),
                     CM_PATH_UNTRUSTED);
    assert_string_equal(detail.text, "more than 32 certificates beside it");
    cm_snapshot_release(snapshot);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_judge),
        cmocka_unit_test(test_judge_comes_last),
        cmocka_unit_test(test_usual_cost),
        cmocka_unit_test(test_namesakes),
        cmocka_unit_test(test_maze),
        cmocka_unit_test(test_many_paths),
        cmocka_unit_test(test_length),
        cmocka_unit_test(test_extra_is_bounded),
    };

    return cmocka_run_group_tests(tests, world_set_up, world_tear_down);
}
