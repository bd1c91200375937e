/*
 * NIST PKITS, without revocation: every path that must be valid is found,
 * every path that must not be is refused, unless revocation alone is what is
 * wrong with it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "pkits.h"

static const char *folder;

/* Decodes the row's leaf and looks for its path, as a login does. */
static enum cm_reason
judge(const struct pkits_row *row, struct cm_path *path,
      struct cm_detail *detail)
{
    struct cm_certificate leaf;
    struct cm_snapshot *snapshot;
    enum cm_reason reason;

    reason = conformance_decode(row->certs[row->count - 1], &leaf, detail);
    if (reason != CM_OK)
        return reason;
    snapshot = pkits_snapshot(row);
    reason = cm_path_find(snapshot, leaf.x509, &row->rules, NULL, NULL, path,
                          detail);
    cm_snapshot_release(snapshot);
    cm_certificate_clear(&leaf);
    return reason;
}

/* What is refused, though NIST calls it valid: DSA is below the floor. */
static const struct {
    const char *test;
    enum cm_reason reason;
} refused[] = {
    {"4.1.4", CM_CERT_WEAK_CRYPTO},
    /* Its key inherits the issuer's parameters, which OpenSSL cannot do. */
    {"4.1.5", CM_PATH_UNTRUSTED},
};

/* What revocation alone can refuse, as its path is valid. */
static const struct {
    const char *test;
    const char *because;
} left_to_revocation[] = {
    {"4.4.1", "there is no CRL"},
    {"4.4.2", "the CA is revoked"},
    {"4.4.3", "the certificate is revoked"},
    {"4.4.4", "the CRL's signature is bad"},
    {"4.4.5", "the CRL's issuer is another"},
    {"4.4.6", "the CRL is another CA's"},
    {"4.4.8", "the CRL has an unknown critical entry extension"},
    {"4.4.9", "the CRL has an unknown critical extension"},
    {"4.4.10", "the CRL has an unknown critical extension"},
    {"4.4.11", "the CRL is too old"},
    {"4.4.12", "the CRL is too old"},
    {"4.4.15", "revoked, with a negative serial number"},
    {"4.4.18", "revoked, with a long serial number"},
    {"4.4.20", "revoked, by a CRL under a key of its own"},
    {"4.4.21", "the CRL's key has no valid path"},
    {"4.5.2", "revoked, in the CRL of the CA's old key"},
    {"4.5.5", "revoked, in the CRL of the CA's old key"},
    {"4.5.7", "revoked, by a CRL under a key of its own"},
    {"4.7.4", "the CA may not sign CRLs"},
    {"4.7.5", "the CA may not sign CRLs"},
    {"4.14.2", "revoked, distribution point"},
    {"4.14.3", "the CRL is of another distribution point"},
    {"4.14.6", "revoked, distribution point"},
    {"4.14.8", "the CRL is of another distribution point"},
    {"4.14.9", "the CRL is of another distribution point"},
    {"4.14.11", "the CRL covers user certificates only"},
    {"4.14.12", "the CRL covers CA certificates only"},
    {"4.14.14", "the CRL covers attribute certificates only"},
    {"4.14.15", "revoked, CRLs by reason"},
    {"4.14.16", "revoked, CRLs by reason"},
    {"4.14.17", "the CRLs do not cover every reason"},
    {"4.14.20", "revoked, CRLs by reason"},
    {"4.14.21", "revoked, CRLs by reason"},
    {"4.14.23", "revoked, indirect CRL"},
    {"4.14.26", "the CRL is of another scope"},
    {"4.14.27", "there is no CRL of the CRL issuer"},
    {"4.14.31", "revoked, indirect CRL"},
    {"4.14.32", "revoked, indirect CRL"},
    {"4.14.34", "revoked, indirect CRL"},
    {"4.14.35", "the CRL is of another scope"},
    {"4.15.1", "a delta CRL without its base"},
    {"4.15.3", "revoked, base and delta CRL"},
    {"4.15.4", "revoked, in the delta CRL alone"},
    {"4.15.6", "revoked, base and delta CRL"},
    {"4.15.9", "revoked, base and delta CRL"},
    {"4.15.10", "the base CRL is too old"},
};

static bool
is_left_to_revocation(const char *test)
{
    size_t count = sizeof(left_to_revocation) / sizeof(*left_to_revocation);

    for (size_t i = 0; i < count; i++) {
        if (strcmp(left_to_revocation[i].test, test) == 0)
            return true;
    }
    return false;
}

static enum cm_reason
expected_refusal(const char *test)
{
    for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
        if (strcmp(refused[i].test, test) == 0)
            return refused[i].reason;
    }
    return CM_OK;
}

/* Prints a difference; true if there is none. */
static bool
check_row(const struct pkits_row *row)
{
    const char *test = row->columns[PKITS_TEST];
    bool valid = strcmp(row->columns[PKITS_EXPECTED], "valid") == 0;
    struct cm_detail detail = {""};
    struct cm_path path = {0};
    enum cm_reason reason;
    bool ok;

    reason = judge(row, &path, &detail);
    if (valid)
        ok = reason == expected_refusal(test);
    else
        ok = (reason == CM_OK) == is_left_to_revocation(test);
    if (!ok)
        print_error("%s %s (%s): %s: %s\n", test, row->columns[PKITS_TITLE],
                    row->columns[PKITS_EXPECTED], cm_reason_token(reason),
                    detail.text);
    cm_path_clear(&path);
    return ok;
}

/* Is the valid policy set what the table says?  Valid rows only. */
static bool
check_policies(const struct pkits_row *row)
{
    struct cm_text_list expected = {NULL, 0};
    char names[PKITS_LINE_SIZE];
    struct cm_path path = {0};
    bool ok = true;

    snprintf(names, sizeof(names), "%s", row->columns[PKITS_VALID_POLICIES]);
    pkits_policies(names, &expected);
    if (judge(row, &path, NULL) == CM_OK) {
        ok = path.policies.count == expected.count;
        for (size_t i = 0; i < expected.count; i++)
            ok = ok && cm_text_list_has(&path.policies, expected.items[i]);
        if (!ok)
            print_error("%s/%s %s: %zu policies, not %s\n",
                        row->columns[PKITS_TEST], row->columns[PKITS_SUBTEST],
                        row->columns[PKITS_TITLE], path.policies.count,
                        row->columns[PKITS_VALID_POLICIES]);
    }
    cm_path_clear(&path);
    cm_text_list_clear(&expected);
    return ok;
}

static void
test_verdicts(void **state)
{
    (void)state;
    assert_int_equal(pkits_each(folder, check_row), 0);
}

static void
test_valid_policies(void **state)
{
    (void)state;
    assert_int_equal(pkits_each(folder, check_policies), 0);
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_valid_policies),
    };

    folder = conformance_folder(argc, argv, "pkits");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
