/*
 * The shared object as the KDC sees it: loaded by name, driven through its
 * vtable, with a real profile and a database entry of our own.
 */
#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <com_err.h>
#include <kdb.h>
#include <krb5.h>
#include <krb5/certauth_plugin.h>

#include "buf.h"
#include "fixture.h"

typedef krb5_error_code (*initvt_fn)(krb5_context context, int maj_ver,
                                     int min_ver, krb5_plugin_vtable vtable);

enum { CODE_BASE = ERROR_TABLE_BASE_krb5, TEXT_SIZE = 4096 };

#define STRONG "X509:<I>DC=com,DC=example,CN=Issuing CA<SR>1b0a"
#define WEAK "X509:<I>DC=com,DC=example,CN=Issuing CA<S>CN=alice"

/* Relations that most cases share; @ stands for the folder. */
#define TRUST                                                                 \
    "anchors = FILE:@/roots.pem\n"                                            \
    "intermediates = DIR:@/intermediates\n"                                   \
    "ntauth = DIR:@/ntauth\n"                                                 \
    "store = @/store\n"                                                       \
    "revocation = off\n"
/* The same, asking for status. */
#define ASKING                                                                \
    "anchors = FILE:@/roots.pem\n"                                            \
    "intermediates = DIR:@/intermediates\n"                                   \
    "ntauth = DIR:@/ntauth\n"

struct call_case {
    const char *name;
    const char *relations; /* of certmap in EXAMPLE.COM; NULL: none */
    const char *canonical; /* the entry's principal; NULL: no entry */
    const char *requested; /* what the client typed */
    const char *mapping;   /* altSecurityIdentities of the entry, or NULL */
    krb5_error_code expected;
    const char *line;      /* the audit line holds this; NULL: no line */
    const char *indicator; /* the one asserted, or NULL */
};

static const struct call_case cases[] = {
    {"accepted", TRUST, "alice", "alice", STRONG, 0,
     "certmap: authorized reason=ok ", NULL},
    {"accepted with an indicator",
     TRUST "indicators = {\ncard = strength:strong\n}\n", "alice", "alice",
     STRONG, 0, "certmap: authorized reason=ok ", "card"},
    {"accepted as a hardware login",
     TRUST
     "issuer = {\nca = {\n"
     "certificate = @/ntauth/issuing.pem\nhw_authent = policy:1.2.3\n}\n}\n",
     "alice", "alice", STRONG, KRB5_CERTAUTH_HWAUTH,
     "certmap: authorized reason=ok ", NULL},
    {"the canonical principal governs", TRUST, "alice", "al", STRONG, 0,
     "requested=\"al@EXAMPLE.COM\"", NULL},
    {"an alias does not help", TRUST, "bob", "alice", STRONG, CODE_BASE + 75,
     "certmap: refused reason=name-mismatch ", NULL},
    {"weak only", TRUST, "alice", "alice", WEAK, CODE_BASE + 66,
     "certmap: refused reason=weak-mapping ", NULL},
    {"no indicator on refusal", TRUST "indicators = {\ncard = always\n}\n",
     "alice", "alice", WEAK, CODE_BASE + 66,
     "certmap: refused reason=weak-mapping ", NULL},
    {"no mapping but the UPN", TRUST "mode = enforce\n", "alice", "alice",
     NULL, CODE_BASE + 66, "certmap: refused reason=weak-mapping ", NULL},
    {"observe, accepted", TRUST "mode = observe\n", "alice", "alice", STRONG,
     KRB5_PLUGIN_NO_HANDLE, "certmap: authorized reason=ok ", NULL},
    {"observe asserts nothing",
     TRUST "mode = observe\nindicators = {\ncard = always\n}\n", "alice",
     "alice", STRONG, KRB5_PLUGIN_NO_HANDLE, "mode=observe", NULL},
    {"observe, refused", TRUST "mode = observe\n", "alice", "alice", WEAK,
     KRB5_PLUGIN_NO_HANDLE, "certmap: refused reason=weak-mapping ", NULL},
    {"nothing known", ASKING "store = @/store\n", "alice", "alice", STRONG,
     CODE_BASE + 73, "certmap: refused reason=revocation-unknown ", NULL},
    {"nothing known, soft", ASKING "store = @/store\nrevocation = soft\n",
     "alice", "alice", STRONG, 0, " choices=revocation=soft ", NULL},
    {"no store", ASKING "store = @/nowhere\n", "alice", "alice", STRONG,
     CODE_BASE + 74, "certmap: refused reason=revocation-unavailable ", NULL},
    {"no store, discard", ASKING "store = @/nowhere\nunavailable = discard\n",
     "alice", "alice", STRONG, KRB5KDC_ERR_DISCARD,
     "certmap: refused reason=revocation-unavailable ", NULL},
    {"off", "mode = off\n", "alice", "alice", STRONG, KRB5_PLUGIN_NO_HANDLE,
     NULL, NULL},
    {"no subsection", NULL, "alice", "alice", STRONG, CODE_BASE + 24,
     "certmap: refused reason=config ", NULL},
    {"another realm's principal", TRUST, "alice@OTHER.REALM", "alice", STRONG,
     CODE_BASE + 24, "certmap: refused reason=config ", NULL},
    {"an unknown relation", TRUST "anchor = x\n", "alice", "alice", STRONG,
     CODE_BASE + 24, "certmap: refused reason=config ", NULL},
    {"an unknown word, observe misspelt", TRUST "mode = observ\n", "alice",
     "alice", STRONG, CODE_BASE + 24, "certmap: refused reason=config ", NULL},
    {"no database entry", TRUST, NULL, "alice", NULL, CODE_BASE + 24,
     "certmap: refused reason=internal ", NULL},
    {"no such account",
     TRUST "directory = ldif:@/accounts.ldif\nldap = {\n"
           "schema = ad\n}\n",
     "nobody", "nobody", NULL, CODE_BASE + 75,
     "certmap: refused reason=account-not-found ", NULL},
};

