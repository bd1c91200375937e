/*
 * Logs in by a name of a kind that kinit does not send.
 *
 *     name_login KIND NAME IDENTITY|- CANONICALIZE REPLIES [PIN|- [ARMOR]]
 *
 * KIND is the number of the name type (RFC 4120 section 6.2); NAME is one
 * component, whatever it holds, of the default realm.  With "-" no identity
 * is offered, and no PIN.  ARMOR is the credential cache for FAST.  What the
 * KDC answered is written to REPLIES.1, REPLIES.2, ...
 *
 * Prints "ticket PRINCIPAL", or "refused NUMBER" with libkrb5's number less
 * its base.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <krb5.h>

static void
give_up(const char *what)
{
    fprintf(stderr, "name_login: %s\n", what);
    exit(2);
}

static krb5_error_code
keep_reply(krb5_context context, void *data, krb5_error_code code,
           const krb5_data *realm, const krb5_data *message,
           const krb5_data *reply, krb5_data **new_reply)
{
    static unsigned count;
    const char *stem = data;
    char path[4096];
    FILE *out;

    (void)context;
    (void)realm;
    (void)message;
    *new_reply = NULL;
    if (code != 0 || reply == NULL)
        return code;
    (void)snprintf(path, sizeof(path), "%s.%u", stem, ++count);
    out = fopen(path, "w");
    if (out == NULL ||
        fwrite(reply->data, 1, reply->length, out) != reply->length ||
        fclose(out) != 0)
        give_up(path);
    return 0;
}

/* Whatever is asked for, it is the PIN. */
static krb5_error_code
give_pin(krb5_context context, void *data, const char *name,
         const char *banner, int count, krb5_prompt prompts[])
{
    const char *pin = data;

    (void)context;
    (void)name;
    (void)banner;
    for (int i = 0; i < count; i++) {
        krb5_data *reply = prompts[i].reply;

        if (pin == NULL || strlen(pin) >= reply->length)
            return KRB5_LIBOS_CANTREADPWD;
        memcpy(reply->data, pin, strlen(pin) + 1);
        reply->length = (unsigned)strlen(pin);
    }
    return 0;
}

static krb5_principal
make_name(krb5_context context, int kind, const char *text)
{
    krb5_principal principal = NULL;
    char *realm = NULL;

    if (krb5_get_default_realm(context, &realm) != 0 ||
        krb5_build_principal(context, &principal, (unsigned)strlen(realm),
                             realm, text, (char *)NULL) != 0)
        give_up("the name cannot be built");
    krb5_free_default_realm(context, realm);
    principal->type = kind;
    return principal;
}

static void
report(krb5_context context, krb5_error_code code, const krb5_creds *creds)
{
    char *text = NULL;

    if (code != 0) {
        printf("refused %ld\n", (long)code - ERROR_TABLE_BASE_krb5);
        return;
    }
    if (krb5_unparse_name(context, creds->client, &text) != 0)
        give_up("the client of the ticket cannot be read");
    printf("ticket %s\n", text);
    krb5_free_unparsed_name(context, text);
}

int
main(int argc, char **argv)
{
    krb5_get_init_creds_opt *options = NULL;
    krb5_context context;
    krb5_principal principal;
    krb5_error_code code;
    krb5_creds creds;
    char *pin;

    if (argc < 6 || argc > 8)
        give_up("KIND NAME IDENTITY|- CANONICALIZE REPLIES [PIN|- [ARMOR]]");
    pin = argc > 6 && strcmp(argv[6], "-") != 0 ? argv[6] : NULL;
    memset(&creds, 0, sizeof(creds));
    if (krb5_init_context(&context) != 0 ||
        krb5_get_init_creds_opt_alloc(context, &options) != 0)
        give_up("libkrb5");
    principal = make_name(context, atoi(argv[1]), argv[2]);
    krb5_set_kdc_recv_hook(context, keep_reply, argv[5]);
    krb5_get_init_creds_opt_set_canonicalize(options, atoi(argv[4]));
    if (strcmp(argv[3], "-") != 0 &&
        krb5_get_init_creds_opt_set_pa(context, options, "X509_user_identity",
                                       argv[3]) != 0)
        give_up("the identity is refused");
    if (argc > 7 && (krb5_get_init_creds_opt_set_fast_ccache_name(
                         context, options, argv[7]) != 0 ||
                     krb5_get_init_creds_opt_set_fast_flags(
                         context, options, KRB5_FAST_REQUIRED) != 0))
        give_up("the armor is refused");
    code = krb5_get_init_creds_password(context, &creds, principal, NULL,
                                        pin != NULL ? give_pin : NULL, pin, 0,
                                        NULL, options);
    report(context, code, &creds);
    krb5_free_cred_contents(context, &creds);
    krb5_get_init_creds_opt_free(context, options);
    krb5_free_principal(context, principal);
    krb5_free_context(context);
    return 0;
}
