/*
 * NIST PKITS, all 249 sub-tests with their CRLs: decoded, their path found
 * under the policy inputs of the table, and every certificate of it judged by
 * the CRLs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "crl_judge.h"
#include "pkits.h"

enum { MAX_CRLS = 8 };

static const char *folder;

/* The only differences from NIST's verdicts, both refusals: DSA is below the
 * floor. */
static const struct {
    const char *test;
    enum cm_reason reason;
} refused[] = {
    {"4.1.4", CM_CERT_WEAK_CRYPTO},
    /* Its key inherits the issuer's parameters, which OpenSSL cannot do. */
    {"4.1.5", CM_PATH_UNTRUSTED},
};

/* Why revocation refuses what it must refuse; all others that are invalid
 * have no valid path. */
static const struct {
    const char *test;
    enum cm_reason reason;
    const char *because;
} by_revocation[] = {
    {"4.4.1", CM_REVOCATION_UNKNOWN, "there is no CRL"},
    {"4.4.2", CM_REVOKED, "the CA is revoked"},
    {"4.4.3", CM_REVOKED, "the certificate is revoked"},
    {"4.4.4", CM_REVOCATION_UNKNOWN, "the CRL's signature is bad"},
    {"4.4.5", CM_REVOCATION_UNKNOWN, "the CRL's issuer is another"},
    {"4.4.6", CM_REVOCATION_UNKNOWN, "the CRL is another CA's"},
    {"4.4.8", CM_REVOCATION_UNKNOWN, "unknown critical entry extension"},
    {"4.4.9", CM_REVOCATION_UNKNOWN, "unknown critical CRL extension"},
    {"4.4.10", CM_REVOCATION_UNKNOWN, "unknown critical CRL extension"},
    {"4.4.11", CM_REVOCATION_UNKNOWN, "the CRL has expired"},
    {"4.4.12", CM_REVOCATION_UNKNOWN, "the CRL has expired"},
    {"4.4.15", CM_REVOKED, "a negative serial number"},
    {"4.4.18", CM_REVOKED, "a long serial number"},
    {"4.4.20", CM_REVOKED, "by a CRL under a key of its own"},
    {"4.4.21", CM_REVOCATION_UNKNOWN, "the CRL's key is revoked"},
    {"4.5.2", CM_REVOKED, "in the CRL of the CA's new key"},
    {"4.5.5", CM_REVOKED, "in the CRL of the CA's new key"},
    {"4.5.7", CM_REVOKED, "by a CRL under a key of its own"},
    {"4.7.4", CM_REVOCATION_UNKNOWN, "the CA may not sign CRLs"},
    {"4.7.5", CM_REVOCATION_UNKNOWN, "the CA may not sign CRLs"},
    {"4.14.2", CM_REVOKED, "at its distribution point"},
    {"4.14.3", CM_REVOCATION_UNKNOWN, "another distribution point"},
    {"4.14.6", CM_REVOKED, "at its distribution point"},
    {"4.14.8", CM_REVOCATION_UNKNOWN, "another distribution point"},
    {"4.14.9", CM_REVOCATION_UNKNOWN, "another distribution point"},
    {"4.14.11", CM_REVOCATION_UNKNOWN, "the CRL is of user certificates"},
    {"4.14.12", CM_REVOCATION_UNKNOWN, "the CRL is of CA certificates"},
    {"4.14.14", CM_REVOCATION_UNKNOWN, "the CRL is of attribute certificates"},
    {"4.14.15", CM_REVOKED, "CRLs by reason"},
    {"4.14.16", CM_REVOKED, "CRLs by reason"},
    {"4.14.17", CM_REVOCATION_UNKNOWN, "the CRLs miss some reasons"},
    {"4.14.20", CM_REVOKED, "CRLs by reason"},
    {"4.14.21", CM_REVOKED, "CRLs by reason"},
    {"4.14.23", CM_REVOKED, "indirect CRL"},
    {"4.14.26", CM_REVOCATION_UNKNOWN, "no cRLIssuer names the CRL's issuer"},
    {"4.14.27", CM_REVOCATION_UNKNOWN, "the cRLIssuer's CRL is not indirect"},
    {"4.14.31", CM_REVOKED, "indirect CRL"},
    {"4.14.32", CM_REVOKED, "indirect CRL"},
    {"4.14.34", CM_REVOKED, "indirect CRL"},
    {"4.14.35", CM_REVOCATION_UNKNOWN, "the CRL is at another name"},
    {"4.15.1", CM_REVOCATION_UNKNOWN, "a delta CRL without its base"},
    {"4.15.3", CM_REVOKED, "in the complete CRL"},
    {"4.15.4", CM_REVOKED, "in the delta CRL alone"},
    {"4.15.6", CM_REVOKED, "a hold that became a revocation"},
    {"4.15.9", CM_REVOKED, "in the delta CRL alone"},
    {"4.15.10", CM_REVOCATION_UNKNOWN,
     "the complete CRL has expired, the delta's base is newer"},
};

