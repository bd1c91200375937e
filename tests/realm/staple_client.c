/*
 * A clpreauth module for tests: a client that staples (RFC 4557).
 *
 *     kinit -X staple=FILE          sends the file as padata 18; may be given
 *                                   several times
 *     kinit -X staple_reply=FILE    writes what the KDC has stapled
 *
 * The KDC does not say that it takes type 18, so this one speaks when it hears
 * of FAST (136), of which every KDC tells.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <krb5.h>
#include <krb5/clpreauth_plugin.h>

#define EXPORT __attribute__((visibility("default")))

enum { OCSP = 18, FAST = 136, MAX_FILES = 4, MAX_VALUE = 512 * 1024 };

EXPORT krb5_error_code clpreauth_staple_initvt(krb5_context context,
                                               int maj_ver, int min_ver,
                                               krb5_plugin_vtable vtable);

static krb5_preauthtype types[] = {OCSP, FAST, 0};

struct staple {
    char *files[MAX_FILES];
    size_t count;
    char *reply;
};

static krb5_error_code
init(krb5_context context, krb5_clpreauth_moddata *moddata_out)
{
    (void)context;
    *moddata_out = calloc(1, sizeof(struct staple));
    return *moddata_out == NULL ? ENOMEM : 0;
}

static void
fini(krb5_context context, krb5_clpreauth_moddata moddata)
{
    struct staple *staple = (struct staple *)moddata;

    (void)context;
    for (size_t i = 0; i < staple->count; i++)
        free(staple->files[i]);
    free(staple->reply);
    free(staple);
}

static int
flags(krb5_context context, krb5_preauthtype type)
{
    (void)context;
    (void)type;
    return PA_INFO;
}

static krb5_error_code
gic_opts(krb5_context context, krb5_clpreauth_moddata moddata,
         krb5_get_init_creds_opt *opt, const char *name, const char *value)
{
    struct staple *staple = (struct staple *)moddata;

    (void)context;
    (void)opt;
    if (strcmp(name, "staple") == 0 && staple->count < MAX_FILES)
        staple->files[staple->count++] = strdup(value);
    else if (strcmp(name, "staple_reply") == 0 && staple->reply == NULL)
        staple->reply = strdup(value);
    return 0;
}

static krb5_error_code
read_value(const char *path, krb5_pa_data **out)
{
    FILE *file = fopen(path, "rb");
    krb5_pa_data *pa = calloc(1, sizeof(*pa));

    if (file == NULL || pa == NULL)
        abort();
    pa->magic = KV5M_PA_DATA;
    pa->pa_type = OCSP;
    pa->contents = malloc(MAX_VALUE);
    if (pa->contents == NULL)
        abort();
    pa->length = (unsigned int)fread(pa->contents, 1, MAX_VALUE, file);
    fclose(file);
    *out = pa;
    return 0;
}

static krb5_error_code
write_value(const char *path, const krb5_pa_data *pa)
{
    FILE *file = fopen(path, "wb");

    if (file == NULL ||
        fwrite(pa->contents, 1, pa->length, file) != pa->length)
        abort();
    return fclose(file);
}

static krb5_error_code
process(krb5_context context, krb5_clpreauth_moddata moddata,
        krb5_clpreauth_modreq modreq, krb5_get_init_creds_opt *opt,
        krb5_clpreauth_callbacks cb, krb5_clpreauth_rock rock,
        krb5_kdc_req *request, krb5_data *body, krb5_data *previous,
        krb5_pa_data *pa, krb5_prompter_fct prompter, void *prompter_data,
        krb5_pa_data ***out)
{
    struct staple *staple = (struct staple *)moddata;
    krb5_pa_data **list;

    (void)context, (void)modreq, (void)opt, (void)cb, (void)rock;
    (void)request, (void)body, (void)previous, (void)prompter;
    (void)prompter_data;
    if (pa->pa_type == OCSP)
        return staple->reply != NULL ? write_value(staple->reply, pa) : 0;
    if (staple->count == 0)
        return 0;
    list = calloc(staple->count + 1, sizeof(*list));
    if (list == NULL)
        return ENOMEM;
    for (size_t i = 0; i < staple->count; i++)
        (void)read_value(staple->files[i], &list[i]);
    *out = list;
    return 0;
}

krb5_error_code
clpreauth_staple_initvt(krb5_context context, int maj_ver, int min_ver,
                        krb5_plugin_vtable vtable)
{
    krb5_clpreauth_vtable vt = (krb5_clpreauth_vtable)vtable;

    (void)context;
    (void)min_ver;
    if (maj_ver != 1)
        return KRB5_PLUGIN_VER_NOTSUPP;
    vt->name = "staple";
    vt->pa_type_list = types;
    vt->init = init;
    vt->fini = fini;
    vt->flags = flags;
    vt->process = process;
    vt->gic_opts = gic_opts;
    return 0;
}
