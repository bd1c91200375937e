#include "crl_combine.h"

#include <stdlib.h>
#include <string.h>

#include "crl_status.h"

static int
compare_numbers(const struct cm_crl_record *a, const struct cm_crl_record *b)
{
    return cm_crl_number_compare(&a->number, &b->number);
}

static bool
both_numbered(const struct cm_crl_record *a, const struct cm_crl_record *b)
{
    return a->number.present && b->number.present;
}

/* By number, then by time: deltas are applied in this order. */
static int
in_sequence(const void *left, const void *right)
{
    const struct cm_crl_record *a = left, *b = right;
    int order = compare_numbers(a, b);

    if (order == 0)
        order = (a->this_update > b->this_update) -
                (a->this_update < b->this_update);
    return order != 0 ? order : memcmp(a->scope, b->scope, sizeof(a->scope));
}

static bool
is_usable(const struct cm_crl_record *record, int64_t now)
{
    return record->this_update <= now + CM_STATUS_SKEW;
}

/* Of two of a kind. */
static bool
is_newer(const struct cm_crl_record *a, const struct cm_crl_record *b)
{
    if (a->this_update == b->this_update)
        return both_numbered(a, b) && compare_numbers(a, b) > 0;
    return a->this_update > b->this_update &&
           (!both_numbered(a, b) || compare_numbers(a, b) >= 0);
}

/* Does the complete CRL know all that the delta knew? */
static bool
is_after_delta(const struct cm_crl_record *complete,
               const struct cm_crl_record *delta)
{
    if (!both_numbered(complete, delta))
        return complete->this_update > delta->this_update;
    return compare_numbers(complete, delta) > 0 &&
           complete->this_update >= delta->this_update;
}

/* Does a's word stand in place of b's? */
static bool
replaces(const struct cm_crl_record *a, const struct cm_crl_record *b)
{
    if (a->listing == CM_CRL_UNREADABLE ||
        memcmp(a->scope, b->scope, sizeof(a->scope)) != 0)
        return false;
    if (!a->base.present)
        return b->base.present ? is_after_delta(a, b) : is_newer(a, b);
    /* A newer delta tells everything of an older one if it reaches back at
     * least as far. */
    return b->base.present && is_newer(a, b) &&
           cm_crl_number_compare(&a->base, &b->base) <= 0;
}

static bool
applies(const struct cm_crl_record *delta,
        const struct cm_crl_record *complete)
{
    return delta->base.present && !complete->base.present &&
           delta->listing != CM_CRL_UNREADABLE &&
           memcmp(delta->scope, complete->scope, sizeof(delta->scope)) == 0 &&
           both_numbered(delta, complete) &&
           cm_crl_number_compare(&delta->base, &complete->number) <= 0 &&
           compare_numbers(complete, delta) <= 0;
}

static bool
is_revocation(const struct cm_crl_record *record)
{
    return record->listing == CM_CRL_LISTED &&
           record->reason != CM_CRL_REMOVE_FROM_CRL;
}

static struct cm_crl_voice
voice_of(const struct cm_crl_record *record)
{
    bool unreadable = record->listing == CM_CRL_UNREADABLE;
    bool decides =
        !record->base.present && !record->only_revokes && !unreadable;
    struct cm_crl_voice voice = {
        .unreadable = unreadable,
        .reasons = decides ? record->reasons : 0,
        .revoked = is_revocation(record),
        .reason = record->reason,
        .this_update = record->this_update,
        .has_next_update = record->has_next_update,
        .next_update = record->next_update,
    };

    return voice;
}

static bool
is_current(const struct cm_crl_record *record, int64_t now)
{
    return record->has_next_update && now < record->next_update;
}

/* A hold is lifted by a current delta only: after an expired one it may have
 * been put on again. */
static void
apply_delta(const struct cm_crl_record *delta, int64_t now,
            struct cm_crl_voice *voice)
{
    if (is_revocation(delta)) {
        voice->revoked = true;
        voice->reason = delta->reason;
    } else if (delta->listing == CM_CRL_LISTED && is_current(delta, now) &&
               voice->reason == CM_CRL_CERTIFICATE_HOLD) {
        voice->revoked = false;
    }
    if (delta->this_update > voice->this_update)
        voice->this_update = delta->this_update;
    if (delta->has_next_update &&
        (!voice->has_next_update || delta->next_update > voice->next_update)) {
        voice->has_next_update = true;
        voice->next_update = delta->next_update;
    }
}

/* Drops what is unusable, then what others replace; returns how many stay. */
static size_t
keep_standing(struct cm_crl_record *records, size_t count, int64_t now)
{
    size_t usable = 0, kept = 0;
    bool replaced;

    for (size_t i = 0; i < count; i++) {
        if (is_usable(&records[i], now))
            records[usable++] = records[i];
    }
    /* What is replaced still replaces what is older than it, so nothing is
     * dropped before all are judged. */
    for (size_t i = 0; i < usable; i++) {
        replaced = false;
        for (size_t j = 0; j < usable && !replaced; j++)
            replaced = j != i && replaces(&records[j], &records[i]);
        if (replaced)
            records[i].reasons = 0;
    }
    for (size_t i = 0; i < usable; i++) {
        if (records[i].reasons != 0)
            records[kept++] = records[i];
    }
    return kept;
}

/* What a complete CRL says, with the deltas that apply to it. */
static struct cm_crl_voice
voice_with_deltas(const struct cm_crl_record *complete,
                  const struct cm_crl_record *records, size_t count,
                  int64_t now)
{
    struct cm_crl_voice voice = voice_of(complete);

    if (voice.unreadable)
        return voice;
    for (size_t i = 0; i < count; i++) {
        if (applies(&records[i], complete))
            apply_delta(&records[i], now, &voice);
    }
    return voice;
}

static bool
applies_somewhere(const struct cm_crl_record *delta,
                  const struct cm_crl_record *records, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (applies(delta, &records[i]))
            return true;
    }
    return false;
}

size_t
cm_crl_combine(struct cm_crl_record *records, size_t count, int64_t now,
               struct cm_crl_voice *voices)
{
    size_t kept = keep_standing(records, count, now), n = 0;
    const struct cm_crl_record *record;

    if (kept == 0)
        return 0;
    qsort(records, kept, sizeof(*records), in_sequence);
    for (size_t i = 0; i < kept; i++) {
        record = &records[i];
        if (!record->base.present)
            voices[n++] = voice_with_deltas(record, records, kept, now);
        else if (record->listing == CM_CRL_UNREADABLE ||
                 (is_revocation(record) &&
                  !applies_somewhere(record, records, kept)))
            voices[n++] = voice_of(record);
    }
    return n;
}
