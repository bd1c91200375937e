#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crl_world_parts.h"

#include <stdlib.h>
#include <string.h>

#include "derasm.h"
#include "testcert.h"

enum { MAX_LIST = 16 };

/* ---- Certificates ---- */

#define CA .basic_constraints = "critical,CA:TRUE"
#define SIGNS .key_usage = "critical,keyCertSign,cRLSign"
#define CERTS_ONLY .key_usage = "critical,keyCertSign"
#define CRLS_ONLY .key_usage = "critical,cRLSign"

struct cert_row {
    const char *id;
    const char *issuer; /* NULL: self-signed */
    unsigned key;
    const char *serial;
    const char *points; /* cRLDistributionPoints */
    struct tc_spec spec;
};

static const struct cert_row certs[] = {
    {"root", NULL, 1, "01", NULL, {.subject = "CN=Root", CA, SIGNS}},
    {"root2", NULL, 2, "01", NULL, {.subject = "CN=Root 2", CA, SIGNS}},
    {"ca", "root", 3, "02", NULL, {.subject = "CN=CA", CA, SIGNS}},
    {"leaf", "ca", 4, "10", NULL, {.subject = "CN=leaf"}},
    {"leaf-negative", "ca", 4, "f0", NULL, {.subject = "CN=leaf"}},

    /* Another CA of the same name; its leaf has the same serial number. */
    {"namesake", "root", 5, "03", NULL, {.subject = "CN=CA", CA, SIGNS}},
    {"leaf-of-namesake", "namesake", 4, "10", NULL, {.subject = "CN=leaf"}},
    /* The same, certified by another CA. */
    {"rogue", "ca", 5, "20", NULL, {.subject = "CN=CA", CA, SIGNS}},
    {"ca-by-rogue",
     "namesake",
     3,
     "21",
     NULL,
     {.subject = "CN=CA", CA, SIGNS}},

    {"silent",
     "root",
     6,
     "04",
     NULL,
     {.subject = "CN=Silent", CA, CERTS_ONLY}},
    {"leaf-of-silent", "silent", 4, "10", NULL, {.subject = "CN=leaf"}},
    {"plain", "root", 6, "05", NULL, {.subject = "CN=Plain", CA}},
    {"leaf-of-plain", "plain", 4, "10", NULL, {.subject = "CN=leaf"}},

    /* A CA and its next key; each may certify the other. */
    {"old", "root", 7, "06", NULL, {.subject = "CN=Roll", CA, SIGNS}},
    {"new", "root", 8, "07", NULL, {.subject = "CN=Roll", CA, SIGNS}},
    {"new-by-old", "old", 8, "08", NULL, {.subject = "CN=Roll", CA, SIGNS}},
    {"old-by-new", "new", 7, "09", NULL, {.subject = "CN=Roll", CA, SIGNS}},
    {"leaf-of-old", "old", 4, "10", NULL, {.subject = "CN=leaf"}},
    {"leaf-of-old-at-a",
     "old",
     4,
     "10",
     POINTS(POINT(AT("http://a/"))),
     {.subject = "CN=leaf"}},
    {"leaf-through-new", "old-by-new", 4, "10", NULL, {.subject = "CN=leaf"}},
    {"leaf-through-old", "new-by-old", 4, "10", NULL, {.subject = "CN=leaf"}},
    /* Another CA claims to be its next key. */
    {"claimant", "ca", 9, "22", NULL, {.subject = "CN=Roll", CA, SIGNS}},
    {"old-by-claimant",
     "claimant",
     7,
     "01",
     NULL,
     {.subject = "CN=Roll", CA, SIGNS}},

    /* One key for certificates, another for CRLs. */
    {"split", "root", 10, "0a", NULL, {.subject = "CN=Split", CA, CERTS_ONLY}},
    {"split-crl", "root", 11, "0b", NULL, {.subject = "CN=Split", CRLS_ONLY}},
    {"split-crl-self",
     "split",
     11,
     "0b",
     NULL,
     {.subject = "CN=Split", CRLS_ONLY}},
    {"split-crl-of-ca",
     "ca",
     12,
     "23",
     NULL,
     {.subject = "CN=Split", CRLS_ONLY}},
    {"split-no-crl",
     "root",
     11,
     "0c",
     NULL,
     {.subject = "CN=Split", .key_usage = "digitalSignature"}},
    {"leaf-of-split", "split", 4, "10", NULL, {.subject = "CN=leaf"}},

    /* Distribution points. */
    {"leaf-a",
     "ca",
     4,
     "11",
     POINTS(POINT(AT("http://a/"))),
     {.subject = "CN=leaf"}},
    {"leaf-ab",
     "ca",
     4,
     "11",
     POINTS(POINT(AT("http://b/")) POINT(AT("http://a/"))),
     {.subject = "CN=leaf"}},
    {"leaf-relative",
     "ca",
     4,
     "11",
     POINTS(POINT(AT_RELATIVE("part"))),
     {.subject = "CN=leaf"}},
    {"leaf-reasons",
     "ca",
     4,
     "11",
     POINTS(POINT(AT("http://a/") "81:" KEY_REASONS)
                POINT(AT("http://b/") "81:" OTHER_REASONS)),
     {.subject = "CN=leaf"}},
    {"leaf-many",
     "ca",
     4,
     "11",
     POINTS(POINT(BY("1")) POINT(BY("2")) POINT(BY("3")) POINT(BY("4")) POINT(
         BY("5")) POINT(BY("6")) POINT(BY("7")) POINT(BY("8")) POINT(BY("9"))
                POINT(BY("10")) POINT(BY("11")) POINT(BY("12")) POINT(BY("13"))
                    POINT(BY("14")) POINT(BY("15")) POINT(BY("16"))),
     {.subject = "CN=leaf"}},

    /* CRL issuers that are no CA. */
    {"lists", "root", 13, "0d", NULL, {.subject = "CN=Lists", CRLS_ONLY}},
    {"lists-elsewhere",
     "root2",
     13,
     "0d",
     NULL,
     {.subject = "CN=Lists", CRLS_ONLY}},
    {"lists-no-sign",
     "root",
     13,
     "0e",
     NULL,
     {.subject = "CN=Lists", .key_usage = "digitalSignature"}},
    {"leaf-indirect",
     "ca",
     4,
     "10",
     POINTS(POINT(AT("http://a/") BY("Lists"))),
     {.subject = "CN=leaf"}},
    {"leaf-by-name",
     "ca",
     4,
     "10",
     POINTS(POINT(BY("Lists"))),
     {.subject = "CN=leaf"}},
    /* One is listed, or not, in the CRL that it signs itself. */
    {"self",
     "ca",
     14,
     "24",
     POINTS(POINT(BY("Self"))),
     {.subject = "CN=Self", CRLS_ONLY}},
    {"leaf-self",
     "ca",
     4,
     "10",
     POINTS(POINT(BY("Self"))),
     {.subject = "CN=leaf"}},
    /* Two vouch for each other. */
    {"loop-a",
     "ca",
     15,
     "25",
     POINTS(POINT(BY("Loop B"))),
     {.subject = "CN=Loop A", CRLS_ONLY}},
    {"loop-b",
     "ca",
     16,
     "26",
     POINTS(POINT(BY("Loop A"))),
     {.subject = "CN=Loop B", CRLS_ONLY}},
    {"leaf-loop",
     "ca",
     4,
     "10",
     POINTS(POINT(BY("Loop A"))),
     {.subject = "CN=leaf"}},
};