/* What the module logged during a call. */
static char logged[TEXT_SIZE];
static size_t lines;

__attribute__((format(printf, 3, 0))) static void
catch_log(const char *who, errcode_t code, const char *format, va_list ap)
{
    char text[TEXT_SIZE];

    (void)who;
    (void)code;
    vsnprintf(text, sizeof(text), format, ap);
    if (strncmp(text, "certmap: authorized ", 20) != 0 &&
        strncmp(text, "certmap: refused ", 17) != 0)
        return;
    lines++;
    snprintf(logged, sizeof(logged), "%s", text);
}

static void
load(void **handle, struct krb5_certauth_vtable_st *vtable)
{
    initvt_fn initvt;

    *handle = dlopen(CERTMAP_MODULE_PATH, RTLD_NOW | RTLD_LOCAL);
    if (*handle == NULL)
        print_error("%s\n", dlerror());
    assert_non_null(*handle);
    *(void **)&initvt = dlsym(*handle, "certauth_certmap_initvt");
    assert_non_null(initvt);
    memset(vtable, 0, sizeof(*vtable));
    assert_int_equal(initvt(NULL, 2, 1, (krb5_plugin_vtable)vtable),
                     KRB5_PLUGIN_VER_NOTSUPP);
    assert_null(vtable->authorize);
    assert_int_equal(initvt(NULL, 1, 1, (krb5_plugin_vtable)vtable), 0);
}

/* Appends text, with the folder for each @. */
static void
add_relations(struct cm_buf *out, const char *text, const char *folder)
{
    for (; *text != '\0'; text++) {
        if (*text == '@')
            cm_buf_add_text(out, folder);
        else
            cm_buf_add_char(out, *text);
    }
}

static void
write_profile(const struct fixture *fixture, const char *relations)
{
    static const char krb5_conf[] = "[libdefaults]\n"
                                    "default_realm = " FIXTURE_REALM "\n";
    struct cm_buf kdc_conf = CM_BUF_INIT;

    cm_buf_add_text(&kdc_conf, "[realms]\n" FIXTURE_REALM " = {\n");
    if (relations != NULL) {
        cm_buf_add_text(&kdc_conf, "certmap = {\n");
        add_relations(&kdc_conf, relations, fixture->folder);
        cm_buf_add_text(&kdc_conf, "}\n");
    }
    cm_buf_add_text(&kdc_conf, "}\n");
    assert_false(kdc_conf.failed);
    fixture_write(fixture, "kdc.conf", kdc_conf.data, kdc_conf.len);
    fixture_write(fixture, "krb5.conf", krb5_conf, sizeof(krb5_conf) - 1);
    setenv("KRB5_KDC_PROFILE", fixture_path(fixture, "kdc.conf"), 1);
    setenv("KRB5_CONFIG", fixture_path(fixture, "krb5.conf"), 1);
    cm_buf_clear(&kdc_conf);
}

static void
make_entry(krb5_context context, const struct call_case *row,
           krb5_db_entry *entry)
{
    char attribute[] = "altSecurityIdentities";

    memset(entry, 0, sizeof(*entry));
    assert_int_equal(krb5_parse_name(context, row->canonical, &entry->princ),
                     0);
    if (row->mapping != NULL)
        assert_int_equal(
            krb5_dbe_set_string(context, entry, attribute, row->mapping), 0);
}

static void
free_entry(krb5_context context, krb5_db_entry *entry)
{
    krb5_tl_data *next;

    krb5_free_principal(context, entry->princ);
    for (krb5_tl_data *tl = entry->tl_data; tl != NULL; tl = next) {
        next = tl->tl_data_next;
        free(tl->tl_data_contents);
        free(tl);
    }
}

static void
expect_indicators(const struct call_case *row, char **indicators)
{
    if (row->indicator == NULL) {
        assert_null(indicators);
        return;
    }
    assert_non_null(indicators);
    assert_string_equal(indicators[0], row->indicator);
    assert_null(indicators[1]);
}

