/*
 * Progress of a long run, on a terminal.
 */
#include "refresh_command.h"

#include <stdio.h>
#include <unistd.h>

#include "monotonic.h"

enum {
    PROGRESS_AFTER_MS = 1000, /* what is quicker needs none */
    SIZE_TEXT = 32
};

void
cm_refresh_size_text(uint64_t bytes, char out[32])
{
    static const char *const units[] = {"B", "kB", "MB", "GB"};
    double value = (double)bytes;
    size_t unit = 0;

    while (value >= 1000 && unit + 1 < sizeof(units) / sizeof(units[0])) {
        value /= 1000;
        unit++;
    }
    (void)snprintf(out, SIZE_TEXT, unit == 0 ? "%.0f %s" : "%.1f %s", value,
                   units[unit]);
}

void
cm_refresh_progress_start(struct cm_refresh_command *command)
{
    int fd = fileno(command->tool->err);

    command->shows_progress = !command->watch && fd >= 0 && isatty(fd);
    command->shown = false;
    command->started_ms = cm_monotonic_ms();
    command->bytes = 0;
    command->arrived = 0;
}

static uint64_t
bytes_so_far(const struct cm_refresh_command *command)
{
    uint64_t bytes = command->bytes;

    for (size_t i = 0; i < CM_REFRESH_CHILDREN; i++) {
        if (command->children[i] != NULL)
            bytes += cm_fetch_child_received(command->children[i]);
    }
    return bytes;
}

void
cm_refresh_progress_show(struct cm_refresh_command *command)
{
    int64_t ms = cm_monotonic_ms() - command->started_ms;
    char size[SIZE_TEXT], rate[SIZE_TEXT];
    uint64_t bytes;

    if (!command->shows_progress || ms < PROGRESS_AFTER_MS)
        return;
    bytes = bytes_so_far(command);
    cm_refresh_size_text(bytes, size);
    cm_refresh_size_text(bytes * 1000 / (uint64_t)ms, rate);
    fprintf(command->tool->err, "\r\033[Kanswers: %zu, %s, %s/s",
            command->arrived, size, rate);
    (void)fflush(command->tool->err);
    command->shown = true;
}

void
cm_refresh_progress_end(struct cm_refresh_command *command)
{
    if (command->shown)
        fputs("\r\033[K", command->tool->err);
    command->shown = false;
}
