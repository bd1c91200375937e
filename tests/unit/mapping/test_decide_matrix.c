/*
 * Every combination of what the decision turns on, against a table that was
 * written by hand.  Each combination must fall under exactly one line of the
 * table: none is undefined, and none is defined twice.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include "decide.h"

#define CREATED 1704067200 /* 2024-01-01T00:00:00Z */
#define OWN_SID "S-1-5-21-11-22-33-1101"
#define FOREIGN_SID "S-1-5-21-11-22-33-1102"

enum enforcement { FULL = 1, COMPAT = 2, DISABLED = 4 };
enum strong { NO_STRONG = 1, STRONG = 2 };
enum weak { NO_WEAK = 1, UPN = 2, ISSUER_SUBJECT = 4 };
enum sid { NO_SID = 1, EQUAL = 2, FOREIGN = 4, MALFORMED = 8 };
enum age { NEWER = 1, OLDER = 2 };
enum veto { WARN = 1, REFUSE = 2 };
enum { ANY = 15, A_WEAK = UPN | ISSUER_SUBJECT };

#define ACCEPT_STRONG CM_OK, CM_STRENGTH_STRONG
#define ACCEPT_WEAK CM_OK, CM_STRENGTH_WEAK
#define REFUSE_AS(reason) reason, CM_STRENGTH_NONE
#define PREDATES (CM_WARN_WEAK | CM_WARN_PREDATES)

/* What it is about (bits: one of), and what must come of it. */
static const struct line {
    int strong, weak, sid, enforcement, age, veto;
    enum cm_reason reason;
    enum cm_strength strength; /* where accepted */
    unsigned warnings;         /* where accepted */
} oracle[] = {
    /* A strong mapping: enforcement and dates do not count. */
    {STRONG, ANY, NO_SID | EQUAL, ANY, ANY, ANY, ACCEPT_STRONG, 0},
    {STRONG, ANY, FOREIGN, ANY, ANY, WARN, ACCEPT_STRONG, CM_WARN_SID_FOREIGN},
    {STRONG, ANY, FOREIGN, ANY, ANY, REFUSE, REFUSE_AS(CM_SID_MISMATCH), 0},
    {STRONG, ANY, MALFORMED, ANY, ANY, ANY, REFUSE_AS(CM_SID_MALFORMED), 0},

    /* No mapping: nothing helps, a SID neither. */
    {NO_STRONG, NO_WEAK, ANY, ANY, ANY, ANY, REFUSE_AS(CM_NO_MAPPING), 0},

    /* A weak mapping with a SID: the SID decides. */
    {NO_STRONG, A_WEAK, EQUAL, ANY, ANY, ANY, ACCEPT_STRONG, 0},
    {NO_STRONG, A_WEAK, FOREIGN, ANY, ANY, ANY, REFUSE_AS(CM_SID_MISMATCH), 0},
    {NO_STRONG, A_WEAK, MALFORMED, ANY, ANY, ANY, REFUSE_AS(CM_SID_MALFORMED),
     0},

    /* A weak mapping alone: enforcement decides, then the date. */
    {NO_STRONG, A_WEAK, NO_SID, FULL, ANY, ANY, REFUSE_AS(CM_WEAK_MAPPING), 0},
    {NO_STRONG, A_WEAK, NO_SID, COMPAT, NEWER, ANY, ACCEPT_WEAK, CM_WARN_WEAK},
    {NO_STRONG, A_WEAK, NO_SID, COMPAT, OLDER, ANY,
     REFUSE_AS(CM_CERT_PREDATES_ACCOUNT), 0},
    {NO_STRONG, A_WEAK, NO_SID, DISABLED, NEWER, ANY, ACCEPT_WEAK,
     CM_WARN_WEAK},
    {NO_STRONG, A_WEAK, NO_SID, DISABLED, OLDER, ANY, ACCEPT_WEAK, PREDATES},
};

struct combination {
    int strong, weak, sid, enforcement, age, veto;
};

static const struct line *
look_up(const struct combination *c)
{
    const struct line *line, *found = &oracle[0];
    size_t i;
    int lines = 0;

    for (i = 0; i < sizeof(oracle) / sizeof(oracle[0]); i++) {
        line = &oracle[i];
        if (!(line->strong & c->strong) || !(line->weak & c->weak) ||
            !(line->sid & c->sid) || !(line->age & c->age) ||
            !(line->enforcement & c->enforcement) || !(line->veto & c->veto))
            continue;
        found = line;
        lines++;
    }
    assert_int_equal(lines, 1);
    return found;
}