struct names {
    char text[PKITS_LINE_SIZE];
    char *list[MAX_CRLS];
    size_t count;
};

static void
split_names(const char *text, struct names *out)
{
    char *rest = out->text, *name;

    out->count = 0;
    snprintf(out->text, sizeof(out->text), "%s", text);
    while ((name = strsep(&rest, " ")) != NULL) {
        if (name[0] == '\0')
            continue;
        assert_true(out->count < MAX_CRLS);
        out->list[out->count++] = name;
    }
}

static void
add_crls(const struct pkits_row *row, bool backward,
         struct cm_crl_files *files)
{
    struct names names;
    char path[PATH_MAX];
    size_t at;

    split_names(row->columns[PKITS_CRLS], &names);
    for (size_t i = 0; i < names.count; i++) {
        at = backward ? names.count - 1 - i : i;
        snprintf(path, sizeof(path), "%s/crls/%s.crl", folder, names.list[at]);
        crl_judge_add(files, path);
    }
}

/* The whole way of one row. */
static enum cm_reason
judge(const struct pkits_row *row, bool backward, struct cm_detail *detail)
{
    struct cm_snapshot *snapshot;
    struct cm_certificate leaf;
    struct cm_crl_files *files;
    struct cm_path path = {0};
    struct crl_judge context;
    enum cm_reason reason;

    reason = conformance_decode(row->certs[row->count - 1], &leaf, detail);
    if (reason != CM_OK)
        return reason;
    snapshot = pkits_snapshot(row);
    files = cm_crl_files_new(snapshot, &leaf.x509, 1);
    assert_non_null(files);
    add_crls(row, backward, files);
    context.snapshot = snapshot;
    context.rules = &row->rules;
    context.files = files;
    reason = cm_path_find(snapshot, leaf.x509, &row->rules, crl_judge_path,
                          &context, &path, detail);
    cm_path_clear(&path);
    cm_crl_files_free(files);
    cm_snapshot_release(snapshot);
    cm_certificate_clear(&leaf);
    return reason;
}

static bool
is_expected(const struct pkits_row *row, enum cm_reason reason)
{
    const char *test = row->columns[PKITS_TEST];

    if (strcmp(row->columns[PKITS_EXPECTED], "valid") == 0) {
        for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
            if (strcmp(refused[i].test, test) == 0)
                return reason == refused[i].reason;
        }
        return reason == CM_OK;
    }
    for (size_t i = 0; i < sizeof(by_revocation) / sizeof(*by_revocation);
         i++) {
        if (strcmp(by_revocation[i].test, test) == 0)
            return reason == by_revocation[i].reason;
    }
    return reason != CM_OK && reason != CM_REVOKED &&
           reason != CM_REVOCATION_UNKNOWN;
}

static bool
check_row(const struct pkits_row *row)
{
    struct cm_detail detail;
    enum cm_reason reason;
    bool ok = true;

    for (int backward = 0; backward < 2; backward++) {
        detail.text[0] = '\0';
        reason = judge(row, backward == 1, &detail);
        if (is_expected(row, reason))
            continue;
        print_error("%s %s (%s): %s: %s\n", row->columns[PKITS_TEST],
                    row->columns[PKITS_TITLE], row->columns[PKITS_EXPECTED],
                    cm_reason_token(reason), detail.text);
        ok = false;
    }
    return ok;
}

static void
test_verdicts(void **state)
{
    (void)state;
    assert_int_equal(pkits_each(folder, check_row), 0);
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verdicts),
    };

    folder = conformance_folder(argc, argv, "pkits");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
