#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "ocsp_rows.h"

static void
report_delegate(void *context, X509 *delegate, struct cm_status *out)
{
    const struct row *row = context;

    (void)delegate;
    memset(out, 0, sizeof(*out));
    switch (row->ask) {
    case NO_CALLBACK:
    case SAYS_UNKNOWN:
        break;
    case SAYS_GOOD:
        out->state = CM_STATUS_GOOD;
        break;
    case SAYS_STALE:
        out->state = CM_STATUS_STALE;
        break;
    case SAYS_REVOKED:
        out->state = CM_STATUS_REVOKED;
        break;
    }
}

/* Fills list with the certificates of these names. */
static size_t
find_all(const char *names, X509 **list, size_t max)
{
    char *copy = strdup(names), *rest = copy, *name;
    size_t count = 0;

    assert_non_null(copy);
    while ((name = strsep(&rest, " ")) != NULL) {
        if (name[0] == '\0')
            continue;
        assert_true(count < max);
        list[count++] = ocsp_world_cert(name);
    }
    free(copy);
    return count;
}

static void
set_answer(const struct says *says, struct to_answer *out)
{
    out->cert = ocsp_world_cert(says->about != NULL ? says->about : "card");
    out->issuer = ocsp_world_cert(says->issuer != NULL ? says->issuer : "ca");
    if (says->digest != NULL)
        out->digest = says->digest();
    out->status = says->status;
    out->this_update = OCSP_WORLD_NOW + says->at;
    out->this_update_der = says->at_der;
    if (says->next != NO_NEXT)
        out->next_update =
            OCSP_WORLD_NOW + (says->next != 0 ? says->next : 3600);
    out->extensions = says->extensions;
}

uint8_t *
ocsp_row_response(const struct row *row, size_t *len)
{
    const char *signer = row->signer != NULL ? row->signer : "ca";
    const char *certs = row->certs;
    struct to_spec spec = {
        .responder = ocsp_world_cert(row->named != NULL ? row->named : signer),
        .key = ocsp_world_key(signer),
        .by_key = row->by_key,
        .pss = row->pss,
        .digest = row->digest != NULL ? row->digest() : NULL,
        .produced_at = OCSP_WORLD_NOW + row->produced,
        .produced_at_der = row->produced_der,
        .version = row->version,
        .responder_id = row->responder_id,
        .extensions = row->extensions,
        .repeat = row->repeat,
        .repeat_certs = row->repeat_certs,
    };

    if (certs == NULL)
        certs = strcmp(signer, "ca") == 0 ? "" : signer;
    find_all(certs, spec.certs, TO_MAX_CERTS);
    for (size_t i = 0; i < 3 && row->says[i].status != NULL; i++)
        set_answer(&row->says[i], &spec.answers[i]);
    return to_make(&spec, len);
}

const struct cm_path_rules ocsp_rows_rules = {.now = OCSP_WORLD_NOW,
                                              .min_rsa_bits = 2048};

void
ocsp_row_check_response(const struct row *row, const uint8_t *response,
                        size_t len, struct cm_status *out)
{
    X509 *responders[4] = {NULL};
    struct row copy = *row;
    struct cm_ocsp_question question = {
        .cert = ocsp_world_cert("card"),
        .issuer = ocsp_world_cert("ca"),
        .rules = &ocsp_rows_rules,
        .responders = responders,
        .context = &copy,
    };

    if (row->configured != NULL)
        question.responder_count = find_all(row->configured, responders, 4);
    if (row->ask != NO_CALLBACK)
        question.delegate_status = report_delegate;
    cm_ocsp_check(&question, response, len, out);
}

void
ocsp_row_judge(const struct row *row, struct cm_status *out)
{
    uint8_t *response;
    size_t len;

    response = ocsp_row_response(row, &len);
    ocsp_row_check_response(row, response, len, out);
    free(response);
}

static bool
is_as_expected(const struct row *row, const struct cm_status *status)
{
    if (status->state != row->state)
        return false;
    if (row->state == CM_STATUS_UNKNOWN)
        return status->source == CM_SOURCE_NONE &&
               strstr(status->detail.text, row->words) != NULL;
    return status->source == CM_SOURCE_OCSP && status->reason == row->reason;
}

void
ocsp_rows_check(const struct row *rows, size_t count)
{
    struct cm_status status;
    unsigned differences = 0;

    for (size_t i = 0; i < count; i++) {
        ocsp_row_judge(&rows[i], &status);
        if (is_as_expected(&rows[i], &status))
            continue;
        print_error("%s: state %d, reason %d: %s\n", rows[i].name,
                    (int)status.state, status.reason, status.detail.text);
        differences++;
    }
    assert_int_equal(differences, 0);
}
