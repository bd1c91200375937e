/*
 * Rows of a folder, a CSV or an LDIF file.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "certfile.h"
#include "csv.h"
#include "populate.h"
#include "principal.h"
#include "text.h"
#include "trust.h"

/* ---- Certificates of a file ---- */

static bool
take_x509(struct cm_populate *populate, const char *what, X509 *x509,
          const char *key)
{
    unsigned char *der = NULL;
    int len = i2d_X509(x509, &der);
    bool ok;

    ERR_clear_error();
    if (len <= 0)
        return cm_detail_no_memory(&populate->why);
    ok = cm_populate_certificate(populate, what, der, (size_t)len, key);
    OPENSSL_free(der);
    return ok;
}

/* Every certificate of a file; key NULL: each by what it says itself. */
static bool
take_file(struct cm_populate *populate, const char *what, const char *path,
          const char *key)
{
    struct cm_detail why = {""};
    X509 **list = NULL;
    size_t count = 0;
    bool ok = true;

    if (!cm_certfile_read_any(NULL, path, &list, &count, &why))
        return cm_populate_note(populate, CM_PROBLEM_UNREADABLE, what, NULL,
                                why.text);
    for (size_t i = 0; ok && i < count; i++)
        ok = take_x509(populate, what, list[i], key);
    cm_certificates_free(list, count);
    return ok;
}

/* ---- A folder ---- */

static bool
take_member(struct cm_populate *populate, const char *name)
{
    struct stat status;
    char *path = NULL;
    bool ok = true;

    if (name[0] == '.')
        return true;
    if (asprintf(&path, "%s/%s", populate->flags.path, name) < 0)
        return cm_detail_no_memory(&populate->why);
    if (stat(path, &status) != 0)
        ok = cm_populate_note(populate, CM_PROBLEM_UNREADABLE, path, NULL,
                              strerror(errno));
    else if (S_ISREG(status.st_mode))
        ok = take_file(populate, path, path, NULL);
    else if (!S_ISDIR(status.st_mode))
        ok = cm_populate_note(populate, CM_PROBLEM_UNREADABLE, path, NULL,
                              "not a regular file");
    free(path);
    return ok;
}

/* Name by name: a folder may hold any number, and the order is not shown. */
static bool
read_folder(struct cm_populate *populate)
{
    DIR *folder = opendir(populate->flags.path);
    const struct dirent *member;
    bool ok = true;

    if (folder == NULL) {
        cm_detail_set(&populate->why, "cannot open %s: %s",
                      populate->flags.path, strerror(errno));
        return false;
    }
    errno = 0;
    while (ok && (member = readdir(folder)) != NULL) {
        ok = take_member(populate, member->d_name);
        errno = 0;
    }
    if (ok && errno != 0) {
        cm_detail_set(&populate->why, "cannot read %s: %s",
                      populate->flags.path, strerror(errno));
        ok = false;
    }
    (void)closedir(folder);
    return ok;
}

/* ---- A CSV ---- */

/* Which column is what; -1: there is none. */
struct columns {
    int who;
    int certificate; /* base64 or PEM */
    int file;
};

static const char header_help[] =
    "the header must name principal or dn (or neither, with --match), and "
    "certificate (base64) or file (a path)";

/* A column's place; false: it is there twice. */
static bool
find_column(const struct cm_csv *csv, const char *name, int *out)
{
    *out = -1;
    for (size_t i = 0; i < csv->count; i++) {
        if (!cm_text_equal_fold(csv->fields[i], name))
            continue;
        if (*out >= 0)
            return false;
        *out = (int)i;
    }
    return true;
}

static bool
read_header(struct cm_populate *populate, struct cm_csv *csv,
            struct columns *out)
{
    struct cm_detail detail = {"it is empty"};
    int principal, dn;
    bool matched = populate->match.kind != CM_MATCH_NONE;

    if (cm_csv_next(csv, &detail) != CM_CSV_RECORD) {
        cm_detail_set(&populate->why, "%.200s: the header: %.200s",
                      populate->flags.path, detail.text);
        return false;
    }
    if (!find_column(csv, "principal", &principal) ||
        !find_column(csv, "dn", &dn) ||
        !find_column(csv, "certificate", &out->certificate) ||
        !find_column(csv, "file", &out->file) || (principal >= 0 && dn >= 0) ||
        (out->certificate >= 0) == (out->file >= 0) ||
        (principal >= 0 || dn >= 0) == matched) {
        cm_detail_set(&populate->why, "%.200s: %s", populate->flags.path,
                      header_help);
        return false;
    }
    out->who = principal >= 0 ? principal : dn;
    if (!matched)
        populate->match.kind =
            principal >= 0 ? CM_MATCH_PRINCIPAL : CM_MATCH_DN;
    return true;
}

/* The key of a principal as the schema has it.  NULL: not one. */
static char *
principal_key(const struct cm_populate *populate, const char *text)
{
    struct cm_principal principal;
    char *key = NULL;

    if (!cm_principal_parse(text, populate->target.realm, &principal))
        return NULL;
    if (strcmp(principal.realm, populate->target.realm) == 0 &&
        cm_schema_knows_principal(populate->schema, &principal)) {
        switch (populate->schema->preset) {
        case CM_SCHEMA_MIT:
        case CM_SCHEMA_IPA:
            key = strdup(principal.text);
            break;
        case CM_SCHEMA_AD:
        case CM_SCHEMA_POSIX:
            key = cm_key_fold(principal.components[0],
                              strlen(principal.components[0]));
            break;
        }
    }
    cm_principal_clear(&principal);
    return key;
}

