/*
 * Step 4 inside a whole login: what the store holds, what the administrator
 * chose, and what became of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "authorize.h"
#include "config_values.h"
#include "crlgen.h"
#include "fixture.h"
#include "testocsp.h"
#include "trusted.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* What a CA's CRL says about the certificate in question. */
enum crl {
    NO_CRL,
    GOOD,
    LISTS,
    HOLDS,
    ENDED,      /* twelve hours ago */
    ENDED_LISTS /* and lists it */
};

/* What a response of the issuing CA says about the leaf. */
enum response { NO_RESPONSE, SAYS_GOOD, SAYS_REVOKED };

/* What is wrong with the store, or in it. */
enum trouble {
    NOTHING,
    DENIED,       /* the leaf, by its fingerprint */
    DENIED_CA,    /* the issuing CA, by its key identifier */
    DENIAL_ENDED, /* an hour ago */
    DENY_BROKEN,
    OVERRIDE,
    OVERRIDE_ENDED,
    OPEN_TO_OTHERS, /* anybody may write to the folder */
    ABSENT,         /* configured, not there */
    ABSENT_DEFAULT, /* neither configured nor there */
    CROSS_SIGNED,   /* another root vouches for the issuing CA, too */
    CROSS_DENIED    /* the same, and the leaf is denied */
};

