/*
 * The kdcpreauth module through its vtable, around a stock module that does
 * what it should not.
 */
#include <dlfcn.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <com_err.h>
#include <kdb.h>
#include <krb5.h>
#include <verto.h>

#include "buf.h"
#include "fake_pkinit.h"
#include "fixture.h"
#include "kdcpreauth_told.h"
#include "reference.h"

typedef krb5_error_code (*initvt_fn)(krb5_context context, int maj_ver,
                                     int min_ver, krb5_plugin_vtable vtable);

enum { CODE_BASE = ERROR_TABLE_BASE_krb5, TEXT_SIZE = 4096, MAX_PADATA = 4 };

#define RELATIONS                                                             \
    "anchors = FILE:@/roots.pem\n"                                            \
    "ntauth = DIR:@/ntauth\n"                                                 \
    "store = @/store\n"                                                       \
    "revocation = off\n"                                                      \
    "indicators = {\ncard = always\n}\n"

struct world {
    struct fixture fixture;
    void *module, *object;
    struct fake_pkinit *fake;
    fake_pkinit_late_fn late;
    struct krb5_certauth_vtable_st certauth;
    struct krb5_kdcpreauth_vtable_st vt;
    struct krb5_kdcpreauth_callbacks_st callbacks;
    krb5_context context;
    krb5_kdcpreauth_moddata moddata;
    krb5_kdc_req request;
    krb5_pa_data padata[MAX_PADATA];
    krb5_pa_data *list[MAX_PADATA];
    krb5_enc_tkt_part ticket;
    krb5_db_entry entry;
    verto_ctx *loop;
    uint8_t *certificate;
    char indicators[TEXT_SIZE];
    int responses;
    krb5_error_code code;
    krb5_kdcpreauth_modreq modreq;
    struct told_client told; /* the hint while the KDC was told */
    int nested;              /* answers to the inner call */
};

static struct world world;
static char logged[TEXT_SIZE];
static int lines;

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
    if (strstr(text, "a call inside a call") != NULL)
        return; /* the inner one's */
    lines++;
    snprintf(logged, sizeof(logged), "%s", text);
}

static void *
client_entry(krb5_context context, krb5_kdcpreauth_rock rock)
{
    (void)context;
    (void)rock;
    return &world.entry;
}

static struct verto_ctx *
event_context(krb5_context context, krb5_kdcpreauth_rock rock)
{
    (void)context;
    (void)rock;
    return world.loop;
}

static krb5_error_code
add_indicator(krb5_context context, krb5_kdcpreauth_rock rock,
              const char *indicator)
{
    size_t len = strlen(world.indicators);

    (void)context;
    (void)rock;
    snprintf(world.indicators + len, sizeof(world.indicators) - len, "%s%s",
             len > 0 ? " " : "", indicator);
    return 0;
}

/* What the KDC would send as a hint now; NULL: nothing. */
static krb5_pa_data *
ask_hint(void)
{
    krb5_pa_data *hint = NULL;

    world.vt.edata(world.context, &world.request, &world.callbacks, NULL,
                   world.moddata, CM_REFERENCE_TYPE, told_take_hint, &hint);
    return hint;
}

static void
respond(void *arg, krb5_error_code code, krb5_kdcpreauth_modreq modreq,
        krb5_pa_data **e_data, krb5_authdata **authz)
{
    assert_ptr_equal(arg, &world);
    assert_null(authz);
    world.told.e_data = e_data;
    world.told.hint = ask_hint();
    world.responses++;
    world.code = code;
    world.modreq = modreq;
}

static void
respond_nested(void *arg, krb5_error_code code, krb5_kdcpreauth_modreq modreq,
               krb5_pa_data **e_data, krb5_authdata **authz)
{
    (void)arg;
    (void)authz;
    assert_null(e_data);
    assert_int_equal(code, CODE_BASE + 24);
    assert_null(modreq);
    world.nested++;
}

