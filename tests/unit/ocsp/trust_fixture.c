#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "trust_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "files.h"
#include "testcert.h"

X509 *certs[FIXTURE_CERTS];

struct cm_trust_config config;
struct cm_trust *trust;
static struct cm_buf lines; /* of the log */
int64_t now;

static void
keep_line(void *context, enum cm_severity severity, const char *text)
{
    static const char *const names[] = {"info", "warning", "error"};

    (void)context;
    cm_buf_addf(&lines, "%s %s\n", names[severity], text);
}

static const struct cm_log log_to_buffer = {keep_line, NULL};

unsigned
logged(const char *what)
{
    const char *p = lines.data;
    unsigned count = 0;

    while (p != NULL && (p = strstr(p, what)) != NULL) {
        count++;
        p += strlen(what);
    }
    return count;
}

void
forget_log(void)
{
    cm_buf_clear(&lines);
}

int
fixture_set_up(void **state)
{
    (void)state;
    files_make();
    files_put_one("roots.pem", certs[0]);
    files_make_folder("inter");
    files_put_one("inter/1.pem", certs[1]);
    files_put_one("inter/2.pem", certs[2]);
    files_make_folder("ntauth");
    files_put_one("ntauth/1.pem", certs[1]);
    config.anchors.kind = CM_LOCATION_FILE;
    config.anchors.path = strdup(files_path("roots.pem"));
    config.intermediates.kind = CM_LOCATION_DIR;
    config.intermediates.path = strdup(files_path("inter"));
    config.ntauth.kind = CM_LOCATION_DIR;
    config.ntauth.path = strdup(files_path("ntauth"));
    trust = cm_trust_new(&config, &log_to_buffer);
    assert_non_null(trust);
    now = 1000000;
    return 0;
}

int
fixture_tear_down(void **state)
{
    (void)state;
    cm_trust_free(trust);
    cm_trust_config_clear(&config);
    forget_log();
    files_remove();
    return 0;
}

struct cm_snapshot *
look(void)
{
    struct cm_snapshot *snapshot;
    struct cm_detail detail = {""};
    enum cm_reason reason;

    now += CM_TRUST_LOOK_MS;
    reason = cm_trust_current(trust, now, &snapshot, &detail);
    assert_true(reason == CM_OK || reason == CM_CONFIG);
    assert_true((reason == CM_OK) == (snapshot != NULL));
    assert_true((reason == CM_OK) == (detail.text[0] == '\0'));
    return snapshot;
}

bool
look_is_good(void)
{
    struct cm_snapshot *snapshot = look();
    bool good = snapshot != NULL;

    cm_snapshot_release(snapshot);
    return good;
}

void
assert_counts(size_t anchors, size_t intermediates, size_t ntauth)
{
    struct cm_snapshot *snapshot = look();

    assert_non_null(snapshot);
    assert_int_equal(snapshot->anchors.count, anchors);
    assert_int_equal(snapshot->intermediates.count, intermediates);
    assert_int_equal(snapshot->ntauth.count, ntauth);
    cm_snapshot_release(snapshot);
}

int
fixture_make_certificates(void **state)
{
    static const struct tc_spec leaf = {.subject = "CN=a\x1b[31m\\\nb"};
    char name[16];

    (void)state;
    for (unsigned i = 0; i < FIXTURE_CERTS - 1; i++) {
        snprintf(name, sizeof(name), "CN=CA %u", i);
        certs[i] = tc_make_ca(name, tc_key(TC_EC_P256, i), NULL, NULL);
    }
    certs[FIXTURE_NOT_A_CA] = tc_make(&leaf);
    return 0;
}

int
fixture_free_certificates(void **state)
{
    (void)state;
    for (size_t i = 0; i < FIXTURE_CERTS; i++)
        X509_free(certs[i]);
    return 0;
}
