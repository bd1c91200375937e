/* From a client's name to a principal: asked, kept, paid for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <unistd.h>

#include "kdb_lookup.h"

#define ALICE                                                                 \
    "dn: uid=alice,dc=x\nkrbPrincipalName: alice@EXAMPLE.COM\n"               \
    "altSecurityIdentities: X509:<SKI>00aa\n"
#define BOB                                                                   \
    "\ndn: uid=bob,dc=x\nkrbPrincipalName: bob@EXAMPLE.COM\n"                 \
    "altSecurityIdentities: X509:<I>CN=CA<SR>01\n"

/* A clock that shows what the test says, further by a wait at its third look:
 * at the end of a question. */
static int64_t clock_ms, clock_wait;
static unsigned looks;

static int64_t
now(void *context)
{
    (void)context;
    return 0;
}

static int64_t
monotonic(void *context)
{
    (void)context;
    if (++looks == 3)
        clock_ms += clock_wait;
    return clock_ms;
}

static const struct cm_clock test_clock = {now, monotonic, NULL};

static char last_line[1024];
static unsigned lines;

static void
take_line(void *context, enum cm_severity severity, const char *text)
{
    (void)context;
    (void)severity;
    (void)snprintf(last_line, sizeof(last_line), "%s", text);
    lines++;
}

static const struct cm_log test_log = {take_line, NULL};

struct bench {
    char folder[32];
    char path[64];
    struct cm_settings settings;
    struct cm_directory *directory;
    struct cm_kdb_lookup *lookup;
};

static void
put(const struct bench *bench, const char *text)
{
    FILE *out;

    (void)unlink(bench->path); /* another inode: seen at once */
    if (text == NULL)
        return;
    out = fopen(bench->path, "w");
    assert_non_null(out);
    assert_true(fputs(text, out) >= 0);
    assert_int_equal(fclose(out), 0);
}

static int
set_up(void **state)
{
    struct bench *bench = calloc(1, sizeof(*bench));

    if (bench == NULL)
        return -1;
    clock_ms = 1000;
    clock_wait = 0;
    lines = 0;
    (void)snprintf(bench->folder, sizeof(bench->folder), "/tmp/look.XXXXXX");
    if (mkdtemp(bench->folder) == NULL ||
        !cm_settings_init(&bench->settings, "EXAMPLE.COM"))
        return -1;
    (void)snprintf(bench->path, sizeof(bench->path), "%s/a", bench->folder);
    bench->settings.directory.kind = CM_DIRECTORY_LDIF;
    free(bench->settings.directory.ldif_path);
    bench->settings.directory.ldif_path = strdup(bench->path);
    cm_schema_clear(&bench->settings.directory.schema);
    if (!cm_schema_init(&bench->settings.directory.schema, CM_SCHEMA_MIT))
        return -1;
    bench->directory = cm_directory_new(&bench->settings.directory, NULL);
    bench->lookup =
        cm_kdb_lookup_new(&bench->settings, &test_clock, &test_log);
    put(bench, ALICE);
    *state = bench;
    return bench->lookup != NULL && bench->directory != NULL ? 0 : -1;
}

static int
tear_down(void **state)
{
    struct bench *bench = *state;

    cm_kdb_lookup_free(bench->lookup);
    cm_directory_free(bench->directory);
    cm_settings_clear(&bench->settings);
    (void)unlink(bench->path);
    (void)rmdir(bench->folder);
    free(bench);
    return 0;
}

/* found: the principal's text, or NULL. */
static void
expect(const struct bench *bench, const char *text, enum cm_reason reason,
       const char *found)
{
    struct cm_client_name name;
    struct cm_principal principal;

    assert_true(cm_client_name_upn(text, strlen(text), &name) ||
                cm_client_name_mapping(text, strlen(text), &name));
    assert_int_equal(
        cm_kdb_lookup_name(bench->lookup, bench->directory, &name, &principal),
        reason);
    if (found != NULL)
        assert_string_equal(principal.text, found);
    else
        assert_null(principal.text);
    cm_principal_clear(&principal);
    cm_client_name_clear(&name);
}

#define UPN "alice@example.com"
#define SKI "X509:<SKI>00aa"

