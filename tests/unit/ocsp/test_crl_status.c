/*
 * What a set of CRLs says about one certificate.  Every scene is asked twice,
 * with CRLs and certificates in both orders.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "crl_world.h"

#define GOOD CM_STATUS_GOOD, 0
#define STALE CM_STATUS_STALE, 0
#define UNKNOWN CM_STATUS_UNKNOWN, 0
#define REVOKED(why) CM_STATUS_REVOKED, why

#define KEY CM_CRL_KEY_COMPROMISE
#define HOLD CM_CRL_CERTIFICATE_HOLD

static const struct crl_scene complete[] = {
    {"no CRL", "leaf", 0, NULL, "", "", UNKNOWN},
    {"not listed", "leaf", 0, NULL, "", "good", GOOD},
    {"another is listed", "leaf", 0, NULL, "", "else", GOOD},
    {"listed", "leaf", 0, NULL, "", "bad", REVOKED(KEY)},
    {"listed without reason", "leaf", 0, NULL, "", "bad-without-reason",
     REVOKED(0)},
    {"on hold", "leaf", 0, NULL, "", "hold", REVOKED(HOLD)},
    {"revocation over hold", "leaf", 0, NULL, "", "hold bad", REVOKED(KEY)},
    {"negative serial listed", "leaf-negative", 0, NULL, "", "negative",
     REVOKED(KEY)},
    {"a positive one beside it", "leaf", 0, NULL, "", "negative", GOOD},
    {"the CA by its root", "leaf", 1, NULL, "", "root", GOOD},
    {"the CA revoked", "leaf", 1, NULL, "", "root-no-ca", REVOKED(KEY)},
    {"the CA's own CRL is not about it", "leaf", 1, NULL, "", "good", UNKNOWN},

    {"expired", "leaf", 0, NULL, "", "expired", STALE},
    {"expired, but listed", "leaf", 0, NULL, "", "bad-expired", REVOKED(KEY)},
    {"without nextUpdate", "leaf", 0, NULL, "", "endless", STALE},
    {"ahead within the skew", "leaf", 0, NULL, "", "ahead-a-little", GOOD},
    {"not yet valid", "leaf", 0, NULL, "", "ahead", UNKNOWN},
    {"listed in one not yet valid", "leaf", 0, NULL, "", "good bad-ahead",
     GOOD},
    {"not yet valid replaces nothing", "leaf", 0, NULL, "", "bad ahead",
     REVOKED(KEY)},

    {"a newer one lifts a hold", "leaf", 0, NULL, "", "hold newer", GOOD},
    {"a newer one replaces a listing", "leaf", 0, NULL, "", "bad newer", GOOD},
    {"a newer one lists", "leaf", 0, NULL, "", "good newer-bad",
     REVOKED(CM_CRL_SUPERSEDED)},
    {"a newer one has expired", "leaf", 0, NULL, "", "hold newer-expired",
     STALE},
    {"later, but of a lower number", "leaf", 0, NULL, "", "hold later-lower",
     REVOKED(HOLD)},
    {"newer without a number", "leaf", 0, NULL, "", "hold newer-unnumbered",
     GOOD},
    {"the same number and time", "leaf", 0, NULL, "", "good hold",
     REVOKED(HOLD)},

    {"forged", "leaf", 0, NULL, "", "forged", UNKNOWN},
    {"forged beside a good one", "leaf", 0, NULL, "", "forged good", GOOD},
    {"forged beside a listing", "leaf", 0, NULL, "", "forged bad",
     REVOKED(KEY)},
    {"a forged listing", "leaf", 0, NULL, "", "bad-forged good", GOOD},
    {"the CA's key, another name", "leaf", 0, NULL, "", "other-name", UNKNOWN},
};

static const struct crl_scene keys[] = {
    {"a CA of the same name", "leaf", 0, NULL, "namesake", "root namesake",
     UNKNOWN},
    {"its listing", "leaf", 0, NULL, "namesake", "root namesake-bad good",
     GOOD},
    {"the other way", "leaf-of-namesake", 0, NULL, "ca", "root good namesake",
     GOOD},
    {"the other way, alone", "leaf-of-namesake", 0, NULL, "ca", "root good",
     UNKNOWN},
    {"the other way, listed", "leaf-of-namesake", 0, NULL, "ca",
     "root bad namesake", GOOD},
    {"a CA of the same name, below it", "leaf-of-namesake", 0, NULL,
     "ca rogue", "root good namesake-bad", REVOKED(KEY)},
    {"linked by nobody but itself", "leaf", 0, NULL, "namesake",
     "root good namesake", GOOD},

    {"the CA may not sign CRLs", "leaf-of-silent", 0, NULL, "", "silent",
     UNKNOWN},
    {"the CA has no key usage", "leaf-of-plain", 0, NULL, "", "plain", GOOD},

    /* Key rollover. */
    {"next key, no link", "leaf-of-old", 0, NULL, "new", "root new", UNKNOWN},
    {"next key by the old one", "leaf-of-old", 0, NULL, "new-by-old",
     "root new", GOOD},
    {"listed by it", "leaf-of-old", 0, NULL, "new-by-old", "root new-bad",
     REVOKED(KEY)},
    {"old key by the next one", "leaf-of-old", 0, NULL, "new old-by-new",
     "root new", GOOD},
    {"the path goes through the next key", "leaf-through-new", 0, NULL, "",
     "root new", GOOD},
    {"the path goes through the old key", "leaf-through-old", 0, NULL, "",
     "root old", GOOD},
    {"the next key is revoked", "leaf-of-old", 0, NULL, "new old-by-new",
     "root-no-new new", UNKNOWN},
    {"its listing then counts for nothing", "leaf-of-old", 0, NULL,
     "new old-by-new", "root-no-new new-bad old", GOOD},
    {"nothing is known of the next key", "leaf-of-old", 0, NULL,
     "new old-by-new", "new", UNKNOWN},
    {"its listing counts all the same", "leaf-of-old", 0, NULL,
     "new old-by-new", "new-bad", REVOKED(KEY)},
    {"what is known of it has expired", "leaf-of-old", 0, NULL,
     "new old-by-new", "root-expired new", STALE},
    {"the issuing key speaks for itself", "leaf-of-old", 0, NULL, "new-by-old",
     "root old-expired new", STALE},
    {"the issuing key lists", "leaf-of-old", 0, NULL, "new-by-old",
     "root old-bad new", REVOKED(KEY)},
    {"the next key lists too", "leaf-of-old", 0, NULL, "new-by-old",
     "root old new-bad", REVOKED(KEY)},
    {"it is known where the CRLs are", "leaf-of-old-at-a", 0, NULL,
     "new-by-old", "root new", UNKNOWN},
    {"the next key's is from there", "leaf-of-old-at-a", 0, NULL,
     "new old-by-new", "root new-at-a", GOOD},
    {"the next key's is from elsewhere", "leaf-of-old-at-a", 0, NULL,
     "new-by-old", "root new-at-name", UNKNOWN},
    {"wherever they are, the next key lists", "leaf-of-old-at-a", 0, NULL,
     "new-by-old", "root new-bad", REVOKED(KEY)},
    {"another CA claims to be the next key", "leaf-of-old", 0, NULL,
     "ca claimant old-by-claimant", "root good claimant", UNKNOWN},

    /* A key for CRLs alone. */
    {"a CRL key", "leaf-of-split", 0, NULL, "split-crl", "root split-crl",
     GOOD},
    {"a CRL key lists", "leaf-of-split", 0, NULL, "split-crl",
     "root split-crl-bad", REVOKED(KEY)},
    {"a CRL key without certificate", "leaf-of-split", 0, NULL, "",
     "root split-crl", UNKNOWN},
    {"a CRL key is revoked", "leaf-of-split", 0, NULL, "split-crl",
     "root-no-split split-crl", UNKNOWN},
    {"a CRL key that may not sign", "leaf-of-split", 0, NULL, "split-no-crl",
     "root split-crl", UNKNOWN},
    {"a CRL key of another CA's making", "leaf-of-split", 0, NULL,
     "ca split-crl-of-ca", "root good split-crl-of-ca", UNKNOWN},
    {"a CRL key of its own making", "leaf-of-split", 0, NULL, "split-crl-self",
     "root split-crl", GOOD},
};

