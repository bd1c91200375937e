/*
 * One row: decode, decide, and decide again in every order.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "case_fixture.h"
#include "certificate.h"
#include "testcert.h"

static const char *
mode_name(enum cm_enforcement mode)
{
    switch (mode) {
    case CM_ENFORCE_FULL:
        return "full";
    case CM_ENFORCE_COMPATIBILITY:
        return "compatibility";
    case CM_ENFORCE_DISABLED:
        return "disabled";
    }
    return "?";
}

static void
check_accepted(const struct case_expect *want, const struct cm_verdict *got)
{
    assert_true(got->form != CM_FORM_NONE);
    if (want->form != CM_FORM_NONE)
        assert_string_equal(cm_form_token(got->form),
                            cm_form_token(want->form));
    assert_string_equal(cm_strength_token(got->strength),
                        cm_strength_token(want->strength));
    assert_int_equal(got->warnings, want->warnings);
    assert_non_null(got->account);
    assert_true(got->account->named);
}

static void
check(const struct case_row *row, enum cm_enforcement mode,
      const struct cm_verdict *got)
{
    const struct case_expect *want = &row->expect;

    assert_true(want->given);
    if (got->reason != want->reason)
        fail_msg("%s (%s): expected %s, got %s: %s", row->name,
                 mode_name(mode), cm_reason_token(want->reason),
                 cm_reason_token(got->reason), got->detail.text);
    assert_int_equal(cm_reason_number(got->reason), want->number);
    if (got->reason == CM_OK)
        check_accepted(want, got);
    else if (got->reason == CM_WEAK_MAPPING ||
             got->reason == CM_CERT_PREDATES_ACCOUNT)
        assert_int_equal(got->strength, CM_STRENGTH_WEAK);
}

static void
check_same(const struct case_row *row, const struct cm_verdict *first,
           const struct cm_verdict *other)
{
    if (first->reason != other->reason)
        fail_msg("%s: the order decides, %s or %s", row->name,
                 cm_reason_token(first->reason),
                 cm_reason_token(other->reason));
    assert_int_equal(first->form, other->form);
    assert_int_equal(first->strength, other->strength);
    assert_int_equal(first->warnings, other->warnings);
}

static void
reverse_accounts(struct cm_accounts *accounts)
{
    struct cm_account swap;
    size_t i;

    for (i = 0; i < accounts->count / 2; i++) {
        swap = accounts->list[i];
        accounts->list[i] = accounts->list[accounts->count - 1 - i];
        accounts->list[accounts->count - 1 - i] = swap;
    }
}

static void
reverse_values(struct cm_accounts *accounts)
{
    struct cm_account *account;
    struct cm_value swap, *other;
    size_t i, j;

    for (i = 0; i < accounts->count; i++) {
        account = &accounts->list[i];
        for (j = 0; j < account->mapping_count / 2; j++) {
            other = &account->mappings[account->mapping_count - 1 - j];
            swap = account->mappings[j];
            account->mappings[j] = *other;
            *other = swap;
        }
    }
}

/* Forward, values reversed, both reversed, accounts reversed. */
static void
decide_in_every_order(const struct case_row *row, enum cm_enforcement mode,
                      struct cm_evidence *evidence,
                      struct cm_accounts *accounts)
{
    struct cm_verdict first, other;
    int order;

    /* Nothing may be left as it was found. */
    memset(&first, 0xA5, sizeof(first));
    cm_decide(evidence, &first);
    check(row, mode, &first);
    for (order = 1; order < 4; order++) {
        if (order == 2)
            reverse_accounts(accounts);
        else
            reverse_values(accounts);
        memset(&other, 0xA5, sizeof(other));
        cm_decide(evidence, &other);
        check(row, mode, &other);
        check_same(row, &first, &other);
    }
}

static void
issuer_thumbprints(enum case_issuer issuer, struct cm_thumbprint out[2])
{
    const X509 *ca = case_ca(issuer);

    memset(out, 0, 2 * sizeof(*out));
    out[0].len = 20;
    assert_int_equal(X509_digest(ca, EVP_sha1(), out[0].bytes, NULL), 1);
    out[1].len = 32;
    assert_int_equal(X509_digest(ca, EVP_sha256(), out[1].bytes, NULL), 1);
}

static void
decide(const struct case_row *row, enum cm_enforcement mode, const X509 *x509,
       const struct cm_certificate *cert)
{
    struct cm_thumbprint thumbprints[2];
    struct case_hashes hashes;
    struct cm_accounts accounts;
    struct cm_policy policy;
    struct cm_evidence evidence = {
        .cert = cert,
        .policy = &policy,
        .accounts = &accounts,
        .issuer_thumbprints = thumbprints,
        .issuer_thumbprint_count = 2,
    };

    issuer_thumbprints(row->cert.issuer, thumbprints);
    case_hash(x509, &hashes);
    case_directory(row, &hashes,
                   cert->upn_state == CM_PRESENT ? cert->upn : NULL,
                   &accounts);
    case_policy(&row->set, mode, &hashes, &policy);
    decide_in_every_order(row, mode, &evidence, &accounts);
    cm_policy_clear(&policy);
    cm_accounts_clear(&accounts);
}

void
case_run(void **state)
{
    const struct case_row *row = *(const struct case_row **)*state;
    X509 *x509 = case_make_cert(&row->cert);
    struct cm_certificate cert;
    struct cm_verdict broken;
    uint8_t *der;
    size_t len;

    memset(&broken, 0, sizeof(broken));
    der = tc_der(x509, &len);
    broken.reason = cm_certificate_decode(der, len, &cert, &broken.detail);
    free(der);
    if (broken.reason != CM_OK) {
        check(row, row->set.mode, &broken);
    } else if (row->set.any_mode) {
        decide(row, FULL, x509, &cert);
        decide(row, COMPAT, x509, &cert);
        decide(row, DISABLED, x509, &cert);
    } else {
        decide(row, row->set.mode, x509, &cert);
    }
    cm_certificate_clear(&cert);
    X509_free(x509);
}

int
case_teardown(void **state)
{
    (void)state;
    case_free_cas();
    return 0;
}
