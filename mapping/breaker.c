#include "breaker.h"

#include <limits.h>
#include <string.h>

bool
cm_breaker_is_due(const struct cm_breaker *breaker, int64_t now_ms)
{
    return !breaker->open || now_ms >= breaker->open_until;
}

bool
cm_breaker_allows(struct cm_breaker *breaker,
                  const struct cm_breaker_rules *rules, int64_t now_ms)
{
    if (!cm_breaker_is_due(breaker, now_ms))
        return false;
    /* The one who may try: for all others its rest begins anew. */
    if (breaker->open)
        breaker->open_until = now_ms + rules->rest_ms;
    return true;
}

bool
cm_breaker_worked(struct cm_breaker *breaker)
{
    bool changed = breaker->open;

    memset(breaker, 0, sizeof(*breaker));
    return changed;
}

bool
cm_breaker_failed(struct cm_breaker *breaker,
                  const struct cm_breaker_rules *rules, int64_t now_ms)
{
    bool changed;

    if (breaker->failures < UINT_MAX)
        breaker->failures++;
    if (breaker->failures < rules->failures)
        return false;
    changed = !breaker->open;
    breaker->open = true;
    breaker->open_until = now_ms + rules->rest_ms;
    return changed;
}
