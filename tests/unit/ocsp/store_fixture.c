#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store_fixture.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store_parts.h"
#include "testcert.h"
#include "trusted.h"

X509 *root, *ca, *leaf, *other;
uint8_t ca_spki[32], root_spki[32], other_spki[32];
struct cm_store *store;
int64_t now_ms;
struct cm_detail why;
char last_scope[65];

static char log_text[16384];

static void
take_line(void *context, enum cm_severity severity, const char *text)
{
    size_t len = strlen(log_text);

    (void)context;
    snprintf(log_text + len, sizeof(log_text) - len, "%c %s\n",
             severity == CM_LOG_INFO      ? 'i'
             : severity == CM_LOG_WARNING ? 'w'
                                          : 'e',
             text);
}

const struct cm_log store_log = {take_line, NULL};

bool
logged(const char *what)
{
    return strstr(log_text, what) != NULL;
}

void
forget_log(void)
{
    log_text[0] = '\0';
}

EVP_PKEY *
root_key(void)
{
    return tc_key(TC_EC_P256, 1);
}

EVP_PKEY *
ca_key(void)
{
    return tc_key(TC_EC_P256, 2);
}

EVP_PKEY *
other_key(void)
{
    return tc_key(TC_EC_P256, 3);
}

int
store_make_certificates(void **state)
{
    struct tc_spec spec = {.subject = "CN=alice",
                           .serial_hex = "0a7b",
                           .ski = "hash",
                           .aki = "keyid",
                           .key = tc_key(TC_EC_P256, 4)};

    (void)state;
    root = tc_make_ca("CN=Root", root_key(), NULL, NULL);
    ca = tc_make_ca("CN=CA 1,O=Acme\\, Inc", ca_key(), root, root_key());
    other = tc_make_ca("CN=Other", other_key(), NULL, NULL);
    spec.issuer = ca;
    spec.issuer_key = ca_key();
    leaf = tc_make(&spec);
    assert_true(cm_trusted_spki(root, root_spki));
    assert_true(cm_trusted_spki(ca, ca_spki));
    assert_true(cm_trusted_spki(other, other_spki));
    return 0;
}

int
store_free_certificates(void **state)
{
    (void)state;
    X509_free(root);
    X509_free(ca);
    X509_free(leaf);
    X509_free(other);
    return 0;
}

int
store_set_up(void **state)
{
    (void)state;
    files_make();
    forget_log();
    now_ms = 1000;
    why.text[0] = '\0';
    store = NULL;
    restart(false);
    return 0;
}

int
store_tear_down(void **state)
{
    (void)state;
    cm_store_free(store);
    files_remove();
    return 0;
}

void
restart(bool must_exist)
{
    cm_store_free(store);
    store = cm_store_new(files_path("store"), must_exist, &store_log);
    assert_non_null(store);
}

enum cm_reason
look(void)
{
    now_ms += CM_STORE_LOOK_MS;
    return cm_store_check(store, now_ms, &why);
}

const char *
store_path(const char *name)
{
    static char names[4][512];
    static unsigned next;
    char *text = names[next++ % 4];

    snprintf(text, sizeof(names[0]), "store/%s", name);
    return files_path(text);
}

const char *
crl_name(const uint8_t spki[32], const char *name)
{
    static char text[256];
    char key[CM_STORE_KEY_TEXT];

    cm_store_hex(spki, key);
    snprintf(text, sizeof(text), "crl/%s%s%s", key, name[0] ? "/" : "", name);
    return text;
}

bool
store_has(const char *name)
{
    struct stat st;

    return lstat(store_path(name), &st) == 0;
}

size_t
count_files(const char *name)
{
    DIR *stream = opendir(store_path(name));
    struct dirent *entry;
    size_t count = 0;

    if (stream == NULL)
        return 0;
    while ((entry = readdir(stream)) != NULL)
        count += strcmp(entry->d_name, ".") != 0 &&
                 strcmp(entry->d_name, "..") != 0;
    closedir(stream);
    return count;
}

struct crlgen_spec
crl_of(const X509 *issuer, EVP_PKEY *key, const char *extensions,
       const char *entries, const char *this_update)
{
    struct crlgen_spec spec = {.key = key,
                               .issuer = X509_get_subject_name(issuer),
                               .extensions = extensions,
                               .entries = entries,
                               .this_update = this_update};

    return spec;
}

