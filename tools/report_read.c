/* certmap report: files, standard input and the journal, line by line. */
#include "report_command.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log_line.h"
#include "progress.h"

/* One source. */
struct reading {
    struct cm_report *report;
    struct cm_tool *tool;
    const char *name; /* in messages */
    struct cm_log_clock clock;
    struct cm_progress progress;
    uint64_t number, damaged, first_damaged;
    char buffer[CM_REPORT_MAX_LINE];
    size_t used;
    bool skipping; /* the rest of a line that is too long */
};

/* ---- Lines ---- */

static void
note_damaged(struct reading *reading)
{
    reading->report->damaged++;
    if (reading->damaged++ == 0)
        reading->first_damaged = reading->number;
}

static void
take_line(struct reading *reading, const char *line, size_t len)
{
    struct cm_audit_fields fields;
    struct cm_span message;
    int64_t when;

    reading->number++;
    reading->report->lines++;
    cm_progress_step(&reading->progress);
    if (len > 0 && line[len - 1] == '\r')
        len--;
    if (!cm_log_line(&reading->clock, line, len, &message, &when))
        return;
    switch (cm_audit_parse(message.text, message.len, &fields)) {
    case CM_AUDIT_OTHER:
        return;
    case CM_AUDIT_DAMAGED:
        note_damaged(reading);
        return;
    case CM_AUDIT_WHOLE:
        reading->report->audit_lines++;
        if (reading->report->reference[0] != '\0')
            cm_report_find(reading->report, message, &fields, when);
        else
            cm_report_add(reading->report, &fields, when);
        return;
    }
}

/* Takes the whole lines of the buffer, and keeps the beginning of the next. */
static void
take_buffer(struct reading *reading)
{
    char *line = reading->buffer, *end = line + reading->used, *newline;

    while ((newline = memchr(line, '\n', (size_t)(end - line))) != NULL) {
        if (!reading->skipping)
            take_line(reading, line, (size_t)(newline - line));
        reading->skipping = false;
        line = newline + 1;
    }
    reading->used = (size_t)(end - line);
    if (reading->used == sizeof(reading->buffer)) {
        /* Longer than any message of the KDC: what it begins with says
         * whether it was an audit line. */
        if (!reading->skipping)
            take_line(reading, line, reading->used);
        reading->skipping = true;
        reading->used = 0;
    }
    memmove(reading->buffer, line, reading->used);
}

/* Is it compressed?  Then by what it is read. */
static const char *
unpacker(const char *bytes, size_t len)
{
    static const struct {
        const char *magic;
        size_t len;
        const char *program;
    } known[] = {{"\x1f\x8b", 2, "zcat"},
                 {"\xfd"
                  "7zXZ",
                  5, "xzcat"},
                 {"\x28\xb5\x2f\xfd", 4, "zstdcat"},
                 {"BZh", 3, "bzcat"}};

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (len >= known[i].len &&
            memcmp(bytes, known[i].magic, known[i].len) == 0)
            return known[i].program;
    }
    return NULL;
}

static enum cm_exit
refuse_compressed(struct reading *reading, const char *program)
{
    cm_tool_error(reading->tool,
                  "%s is compressed; write: %s %s | certmap report -",
                  reading->name, program, reading->name);
    return CM_EXIT_USAGE;
}

/* Fills the buffer once.  Its status: 1 more may come, 0 the end, -1. */
static int
fill(struct reading *reading, int fd)
{
    ssize_t n;

    do {
        n = read(fd, reading->buffer + reading->used,
                 sizeof(reading->buffer) - reading->used);
    } while (n < 0 && errno == EINTR);
    if (n > 0)
        reading->used += (size_t)n;
    return n > 0 ? 1 : n < 0 ? -1 : 0;
}

static enum cm_exit
read_lines(struct reading *reading, int fd)
{
    const char *program;
    bool begun = false;
    int status;

    while ((status = fill(reading, fd)) > 0) {
        program = begun ? NULL : unpacker(reading->buffer, reading->used);
        if (program != NULL)
            return refuse_compressed(reading, program);
        begun = true;
        take_buffer(reading);
    }
    /* The last line may lack its newline. */
    if (status == 0 && reading->used > 0 && !reading->skipping)
        take_line(reading, reading->buffer, reading->used);
    if (status == 0)
        return CM_EXIT_YES;
    cm_tool_error(reading->tool, "%s: %s", reading->name, strerror(errno));
    return CM_EXIT_USAGE;
}

