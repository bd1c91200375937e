#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pkits.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
split(struct pkits_row *row)
{
    char *rest = row->line, *column;

    rest[strcspn(rest, "\n")] = '\0';
    for (size_t i = 0; i < PKITS_COLUMNS; i++) {
        column = strsep(&rest, "\t");
        assert_non_null(column);
        row->columns[i] = column;
    }
    assert_null(rest);
}

/* NIST's test policies are numbered under one arc. */
void
pkits_policies(char *names, struct cm_text_list *out)
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
prepare(const char *folder, struct pkits_row *row)
{
    char *names, *name, file[PATH_MAX];

    split(row);
    names = row->columns[PKITS_CERTS];
    while ((name = strsep(&names, " ")) != NULL) {
        assert_true(row->count < CM_PATH_MAX_LENGTH);
        snprintf(file, sizeof(file), "certs/%s.crt", name);
        row->certs[row->count++] = conformance_load_one(folder, file);
    }
    assert_true(row->count >= 2);
    pkits_policies(row->columns[PKITS_POLICIES], &row->initial);
    row->rules.now = PKITS_AT;
    row->rules.min_rsa_bits = 2048;
    row->rules.initial_policies = &row->initial;
    row->rules.explicit_policy = is_true(row->columns[PKITS_EXPLICIT]);
    row->rules.inhibit_policy_mapping =
        is_true(row->columns[PKITS_INHIBIT_MAPPING]);
    row->rules.inhibit_any_policy = is_true(row->columns[PKITS_INHIBIT_ANY]);
}

static void
dispose(struct pkits_row *row)
{
    for (size_t i = 0; i < row->count; i++)
        X509_free(row->certs[i]);
    cm_text_list_clear(&row->initial);
}

struct cm_snapshot *
pkits_snapshot(const struct pkits_row *row)
{
    struct cm_snapshot *snapshot;

    snapshot = cm_snapshot_build(row->certs, 1, row->certs + 1, row->count - 2,
                                 NULL, 0);
    assert_non_null(snapshot);
    return snapshot;
}

unsigned
pkits_each(const char *folder, bool (*check)(const struct pkits_row *row))
{
    unsigned rows = 0, differences = 0;
    char path[PATH_MAX];
    struct pkits_row row;
    FILE *file;

    snprintf(path, sizeof(path), "%s/expected.tsv", folder);
    file = fopen(path, "r");
    assert_non_null(file);
    assert_non_null(fgets(row.line, sizeof(row.line), file));
    while (memset(&row, 0, sizeof(row)),
           fgets(row.line, sizeof(row.line), file) != NULL) {
        prepare(folder, &row);
        differences += !check(&row);
        dispose(&row);
        rows++;
    }
    fclose(file);
    assert_int_equal(rows, PKITS_ROWS);
    return differences;
}