static void
verify(krb5_kdcpreauth_verify_respond_fn function)
{
    static char bytes[] = "an AS-REQ";
    krb5_data packet = {.length = sizeof(bytes), .data = bytes};

    world.vt.verify(world.context, &packet, &world.request, &world.ticket,
                    world.list[0], &world.callbacks, NULL, world.moddata,
                    function, &world);
}

static void
call_again(void)
{
    verify(respond_nested);
}

/* Appends text, with the folder for each @. */
static void
add_relations(struct cm_buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '@')
            cm_buf_add_text(out, world.fixture.folder);
        else
            cm_buf_add_char(out, *text);
    }
}

static void
write_profile(const struct verify_case *row)
{
    static const char krb5_conf[] =
        "[libdefaults]\ndefault_realm = " FIXTURE_REALM
        "\nplugin_base_dir = " FAKE_PLUGINS "\n";
    struct cm_buf text = CM_BUF_INIT;

    cm_buf_add_text(&text, "[realms]\n" FIXTURE_REALM " = {\ncertmap = {\n");
    add_relations(&text, RELATIONS);
    add_relations(&text, row->extra);
    cm_buf_add_text(&text, "}\n}\n");
    assert_false(text.failed);
    fixture_write(&world.fixture, "kdc.conf", text.data, text.len);
    fixture_write(&world.fixture, "krb5.conf", krb5_conf,
                  sizeof(krb5_conf) - 1);
    setenv("KRB5_KDC_PROFILE", fixture_path(&world.fixture, "kdc.conf"), 1);
    setenv("KRB5_CONFIG", fixture_path(&world.fixture, "krb5.conf"), 1);
    cm_buf_clear(&text);
}

static void
load_modules(void)
{
    initvt_fn initvt;

    world.module = dlopen(CERTMAP_MODULE_PATH, RTLD_NOW | RTLD_LOCAL);
    world.object =
        dlopen(FAKE_PLUGINS "/preauth/pkinit.so", RTLD_NOW | RTLD_LOCAL);
    assert_non_null(world.module);
    assert_non_null(world.object);
    *(void **)&initvt = dlsym(world.module, "certauth_certmap_initvt");
    assert_int_equal(initvt(NULL, 1, 1, (krb5_plugin_vtable)&world.certauth),
                     0);
    *(void **)&initvt = dlsym(world.module, "kdcpreauth_certmap_initvt");
    assert_int_equal(initvt(NULL, 2, 2, (krb5_plugin_vtable)&world.vt),
                     KRB5_PLUGIN_VER_NOTSUPP);
    assert_int_equal(initvt(NULL, 1, 2, (krb5_plugin_vtable)&world.vt), 0);
    world.fake = dlsym(world.object, "fake_pkinit");
    *(void **)&world.late = dlsym(world.object, "fake_pkinit_late");
    memset(world.fake, 0, sizeof(*world.fake));
    world.fake->certauth = &world.certauth;
    world.fake->again = call_again;
}

static void
add_padata(size_t at, long type, const char *script)
{
    world.padata[at].pa_type = (krb5_preauthtype)type;
    world.padata[at].length = (unsigned)strlen(script);
    world.padata[at].contents = (krb5_octet *)strdup(script);
    world.list[at] = &world.padata[at];
}

static void
make_request(const struct verify_case *row)
{
    const char *client = row->client != NULL ? row->client : "alice";
    const char *entry = row->client != NULL ? "WELLKNOWN/ANONYMOUS" : "alice";
    char attribute[] = "altSecurityIdentities";

    assert_int_equal(
        krb5_parse_name(world.context, client, &world.request.client), 0);
    assert_int_equal(krb5_parse_name(world.context, entry, &world.entry.princ),
                     0);
    if (row->mapping != NULL)
        assert_int_equal(krb5_dbe_set_string(world.context, &world.entry,
                                             attribute, row->mapping),
                         0);
    add_padata(0, KRB5_PADATA_PK_AS_REQ, row->script);
    if (row->second != 0)
        add_padata(1, row->second, "Y");
    world.request.padata = world.list;
    world.callbacks.vers = row->vers != 0 ? row->vers : 6;
    world.callbacks.client_entry = client_entry;
    world.callbacks.event_context = event_context;
    world.callbacks.add_auth_indicator = add_indicator;
}