/* Reads all of fd; which file it was is for cm_report_add() to tell apart. */
static enum cm_exit
read_source(struct cm_report *report, struct cm_tool *tool, const char *name,
            int fd)
{
    struct reading *reading = calloc(1, sizeof(*reading));
    enum cm_exit code;
    struct stat st;

    if (reading == NULL) {
        report->failed = true;
        return CM_EXIT_YES;
    }
    reading->report = report;
    reading->tool = tool;
    reading->name = name;
    reading->clock.latest = report->now;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
        (int64_t)st.st_mtime < report->now)
        reading->clock.latest = (int64_t)st.st_mtime;
    report->source++;
    cm_progress_begin(&reading->progress, tool->err, "lines read");
    code = read_lines(reading, fd);
    cm_progress_end(&reading->progress);
    if (reading->damaged > 0)
        cm_tool_error(tool,
                      "%s: %llu audit lines are damaged and were not "
                      "counted, the first is line %llu",
                      name, (unsigned long long)reading->damaged,
                      (unsigned long long)reading->first_damaged);
    free(reading);
    return code;
}

enum cm_exit
cm_report_read_file(struct cm_report *report, struct cm_tool *tool,
                    const char *path)
{
    enum cm_exit code;
    int fd;

    if (strcmp(path, "-") == 0)
        return read_source(report, tool, "standard input", fileno(tool->in));
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        cm_tool_error(tool, "%s: %s", path, strerror(errno));
        return CM_EXIT_USAGE;
    }
    code = read_source(report, tool, path, fd);
    (void)close(fd);
    return code;
}

/* ---- The journal ---- */

enum { JOURNAL_TIME = 40 };

/* journalctl itself, with the writing end as its standard output.  -1: it
 * cannot be run; errno says why. */
static pid_t
start_journalctl(const struct cm_report *report, int out)
{
    char name[] = "journalctl", unit[] = "--unit=krb5-kdc",
         other[] = "--unit=krb5kdc", format[] = "--output=short-unix",
         pager[] = "--no-pager", quiet[] = "--quiet", since[JOURNAL_TIME],
         until[JOURNAL_TIME];
    char *argv[] = {name, unit, other, format, pager, quiet, NULL, NULL, NULL};
    posix_spawn_file_actions_t actions;
    size_t argc = 6;
    pid_t child = -1;

    if (report->since != INT64_MIN) {
        (void)snprintf(since, sizeof(since), "--since=@%lld",
                       (long long)report->since);
        argv[argc++] = since;
    }
    if (report->until != INT64_MAX) {
        (void)snprintf(until, sizeof(until), "--until=@%lld",
                       (long long)report->until);
        argv[argc++] = until;
    }
    errno = posix_spawn_file_actions_init(&actions);
    if (errno != 0)
        return -1;
    errno = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    if (errno == 0)
        errno = posix_spawnp(&child, name, &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return errno == 0 ? child : -1;
}

static enum cm_exit
end_journalctl(struct cm_tool *tool, pid_t child)
{
    int status = -1;

    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    if (status == 0)
        return CM_EXIT_YES;
    cm_tool_error(tool, "journalctl failed: the journal was not read");
    return CM_EXIT_UNAVAILABLE;
}

enum cm_exit
cm_report_read_journal(struct cm_report *report, struct cm_tool *tool)
{
    enum cm_exit code, ended;
    int ends[2];
    pid_t child;

    if (pipe2(ends, O_CLOEXEC) != 0) {
        cm_tool_error(tool, "journal: %s", strerror(errno));
        return CM_EXIT_UNAVAILABLE;
    }
    child = start_journalctl(report, ends[1]);
    (void)close(ends[1]);
    if (child < 0) {
        cm_tool_error(tool, "journalctl: %s; name the log file instead",
                      strerror(errno));
        (void)close(ends[0]);
        return CM_EXIT_UNAVAILABLE;
    }
    code = read_source(report, tool, "the journal", ends[0]);
    (void)close(ends[0]);
    ended = end_journalctl(tool, child);
    return code == CM_EXIT_YES ? ended : code;
}
