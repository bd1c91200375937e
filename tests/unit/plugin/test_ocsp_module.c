/*
 * The module certmap_ocsp, as the KDC loads it.
 */
#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <krb5.h>
#include <krb5/kdcpreauth_plugin.h>

typedef krb5_error_code (*initvt_fn)(krb5_context context, int maj_ver,
                                     int min_ver, krb5_plugin_vtable vtable);

static void *
load(struct krb5_kdcpreauth_vtable_st *vt)
{
    void *handle = dlopen(CERTMAP_MODULE_PATH, RTLD_NOW | RTLD_LOCAL);
    initvt_fn initvt;

    assert_non_null(handle);
    *(void **)&initvt = dlsym(handle, "kdcpreauth_certmap_ocsp_initvt");
    assert_non_null(initvt);
    memset(vt, 0, sizeof(*vt));
    assert_int_equal(initvt(NULL, 2, 2, (krb5_plugin_vtable)vt),
                     KRB5_PLUGIN_VER_NOTSUPP);
    assert_null(vt->name);
    assert_int_equal(initvt(NULL, 1, 2, (krb5_plugin_vtable)vt), 0);
    return handle;
}

/* One that verifies could say yes where PKINIT said no; and one that is
 * listed offers clients what they cannot log in with. */
static void
test_verifies_nothing(void **state)
{
    struct krb5_kdcpreauth_vtable_st vt;
    void *handle = load(&vt);

    (void)state;
    assert_string_equal(vt.name, "certmap_ocsp");
    assert_int_equal(vt.pa_type_list[0], 18);
    assert_int_equal(vt.pa_type_list[1], 0);
    assert_null(vt.verify);
    assert_null(vt.edata);
    assert_null(vt.loop);
    assert_int_equal(vt.flags(NULL, 18), PA_PSEUDO);
    dlclose(handle);
}

/* What it answers to a request; it opens no file for one that is not its
 * business. */
static krb5_pa_data *
answer(struct krb5_kdcpreauth_vtable_st *vt, krb5_kdcpreauth_moddata moddata,
       krb5_pa_data **padata)
{
    krb5_data realm = {.data = (char *)(uintptr_t) "ABSENT.TEST",
                       .length = 11};
    krb5_principal_data server = {.realm = realm};
    krb5_kdc_req request = {.padata = padata, .server = &server};
    krb5_pa_data *out = (krb5_pa_data *)&request;
    krb5_context context;

    assert_int_equal(krb5_init_context(&context), 0);
    assert_int_equal(vt->return_padata(context, NULL, NULL, &request, NULL,
                                       NULL, &out, NULL, NULL, moddata, NULL),
                     0);
    krb5_free_context(context);
    return out;
}

static void
test_no_fault_stops_a_reply(void **state)
{
    struct krb5_kdcpreauth_vtable_st vt;
    krb5_kdcpreauth_moddata moddata;
    void *handle = load(&vt);
    krb5_pa_data asks = {.pa_type = 18}, pkinit = {.pa_type = 16};
    krb5_pa_data *none[] = {NULL}, *one[] = {&asks, NULL};
    krb5_pa_data *both[] = {&asks, &pkinit, NULL};

    (void)state;
    assert_int_equal(vt.init(NULL, &moddata, NULL), 0);
    assert_non_null(moddata);
    assert_null(answer(&vt, moddata, NULL));
    assert_null(answer(&vt, moddata, none));
    assert_null(answer(&vt, moddata, one));
    assert_null(answer(&vt, moddata, both)); /* a realm without settings */
    assert_null(answer(&vt, NULL, both));    /* init had no memory */
    vt.fini(NULL, moddata);
    vt.fini(NULL, NULL);
    dlclose(handle);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verifies_nothing),
        cmocka_unit_test(test_no_fault_stops_a_reply),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
