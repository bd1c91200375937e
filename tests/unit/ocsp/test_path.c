/*
 * Certification paths, as a table: who is asked about, what is at hand, and
 * the path or the refusal.  Every row is tried with its lists in both orders.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "path.h"
#include "world.h"

/* No NTAuth list is asked for where ntauth is NULL. */
struct test_case {
    const char *name;
    const char *leaf;
    const char *anchors;
    const char *intermediates;
    const char *ntauth;
    const char *extra;
    enum cm_reason reason;
    const char *result; /* the path, or words of the detail */
};

#define OK(path) CM_OK, path
#define UNTRUSTED(words) CM_PATH_UNTRUSTED, words

static const struct test_case cases[] = {
    {"plain", "leaf", "root", "ca", "ca", "", OK("leaf ca root")},
    {"no list asked for", "leaf", "root", "ca", NULL, "", OK("leaf ca root")},
    {"intermediate from the client", "leaf", "root", "", NULL, "ca",
     OK("leaf ca root")},
    {"intermediate from the NTAuth list", "leaf", "root", "", "ca", "",
     OK("leaf ca root")},
    {"everything everywhere", "leaf", "root", "ca root leaf", "ca",
     "root ca leaf", OK("leaf ca root")},
    {"without key identifiers", "leaf-without-aki", "root", "ca", "ca", "",
     OK("leaf-without-aki ca root")},
    {"no intermediate", "leaf", "root", "", "root", "",
     UNTRUSTED("\"CN=leaf\": no certificate of its issuer \"CN=CA\"")},
    {"no anchor", "leaf", "root2", "ca", "ca", "",
     UNTRUSTED("\"CN=CA\": no certificate of its issuer \"CN=Root\"")},
    {"root is no anchor", "leaf", "root2", "ca root", "ca", "root",
     UNTRUSTED("\"CN=Root\": no certificate")},

    /* Anchors. */
    {"anchor in the middle", "leaf", "ca", "root", "ca", "", OK("leaf ca")},
    {"anchor listed as intermediate too", "leaf", "root ca", "ca", "ca", "",
     OK("leaf ca")},
    {"anchors are the NTAuth list", "leaf", "ca", "", "ca", "", OK("leaf ca")},
    {"expired anchor", "leaf", "root-past", "ca", "ca", "",
     UNTRUSTED("\"CN=Root\": certificate has expired")},
    {"expired anchor beside its reissue", "leaf", "root-past root", "ca", "ca",
     "", OK("leaf ca root")},
    {"anchor's own weak signature", "leaf", "root-sha1", "ca", "ca", "",
     OK("leaf ca root-sha1")},
    {"anchor of the same name", "leaf", "root-namesake", "ca", "ca", "",
     UNTRUSTED("signature failure")},
    {"anchor beside one of the same name", "leaf", "root-namesake root", "ca",
     "ca", "", OK("leaf ca root")},
    {"self-signed anchor as leaf", "root", "root", "", NULL, "", OK("root")},
    {"self-signed anchor as leaf, list asked for", "root", "root", "", "root",
     "", UNTRUSTED("\"CN=Root\": is itself a trust anchor")},
    {"other anchor as leaf", "ca", "ca", "", NULL, "", OK("ca")},
    {"other anchor as leaf, its issuer too", "ca", "ca root", "", NULL, "",
     OK("ca")},
    {"other anchor as leaf, list asked for", "ca", "ca root", "", "root ca",
     "", UNTRUSTED("is itself a trust anchor")},
    {"expired anchor as leaf", "root-past", "root-past", "", NULL, "",
     CM_CERT_VALIDITY, "\"CN=Root\": outside its validity period"},
    {"CA certificate as leaf", "ca", "root", "", NULL, "", OK("ca root")},
    {"self-signed and unknown", "self", "root", "ca", NULL, "self",
     UNTRUSTED("\"CN=self\": no certificate")},

    /* Several certificates of one CA, several CAs of one name. */
    {"re-keyed CA, old key", "leaf-without-aki", "root", "ca ca-rekeyed",
     "ca ca-rekeyed", "", OK("leaf-without-aki ca root")},
    {"re-keyed CA, new key", "leaf-of-rekeyed", "root", "ca ca-rekeyed",
     "ca ca-rekeyed", "", OK("leaf-of-rekeyed ca-rekeyed root")},
    {"namesakes, none of them the issuer", "leaf-without-aki", "root",
     "ca-rekeyed ca-namesake", NULL, "",
     UNTRUSTED("no certificate named \"CN=CA\" can have issued it")},
    {"cross-signed, own root trusted", "leaf", "root", "ca ca-cross", "ca", "",
     OK("leaf ca root")},
    {"cross-signed, other root trusted", "leaf", "root2", "ca ca-cross", "ca",
     "", OK("leaf ca-cross root2")},
    {"expired beside its reissue", "leaf", "root", "ca-past ca", "ca", "",
     OK("leaf ca root")},
    {"expired, not yet valid, cross-signed", "leaf", "root2",
     "ca-past ca-future ca-cross", "ca", "", OK("leaf ca-cross root2")},
    {"expired alone", "leaf", "root", "ca-past", "ca-past", "",
     UNTRUSTED("\"CN=CA\": certificate has expired")},
    {"not yet valid alone", "leaf", "root", "ca-future", "ca-future", "",
     UNTRUSTED("\"CN=CA\": certificate is not yet valid")},
    {"self-issued for a new key", "leaf-of-new", "root",
     "ca-of-new root-new-by-old", "ca-of-new", "",
     OK("leaf-of-new ca-of-new root-new-by-old root")},
    {"self-issued, and the new root trusted", "leaf-of-new", "root root-new",
     "ca-of-new root-new-by-old", "ca-of-new", "",
     OK("leaf-of-new ca-of-new root-new")},
    {"key identifier of another", "leaf-aki-other", "root", "ca", "ca", "",
     UNTRUSTED("no certificate of its issuer \"CN=CA\"")},
    {"serial number of an earlier certificate", "leaf-aki-serial", "root",
     "ca", "ca", "", OK("leaf-aki-serial ca root")},
    {"a circle", "leaf-of-x", "root", "x-by-y y-by-x", NULL, "",
     UNTRUSTED("can have issued it")},
    {"a circle with a way out", "leaf-of-x", "root", "x-by-y y-by-x y-by-root",
     NULL, "", OK("leaf-of-x x-by-y y-by-root root")},

    /* The NTAuth list. */
    {"unlisted", "leaf", "root", "ca", "ca-rekeyed", "", CM_NTAUTH_ABSENT,
     "\"CN=CA\": its key is not on the NTAuth list"},
    {"empty list", "leaf", "root", "ca", "", "", CM_NTAUTH_ABSENT,
     "its key is not on the NTAuth list"},
    {"listed by name alone", "leaf", "root", "ca", "ca-namesake", "",
     CM_NTAUTH_ABSENT, "its key is not on the NTAuth list"},
    {"root listed, issuer not", "leaf", "root", "ca", "root", "",
     CM_NTAUTH_ABSENT, "\"CN=CA\""},
    {"leaf listed", "leaf", "root", "ca", "leaf", "", CM_NTAUTH_ABSENT,
     "\"CN=CA\""},
    {"earlier certificate listed", "leaf", "root", "ca", "ca-past", "",
     OK("leaf ca root")},
    {"cross-certificate listed", "leaf", "root", "ca", "ca-cross", "",
     OK("leaf ca root")},
    {"listed, but no path", "leaf-forged", "root", "ca", "ca", "",
     UNTRUSTED("signature failure")},

    /* Validity of the leaf. */
    {"expired leaf", "leaf-past", "root", "ca", "ca", "", CM_CERT_VALIDITY,
     "\"CN=leaf\": outside its validity period"},
    {"future leaf", "leaf-future", "root", "ca", "ca", "", CM_CERT_VALIDITY,
     "outside its validity period"},
    {"expired leaf, expired CA", "leaf-past", "root", "ca-past", "ca-past", "",
     UNTRUSTED("\"CN=CA\": certificate has expired")},
    {"expired leaf, unlisted CA", "leaf-past", "root", "ca", "root", "",
     CM_NTAUTH_ABSENT, "\"CN=CA\""},
    {"expired leaf, forged", "leaf-past-forged", "root", "ca", "ca", "",
     UNTRUSTED("signature failure")},
    {"expired leaf, unknown issuer", "leaf-past", "root2", "", "ca", "",
     UNTRUSTED("\"CN=CA\": no certificate")},

    /* What RFC 5280 refuses. */
    {"name constraints kept", "leaf-nc-good", "root", "ca-nc", "ca-nc", "",
     OK("leaf-nc-good ca-nc root")},
    {"name constraints broken", "leaf-nc-bad", "root", "ca-nc", "ca-nc", "",
     UNTRUSTED("permitted subtree violation")},
    {"last CA of its path", "leaf-of-last", "root", "ca-last", "ca-last", "",
     OK("leaf-of-last ca-last root")},
    {"path too long for it", "leaf-below-last", "root",
     "ca-last ca-below-last", "ca-below-last", "",
     UNTRUSTED("\"CN=Last\": path length constraint exceeded")},
    {"cA false", "leaf-of-false", "root", "ca-false", "ca-false", "",
     UNTRUSTED("\"CN=False\": invalid CA certificate")},
    {"no basic constraints", "leaf-of-plain", "root", "ca-plain", "ca-plain",
     "", UNTRUSTED("\"CN=Plain\": invalid CA certificate")},
    {"no keyCertSign", "leaf-of-no-sign", "root", "ca-no-sign", "ca-no-sign",
     "", UNTRUSTED("\"CN=NoSign\": invalid CA certificate")},
    {"forged leaf", "leaf-forged", "root", "ca", "ca", "",
     UNTRUSTED("\"CN=leaf\": certificate signature failure")},
    {"forged CA", "leaf-of-forged", "root", "ca-forged", "ca-forged", "",
     UNTRUSTED("\"CN=Forged\": certificate signature failure")},
    {"critical and unknown, CA", "leaf-of-odd", "root", "ca-odd", "ca-odd", "",
     UNTRUSTED("\"CN=Odd\": unknown critical extension")},
    {"critical and unknown, anchor", "leaf-of-root-odd", "root-odd", "",
     "root-odd", "", UNTRUSTED("\"CN=Odd root\": unknown critical")},
    {"critical and unknown, leaf", "leaf-odd", "root", "ca", "ca", "",
     UNTRUSTED("\"CN=leaf\": unknown critical extension")},
    {"unknown, but not critical", "leaf-hint", "root", "ca", "ca", "",
     OK("leaf-hint ca root")},
    {"critical SID, leaf (S14)", "leaf-sid", "root", "ca", "ca", "",
     OK("leaf-sid ca root")},
    {"critical SID, CA", "leaf-of-sid", "root", "ca-sid", "ca-sid", "",
     UNTRUSTED("\"CN=Sid\": unknown critical extension")},
    {"extension twice", "leaf-of-twice", "root", "ca-twice", "ca-twice", "",
     UNTRUSTED("\"CN=Twice\": an extension does not decode")},

    /* The floor. */
    {"weak key of the leaf", "leaf-rsa1024", "root", "ca", "ca", "",
     CM_CERT_WEAK_CRYPTO, "\"CN=leaf\": RSA key of 1024 bits"},
    {"weak key of the CA", "leaf-of-weak", "root", "ca-weak", "ca-weak", "",
     CM_CERT_WEAK_CRYPTO, "\"CN=Weak\": RSA key of 1024 bits"},
    {"weak key of the anchor", "leaf-of-weak", "ca-weak", "", "ca-weak", "",
     CM_CERT_WEAK_CRYPTO, "\"CN=Weak\""},
    {"DSA", "leaf-of-dsa", "root", "ca-dsa", "ca-dsa", "", CM_CERT_WEAK_CRYPTO,
     "\"CN=leaf\": signature algorithm"},
    {"weak signature of the leaf", "leaf-sha1", "root", "ca", "ca", "",
     CM_CERT_WEAK_CRYPTO, "\"CN=leaf\": signature algorithm"},
    {"weak signature of the CA", "leaf", "root", "ca-sha1", "ca-sha1", "",
     CM_CERT_WEAK_CRYPTO, "\"CN=CA\": signature algorithm"},
    {"weak signature, another certificate without", "leaf", "root",
     "ca-sha1 ca", "ca", "", OK("leaf ca root")},
    {"weak signature and unlisted elsewhere", "leaf", "root", "ca-sha1",
     "root", "", CM_CERT_WEAK_CRYPTO, "\"CN=CA\": signature algorithm"},
};