static bool
take_base64(struct cm_populate *populate, const char *what, const char *text,
            const char *key)
{
    size_t len = strlen(text), kept = 0;
    unsigned char *der;
    char *compact;
    int n = -1;
    bool ok;

    compact = malloc(len + 1);
    der = malloc(len + 1);
    if (compact == NULL || der == NULL) {
        free(compact);
        free(der);
        return cm_detail_no_memory(&populate->why);
    }
    for (size_t i = 0; i < len; i++) {
        if (strchr(" \t\r\n", text[i]) == NULL)
            compact[kept++] = text[i];
    }
    if (kept > 0 && kept % 4 == 0)
        n = EVP_DecodeBlock(der, (const unsigned char *)compact, (int)kept);
    for (size_t i = kept; n > 0 && i > 0 && i + 2 > kept; i--)
        n -= compact[i - 1] == '=' ? 1 : 0;
    ERR_clear_error();
    ok = n > 0 ? cm_populate_certificate(populate, what, der, (size_t)n, key)
               : cm_populate_note(populate, CM_PROBLEM_UNREADABLE, what, NULL,
                                  "not base64");
    free(compact);
    free(der);
    return ok;
}

/* A path is relative to the folder of the CSV. */
static char *
resolve(const char *csv, const char *file)
{
    const char *slash = strrchr(csv, '/');
    char *path = NULL;

    if (file[0] == '/' || slash == NULL)
        return strdup(file);
    return asprintf(&path, "%.*s/%s", (int)(slash - csv), csv, file) < 0
               ? NULL
               : path;
}

static bool
take_value(struct cm_populate *populate, const struct cm_csv *csv,
           const struct columns *columns, const char *what, const char *key)
{
    char *path;
    bool ok;

    if (columns->certificate >= 0)
        return take_base64(populate, what, csv->fields[columns->certificate],
                           key);
    path = resolve(populate->flags.path, csv->fields[columns->file]);
    if (path == NULL)
        return cm_detail_no_memory(&populate->why);
    ok = take_file(populate, what, path, key);
    free(path);
    return ok;
}

static bool
take_row(struct cm_populate *populate, const struct cm_csv *csv,
         const struct columns *columns)
{
    const char *who = columns->who >= 0 ? csv->fields[columns->who] : NULL;
    char what[400], *key = NULL;
    bool ok;

    (void)snprintf(what, sizeof(what), "%s, line %zu%s%.150s",
                   populate->flags.path, csv->line, who != NULL ? ": " : "",
                   who != NULL ? who : "");
    if (who != NULL) {
        key = populate->match.kind == CM_MATCH_DN
                  ? cm_key_dn(who)
                  : principal_key(populate, who);
        if (key == NULL || *key == '\0') {
            free(key);
            return cm_populate_note(populate, CM_PROBLEM_UNREADABLE, what,
                                    NULL,
                                    "not a name that an account of this realm "
                                    "can have");
        }
    }
    ok = take_value(populate, csv, columns, what, key);
    free(key);
    return ok;
}

static bool
read_rows(struct cm_populate *populate, struct cm_csv *csv)
{
    struct cm_detail detail = {""};
    struct columns columns = {-1, -1, -1};
    char what[300];
    bool ok = read_header(populate, csv, &columns);

    while (ok) {
        switch (cm_csv_next(csv, &detail)) {
        case CM_CSV_RECORD:
            ok = take_row(populate, csv, &columns);
            break;
        case CM_CSV_END:
            return true;
        case CM_CSV_BAD:
            (void)snprintf(what, sizeof(what), "%s, line %zu",
                           populate->flags.path, csv->line);
            ok = cm_populate_note(populate, CM_PROBLEM_UNREADABLE, what, NULL,
                                  detail.text);
            break;
        case CM_CSV_FAILED:
            cm_detail_set(&populate->why, "%.250s, line %zu: %.200s",
                          populate->flags.path, csv->line, detail.text);
            return false;
        }
    }
    return false;
}

static bool
read_csv(struct cm_populate *populate)
{
    FILE *file = fopen(populate->flags.path, "re");
    struct cm_csv csv;
    bool ok;

    if (file == NULL) {
        cm_detail_set(&populate->why, "cannot open %s: %s",
                      populate->flags.path, strerror(errno));
        return false;
    }
    ok = cm_csv_init(&csv, file);
    ok = ok ? read_rows(populate, &csv) : cm_detail_no_memory(&populate->why);
    cm_csv_clear(&csv);
    (void)fclose(file);
    return ok;
}

/* ---- LDIF ---- */

static bool
take_entry(struct cm_populate *populate, const struct cm_entry *entry)
{
    char *key = NULL;
    bool ok = true;

    if (populate->match.kind == CM_MATCH_DN) {
        key = cm_key_dn(entry->dn);
        if (key == NULL)
            return cm_populate_note(populate, CM_PROBLEM_UNREADABLE, entry->dn,
                                    NULL, "not a DN");
    }
    ok = cm_populate_entry_certificates(populate, entry, key);
    free(key);
    return ok;
}

bool
cm_populate_read_source(struct cm_populate *populate)
{
    bool ok = true;

    cm_meter_start(&populate->meter, populate->options.tool->err,
                   "certificates read", 0);
    switch (populate->flags.source) {
    case CM_FROM_FOLDER:
        ok = read_folder(populate);
        break;
    case CM_FROM_CSV:
        ok = read_csv(populate);
        break;
    case CM_FROM_LDIF:
        if (populate->match.kind == CM_MATCH_NONE)
            populate->match.kind = CM_MATCH_DN;
        ok =
            cm_populate_each_record(populate, populate->flags.path,
                                    cm_populate_certificate_names, take_entry);
        break;
    case CM_FROM_DIRECTORY: /* with the accounts */
    case CM_FROM_NONE:
        break;
    }
    cm_meter_end(&populate->meter);
    return ok;
}