enum { CERTS = sizeof(certs) / sizeof(*certs) };

static X509 *made[CERTS];

static size_t
find_cert(const char *id)
{
    for (size_t i = 0; i < CERTS; i++) {
        if (strcmp(certs[i].id, id) == 0)
            return i;
    }
    print_error("no certificate named %s\n", id);
    abort();
}

X509 *
crl_world_cert(const char *id)
{
    return made[find_cert(id)];
}

EVP_PKEY *
crl_world_key(const char *id)
{
    return tc_key(TC_EC_P256, certs[find_cert(id)].key);
}

/* Issuers stand before what they issue in the table. */
static X509 *
make_cert(const struct cert_row *row)
{
    struct tc_spec spec = row->spec;
    char *points = NULL;
    X509 *cert;

    spec.key = tc_key(TC_EC_P256, row->key);
    spec.serial_hex = row->serial;
    spec.ski = "hash";
    spec.aki = row->issuer != NULL ? "keyid" : NULL;
    if (row->issuer != NULL) {
        spec.issuer = crl_world_cert(row->issuer);
        spec.issuer_key = crl_world_key(row->issuer);
    }
    if (row->points != NULL) {
        points = da_hex(row->points);
        spec.raw[0].oid = "2.5.29.31";
        spec.raw[0].value_hex = points;
    }
    cert = tc_make(&spec);
    free(points);
    return cert;
}

