#include "reason.h"

struct reason {
    const char *token;
    int number;
    const char *text;
};

#define CM_REASON_ROW(id, token, number, text) {token, number, text},
static const struct reason reasons[] = {CM_REASONS(CM_REASON_ROW)};
#undef CM_REASON_ROW

enum { REASON_COUNT = sizeof(reasons) / sizeof(reasons[0]) };

/* A value outside the enumeration is a defect: it reads as "internal". */
static const struct reason *
lookup(enum cm_reason reason)
{
    unsigned index = (unsigned)reason;

    return &reasons[index < REASON_COUNT ? index : CM_INTERNAL];
}

const char *
cm_reason_token(enum cm_reason reason)
{
    return lookup(reason)->token;
}

const char *
cm_reason_text(enum cm_reason reason)
{
    return lookup(reason)->text;
}

int
cm_reason_number(enum cm_reason reason)
{
    return lookup(reason)->number;
}