static void
test_found(void **state)
{
    expect(*state, UPN, CM_OK, "alice@EXAMPLE.COM");
    expect(*state, SKI, CM_OK, "alice@EXAMPLE.COM");
    expect(*state, "bob@example.com", CM_ACCOUNT_NOT_FOUND, NULL);
    assert_int_equal(lines, 0);
}

static void
test_kept_and_forgotten(void **state)
{
    struct bench *bench = *state;

    expect(bench, UPN, CM_OK, "alice@EXAMPLE.COM");
    expect(bench, "bob@example.com", CM_ACCOUNT_NOT_FOUND, NULL);
    put(bench, BOB);
    clock_ms += CM_KDB_LOOKUP_KEEP_MS - 1;
    expect(bench, UPN, CM_OK, "alice@EXAMPLE.COM");
    expect(bench, "bob@example.com", CM_ACCOUNT_NOT_FOUND, NULL);
    clock_ms += 1;
    expect(bench, UPN, CM_ACCOUNT_NOT_FOUND, NULL);
    expect(bench, "bob@example.com", CM_OK, "bob@EXAMPLE.COM");
}

static void
test_failure_is_not_kept(void **state)
{
    struct bench *bench = *state;

    put(bench, NULL);
    expect(bench, UPN, CM_DIRECTORY_UNAVAILABLE, NULL);
    assert_int_equal(lines, 1);
    assert_non_null(strstr(last_line, "directory-unavailable: client name "
                                      "\"alice@example.com\""));
    put(bench, ALICE);
    expect(bench, UPN, CM_OK, "alice@EXAMPLE.COM");
}

static void
test_two_accounts_are_logged_once(void **state)
{
    struct bench *bench = *state;

    put(bench, ALICE BOB "altSecurityIdentities: X509:<SKI>00AA\n");
    expect(bench, SKI, CM_ACCOUNT_AMBIGUOUS, NULL);
    expect(bench, SKI, CM_ACCOUNT_AMBIGUOUS, NULL);
    assert_int_equal(lines, 1);
    assert_non_null(strstr(last_line, "uid=alice,dc=x and uid=bob,dc=x"));
}

static void
test_log_is_escaped(void **state)
{
    struct bench *bench = *state;

    put(bench, NULL);
    expect(bench, "a\"\xe2\x80\xae@b", CM_DIRECTORY_UNAVAILABLE, NULL);
    assert_non_null(strstr(last_line, "a\\x22\\xe2\\x80\\xae@b"));
}

/* An answer that took long is followed by a rest, and then not. */
static void
test_a_long_wait(void **state)
{
    struct bench *bench = *state;
    int64_t took = CM_KDB_LOOKUP_AHEAD_MS;

    looks = 0;
    clock_wait = took;
    expect(bench, UPN, CM_OK, "alice@EXAMPLE.COM");
    expect(bench, "bob@example.com", CM_DIRECTORY_UNAVAILABLE, NULL);
    assert_int_equal(lines, 0);
    expect(bench, UPN, CM_OK, "alice@EXAMPLE.COM"); /* known */
    clock_ms += took * (CM_KDB_LOOKUP_SHARE - 1) - CM_KDB_LOOKUP_AHEAD_MS - 1;
    expect(bench, "bob@example.com", CM_DIRECTORY_UNAVAILABLE, NULL);
    clock_ms++;
    expect(bench, "bob@example.com", CM_ACCOUNT_NOT_FOUND, NULL);
}

static void
test_a_short_wait(void **state)
{
    struct bench *bench = *state;

    looks = 0;
    clock_wait = CM_KDB_LOOKUP_AHEAD_MS / CM_KDB_LOOKUP_SHARE;
    expect(bench, UPN, CM_OK, "alice@EXAMPLE.COM");
    expect(bench, "bob@example.com", CM_ACCOUNT_NOT_FOUND, NULL);
}

/* Names that nobody has, each at once after the other, for a minute. */
static void
test_many_short_waits(void **state)
{
    enum { MINUTE = 60000 };
    struct bench *bench = *state;
    struct cm_client_name name;
    struct cm_principal principal;
    int64_t begun = clock_ms, waited = 0;
    char text[64];

    clock_wait = 20;
    for (unsigned i = 0; clock_ms - begun < MINUTE; i++) {
        (void)snprintf(text, sizeof(text), "u%u@example.com", i);
        assert_true(cm_client_name_upn(text, strlen(text), &name));
        looks = 0;
        if (cm_kdb_lookup_name(bench->lookup, bench->directory, &name,
                               &principal) == CM_ACCOUNT_NOT_FOUND)
            waited += clock_wait;
        else
            clock_ms++;
        cm_client_name_clear(&name);
    }
    assert_in_range(waited, MINUTE / CM_KDB_LOOKUP_SHARE,
                    MINUTE / CM_KDB_LOOKUP_SHARE + CM_KDB_LOOKUP_AHEAD_MS);
}