/* Prints a difference; true if there is none. */
static bool
check_case(const struct test_case *c, enum world_order order)
{
    struct cm_path_rules rules = world_rules();
    struct cm_snapshot *snapshot;
    struct cm_detail detail = {""};
    struct world_list extra;
    enum cm_reason reason;
    struct cm_path path;
    bool ok;

    snapshot = world_snapshot(c->anchors, c->intermediates,
                              c->ntauth != NULL ? c->ntauth : "", order);
    world_list(c->extra, order, &extra);
    rules.extra = extra.certs;
    rules.extra_count = extra.count;
    rules.require_ntauth = c->ntauth != NULL;
    reason = cm_path_find(snapshot, world_get(c->leaf), &rules, NULL, NULL,
                          &path, &detail);
    ok = reason == c->reason;
    if (reason == CM_OK)
        ok = ok && strcmp(world_path(&path), c->result) == 0;
    else
        ok = ok && path.count == 0 && strstr(detail.text, c->result) != NULL;
    if (!ok)
        print_error("%s: %s: %s%s\n", c->name, cm_reason_token(reason),
                    detail.text, world_path(&path));
    cm_path_clear(&path);
    cm_snapshot_release(snapshot);
    return ok;
}

static void
test_cases(void **state)
{
    unsigned differences = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        differences += !check_case(&cases[i], WORLD_FORWARD);
        differences += !check_case(&cases[i], WORLD_BACKWARD);
    }
    assert_int_equal(differences, 0);
}