static const struct row {
    const char *name;
    enum crl leaf, ca;
    enum response response;
    enum trouble trouble;
    enum cm_revocation_mode mode;
    int64_t grace;
    enum cm_reason reason;
    const char *softened; /* "": it was checked */
} rows[] = {
    {"good", GOOD, GOOD, 0, 0, CM_REVOCATION_REQUIRE, 0, CM_OK, ""},
    {"good by OCSP", NO_CRL, GOOD, SAYS_GOOD, 0, CM_REVOCATION_REQUIRE, 0,
     CM_OK, ""},
    {"soft and good", GOOD, GOOD, 0, 0, CM_REVOCATION_SOFT, 0, CM_OK, ""},
    {"revoked", LISTS, GOOD, 0, 0, CM_REVOCATION_REQUIRE, 0, CM_REVOKED, NULL},
    {"on hold", HOLDS, GOOD, 0, 0, CM_REVOCATION_REQUIRE, 0, CM_REVOKED, NULL},
    {"revoked and soft", LISTS, GOOD, 0, 0, CM_REVOCATION_SOFT, 0, CM_REVOKED,
     NULL},
    {"revoked and off", LISTS, GOOD, 0, 0, CM_REVOCATION_OFF, 0, CM_OK,
     "revocation=off"},
    {"revoked CA", GOOD, LISTS, 0, 0, CM_REVOCATION_REQUIRE, 0, CM_REVOKED,
     NULL},
    {"revoked by OCSP, good by CRL", GOOD, GOOD, SAYS_REVOKED, 0,
     CM_REVOCATION_REQUIRE, 0, CM_REVOKED, NULL},
    {"good by OCSP, revoked by CRL", LISTS, GOOD, SAYS_GOOD, 0,
     CM_REVOCATION_REQUIRE, 0, CM_REVOKED, NULL},

    {"nothing known", NO_CRL, NO_CRL, 0, 0, CM_REVOCATION_REQUIRE, 0,
     CM_REVOCATION_UNKNOWN, NULL},
    {"nothing known about the CA", GOOD, NO_CRL, 0, 0, CM_REVOCATION_REQUIRE,
     0, CM_REVOCATION_UNKNOWN, NULL},
    {"nothing known, soft", NO_CRL, NO_CRL, 0, 0, CM_REVOCATION_SOFT, 0, CM_OK,
     "revocation=soft"},
    {"nothing known, off", NO_CRL, NO_CRL, 0, 0, CM_REVOCATION_OFF, 0, CM_OK,
     "revocation=off"},

    {"ended", ENDED, GOOD, 0, 0, CM_REVOCATION_REQUIRE, 0,
     CM_REVOCATION_UNKNOWN, NULL},
    {"ended, soft", ENDED, GOOD, 0, 0, CM_REVOCATION_SOFT, 0, CM_OK,
     "revocation=soft"},
    {"ended, long enough grace", ENDED, GOOD, 0, 0, CM_REVOCATION_REQUIRE,
     86400, CM_OK, "stale_grace"},
    {"ended, too short grace", ENDED, GOOD, 0, 0, CM_REVOCATION_REQUIRE, 3600,
     CM_REVOCATION_UNKNOWN, NULL},
    {"ended, and lists it, within grace", ENDED_LISTS, GOOD, 0, 0,
     CM_REVOCATION_REQUIRE, 86400, CM_REVOKED, NULL},
    {"ended, and lists it, soft", ENDED_LISTS, GOOD, 0, 0, CM_REVOCATION_SOFT,
     0, CM_REVOKED, NULL},
    {"ended, good by OCSP", ENDED, GOOD, SAYS_GOOD, 0, CM_REVOCATION_REQUIRE,
     0, CM_OK, ""},

    {"denied", GOOD, GOOD, 0, DENIED, CM_REVOCATION_REQUIRE, 0, CM_REVOKED,
     NULL},
    {"denied, soft", GOOD, GOOD, 0, DENIED, CM_REVOCATION_SOFT, 0, CM_REVOKED,
     NULL},
    {"denied, off", NO_CRL, NO_CRL, 0, DENIED, CM_REVOCATION_OFF, 0,
     CM_REVOKED, NULL},
    {"CA denied, off", NO_CRL, NO_CRL, 0, DENIED_CA, CM_REVOCATION_OFF, 0,
     CM_REVOKED, NULL},
    {"denial ended", GOOD, GOOD, 0, DENIAL_ENDED, CM_REVOCATION_REQUIRE, 0,
     CM_OK, ""},
    {"broken deny list", GOOD, GOOD, 0, DENY_BROKEN, CM_REVOCATION_REQUIRE, 0,
     CM_REVOCATION_UNAVAILABLE, NULL},
    {"broken deny list, off", GOOD, GOOD, 0, DENY_BROKEN, CM_REVOCATION_OFF, 0,
     CM_REVOCATION_UNAVAILABLE, NULL},

    {"override", NO_CRL, NO_CRL, 0, OVERRIDE, CM_REVOCATION_REQUIRE, 0, CM_OK,
     "override"},
    {"override, not needed", GOOD, GOOD, 0, OVERRIDE, CM_REVOCATION_REQUIRE, 0,
     CM_OK, ""},
    {"override, revoked", LISTS, GOOD, 0, OVERRIDE, CM_REVOCATION_REQUIRE, 0,
     CM_REVOKED, NULL},
    {"override ended", NO_CRL, NO_CRL, 0, OVERRIDE_ENDED,
     CM_REVOCATION_REQUIRE, 0, CM_REVOCATION_UNKNOWN, NULL},

    {"store open to others", GOOD, GOOD, 0, OPEN_TO_OTHERS,
     CM_REVOCATION_REQUIRE, 0, CM_REVOCATION_UNAVAILABLE, NULL},
    {"store open to others, soft", GOOD, GOOD, 0, OPEN_TO_OTHERS,
     CM_REVOCATION_SOFT, 0, CM_REVOCATION_UNAVAILABLE, NULL},
    {"store open to others, off", GOOD, GOOD, 0, OPEN_TO_OTHERS,
     CM_REVOCATION_OFF, 0, CM_REVOCATION_UNAVAILABLE, NULL},
    {"store absent", GOOD, GOOD, 0, ABSENT, CM_REVOCATION_REQUIRE, 0,
     CM_REVOCATION_UNAVAILABLE, NULL},
    {"store absent, soft", GOOD, GOOD, 0, ABSENT, CM_REVOCATION_SOFT, 0,
     CM_REVOCATION_UNAVAILABLE, NULL},
    {"store absent, off", GOOD, GOOD, 0, ABSENT, CM_REVOCATION_OFF, 0,
     CM_REVOCATION_UNAVAILABLE, NULL},
    {"no store", GOOD, GOOD, 0, ABSENT_DEFAULT, CM_REVOCATION_REQUIRE, 0,
     CM_REVOCATION_UNKNOWN, NULL},
    {"no store, off", GOOD, GOOD, 0, ABSENT_DEFAULT, CM_REVOCATION_OFF, 0,
     CM_OK, "revocation=off"},

    {"cross-signed, one certificate revoked", GOOD, LISTS, 0, CROSS_SIGNED,
     CM_REVOCATION_REQUIRE, 0, CM_OK, ""},
    {"cross-signed, one side unknown", GOOD, NO_CRL, 0, CROSS_SIGNED,
     CM_REVOCATION_REQUIRE, 0, CM_OK, ""},
    {"cross-signed, leaf revoked", LISTS, GOOD, 0, CROSS_SIGNED,
     CM_REVOCATION_REQUIRE, 0, CM_REVOKED, NULL},
    {"cross-signed, leaf unknown, one side revoked", NO_CRL, LISTS, 0,
     CROSS_SIGNED, CM_REVOCATION_REQUIRE, 0, CM_REVOKED, NULL},
    {"cross-signed, leaf denied", GOOD, GOOD, 0, CROSS_DENIED,
     CM_REVOCATION_OFF, 0, CM_REVOKED, NULL},
};