static const struct crl_scene scopes[] = {
    {"user certificates", "leaf", 0, NULL, "", "users", GOOD},
    {"CA certificates", "leaf", 0, NULL, "", "cas", UNKNOWN},
    {"attribute certificates", "leaf", 0, NULL, "", "attributes", UNKNOWN},
    {"user certificates, about a CA", "leaf", 1, NULL, "", "root-users",
     UNKNOWN},
    {"CA certificates, about a CA", "leaf", 1, NULL, "", "root-cas", GOOD},

    {"its distribution point", "leaf-a", 0, NULL, "", "at-a", GOOD},
    {"listed there", "leaf-a", 0, NULL, "", "at-a-bad good", REVOKED(KEY)},
    {"another distribution point", "leaf-a", 0, NULL, "", "at-c", UNKNOWN},
    {"listed at another", "leaf-a", 0, NULL, "", "at-c-bad at-a", GOOD},
    {"one of two", "leaf-ab", 0, NULL, "", "at-a", GOOD},
    {"none named, any will do", "leaf-a", 0, NULL, "", "good", GOOD},
    {"the certificate names none", "leaf", 0, NULL, "", "at-a", UNKNOWN},
    {"the issuer's name", "leaf", 0, NULL, "", "at-ca", GOOD},
    {"the issuer's name, beside its own", "leaf-a", 0, NULL, "", "at-ca",
     GOOD},
    {"a relative name", "leaf-relative", 0, NULL, "", "at-relative", GOOD},
    {"another relative name", "leaf-relative", 0, NULL, "", "at-other-part",
     UNKNOWN},
    {"too many CRL issuers", "leaf-many", 0, NULL, "", "good", UNKNOWN},

    {"some reasons", "leaf", 0, NULL, "", "key-reasons", UNKNOWN},
    {"the others", "leaf", 0, NULL, "", "other-reasons", UNKNOWN},
    {"all reasons", "leaf", 0, NULL, "", "key-reasons other-reasons", GOOD},
    {"some expired", "leaf", 0, NULL, "", "key-reasons other-reasons-expired",
     STALE},
    {"some expired beside a whole one", "leaf", 0, NULL, "",
     "key-reasons other-reasons-expired good", GOOD},
    {"listed in one", "leaf", 0, NULL, "", "key-reasons-bad other-reasons",
     REVOKED(KEY)},
    {"listed in one, the other missing", "leaf", 0, NULL, "",
     "key-reasons-bad", REVOKED(KEY)},
    {"a point for some reasons", "leaf-reasons", 0, NULL, "", "a-all",
     UNKNOWN},
    {"points for all reasons", "leaf-reasons", 0, NULL, "", "a-all b-all",
     GOOD},
    {"a point and its CRL for the same", "leaf-reasons", 0, NULL, "",
     "a-key-reasons b-all", GOOD},
};

