/*
 * Sends an AS-REQ with padata that no honest client would put side by side.
 *
 *     as_send PORT PRINCIPAL PASSWORD IDENTITY... -- PART...
 *
 * libkrb5 makes one request with the password and one with each identity, and
 * each is kept back when it carries its preauthentication.  A part is taken
 * from one of these: "card1" is PA-PK-AS-REQ of the first identity, "password"
 * the encrypted timestamp, "type15" an empty padata of that type.  The body is
 * that of the request of the first part, to which a PA-PK-AS-REQ is bound.
 *
 * Prints "as-rep", "error NUMBER" or "no answer".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <krb5.h>

#include "as_message.h"
#include "wire.h"

enum { MAX_REQUESTS = 8 };

struct captured {
    const char *identity; /* NULL: by password */
    uint8_t *message;
    size_t len;
};

struct run {
    struct wire_kdc kdc;
    struct wire wire;
    const char *principal, *password;
    struct captured requests[MAX_REQUESTS]; /* the password's first */
    size_t count;
    struct captured *now;
};

static void
give_up(const char *what)
{
    fprintf(stderr, "as_send: %s\n", what);
    exit(2);
}

static bool
keep_back(struct captured *captured, const krb5_data *message)
{
    long type =
        captured->identity != NULL ? AM_PA_PK_AS_REQ : AM_PA_ENC_TIMESTAMP;
    const uint8_t *data = (const uint8_t *)message->data;

    if (!am_request_has(data, message->length, type))
        return false;
    captured->message = malloc(message->length);
    if (captured->message == NULL)
        give_up("out of memory");
    memcpy(captured->message, data, message->length);
    captured->len = message->length;
    return true;
}

static krb5_error_code
carry(krb5_context context, void *data, const krb5_data *realm,
      const krb5_data *message, krb5_data **new_message, krb5_data **new_reply)
{
    struct run *run = data;
    const uint8_t *answer = NULL;
    char buffer[AM_MAX_MESSAGE];
    krb5_data reply = {.data = buffer};
    size_t len = 0;

    (void)realm;
    *new_message = NULL;
    if (keep_back(run->now, message) ||
        !wire_exchange(&run->wire, &run->kdc, (const uint8_t *)message->data,
                       message->length, &answer, &len))
        return KRB5_KDC_UNREACH;
    memcpy(buffer, answer, len);
    reply.length = (unsigned)len;
    return krb5_copy_data(context, &reply, new_reply);
}

/* A context of its own: libkrb5's PKINIT keeps the first identity that one is
 * given. */
static void
capture(struct run *run, struct captured *captured)
{
    krb5_context context;
    krb5_get_init_creds_opt *options = NULL;
    krb5_principal principal = NULL;
    krb5_creds creds;

    memset(&creds, 0, sizeof(creds));
    run->now = captured;
    if (krb5_init_context(&context) != 0)
        give_up("libkrb5");
    krb5_set_kdc_send_hook(context, carry, run);
    if (krb5_parse_name(context, run->principal, &principal) != 0 ||
        krb5_get_init_creds_opt_alloc(context, &options) != 0)
        give_up("libkrb5");
    if (captured->identity != NULL)
        (void)krb5_get_init_creds_opt_set_pa(
            context, options, "X509_user_identity", captured->identity);
    (void)krb5_get_init_creds_password(
        context, &creds, principal,
        captured->identity == NULL ? run->password : NULL, NULL, NULL, 0, NULL,
        options);
    krb5_free_cred_contents(context, &creds);
    krb5_get_init_creds_opt_free(context, options);
    krb5_free_principal(context, principal);
    krb5_free_context(context);
    if (captured->message == NULL)
        give_up(captured->identity != NULL ? captured->identity : "password");
}

/* Appends one part; returns the request that it is from, or NULL. */
static struct captured *
append(struct run *run, const char *part, uint8_t *list, size_t *len)
{
    /* PA-DATA: [1] INTEGER, [2] OCTET STRING */
    uint8_t empty[] = {0x30, 9, 0xa1, 3, 2, 1, 0, 0xa2, 2, 4, 0};
    struct captured *captured = NULL;
    long type = AM_PA_PK_AS_REQ;
    size_t number;

    if (strncmp(part, "type", 4) == 0) {
        if (*len > AM_MAX_MESSAGE - sizeof(empty))
            give_up(part);
        empty[6] = (uint8_t)atoi(part + 4);
        memcpy(list + *len, empty, sizeof(empty));
        *len += sizeof(empty);
        return NULL;
    }
    number = strncmp(part, "card", 4) == 0 ? (size_t)atoi(part + 4) : 0;
    if (number >= run->count || (number == 0 && strcmp(part, "password") != 0))
        give_up(part);
    captured = &run->requests[number];
    if (number == 0)
        type = AM_PA_ENC_TIMESTAMP;
    if (!am_padata_append(captured->message, captured->len, type, list, len))
        give_up(part);
    return captured;
}

static void
print_answer(const uint8_t *answer, size_t len)
{
    long error = 0;

    switch (am_answer(answer, len, 0, &error)) {
    case AM_AS_REP:
        puts("as-rep");
        return;
    case AM_ERROR:
        printf("error %ld\n", error);
        return;
    case AM_NEITHER:
        puts("nonsense");
        return;
    }
}

static void
send_parts(struct run *run, char **parts)
{
    static uint8_t list[AM_MAX_MESSAGE];
    const struct captured *base = NULL, *from;
    const uint8_t *answer = NULL;
    size_t list_len = 0, len, answer_len = 0;
    uint8_t *message;

    for (; *parts != NULL; parts++) {
        from = append(run, *parts, list, &list_len);
        if (base == NULL || base->identity == NULL)
            base = from != NULL ? from : base;
    }
    if (base == NULL)
        give_up("no part with a body");
    message = am_request_with(base->message, base->len, list, list_len, &len);
    if (message == NULL)
        give_up("not a request");
    if (wire_exchange(&run->wire, &run->kdc, message, len, &answer,
                      &answer_len))
        print_answer(answer, answer_len);
    else
        puts("no answer");
    free(message);
}

int
main(int argc, char **argv)
{
    static struct run run = {.kdc = {.tcp = true}, .count = 1};
    int i;

    if (argc < 6)
        give_up("PORT PRINCIPAL PASSWORD IDENTITY... -- PART...");
    wire_init(&run.wire);
    run.kdc.port = (uint16_t)atoi(argv[1]);
    run.principal = argv[2];
    run.password = argv[3];
    for (i = 4; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (run.count == MAX_REQUESTS)
            give_up("too many identities");
        run.requests[run.count++].identity = argv[i];
    }
    for (size_t n = 0; n < run.count; n++)
        capture(&run, &run.requests[n]);
    send_parts(&run, argv + (i < argc ? i + 1 : i));
    for (size_t n = 0; n < run.count; n++)
        free(run.requests[n].message);
    return 0;
}