enum cm_publish
publish_fd(int fd, EVP_PKEY *key, const uint8_t spki[32], bool accept_rollback)
{
    struct cm_store_writer *writer;
    struct cm_crl_facts facts;
    enum cm_publish outcome;

    writer = cm_store_writer_open(files_path("store"), 0, &why);
    if (writer == NULL)
        fail_msg("%s", why.text);
    why.text[0] = '\0';
    outcome = cm_store_publish_crl(writer, fd, key, spki, STORE_NOW,
                                   accept_rollback, &facts, &why);
    cm_store_hex(facts.scope_id, last_scope);
    cm_crl_facts_clear(&facts);
    cm_store_writer_free(writer);
    return outcome;
}

enum cm_publish
publish(const struct crlgen_spec *spec, const uint8_t spki[32],
        bool accept_rollback)
{
    int fd = crlgen_file(spec);
    enum cm_publish outcome;

    outcome = publish_fd(fd, spec->key, spki, accept_rollback);
    close(fd);
    return outcome;
}

enum cm_publish
put(const char *extensions, const char *entries, const char *this_update)
{
    struct crlgen_spec spec =
        crl_of(ca, ca_key(), extensions, entries, this_update);

    return publish(&spec, ca_spki, false);
}

const char *
published(const char *ending)
{
    static char name[128];

    snprintf(name, sizeof(name), "%s%s", last_scope, ending);
    return crl_name(ca_spki, name);
}

bool
repair(const struct cm_snapshot *trusted)
{
    struct cm_store_writer *writer;
    bool ok;

    writer = cm_store_writer_open(files_path("store"), 0, &why);
    if (writer == NULL)
        fail_msg("%s", why.text);
    ok = cm_store_repair(writer, trusted, true, STORE_NOW, &store_log, &why);
    cm_store_writer_free(writer);
    return ok;
}

static bool
ask_index(void *context, struct cm_crl_index *index)
{
    uint8_t serial[CM_CRL_SERIAL];
    int *answer = context, reason;

    assert_true(cm_crl_serial(X509_get0_serialNumber(leaf), serial));
    switch (cm_crl_index_find(index, X509_get_issuer_name(leaf), serial,
                              &reason)) {
    case CM_CRL_LISTED:
        *answer = ASK_LISTED;
        break;
    case CM_CRL_NOT_LISTED:
        if (*answer == ASK_NOBODY)
            *answer = ASK_NOT_LISTED;
        break;
    case CM_CRL_UNREADABLE:
        break;
    }
    return true;
}

int
ask(const uint8_t spki[32])
{
    const struct cm_crl_provider *crls = cm_store_crls(store);
    int answer = ASK_NOBODY;
    bool whole, believed;

    cm_store_begin(store);
    whole = crls->each(crls->context, spki, ask_index, &answer);
    believed = cm_store_end(store, &why);
    assert_int_equal(whole, believed);
    return believed ? answer : ASK_FAULT;
}

uint8_t *
response_about(X509 *cert, X509 *issuer, EVP_PKEY *key, const char *status,
               int64_t this_update, int64_t next_update, size_t *len)
{
    struct to_spec spec = {
        .responder = issuer,
        .key = key,
        .produced_at = this_update,
        .version = NULL,
        .answers = {{.cert = cert,
                     .issuer = issuer,
                     .status = status,
                     .this_update = this_update,
                     .next_update = next_update}},
    };

    return to_make(&spec, len);
}

struct cm_path_rules
store_rules(int64_t now)
{
    struct cm_path_rules rules = {.now = now, .min_rsa_bits = 2048};

    return rules;
}

enum cm_publish
publish_response(X509 *cert, X509 *issuer, const uint8_t *bytes, size_t len,
                 int64_t now)
{
    struct cm_path_rules rules = store_rules(now);
    struct cm_ocsp_question question = {
        .cert = cert, .issuer = issuer, .rules = &rules};
    struct cm_store_writer *writer;
    enum cm_publish outcome;

    writer = cm_store_writer_open(files_path("store"), 0, &why);
    if (writer == NULL)
        fail_msg("%s", why.text);
    outcome = cm_store_publish_ocsp(writer, &question, bytes, len, &why);
    cm_store_writer_free(writer);
    return outcome;
}