/* Every listed certificate with the issuing key gives both thumbprints,
 * whether the list is asked for or not. */
static void
test_thumbprints(void **state)
{
    struct cm_path_rules rules = world_rules();
    struct cm_snapshot *snapshot;
    uint8_t sha256[32];
    struct cm_path path;
    bool seen = false;

    (void)state;
    snapshot = world_snapshot("root", "ca", "ca ca-past ca-namesake root",
                              WORLD_FORWARD);
    assert_int_equal(cm_path_find(snapshot, world_get("leaf"), &rules, NULL,
                                  NULL, &path, NULL),
                     CM_OK);
    assert_int_equal(path.ntauth_count, 4);
    X509_digest(world_get("ca-past"), EVP_sha256(), sha256, NULL);
    for (size_t i = 0; i < path.ntauth_count; i++) {
        assert_int_equal(path.ntauth[i].len, i % 2 == 0 ? 20 : 32);
        seen = seen || (path.ntauth[i].len == 32 &&
                        memcmp(path.ntauth[i].bytes, sha256, 32) == 0);
    }
    assert_true(seen);
    cm_path_clear(&path);
    assert_int_equal(path.ntauth_count, 0);
    cm_snapshot_release(snapshot);
}

/* A path keeps its certificates when the snapshot is gone. */
static void
test_path_outlives_snapshot(void **state)
{
    struct cm_path_rules rules = world_rules();
    struct cm_snapshot *snapshot;
    struct cm_path path;

    (void)state;
    snapshot = world_snapshot("root", "ca", "", WORLD_FORWARD);
    assert_int_equal(cm_path_find(snapshot, world_get("leaf"), &rules, NULL,
                                  NULL, &path, NULL),
                     CM_OK);
    cm_snapshot_release(snapshot);
    assert_string_equal(world_path(&path), "leaf ca root");
    cm_path_clear(&path);
}