static int64_t
clock_now(void *context)
{
    (void)context;
    return FIXTURE_NOW;
}

static int64_t
clock_ms(void *context)
{
    (void)context;
    return 0;
}

/* ---- the store ---- */

static void
publish_crl(const struct fixture *fixture, X509 *issuer, EVP_PKEY *key,
            const char *serial, enum crl crl)
{
    bool ended = crl == ENDED || crl == ENDED_LISTS;
    struct crlgen_spec spec = {
        .key = key,
        .issuer = X509_get_subject_name(issuer),
        .this_update = ended ? "17'240501000000Z'" : "17'240531234800Z'",
        .next_update = ended ? "17'240531120000Z'" : "17'240608000000Z'",
        .extensions = "30( 06:551d14 04( 02:01 ) )"};
    struct cm_store_writer *writer;
    struct cm_crl_facts facts;
    struct cm_detail detail;
    uint8_t spki[32];
    char entry[128];
    int fd;

    if (crl == NO_CRL)
        return;
    snprintf(entry, sizeof(entry), "30( 02:%s 17'240601000000Z'%s )", serial,
             crl == HOLDS ? " 30( 30( 06:551d15 04( 0a:06 ) ) )" : "");
    if (crl == LISTS || crl == HOLDS || crl == ENDED_LISTS)
        spec.entries = entry;
    fd = crlgen_file(&spec);
    writer = cm_store_writer_open(fixture_path(fixture, "store"), 0, &detail);
    assert_non_null(writer);
    assert_true(cm_trusted_spki(issuer, spki));
    assert_int_equal(cm_store_publish_crl(writer, fd, key, spki, FIXTURE_NOW,
                                          false, &facts, &detail),
                     CM_PUBLISHED);
    cm_crl_facts_clear(&facts);
    cm_store_writer_free(writer);
    close(fd);
}

static void
publish_response(const struct fixture *fixture, X509 *leaf,
                 enum response response)
{
    static const char *const status[] = {NULL, TO_GOOD, TO_REVOKED};
    struct cm_path_rules rules = {.now = FIXTURE_NOW, .min_rsa_bits = 2048};
    struct cm_ocsp_question question = {
        .cert = leaf, .issuer = fixture->issuing, .rules = &rules};
    struct to_spec spec = {.responder = fixture->issuing,
                           .key = tc_key(TC_EC_P256, 2),
                           .produced_at = FIXTURE_NOW - 60};
    struct cm_store_writer *writer;
    struct cm_detail detail;
    uint8_t *bytes;
    size_t len;