int
crl_world_set_up(void **state)
{
    (void)state;
    for (size_t i = 0; i < CERTS; i++)
        made[i] = make_cert(&certs[i]);
    return 0;
}

int
crl_world_tear_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < CERTS; i++)
        X509_free(made[i]);
    return 0;
}

/* ---- Questions ---- */

struct names {
    char *copy;
    char *list[MAX_LIST];
    size_t count;
};

static void
split(const char *text, bool backward, struct names *out)
{
    char *rest, *name, *swap;

    memset(out, 0, sizeof(*out));
    out->copy = rest = strdup(text != NULL ? text : "");
    assert_non_null(rest);
    while ((name = strsep(&rest, " ")) != NULL) {
        if (name[0] == '\0')
            continue;
        assert_true(out->count < MAX_LIST);
        out->list[out->count++] = name;
    }
    for (size_t i = 0; backward && i < out->count / 2; i++) {
        swap = out->list[i];
        out->list[i] = out->list[out->count - 1 - i];
        out->list[out->count - 1 - i] = swap;
    }
}

static size_t
pick(const char *names, bool backward, X509 **out)
{
    struct names list;

    split(names, backward, &list);
    for (size_t i = 0; i < list.count; i++)
        out[i] = crl_world_cert(list.list[i]);
    free(list.copy);
    return list.count;
}

/* The snapshot: every issuer of the leaf, and the scene's helpers. */
static struct cm_snapshot *
make_snapshot(const struct crl_scene *scene, bool backward)
{
    X509 *anchors[MAX_LIST], *helpers[2 * MAX_LIST];
    struct cm_snapshot *snapshot;
    const char *issuer;
    size_t a, h;

    a = pick(scene->anchors != NULL ? scene->anchors : "root", backward,
             anchors);
    h = pick(scene->helpers, backward, helpers);
    for (issuer = certs[find_cert(scene->leaf)].issuer; issuer != NULL;
         issuer = certs[find_cert(issuer)].issuer) {
        if (certs[find_cert(issuer)].issuer != NULL)
            helpers[h++] = crl_world_cert(issuer);
    }
    snapshot = cm_snapshot_build(anchors, a, helpers, h, NULL, 0);
    assert_non_null(snapshot);
    return snapshot;
}

/* The leaf's path goes through the issuers that the table names. */
static void
make_path(const char *leaf, struct cm_path *path)
{
    const struct cert_row *row = &certs[find_cert(leaf)];

    memset(path, 0, sizeof(*path));
    for (;;) {
        path->certs[path->count++] = crl_world_cert(row->id);
        if (row->issuer == NULL)
            return;
        row = &certs[find_cert(row->issuer)];
    }
}

static struct cm_crl_files *
make_files(const struct crl_scene *scene, const struct cm_snapshot *snapshot,
           const struct cm_path *path, bool backward)
{
    struct cm_crl_files *files;
    struct names list;

    files = cm_crl_files_new(snapshot, path->certs, path->count);
    assert_non_null(files);
    split(scene->crls, backward, &list);
    for (size_t i = 0; i < list.count; i++)
        crl_world_add(files, list.list[i], NULL);
    free(list.copy);
    return files;
}

void
crl_stage_make(const struct crl_scene *scene, bool backward,
               struct crl_stage *stage)
{
    memset(stage, 0, sizeof(*stage));
    stage->rules.now = CRL_WORLD_NOW;
    stage->rules.min_rsa_bits = 2048;
    stage->snapshot = make_snapshot(scene, backward);
    make_path(scene->leaf, &stage->path);
    stage->files = make_files(scene, stage->snapshot, &stage->path, backward);
    stage->provider = *cm_crl_files_provider(stage->files);
    stage->question.path = &stage->path;
    stage->question.position = scene->position;
    stage->question.snapshot = stage->snapshot;
    stage->question.rules = &stage->rules;
    stage->question.crls = &stage->provider;
}

void
crl_stage_clear(struct crl_stage *stage)
{
    cm_crl_files_free(stage->files);
    cm_snapshot_release(stage->snapshot);
}

void
crl_world_ask(const struct crl_scene *scene, bool backward,
              struct cm_status *out)
{
    struct crl_stage stage;

    crl_stage_make(scene, backward, &stage);
    cm_crl_status(&stage.question, out);
    crl_stage_clear(&stage);
}
