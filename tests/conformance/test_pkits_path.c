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

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conformance.h"
#include "path.h"

enum {
    ROWS = 249,
    LINE_SIZE = 4096,
    AT = 1420070400 /* 2015-01-01T00:00:00Z */
};

enum column {
    TEST,
    SUBTEST,
    TITLE,
    EXPECTED,
    CERTS,
    CRLS,
    POLICIES,
    EXPLICIT,
    INHIBIT_MAPPING,
    INHIBIT_ANY,
    VALID_POLICIES,
    COLUMNS
};

struct row {
    char line[LINE_SIZE];
    char *columns[COLUMNS];
    X509 *certs[CM_PATH_MAX_LENGTH]; /* anchor first, as in the table */
    size_t count;
    struct cm_text_list initial;
    struct cm_path_rules rules;
};

static const char *folder;

static void
split(struct row *row)
{
    char *rest = row->line, *column;

    rest[strcspn(rest, "\n")] = '\0';
    for (size_t i = 0; i < COLUMNS; i++) {
        column = strsep(&rest, "\t");
        assert_non_null(column);
        row->columns[i] = column;
    }
    assert_null(rest);
}

/* NIST's test policies are numbered under one arc. */
static void
add_policies(char *names, struct cm_text_list *out)
{
    static const char prefix[] = "NIST-test-policy-";
    char oid[64], *name;

    while ((name = strsep(&names, ",")) != NULL) {
        if (name[0] == '\0' || strcmp(name, "anyPolicy") == 0)
            continue;
        assert_int_equal(strncmp(name, prefix, strlen(prefix)), 0);
        snprintf(oid, sizeof(oid), "2.16.840.1.101.3.2.1.48.%s",
                 name + strlen(prefix));
        assert_true(cm_text_list_add(out, oid));
    }
}

static bool
is_true(const char *text)
{
    assert_true(strcmp(text, "true") == 0 || strcmp(text, "false") == 0);
    return strcmp(text, "true") == 0;
}

static void
prepare(struct row *row)
{
    char *names, *name, file[PATH_MAX];

    split(row);
    names = row->columns[CERTS];
    while ((name = strsep(&names, " ")) != NULL) {
        assert_true(row->count < CM_PATH_MAX_LENGTH);
        snprintf(file, sizeof(file), "certs/%s.crt", name);
        row->certs[row->count++] = conformance_load_one(folder, file);
    }
    assert_true(row->count >= 2);
    add_policies(row->columns[POLICIES], &row->initial);
    row->rules.now = AT;
    row->rules.min_rsa_bits = 2048;
    row->rules.initial_policies = &row->initial;
    row->rules.explicit_policy = is_true(row->columns[EXPLICIT]);
    row->rules.inhibit_policy_mapping = is_true(row->columns[INHIBIT_MAPPING]);
    row->rules.inhibit_any_policy = is_true(row->columns[INHIBIT_ANY]);
}

static void
dispose(struct row *row)
{
    for (size_t i = 0; i < row->count; i++)
        X509_free(row->certs[i]);
    cm_text_list_clear(&row->initial);
}

/* Decodes the row's leaf and looks for its path, as a login does. */
static enum cm_reason
judge(const struct row *row, struct cm_path *path, struct cm_detail *detail)
{
    struct cm_certificate leaf;
    struct cm_snapshot *snapshot;
    enum cm_reason reason;

    reason = conformance_decode(row->certs[row->count - 1], &leaf, detail);
    if (reason != CM_OK)
        return reason;
    snapshot = cm_snapshot_build(row->certs, 1, row->certs + 1, row->count - 2,
                                 NULL, 0);
    assert_non_null(snapshot);
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
check_row(const struct row *row)
{
    const char *test = row->columns[TEST];
    bool valid = strcmp(row->columns[EXPECTED], "valid") == 0;
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
        print_error("%s %s (%s): %s: %s\n", test, row->columns[TITLE],
                    row->columns[EXPECTED], cm_reason_token(reason),
                    detail.text);
    cm_path_clear(&path);
    return ok;
}

/* Is the valid policy set what the table says?  Valid rows only. */
static bool
check_policies(const struct row *row)
{
    struct cm_text_list expected = {NULL, 0};
    char names[LINE_SIZE];
    struct cm_path path = {0};
    bool ok = true;

    snprintf(names, sizeof(names), "%s", row->columns[VALID_POLICIES]);
    add_policies(names, &expected);
    if (judge(row, &path, NULL) == CM_OK) {
        ok = path.policies.count == expected.count;
        for (size_t i = 0; i < expected.count; i++)
            ok = ok && cm_text_list_has(&path.policies, expected.items[i]);
        if (!ok)
            print_error("%s/%s %s: %zu policies, not %s\n", row->columns[TEST],
                        row->columns[SUBTEST], row->columns[TITLE],
                        path.policies.count, row->columns[VALID_POLICIES]);
    }
    cm_path_clear(&path);
    cm_text_list_clear(&expected);
    return ok;
}

/* Calls check for every row of the table; returns how many differ. */
static unsigned
for_each_row(bool (*check)(const struct row *row))
{
    unsigned rows = 0, differences = 0;
    char path[PATH_MAX];
    struct row row;
    FILE *file;

    snprintf(path, sizeof(path), "%s/expected.tsv", folder);
    file = fopen(path, "r");
    assert_non_null(file);
    assert_non_null(fgets(row.line, sizeof(row.line), file));
    while (memset(&row, 0, sizeof(row)),
           fgets(row.line, sizeof(row.line), file) != NULL) {
        prepare(&row);
        differences += !check(&row);
        dispose(&row);
        rows++;
    }
    fclose(file);
    assert_int_equal(rows, ROWS);
    return differences;
}

static void
test_verdicts(void **state)
{
    (void)state;
    assert_int_equal(for_each_row(check_row), 0);
}

static void
test_valid_policies(void **state)
{
    (void)state;
    assert_int_equal(for_each_row(check_policies), 0);
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