    if (response == NO_RESPONSE)
        return;
    spec.answers[0] = (struct to_answer){.cert = leaf,
                                         .issuer = fixture->issuing,
                                         .status = status[response],
                                         .this_update = FIXTURE_NOW - 60,
                                         .next_update = FIXTURE_NOW + 3600};
    bytes = to_make(&spec, &len);
    writer = cm_store_writer_open(fixture_path(fixture, "store"), 0, &detail);
    assert_non_null(writer);
    assert_int_equal(
        cm_store_publish_ocsp(writer, &question, bytes, len, &detail),
        CM_PUBLISHED);
    cm_store_writer_free(writer);
    free(bytes);
}

static void
deny(const struct fixture *fixture, const char *kind, const uint8_t *value,
     size_t len, const char *until)
{
    struct cm_buf buf = CM_BUF_INIT;
    char *line;

    cm_buf_addf(&buf, "%s ", kind);
    cm_buf_add_hex(&buf, value, len);
    cm_buf_addf(&buf, " %s 2024-05-01T00:00:00Z stolen\n", until);
    line = cm_buf_take(&buf);
    assert_non_null(line);
    fixture_write(fixture, "store/deny", line, strlen(line));
    free(line);
}

static void
deny_leaf(const struct fixture *fixture, X509 *leaf, const char *until)
{
    uint8_t sha256[32];

    assert_int_equal(X509_digest(leaf, EVP_sha256(), sha256, NULL), 1);
    deny(fixture, "sha256", sha256, sizeof(sha256), until);
}

/* A second root that has certified the issuing CA's key, with a CRL of its
 * own that does not list it. */
static void
cross_sign(const struct fixture *fixture)
{
    EVP_PKEY *key = tc_key(TC_EC_P256, 20);
    X509 *root = tc_make_ca("CN=Other Root", key, NULL, NULL);
    X509 *anchors[] = {fixture->root, root};
    X509 *cross = tc_make_ca("DC=com,DC=example,CN=Issuing CA",
                             tc_key(TC_EC_P256, 2), root, key);

    fixture_write_pem(fixture, "roots.pem", anchors, 2);
    fixture_write_pem(fixture, "intermediates/cross.pem", &cross, 1);
    publish_crl(fixture, root, key, "02", GOOD);
    X509_free(root);
    X509_free(cross);
}

static void
write_override(const struct fixture *fixture, const char *until)
{
    char line[128];

    snprintf(line, sizeof(line), "soft 2024-05-31T20:00:00Z %s the CA burns\n",
             until);
    fixture_write(fixture, "store/override", line, strlen(line));
}

static void
make_trouble(const struct fixture *fixture, const struct row *row, X509 *leaf)
{
    const ASN1_OCTET_STRING *ski = X509_get0_subject_key_id(fixture->issuing);

    switch (row->trouble) {
    case NOTHING:
    case ABSENT:
    case ABSENT_DEFAULT:
        break;
    case DENIED:
        deny_leaf(fixture, leaf, "never");
        break;
    case DENIED_CA:
        assert_non_null(ski);
        deny(fixture, "ski", ASN1_STRING_get0_data(ski),
             (size_t)ASN1_STRING_length(ski), "never");
        break;
    case DENIAL_ENDED:
        deny_leaf(fixture, leaf, "2024-05-31T23:00:00Z");
        break;
    case DENY_BROKEN:
        fixture_write(fixture, "store/deny", "everybody\n", 10);
        break;
    case OVERRIDE:
        write_override(fixture, "2024-06-01T10:00:00Z");
        break;
    case OVERRIDE_ENDED:
        write_override(fixture, "2024-05-31T23:59:59Z");
        break;
    case OPEN_TO_OTHERS:
        assert_int_equal(chmod(fixture_path(fixture, "store"), 0777), 0);
        break;
    case CROSS_SIGNED:
        cross_sign(fixture);
        break;
    case CROSS_DENIED:
        cross_sign(fixture);
        deny_leaf(fixture, leaf, "never");
        break;
    }
}

static void
fill_store(const struct fixture *fixture, const struct row *row, X509 *leaf)
{
    publish_crl(fixture, fixture->issuing, tc_key(TC_EC_P256, 2), "0a1b",
                row->leaf);
    publish_crl(fixture, fixture->root, tc_key(TC_EC_P256, 1), "01", row->ca);
    publish_response(fixture, leaf, row->response);
    make_trouble(fixture, row, leaf);
}