/* The second of notBefore is in the validity period; OpenSSL counts that of
 * notAfter out of it. */
static void
test_validity_limits(void **state)
{
    static const struct {
        int64_t now;
        enum cm_reason reason;
    } rows[] = {
        {1577836799, CM_PATH_UNTRUSTED}, /* root and CA too: 2019-12-31 */
        {1577836800, CM_OK},             /* 2020-01-01T00:00:00Z */
        {2208988799, CM_OK},
        {2208988800, CM_PATH_UNTRUSTED}, /* 2040-01-01T00:00:00Z */
        {-1, CM_PATH_UNTRUSTED},
    };
    struct cm_path_rules rules = world_rules();
    struct cm_snapshot *snapshot;
    struct cm_path path;

    (void)state;
    snapshot = world_snapshot("root", "ca", "", WORLD_FORWARD);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        rules.now = rows[i].now;
        assert_int_equal(cm_path_find(snapshot, world_get("leaf"), &rules,
                                      NULL, NULL, &path, NULL),
                         rows[i].reason);
        cm_path_clear(&path);
    }
    cm_snapshot_release(snapshot);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_thumbprints),
        cmocka_unit_test(test_path_outlives_snapshot),
        cmocka_unit_test(test_validity_limits),
    };

    return cmocka_run_group_tests(tests, world_set_up, world_tear_down);
}