static const struct crl_scene deltas[] = {
    {"alone", "leaf", 0, NULL, "", "delta", UNKNOWN},
    {"alone, listed", "leaf", 0, NULL, "", "delta-bad", REVOKED(KEY)},
    {"alone, removed", "leaf", 0, NULL, "", "delta-removal", UNKNOWN},
    {"with its base", "leaf", 0, NULL, "", "good delta", GOOD},
    {"listed", "leaf", 0, NULL, "", "good delta-bad", REVOKED(KEY)},
    {"listed in the base", "leaf", 0, NULL, "", "bad delta", REVOKED(KEY)},
    {"another reason", "leaf", 0, NULL, "", "hold delta-bad", REVOKED(KEY)},
    {"lifts a hold", "leaf", 0, NULL, "", "hold delta-removal", GOOD},
    {"lifts nothing else", "leaf", 0, NULL, "", "bad delta-removal",
     REVOKED(KEY)},
    {"removes what is not there", "leaf", 0, NULL, "", "good delta-removal",
     GOOD},
    {"lifts a hold no longer", "leaf", 0, NULL, "",
     "hold delta-removal-expired", REVOKED(HOLD)},
    {"holds", "leaf", 0, NULL, "", "good delta-hold", REVOKED(HOLD)},
    {"a newer one lifts", "leaf", 0, NULL, "",
     "good delta-hold delta-hold-lifted", GOOD},
    {"newer than its base allows", "leaf", 0, NULL, "", "hold delta-gap",
     REVOKED(HOLD)},
    {"the same, removed", "leaf", 0, NULL, "", "hold delta-gap-removal",
     REVOKED(HOLD)},
    {"the same, listed", "leaf", 0, NULL, "", "good delta-gap-bad",
     REVOKED(KEY)},
    {"the same, base good", "leaf", 0, NULL, "", "good delta-gap", GOOD},
    {"renews its base", "leaf", 0, NULL, "", "expired delta", GOOD},
    {"renews no base that is too old", "leaf", 0, NULL, "",
     "expired delta-gap", STALE},
    {"older than the base", "leaf", 0, NULL, "", "good delta-old-bad", GOOD},
    {"older than the base, alone", "leaf", 0, NULL, "", "delta-old-bad",
     REVOKED(KEY)},
    {"of another scope", "leaf", 0, NULL, "", "hold delta-users-removal",
     REVOKED(HOLD)},
    {"of another key", "leaf", 0, NULL, "namesake",
     "root hold delta-namesake-removal", REVOKED(HOLD)},
};