/* A card is remembered if it logged in, or if only nothing was known. */
static void
expect_seen(const struct fixture *fixture)
{
    bool seen = strstr(logged, " reason=ok ") != NULL ||
                strstr(logged, " reason=revocation-unknown ") != NULL;

    assert_int_equal(access(fixture_path(fixture, "store/seen"), F_OK),
                     seen ? 0 : -1);
}

/* One authorize() of a good card for alice. */
static void
call(krb5_context context, const struct krb5_certauth_vtable_st *vtable,
     krb5_certauth_moddata moddata, const struct fixture *fixture,
     const struct call_case *row)
{
    struct tc_spec leaf = fixture_leaf(fixture);
    krb5_principal requested;
    krb5_db_entry entry;
    char unset = 0, *canary = &unset;
    char **indicators = &canary; /* must be overwritten */
    krb5_error_code code;
    uint8_t *der;
    size_t len;

    der = fixture_der(&leaf, &len);
    assert_int_equal(krb5_parse_name(context, row->requested, &requested), 0);
    if (row->canonical != NULL)
        make_entry(context, row, &entry);
    lines = 0;
    logged[0] = '\0';

    code =
        vtable->authorize(context, moddata, der, len, requested, NULL,
                          row->canonical != NULL ? &entry : NULL, &indicators);

    if (code != row->expected)
        print_error("%s: %s\n", row->name, logged);
    assert_int_equal(code, row->expected);
    assert_int_equal(lines, row->line != NULL ? 1 : 0);
    if (row->line != NULL)
        assert_non_null(strstr(logged, row->line));
    expect_indicators(row, indicators);
    expect_seen(fixture);

    vtable->free_ind(context, moddata, indicators);
    if (row->canonical != NULL)
        free_entry(context, &entry);
    krb5_free_principal(context, requested);
    free(der);
}

static void
run_case(void **state)
{
    const struct call_case *row = *state;
    struct krb5_certauth_vtable_st vtable;
    krb5_certauth_moddata moddata = NULL;
    struct fixture fixture;
    krb5_context context;
    void *handle;

    fixture_make(&fixture);
    write_profile(&fixture, row->relations);
    load(&handle, &vtable);
    assert_int_equal(
        krb5_init_context_profile(NULL, KRB5_INIT_CONTEXT_KDC, &context), 0);
    set_com_err_hook(catch_log);
    assert_int_equal(vtable.init(context, &moddata), 0);

    call(context, &vtable, moddata, &fixture, row);

    vtable.fini(context, moddata);
    reset_com_err_hook();
    krb5_free_context(context);
    dlclose(handle);
    fixture_remove(&fixture);
}

static void
vtable_is_complete(void **state)
{
    struct krb5_certauth_vtable_st vtable;
    void *handle;

    (void)state;
    load(&handle, &vtable);
    assert_string_equal(vtable.name, "certmap");
    assert_non_null(vtable.init);
    assert_non_null(vtable.fini);
    assert_non_null(vtable.authorize);
    assert_non_null(vtable.free_ind);
    vtable.fini(NULL, NULL);
    vtable.free_ind(NULL, NULL, NULL);
    dlclose(handle);
}

/* A module that ran out of memory in init refuses, and says so. */
static void
without_data_it_refuses(void **state)
{
    static const struct call_case row = {"no module data",
                                         TRUST,
                                         "alice",
                                         "alice",
                                         STRONG,
                                         CODE_BASE + 24,
                                         "certmap: refused reason=no-memory ",
                                         NULL};
    struct krb5_certauth_vtable_st vtable;
    struct fixture fixture;
    krb5_context context;
    void *handle;

    (void)state;
    fixture_make(&fixture);
    write_profile(&fixture, row.relations);
    load(&handle, &vtable);
    assert_int_equal(
        krb5_init_context_profile(NULL, KRB5_INIT_CONTEXT_KDC, &context), 0);
    set_com_err_hook(catch_log);
    call(context, &vtable, NULL, &fixture, &row);
    reset_com_err_hook();
    krb5_free_context(context);
    dlclose(handle);
    fixture_remove(&fixture);
}

int
main(void)
{
    enum { COUNT = sizeof(cases) / sizeof(cases[0]) };
    struct CMUnitTest tests[COUNT + 2];

    memset(tests, 0, sizeof(tests));
    for (size_t i = 0; i < COUNT; i++) {
        tests[i].name = cases[i].name;
        tests[i].test_func = run_case;
        tests[i].initial_state = (void *)(uintptr_t)&cases[i];
    }
    tests[COUNT].name = "the vtable is complete";
    tests[COUNT].test_func = vtable_is_complete;
    tests[COUNT + 1].name = "without data it refuses";
    tests[COUNT + 1].test_func = without_data_it_refuses;
    return cmocka_run_group_tests_name("module", tests, NULL, NULL);
}
