/*
 * How CRLs of one issuer and key add up, without files: numbers, times,
 * damage, and the order they come in.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "crl_combine.h"

enum { NOW = 1000000, SCENE_MAX = 4 };

#define NO CM_CRL_NOT_LISTED, 0
#define LISTED CM_CRL_LISTED, CM_CRL_KEY_COMPROMISE
#define HELD CM_CRL_LISTED, CM_CRL_CERTIFICATE_HOLD
#define LIFTED CM_CRL_LISTED, CM_CRL_REMOVE_FROM_CRL
#define DAMAGED CM_CRL_UNREADABLE, 0

/* Times are relative to NOW; next 0: none. */
struct crl {
    unsigned number, base;
    int this_update, next_update;
    enum cm_crl_listing listing;
    int reason;
};

enum answer { NOTHING, GOOD, STALE, REVOKED, UNREADABLE };

static const struct {
    const char *name;
    struct crl crls[SCENE_MAX]; /* until this_update is 0 */
    enum answer answer;
} scenes[] = {
    {"nothing", {{0}}, NOTHING},
    {"one", {{1, 0, -9, 9, NO}}, GOOD},
    {"listed", {{1, 0, -9, 9, LISTED}}, REVOKED},
    {"ends now", {{1, 0, -9, 0, NO}}, STALE},
    {"ended", {{1, 0, -9, -1, NO}}, STALE},
    {"not yet", {{1, 0, 301, 999, NO}}, NOTHING},
    {"within the skew", {{1, 0, 300, 999, NO}}, GOOD},
    {"damaged", {{1, 0, -9, 9, DAMAGED}}, UNREADABLE},

    {"newer", {{1, 0, -9, 9, HELD}, {2, 0, -8, 9, NO}}, GOOD},
    {"newer at the same time", {{1, 0, -9, 9, HELD}, {2, 0, -9, 9, NO}}, GOOD},
    {"newer under the same number",
     {{1, 0, -9, 9, HELD}, {1, 0, -8, 9, NO}},
     GOOD},
    {"newer by time, older by number",
     {{2, 0, -9, 9, HELD}, {1, 0, -8, 9, NO}},
     REVOKED},
    {"newer by number, older by time",
     {{1, 0, -8, 9, HELD}, {2, 0, -9, 9, NO}},
     REVOKED},
    {"no difference", {{1, 0, -9, 9, HELD}, {1, 0, -9, 9, NO}}, REVOKED},
    {"a number where there was none",
     {{0, 0, -9, 9, HELD}, {1, 0, -8, 9, NO}},
     GOOD},
    {"a chain of three",
     {{1, 0, -9, 9, HELD}, {2, 0, -8, 9, LISTED}, {3, 0, -7, 9, NO}},
     GOOD},
    {"damaged, but replaced",
     {{1, 0, -9, 9, DAMAGED}, {2, 0, -8, 9, NO}},
     GOOD},
    {"damaged, the newer one",
     {{1, 0, -9, 9, NO}, {2, 0, -8, 9, DAMAGED}},
     UNREADABLE},
    {"damaged, the older lists",
     {{1, 0, -9, 9, LISTED}, {2, 0, -8, 9, DAMAGED}},
     REVOKED},

    {"a delta", {{5, 0, -9, 9, NO}, {6, 5, -8, 9, NO}}, GOOD},
    {"a delta of its own number",
     {{5, 0, -9, 9, HELD}, {5, 4, -9, 9, LIFTED}},
     GOOD},
    {"base below", {{6, 0, -9, 9, HELD}, {7, 5, -8, 9, LIFTED}}, GOOD},
    {"base above", {{5, 0, -9, 9, HELD}, {7, 6, -8, 9, LIFTED}}, REVOKED},
    {"base above, listed",
     {{5, 0, -9, 9, NO}, {7, 6, -8, 9, LISTED}},
     REVOKED},
    {"delta before", {{6, 0, -8, 9, NO}, {5, 4, -9, 9, LISTED}}, GOOD},
    {"delta before, but later",
     {{6, 0, -9, 9, NO}, {5, 4, -8, 9, LISTED}},
     REVOKED},
    {"delta without number",
     {{6, 0, -9, 9, HELD}, {0, 4, -8, 9, LIFTED}},
     REVOKED},
    {"delta without number, listed",
     {{6, 0, -9, 9, NO}, {0, 4, -8, 9, LISTED}},
     REVOKED},
    {"delta for a CRL without number",
     {{0, 0, -9, 9, HELD}, {6, 5, -8, 9, LIFTED}},
     REVOKED},
    {"delta alone", {{6, 5, -8, 9, NO}}, NOTHING},
    {"delta renews", {{5, 0, -9, -1, NO}, {6, 5, -8, 9, NO}}, GOOD},
    {"delta ended first", {{5, 0, -9, 9, NO}, {6, 5, -8, -1, NO}}, GOOD},
    {"both ended", {{5, 0, -9, -2, NO}, {6, 5, -8, -1, NO}}, STALE},
    {"ended delta lifts nothing",
     {{5, 0, -9, 9, HELD}, {6, 5, -8, -1, LIFTED}},
     REVOKED},
    {"ended delta lists",
     {{5, 0, -9, 9, NO}, {6, 5, -8, -1, LISTED}},
     REVOKED},
    {"damaged delta", {{5, 0, -9, 9, NO}, {6, 5, -8, 9, DAMAGED}}, UNREADABLE},
    {"damaged delta, replaced",
     {{5, 0, -9, 9, NO}, {6, 5, -8, 9, DAMAGED}, {7, 5, -7, 9, NO}},
     GOOD},
    {"damaged base", {{5, 0, -9, 9, DAMAGED}, {6, 5, -8, 9, NO}}, UNREADABLE},
    {"two deltas",
     {{5, 0, -9, 9, NO}, {6, 5, -8, 9, HELD}, {7, 5, -7, 9, LIFTED}},
     GOOD},
    {"two deltas, the other way",
     {{5, 0, -9, 9, HELD}, {6, 5, -8, 9, LIFTED}, {7, 5, -7, 9, HELD}},
     REVOKED},
    /* A base is a complete CRL that was published, not one put together. */
    {"a delta on a delta",
     {{5, 0, -9, 9, NO}, {6, 5, -8, 9, HELD}, {7, 6, -7, 9, LIFTED}},
     REVOKED},
    {"the later delta does not reach back",
     {{5, 0, -9, 9, NO}, {6, 5, -8, 9, HELD}, {9, 8, -7, 9, LIFTED}},
     REVOKED},
};