static const struct crl_scene indirect[] = {
    {"named as CRL issuer", "leaf-by-name", 0, NULL, "lists", "root lists",
     GOOD},
    {"listed", "leaf-by-name", 0, NULL, "lists", "root lists-bad",
     REVOKED(KEY)},
    {"another CA's is listed", "leaf-by-name", 0, NULL, "lists",
     "root lists-other-bad", GOOD},
    {"the CRL issuer's own is listed", "leaf-by-name", 0, NULL, "lists",
     "root lists-own-bad", GOOD},
    {"at its distribution point", "leaf-indirect", 0, NULL, "lists",
     "root lists-a", GOOD},
    {"at another", "leaf-indirect", 0, NULL, "lists", "root lists-c", UNKNOWN},
    {"at the CRL issuer's name", "leaf-by-name", 0, NULL, "lists",
     "root lists-at-name", GOOD},
    {"not said to be indirect", "leaf-by-name", 0, NULL, "lists",
     "root lists-direct", UNKNOWN},
    {"named by nobody", "leaf", 0, NULL, "lists", "root lists", UNKNOWN},
    {"its listing, named by nobody", "leaf", 0, NULL, "lists",
     "root lists-bad good", GOOD},
    {"without certificate", "leaf-by-name", 0, NULL, "", "root lists",
     UNKNOWN},
    {"revoked", "leaf-by-name", 0, NULL, "lists", "root-no-lists lists",
     UNKNOWN},
    {"may not sign", "leaf-by-name", 0, NULL, "lists-no-sign", "root lists",
     UNKNOWN},
    {"below another anchor", "leaf-by-name", 0, "root root2",
     "lists-elsewhere", "root root2 lists", UNKNOWN},
    {"the issuing CA's own CRL serves too", "leaf-by-name", 0, NULL, "",
     "good", GOOD},
    {"the issuing CA lists", "leaf-by-name", 0, NULL, "lists",
     "root lists bad", REVOKED(KEY)},

    {"listed in its own", "self", 0, NULL, "", "root self-bad", REVOKED(KEY)},
    {"not listed in its own", "self", 0, NULL, "", "root self", GOOD},
    {"on behalf of another", "leaf-self", 0, NULL, "self", "root self", GOOD},
    {"on behalf of another, listed", "leaf-self", 0, NULL, "self",
     "root self-bad", UNKNOWN},
    {"the CA above is unknown", "leaf-self", 0, NULL, "self", "self", UNKNOWN},
    {"the CA above is revoked", "leaf-self", 0, NULL, "self",
     "root-no-ca self", UNKNOWN},
    {"two that vouch for each other", "leaf-loop", 0, NULL, "loop-a loop-b",
     "root loop-a loop-b", UNKNOWN},
    {"the CA vouches for one of them", "leaf-loop", 0, NULL, "loop-a loop-b",
     "root loop-a loop-b good", GOOD},
};

static unsigned
run(const struct crl_scene *scenes, size_t count)
{
    struct cm_status status;
    unsigned differences = 0;

    for (size_t i = 0; i < 2 * count; i++) {
        crl_world_ask(&scenes[i / 2], i % 2 == 1, NULL, &status);
        if (status.state == scenes[i / 2].state &&
            status.reason == scenes[i / 2].reason)
            continue;
        print_error("%s (%s): %s %d: %s\n", scenes[i / 2].name,
                    i % 2 == 1 ? "backward" : "forward",
                    cm_status_token(status.state), status.reason,
                    status.detail.text);
        differences++;
    }
    return differences;
}

#define RUN(scenes)                                                           \
    assert_int_equal(run(scenes, sizeof(scenes) / sizeof(*(scenes))), 0)

static void
test_complete(void **state)
{
    (void)state;
    RUN(complete);
}

static void
test_keys(void **state)
{
    (void)state;
    RUN(keys);
}

static void
test_scopes(void **state)
{
    (void)state;
    RUN(scopes);
}

static void
test_deltas(void **state)
{
    (void)state;
    RUN(deltas);
}

static void
test_indirect(void **state)
{
    (void)state;
    RUN(indirect);
}

enum {
    DECEMBER_1 = 1701388800,
    DECEMBER_15 = 1702598400,
    DECEMBER_31 = 1703980800,
    JANUARY_2 = 1704153600,
    FEBRUARY_1 = 1706745600
};

