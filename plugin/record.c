#include "record.h"

#include <string.h>

/* See record.h: certauth and kdcpreauth share no module data. */
static struct cm_record *current;

void
cm_record_init(struct cm_record *record, struct cm_realms *realms)
{
    memset(record, 0, sizeof(*record));
    record->state = CM_RECORD_NEW;
    record->realms = realms;
    cm_evidence_init(&record->evidence);
}

void
cm_record_clear(struct cm_record *record)
{
    cm_evidence_clear(&record->evidence);
    cm_text_list_clear(&record->indicators);
}

struct cm_record *
cm_record_current(void)
{
    return current;
}

bool
cm_record_enter(struct cm_record *record)
{
    if (current != NULL || record->entered || record->state != CM_RECORD_NEW)
        return false;
    record->entered = true;
    current = record;
    return true;
}

void
cm_record_leave(struct cm_record *record)
{
    if (current != record)
        return;
    current = NULL;
    switch (record->state) {
    case CM_RECORD_NEW:
    case CM_RECORD_EVIDENCE:
        record->state = CM_RECORD_DEAD;
        return;
    case CM_RECORD_STOCK_OK:
    case CM_RECORD_DECIDED:
    case CM_RECORD_ANSWERED:
    case CM_RECORD_SPOILT:
    case CM_RECORD_DEAD:
        return;
    }
}

bool
cm_record_keep(struct cm_record *record)
{
    if (current != record)
        return false;
    switch (record->state) {
    case CM_RECORD_NEW:
        record->state = CM_RECORD_EVIDENCE;
        return true;
    case CM_RECORD_EVIDENCE:
    case CM_RECORD_STOCK_OK:
        record->state = CM_RECORD_SPOILT;
        return false;
    case CM_RECORD_DECIDED:
    case CM_RECORD_ANSWERED:
    case CM_RECORD_SPOILT:
    case CM_RECORD_DEAD:
        return false;
    }
    return false;
}

bool
cm_record_indicate(struct cm_record *record, const char *indicator)
{
    if (current != record ||
        record->indicators.count >= CM_RECORD_MAX_INDICATORS ||
        strlen(indicator) > CM_RECORD_MAX_INDICATOR)
        return false;
    return cm_text_list_add(&record->indicators, indicator);
}

bool
cm_record_stock(struct cm_record *record, bool yes)
{
    bool again = record->responded;

    record->responded = true;
    if (current != record)
        return false;
    switch (record->state) {
    case CM_RECORD_NEW:
    case CM_RECORD_EVIDENCE:
        record->state = yes ? CM_RECORD_STOCK_OK : CM_RECORD_DECIDED;
        return true;
    case CM_RECORD_STOCK_OK:
    case CM_RECORD_DECIDED:
        record->state = CM_RECORD_SPOILT;
        return false;
    case CM_RECORD_SPOILT:
        /* Its refusal says more than ours does; its yes counts no more. */
        return !yes && !again;
    case CM_RECORD_ANSWERED:
    case CM_RECORD_DEAD:
        return false;
    }
    return false;
}

bool
cm_record_decide(struct cm_record *record, bool accepted)
{
    if (current == record || record->state != CM_RECORD_STOCK_OK)
        return false;
    record->state = CM_RECORD_DECIDED;
    record->accepted = accepted;
    return true;
}

bool
cm_record_refuse(struct cm_record *record)
{
    if (current == record || record->state == CM_RECORD_ANSWERED)
        return false;
    record->state = CM_RECORD_DECIDED;
    record->accepted = false;
    return true;
}

bool
cm_record_answer(struct cm_record *record)
{
    if (current == record || record->state != CM_RECORD_DECIDED)
        return false;
    record->state = CM_RECORD_ANSWERED;
    return true;
}
