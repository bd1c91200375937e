/*
 * certmap expiring: what was told, and when, so that nobody is told every
 * day.  A line for each: "kind id until told".
 */
#include "expiring_command.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "certificates.h"
#include "timetext.h"

struct note {
    char kind[16];
    uint8_t id[32];
    int64_t until, told;
};

/* False: not a line of ours. */
static bool
read_note(const char *line, struct note *out)
{
    char id[65], until[CM_TIME_TEXT], told[CM_TIME_TEXT];
    size_t len;
    int end = 0;

    return sscanf(line, "%15s %64s %31s %31s%n", out->kind, id, until, told,
                  &end) == 4 &&
           line[end] == '\0' &&
           cm_hex_decode(id, strlen(id), out->id, sizeof(out->id), &len) &&
           len == sizeof(out->id) && cm_time_parse(until, &out->until) &&
           cm_time_parse(told, &out->told);
}

static void
write_note(struct cm_buf *buf, const struct cm_expiry *one, int64_t told)
{
    char until_text[CM_TIME_TEXT], told_text[CM_TIME_TEXT];

    cm_time_text(one->until, until_text);
    cm_time_text(told, told_text);
    cm_buf_addf(buf, "%s ", cm_expiry_token(one->kind));
    cm_buf_add_hex(buf, one->id, sizeof(one->id));
    cm_buf_addf(buf, " %s %s\n", until_text, told_text);
}

/* When it was told last as what it is now; 0: never.  What has expired since
 * is news, and so is what ends at another time. */
static int64_t
told_at(const struct cm_expiry *one, const struct note *notes, size_t count,
        int64_t now)
{
    int64_t told = 0;

    for (size_t i = 0; i < count; i++) {
        const struct note *note = &notes[i];

        if (strcmp(note->kind, cm_expiry_token(one->kind)) == 0 &&
            memcmp(note->id, one->id, sizeof(one->id)) == 0 &&
            note->until == one->until && note->told > told &&
            note->told <= now &&
            (one->until < now) == (one->until < note->told))
            told = note->told;
    }
    return told;
}

/* False: a line is not ours, or no memory. */
static bool
read_notes(char *text, struct note **out, size_t *count)
{
    char *line, *rest = text;
    struct note note, *list;

    *out = NULL;
    *count = 0;
    while ((line = strsep(&rest, "\n")) != NULL) {
        if (line[0] == '\0')
            continue;
        list = read_note(line, &note)
                   ? reallocarray(*out, *count + 1, sizeof(*list))
                   : NULL;
        if (list == NULL)
            return false;
        list[(*count)++] = note;
        *out = list;
    }
    return true;
}

static bool
load(const char *path, struct note **out, size_t *count,
     struct cm_detail *detail)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct cm_file_stamp stamp;
    struct cm_detail why = {""};
    uint8_t *text = NULL;
    size_t len;
    bool ok;

    *out = NULL;
    *count = 0;
    if (fd < 0 && errno == ENOENT)
        return true;
    if (fd < 0) {
        cm_detail_set(detail, "%s: %s", path, strerror(errno));
        return false;
    }
    ok = cm_file_read_open(fd, CM_EXPIRING_MAX_STATE, &stamp, &text, &len,
                           &why) == CM_READ_OK;
    (void)close(fd);
    if (ok && !read_notes((char *)text, out, count)) {
        cm_detail_set(&why, "not a file of certmap expiring; remove it, or "
                            "name another");
        ok = false;
    }
    if (!ok)
        cm_detail_set(detail, "%s: %s", path, why.text);
    free(text);
    return ok;
}

/* Takes the row out of the list. */
static void
drop(struct cm_expiries *list, size_t at)
{
    free(list->list[at].name);
    free(list->list[at].where);
    memmove(list->list + at, list->list + at + 1,
            (list->count - at - 1) * sizeof(*list->list));
    list->count--;
}

bool
cm_expiring_untold(struct cm_expiries *list, const char *path, int64_t repeat,
                   int64_t now, char **told, struct cm_detail *detail)
{
    struct cm_buf buf = CM_BUF_INIT;
    struct note *notes;
    size_t count, i = 0;
    bool ok = load(path, &notes, &count, detail);
    int64_t when;

    *told = NULL;
    while (ok && i < list->count) {
        when = told_at(&list->list[i], notes, count, now);
        if (when == 0 || now - when >= repeat) {
            write_note(&buf, &list->list[i++], now);
        } else {
            write_note(&buf, &list->list[i], when);
            drop(list, i);
        }
    }
    free(notes);
    if (ok) {
        *told = cm_buf_take(&buf);
        if (*told == NULL)
            cm_detail_set(detail, "out of memory");
    }
    cm_buf_clear(&buf);
    return *told != NULL;
}