/* How old an answer is, and until when it lasts. */
static const struct {
    struct crl_scene scene;
    enum cm_status_source source;
    int64_t this_update, next_update; /* 0: none */
} times[] = {
    {{"none", "leaf", 0, NULL, "", "", UNKNOWN}, CM_SOURCE_NONE, 0, 0},
    {{"one", "leaf", 0, NULL, "", "good", GOOD},
     CM_SOURCE_CRL,
     DECEMBER_1,
     FEBRUARY_1},
    {{"the one that lasts", "leaf", 0, NULL, "", "good-sooner users", GOOD},
     CM_SOURCE_CRL,
     DECEMBER_1,
     FEBRUARY_1},
    {{"expired", "leaf", 0, NULL, "", "expired", STALE},
     CM_SOURCE_CRL,
     DECEMBER_1,
     DECEMBER_31},
    {{"no end", "leaf", 0, NULL, "", "endless", STALE},
     CM_SOURCE_CRL,
     DECEMBER_1,
     0},
    {{"the weakest of two", "leaf", 0, NULL, "",
      "key-reasons other-reasons-expired", STALE},
     CM_SOURCE_CRL,
     DECEMBER_1,
     DECEMBER_31},
    {{"with a delta", "leaf", 0, NULL, "", "expired delta", GOOD},
     CM_SOURCE_CRL,
     DECEMBER_15,
     FEBRUARY_1},
    {{"revoked", "leaf", 0, NULL, "", "bad-expired", REVOKED(KEY)},
     CM_SOURCE_CRL,
     DECEMBER_1,
     DECEMBER_31},
    {{"no longer than its issuer is good", "leaf-by-name", 0, NULL, "lists",
      "root-soon lists", GOOD},
     CM_SOURCE_CRL,
     DECEMBER_1,
     JANUARY_2},
};

static void
test_times(void **state)
{
    struct cm_status status;

    (void)state;
    for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
        crl_world_ask(&times[i].scene, false, NULL, &status);
        if (status.state != times[i].scene.state ||
            status.source != times[i].source ||
            status.this_update != times[i].this_update ||
            status.has_next_update != (times[i].next_update != 0) ||
            status.next_update != times[i].next_update)
            fail_msg("%s: %s %s %lld %lld", times[i].scene.name,
                     cm_status_token(status.state),
                     cm_status_source_token(status.source),
                     (long long)status.this_update,
                     (long long)status.next_update);
    }
}

/* Every CRL so often that the bound is passed. */
static bool
each_too_often(void *context, const uint8_t spki[32],
               bool (*visit)(void *visit_context, struct cm_crl_index *index),
               void *visit_context)
{
    const struct cm_crl_provider *real = context;

    for (unsigned i = 0; i <= CM_STATUS_MAX_CRLS; i++) {
        if (!real->each(real->context, spki, visit, visit_context))
            return false;
    }
    return true;
}

/* Beyond the bound nothing is good; what was found by then still revokes. */
static void
test_bound(void **state)
{
    const struct crl_scene good = {"", "leaf", 0, NULL, "", "good", GOOD};
    const struct crl_scene bad = {"", "leaf", 0,           NULL,
                                  "", "bad",  REVOKED(KEY)};
    struct cm_status status;

    (void)state;
    crl_world_ask(&good, false, each_too_often, &status);
    assert_int_equal(status.state, CM_STATUS_UNKNOWN);
    assert_non_null(strstr(status.detail.text, "gave up"));
    crl_world_ask(&bad, false, each_too_often, &status);
    assert_int_equal(status.state, CM_STATUS_REVOKED);
}

static void
test_words(void **state)
{
    (void)state;
    assert_string_equal(cm_status_token(CM_STATUS_UNKNOWN), "unknown");
    assert_string_equal(cm_status_token(CM_STATUS_GOOD), "good");
    assert_string_equal(cm_status_token(CM_STATUS_STALE), "stale");
    assert_string_equal(cm_status_token(CM_STATUS_REVOKED), "revoked");
    assert_string_equal(cm_status_source_token(CM_SOURCE_NONE), "none");
    assert_string_equal(cm_status_source_token(CM_SOURCE_CRL), "crl");
    assert_string_equal(cm_status_source_token(CM_SOURCE_OCSP), "ocsp");
    assert_string_equal(cm_status_source_token(CM_SOURCE_DENY), "deny");
}

static int
set_up(void **state)
{
    (void)state;
    crl_world_make();
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    crl_world_free();
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_complete), cmocka_unit_test(test_keys),
        cmocka_unit_test(test_scopes),   cmocka_unit_test(test_deltas),
        cmocka_unit_test(test_indirect), cmocka_unit_test(test_times),
        cmocka_unit_test(test_bound),    cmocka_unit_test(test_words),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