static struct cm_crl_number
number_of(unsigned value)
{
    struct cm_crl_number number = {.present = value != 0};

    number.octets[CM_CRL_MAX_NUMBER - 1] = (uint8_t)value;
    return number;
}

static struct cm_crl_record
record_of(const struct crl *crl)
{
    struct cm_crl_record record = {
        .reasons = CM_CRL_ALL_REASONS,
        .number = number_of(crl->number),
        .base = number_of(crl->base),
        .this_update = NOW + crl->this_update,
        .has_next_update = true,
        .next_update = NOW + crl->next_update,
        .listing = crl->listing,
        .reason = crl->reason,
    };

    return record;
}

static enum answer
answer_of(const struct cm_crl_voice *voices, size_t count)
{
    enum answer answer = NOTHING;

    for (size_t i = 0; i < count; i++) {
        if (voices[i].revoked)
            return REVOKED;
    }
    for (size_t i = 0; i < count; i++) {
        if (voices[i].unreadable)
            return UNREADABLE;
        assert_int_equal(voices[i].reasons, CM_CRL_ALL_REASONS);
        answer = voices[i].next_update > NOW ? GOOD : STALE;
    }
    return answer;
}

/* Every order: the records are rotated, forward and backward. */
static void
test_scenes(void **state)
{
    struct cm_crl_voice voices[SCENE_MAX];
    struct cm_crl_record records[SCENE_MAX];
    enum answer answer;
    size_t count, at;

    (void)state;
    for (size_t i = 0; i < sizeof(scenes) / sizeof(*scenes); i++) {
        for (count = 0; count < SCENE_MAX; count++) {
            if (scenes[i].crls[count].this_update == 0)
                break;
        }
        for (size_t turn = 0; turn < 2 * count + 1; turn++) {
            for (size_t j = 0; j < count; j++) {
                at = (j + turn / 2) % count;
                at = turn % 2 == 0 ? at : count - 1 - at;
                records[j] = record_of(&scenes[i].crls[at]);
            }
            answer =
                answer_of(voices, cm_crl_combine(records, count, NOW, voices));
            if (answer != scenes[i].answer)
                fail_msg("%s (%zu): %d", scenes[i].name, turn, (int)answer);
        }
    }
}

/* CRLs of two scopes leave each other alone. */
static void
test_scopes(void **state)
{
    const struct crl held = {1, 0, -9, 9, HELD}, good = {2, 0, -8, 9, NO};
    struct cm_crl_record records[] = {record_of(&held), record_of(&good)};
    struct cm_crl_voice voices[2];

    (void)state;
    records[1].scope[0] = 1;
    assert_int_equal(cm_crl_combine(records, 2, NOW, voices), 2);
    assert_int_equal(answer_of(voices, 2), REVOKED);
}

/* What may only revoke decides no reason. */
static void
test_only_revokes(void **state)
{
    const struct crl good = {1, 0, -9, 9, NO}, listed = {1, 0, -9, 9, LISTED};
    struct cm_crl_record record = record_of(&good);
    struct cm_crl_voice voice;

    (void)state;
    record.only_revokes = true;
    assert_int_equal(cm_crl_combine(&record, 1, NOW, &voice), 1);
    assert_int_equal(voice.reasons, 0);
    assert_false(voice.revoked);
    record = record_of(&listed);
    record.only_revokes = true;
    assert_int_equal(cm_crl_combine(&record, 1, NOW, &voice), 1);
    assert_true(voice.revoked);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scenes),
        cmocka_unit_test(test_scopes),
        cmocka_unit_test(test_only_revokes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