static enum cm_enforcement
enforcement_of(int bit)
{
    if (bit == DISABLED)
        return CM_ENFORCE_DISABLED;
    return bit == COMPAT ? CM_ENFORCE_COMPATIBILITY : CM_ENFORCE_FULL;
}

static enum cm_presence
sid_state_of(int bit)
{
    if (bit == NO_SID)
        return CM_ABSENT;
    return bit == MALFORMED ? CM_FAULTY : CM_PRESENT;
}

static void
decide(const struct combination *c, struct cm_verdict *out)
{
    static char issuer[] = "CN=CA", subject[] = "CN=Alice",
                upn[] = "alice@example.com", name[] = "alice",
                domain[] = "example.com", own[] = OWN_SID,
                foreign[] = FOREIGN_SID, serial[] = "X509:<I>CN=CA<SR>01",
                subjects[] = "X509:<I>CN=CA<S>CN=Alice";
    struct cm_value values[2];
    struct cm_certificate cert = {.issuer = issuer,
                                  .subject = subject,
                                  .serial = {1},
                                  .serial_len = 1,
                                  .not_before = CREATED - (c->age == OLDER),
                                  .sid_state = sid_state_of(c->sid)};
    struct cm_account account = {.id = name,
                                 .named = true,
                                 .account_name = name,
                                 .upn_state = CM_PRESENT,
                                 .upn = upn,
                                 .has_sid_attribute = true,
                                 .sid_state = CM_PRESENT,
                                 .sid = own,
                                 .created_state = CM_PRESENT,
                                 .created = CREATED,
                                 .mappings = values};
    struct cm_accounts accounts = {&account, 1};
    struct cm_policy policy = {.enforcement = enforcement_of(c->enforcement),
                               .accept = CM_ACCEPT_DEFAULT,
                               .use_subject_alt_name = true,
                               .sid_mismatch_refuses = c->veto == REFUSE,
                               .dns_domain = domain};
    struct cm_evidence evidence = {
        .cert = &cert, .policy = &policy, .accounts = &accounts};

    if (c->sid == EQUAL || c->sid == FOREIGN)
        cert.sid = c->sid == EQUAL ? own : foreign;
    if (c->weak == UPN) {
        cert.upn_state = CM_PRESENT;
        cert.upn = upn;
    }
    if (c->strong == STRONG)
        values[account.mapping_count++] =
            (struct cm_value){serial, sizeof(serial) - 1};
    if (c->weak == ISSUER_SUBJECT)
        values[account.mapping_count++] =
            (struct cm_value){subjects, sizeof(subjects) - 1};
    memset(out, 0xA5, sizeof(*out));
    cm_decide(&evidence, out);
    /* The account goes out of scope; what is left of it is which. */
    assert_true(out->account == NULL || out->account == &account);
    out->account = NULL;
}

static void
check(const struct combination *c)
{
    const struct line *want = look_up(c);
    struct cm_verdict got;

    decide(c, &got);
    if (got.reason != want->reason)
        fail_msg("strong %d, weak %d, sid %d, enforcement %d, age %d, "
                 "veto %d: expected %s, got %s",
                 c->strong, c->weak, c->sid, c->enforcement, c->age, c->veto,
                 cm_reason_token(want->reason), cm_reason_token(got.reason));
    if (want->reason == CM_OK) {
        assert_int_equal(got.strength, want->strength);
        assert_int_equal(got.warnings, want->warnings);
    }
    if (want->reason == CM_OK && c->strong == STRONG)
        assert_int_equal(got.form, CM_FORM_ISSUER_SERIAL);
    else if (want->reason == CM_OK)
        assert_int_equal(got.form, c->weak == UPN ? CM_FORM_UPN
                                                  : CM_FORM_ISSUER_SUBJECT);
}

/* The next of the bits up to last; false and the first one after the last. */
static bool
next(int *bit, int last)
{
    if (*bit < last) {
        *bit *= 2;
        return true;
    }
    *bit = 1;
    return false;
}

static void
test_every_combination(void **state)
{
    struct combination c = {1, 1, 1, 1, 1, 1};
    int count = 0;

    (void)state;
    do {
        check(&c);
        count++;
    } while (next(&c.strong, STRONG) || next(&c.weak, ISSUER_SUBJECT) ||
             next(&c.sid, MALFORMED) || next(&c.enforcement, DISABLED) ||
             next(&c.age, OLDER) || next(&c.veto, REFUSE));
    assert_int_equal(count, 2 * 3 * 4 * 3 * 2 * 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_combination),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