static void
begin(const struct verify_case *row)
{
    static const char *realms[] = {FIXTURE_REALM, NULL};
    struct tc_spec leaf;
    size_t len;

    memset(&world, 0, sizeof(world));
    lines = 0;
    fixture_make(&world.fixture);
    write_profile(row);
    load_modules();
    assert_int_equal(
        krb5_init_context_profile(NULL, KRB5_INIT_CONTEXT_KDC, &world.context),
        0);
    set_com_err_hook(catch_log);
    assert_int_equal(world.vt.init(world.context, &world.moddata, realms), 0);
    assert_non_null(world.moddata);
    leaf = fixture_leaf(&world.fixture);
    world.certificate = fixture_der(&leaf, &len);
    world.fake->certificate = world.certificate;
    world.fake->certificate_len = len;
    world.loop = verto_new(NULL, VERTO_EV_TYPE_IO | VERTO_EV_TYPE_TIMEOUT);
    assert_non_null(world.loop);
    make_request(row);
}

static void
end(void)
{
    krb5_tl_data *next;

    world.vt.fini(world.context, world.moddata);
    assert_int_equal(world.fake->live, 0);
    verto_free(world.loop);
    for (size_t i = 0; i < MAX_PADATA; i++)
        free(world.padata[i].contents);
    told_clear(&world.told);
    krb5_free_principal(world.context, world.request.client);
    krb5_free_principal(world.context, world.entry.princ);
    for (krb5_tl_data *tl = world.entry.tl_data; tl != NULL; tl = next) {
        next = tl->tl_data_next;
        free(tl->tl_data_contents);
        free(tl);
    }
    free(world.certificate);
    reset_com_err_hook();
    krb5_free_context(world.context);
    dlclose(world.object);
    dlclose(world.module);
    fixture_remove(&world.fixture);
}

static void
expect_reply(const struct verify_case *row)
{
    krb5_pa_data *out = world.list[0];
    krb5_error_code code = world.vt.return_padata(
        world.context, world.list[0], NULL, &world.request, NULL, NULL, &out,
        &world.callbacks, NULL, world.moddata, world.modreq);

    assert_int_equal(code, row->expected == 0 ? 0 : EINVAL);
    assert_null(out);
    world.vt.free_modreq(world.context, world.moddata, world.modreq);
}

static void
run_case(void **state)
{
    const struct verify_case *row = *state;

    begin(row);
    verify(respond);
    while (world.responses == 0)
        verto_run_once(world.loop);

    if (world.code != row->expected)
        print_error("%d: %s\n", (int)world.code, logged);
    assert_int_equal(world.code, row->expected);
    assert_int_equal(world.ticket.flags, row->flags);
    assert_string_equal(world.indicators, row->indicators);
    assert_int_equal(lines, row->line != NULL ? 1 : 0);
    if (row->line != NULL)
        assert_non_null(strstr(logged, row->line));
    told_expect(&world.told, row, row->line != NULL ? logged : NULL);
    assert_null(ask_hint());
    assert_int_equal(world.nested, strchr(row->script, 'R') != NULL ? 1 : 0);
    expect_reply(row);
    assert_int_equal(world.fake->live, 0);
    assert_int_equal(world.responses, 1);
    end();
}

static const struct verify_case unanswered = {
    "no answer", "AIPH", "", STRONG, CODE_BASE + 24, 0, "",
    "internal",  NULL,   0,  0,      TOLD_HINT};

/* Stock answers when the KDC was told already. */
static void
late_answer(void **state)
{
    (void)state;
    begin(&unanswered);
    verify(respond);
    assert_int_equal(world.responses, 1);
    world.late();
    assert_int_equal(world.responses, 1);
    assert_int_equal(world.ticket.flags, 0);
    assert_int_equal(world.fake->live, 0);
    world.late();
    assert_int_equal(world.responses, 1);
    end();
}

