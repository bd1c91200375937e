#include "progress.h"

#include <inttypes.h>
#include <unistd.h>

#include "monotonic.h"

enum {
    PROGRESS_AFTER_MS = 1000, /* what is quicker needs none */
    PROGRESS_EVERY_MS = 200,
    PROGRESS_STEPS = 64 /* between two looks at the clock */
};

void
cm_progress_begin(struct cm_progress *progress, FILE *out, const char *what)
{
    int fd = fileno(out);

    *progress = (struct cm_progress){.out = out, .what = what};
    progress->shows = fd >= 0 && isatty(fd);
    progress->next_ms = cm_monotonic_ms() + PROGRESS_AFTER_MS;
}

void
cm_progress_step(struct cm_progress *progress)
{
    int64_t now;

    progress->count++;
    if (!progress->shows || progress->count % PROGRESS_STEPS != 0)
        return;
    now = cm_monotonic_ms();
    if (now < progress->next_ms)
        return;
    fprintf(progress->out, "\r\033[K%" PRIu64 " %s", progress->count,
            progress->what);
    (void)fflush(progress->out);
    progress->next_ms = now + PROGRESS_EVERY_MS;
    progress->shown = true;
}

void
cm_progress_end(struct cm_progress *progress)
{
    if (progress->shown)
        fputs("\r\033[K", progress->out);
    progress->shown = false;
}
