#include "meter.h"

#include <string.h>
#include <unistd.h>

#include "monotonic.h"

enum { BAR = 20, LEFT_TEXT = 48 };

void
cm_meter_start(struct cm_meter *meter, FILE *out, const char *what,
               uint64_t total)
{
    int fd = fileno(out);

    memset(meter, 0, sizeof(*meter));
    meter->out = out;
    meter->terminal = fd >= 0 && isatty(fd);
    meter->what = what;
    meter->total = total;
    meter->started_ms = cm_monotonic_ms();
    meter->next_ms = meter->started_ms +
                     (meter->terminal ? CM_METER_AFTER_MS : CM_METER_LINE_MS);
}

static void
time_left(uint64_t left, uint64_t rate, char out[LEFT_TEXT])
{
    uint64_t seconds = rate == 0 ? 0 : (left + rate - 1) / rate;

    out[0] = '\0';
    if (rate == 0)
        return;
    if (seconds < 120)
        (void)snprintf(out, LEFT_TEXT, ", %llu s left",
                       (unsigned long long)seconds);
    else
        (void)snprintf(out, LEFT_TEXT, ", %llu min left",
                       (unsigned long long)((seconds + 59) / 60));
}

void
cm_meter_text(const struct cm_meter *meter, uint64_t done, int64_t now_ms,
              char out[CM_METER_TEXT])
{
    int64_t ms = now_ms - meter->started_ms;
    uint64_t rate = ms > 0 ? done * 1000 / (uint64_t)ms : 0;
    uint64_t total = meter->total, filled;
    char bar[BAR + 1], left[LEFT_TEXT];

    if (total == 0) {
        (void)snprintf(out, CM_METER_TEXT, "%s: %llu, %llu/s", meter->what,
                       (unsigned long long)done, (unsigned long long)rate);
        return;
    }
    if (done > total)
        done = total;
    filled = done * BAR / total;
    memset(bar, ' ', BAR);
    memset(bar, '#', (size_t)filled);
    bar[BAR] = '\0';
    time_left(total - done, rate, left);
    (void)snprintf(out, CM_METER_TEXT,
                   "%s: %3llu%% [%s] %llu of %llu, %llu/s%s", meter->what,
                   (unsigned long long)(done * 100 / total), bar,
                   (unsigned long long)done, (unsigned long long)total,
                   (unsigned long long)rate, left);
}

void
cm_meter_step(struct cm_meter *meter, uint64_t done)
{
    int64_t now = cm_monotonic_ms();
    char text[CM_METER_TEXT];

    if (now < meter->next_ms)
        return;
    meter->next_ms =
        now + (meter->terminal ? CM_METER_BAR_MS : CM_METER_LINE_MS);
    cm_meter_text(meter, done, now, text);
    fprintf(meter->out, meter->terminal ? "\r\033[K%s" : "%s\n", text);
    (void)fflush(meter->out);
    meter->shown = meter->terminal;
}

void
cm_meter_end(struct cm_meter *meter)
{
    if (meter->shown)
        fputs("\r\033[K", meter->out);
    meter->shown = false;
}