/* The KDC ends before the loop has run: nobody is told. */
static void
ended_in_flight(void **state)
{
    (void)state;
    begin(&verify_cases[0]);
    verify(respond);
    assert_int_equal(world.responses, 0);
    assert_int_equal(world.fake->live, 1);
    end(); /* the request state is freed */
    assert_int_equal(world.responses, 0);
    assert_int_equal(world.ticket.flags, 0);
    assert_int_equal(lines, 0);
}

/* A module that ran out of memory in init. */
static void
without_data(void **state)
{
    krb5_kdcpreauth_moddata kept;

    (void)state;
    begin(&verify_cases[0]);
    kept = world.moddata;
    world.moddata = NULL;
    verify(respond);
    assert_int_equal(world.responses, 1);
    assert_int_equal(world.code, CODE_BASE + 24);
    assert_non_null(strstr(logged, "reason=no-memory"));
    world.vt.fini(world.context, NULL);
    world.moddata = kept;
    end();
}

/* Whatever cannot be drawn is not sent; the refusal stands. */
static void
without_randomness(void **state)
{
    static const struct verify_case rows[] = {
        {"refused", "APY", "", WEAK, CODE_BASE + 66, 0, "", "weak-mapping",
         NULL, 0, 0, UNTOLD},
        {"stock refuses", "APE", "", STRONG, CODE_BASE + 70, 0, "", "pkinit",
         NULL, 0, 0, UNTOLD},
        {"no answer", "AIPH", "", STRONG, CODE_BASE + 24, 0, "", "internal",
         NULL, 0, 0, UNTOLD},
    };

    (void)state;
    told_without_randomness(true);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        void *row = (void *)(uintptr_t)&rows[i];

        run_case(&row);
    }
    told_without_randomness(false);
}

/* Preauthentication data of the type that only a KDC sends. */
static void
reference_from_a_client(void **state)
{
    krb5_pa_data *out;

    (void)state;
    begin(&verify_cases[0]);
    world.padata[0].pa_type = CM_REFERENCE_TYPE;
    verify(respond);
    assert_int_equal(world.responses, 1);
    assert_int_equal(world.code, KRB5KDC_ERR_PREAUTH_FAILED);
    assert_null(world.told.e_data);
    assert_null(world.told.hint);
    assert_int_equal(lines, 0);
    assert_int_equal(world.ticket.flags, 0);
    assert_int_equal(world.vt.return_padata(world.context, world.list[0], NULL,
                                            &world.request, NULL, NULL, &out,
                                            &world.callbacks, NULL,
                                            world.moddata, NULL),
                     0);
    assert_null(out);
    end();
}

/* What the KDC asks about requests that are none of ours. */
static void
nothing_to_return(void **state)
{
    krb5_pa_data made_up = {.pa_type = KRB5_PADATA_PK_AS_REQ}, *out;

    (void)state;
    begin(&verify_cases[0]);
    world.padata[0].pa_type = KRB5_PADATA_ENC_TIMESTAMP;
    assert_int_equal(world.vt.return_padata(world.context, &made_up, NULL,
                                            &world.request, NULL, NULL, &out,
                                            &world.callbacks, NULL,
                                            world.moddata, NULL),
                     0);
    assert_null(out);
    world.vt.free_modreq(world.context, world.moddata, NULL);
    end();
}

enum { MAX_CASES = 64, OTHERS = 6 };

int
main(void)
{
    static struct CMUnitTest tests[MAX_CASES + OTHERS] = {
        cmocka_unit_test(late_answer),
        cmocka_unit_test(ended_in_flight),
        cmocka_unit_test(without_data),
        cmocka_unit_test(nothing_to_return),
        cmocka_unit_test(without_randomness),
        cmocka_unit_test(reference_from_a_client),
    };

    if (verify_case_count > MAX_CASES)
        return 1;
    for (size_t i = 0; i < verify_case_count; i++)
        tests[OTHERS + i] = (struct CMUnitTest){
            .name = verify_cases[i].name,
            .test_func = run_case,
            .initial_state = (void *)(uintptr_t)&verify_cases[i],
        };
    return _cmocka_run_group_tests("kdcpreauth", tests,
                                   OTHERS + verify_case_count, NULL, NULL);
}