/* ---- the login ---- */

static void
log_in(const struct fixture *fixture, const struct row *row,
       const struct cm_settings *settings, const X509 *leaf,
       struct cm_outcome *outcome)
{
    struct cm_services services = {.clock = {clock_now, clock_ms, NULL}};
    struct cm_login login = {.may_wait_for_directory = true};
    bool absent = row->trouble == ABSENT || row->trouble == ABSENT_DEFAULT;
    struct cm_principal principal;
    uint8_t *der;

    assert_true(cm_principal_parse("alice", FIXTURE_REALM, &principal));
    services.trust = cm_trust_new(&settings->trust, NULL);
    services.directory = cm_directory_new(&settings->directory, NULL);
    services.store =
        cm_store_new(fixture_path(fixture, absent ? "nowhere" : "store"),
                     row->trouble != ABSENT_DEFAULT, NULL);
    assert_non_null(services.trust);
    assert_non_null(services.directory);
    assert_non_null(services.store);
    der = tc_der(leaf, &login.certificate_len);
    login.certificate = der;
    login.principal = &principal;
    cm_authorize(settings, &services, &login, outcome);
    free(der);
    cm_store_free(services.store);
    cm_directory_free(services.directory);
    cm_trust_free(services.trust);
    cm_principal_clear(&principal);
}

static void
expect(const struct row *row, const struct cm_outcome *outcome)
{
    const char *softened = cm_outcome_softening(outcome);
    bool checked = row->reason == CM_OK && row->softened[0] == '\0';

    if (outcome->reason != row->reason)
        fail_msg("%s: %s", cm_reason_token(outcome->reason),
                 outcome->detail.text);
    assert_int_equal(outcome->revocation.mode, row->mode);
    assert_true(outcome->revocation.checked == checked);
    assert_true(cm_text_list_has(&outcome->indicators, "fresh") == checked);
    if (row->reason != CM_OK) {
        assert_int_equal(outcome->step_count, CM_STEP_REVOCATION + 1);
        assert_true(outcome->detail.text[0] != '\0');
        assert_null(softened);
        return;
    }
    assert_int_equal(outcome->step_count, CM_STEP_COUNT);
    if (checked)
        assert_null(softened);
    else
        assert_string_equal(softened, row->softened);
    if (row->mode == CM_REVOCATION_OFF)
        assert_int_equal(outcome->revocation.count, 0);
    else
        assert_int_equal(outcome->revocation.count, 2);
    if (row->trouble == OVERRIDE && !checked)
        assert_non_null(strstr(outcome->detail.text, "the CA burns"));
}

/* deny lists, overrides and folders are the reader's own here, which is as
 * good as root's. */
static void
run_row(void **state)
{
    const struct row *row = *state;
    struct cm_settings settings;
    struct cm_outcome outcome;
    struct cm_detail detail;
    struct fixture fixture;
    struct tc_spec spec;
    X509 *leaf;

    fixture_make(&fixture);
    fixture_settings(&fixture, &settings);
    assert_true(cm_config_add_indicator(&settings.indicators, "fresh",
                                        "revocation:checked", &detail));
    settings.revocation.mode = row->mode;
    settings.revocation.stale_grace = row->grace;
    spec = fixture_leaf(&fixture);
    leaf = tc_make(&spec);
    fill_store(&fixture, row, leaf);
    log_in(&fixture, row, &settings, leaf, &outcome);
    expect(row, &outcome);
    cm_outcome_clear(&outcome);
    X509_free(leaf);
    cm_settings_clear(&settings);
    fixture_remove(&fixture);
}

int
main(void)
{
    struct CMUnitTest tests[COUNT(rows)];

    memset(tests, 0, sizeof(tests));
    for (size_t i = 0; i < COUNT(rows); i++) {
        tests[i].name = rows[i].name;
        tests[i].test_func = run_row;
        tests[i].initial_state = (void *)(uintptr_t)&rows[i];
    }
    return cmocka_run_group_tests_name("revocation", tests, NULL, NULL);
}