/* More names than there is room for: each is still answered rightly. */
static void
test_many_names(void **state)
{
    struct bench *bench = *state;
    char text[64];

    for (unsigned i = 0; i < 4 * CM_KDB_LOOKUP_SLOTS; i++) {
        (void)snprintf(text, sizeof(text), "u%u@example.com", i);
        expect(bench, text, CM_ACCOUNT_NOT_FOUND, NULL);
        expect(bench, UPN, CM_OK, "alice@EXAMPLE.COM");
    }
}

static const struct {
    const char *name;
    const char *upn;
    uint8_t ski;      /* the only octet; 0: none */
    unsigned refused; /* ACCEPT bits taken away */
    bool no_names;    /* use_subject_alt_name = false */
    int timeout_ms;
    enum cm_reason reason;
    const char *found;
} certificates[] = {
    {"by UPN", "ALICE@example.com", 0, 0, false, 100, CM_OK, "alice"},
    {"by SKI", NULL, 0xaa, 0, false, 100, CM_OK, "alice"},
    {"both agree", "alice@example.com", 0xaa, 0, false, 100, CM_OK, "alice"},
    {"they do not", "bob@example.com", 0xaa, 0, false, 100,
     CM_ACCOUNT_AMBIGUOUS, NULL},
    {"SKI is not accepted", "bob@example.com", 0xaa, CM_ACCEPT(CM_FORM_SKI),
     false, 100, CM_OK, "bob"},
    {"UPN is not accepted", "bob@example.com", 0xaa, CM_ACCEPT(CM_FORM_UPN),
     false, 100, CM_OK, "alice"},
    {"names do not count", "bob@example.com", 0xaa, 0, true, 100, CM_OK,
     "alice"},
    {"nothing to go by", "bob@example.com", 0, 0, true, 100,
     CM_ACCOUNT_NOT_FOUND, NULL},
    {"nobody's", "carol@example.com", 0xcc, 0, false, 100,
     CM_ACCOUNT_NOT_FOUND, NULL},
    {"no time", NULL, 0xaa, 0, false, 0, CM_DIRECTORY_UNAVAILABLE, NULL},
};

static void
check_certificate(struct bench *bench, size_t i)
{
    struct cm_policy policy = bench->settings.policy;
    struct cm_certificate cert = {0};
    struct cm_principal found;
    struct cm_detail detail;

    print_message("%s\n", certificates[i].name);
    policy.accept &= ~certificates[i].refused;
    policy.use_subject_alt_name = !certificates[i].no_names;
    cert.upn_state = certificates[i].upn != NULL ? CM_PRESENT : CM_ABSENT;
    if (certificates[i].upn != NULL)
        cert.upn = strdup(certificates[i].upn);
    cert.ski[1] = certificates[i].ski;
    cert.ski_len = certificates[i].ski != 0 ? 2 : 0;
    cert.ski_is_key_hash = true;
    assert_int_equal(cm_kdb_lookup_certificate(
                         bench->lookup, bench->directory, &cert, &policy,
                         certificates[i].timeout_ms, &found, &detail),
                     certificates[i].reason);
    if (certificates[i].found != NULL)
        assert_string_equal(found.components[0], certificates[i].found);
    else
        assert_null(found.text);
    cm_principal_clear(&found);
    free(cert.upn);
}

static void
test_certificates(void **state)
{
    put(*state, ALICE BOB);
    for (size_t i = 0; i < sizeof(certificates) / sizeof(certificates[0]); i++)
        check_certificate(*state, i);
}

int
main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(test_found),
        CASE(test_kept_and_forgotten),
        CASE(test_failure_is_not_kept),
        CASE(test_two_accounts_are_logged_once),
        CASE(test_log_is_escaped),
        CASE(test_a_long_wait),
        CASE(test_a_short_wait),
        CASE(test_many_short_waits),
        CASE(test_many_names),
        CASE(test_certificates),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
