#include "config_profile.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_SHOWN = 200, /* bytes of a name or value in a message */
    MAX_FILE = 300
};

struct cm_place
cm_place_in(const struct cm_place *parent, const char *name)
{
    struct cm_place place = *parent;

    if (place.depth < CM_PLACE_MAX)
        place.names[place.depth++] = name;
    place.names[place.depth] = NULL;
    return place;
}

/* ---- what the profile library says ---- */

static bool
add_entry(struct cm_config_entries *entries, const char *name,
          const char *value)
{
    struct cm_config_entry entry = {NULL, NULL, 0, false}, *list;

    for (size_t i = 0; i < entries->count; i++)
        entry.nth += strcmp(entries->list[i].name, name) == 0;
    list = reallocarray(entries->list, entries->count + 1, sizeof(*list));
    if (list != NULL)
        entries->list = list;
    entry.name = strdup(name);
    entry.value = value != NULL ? strdup(value) : NULL;
    if (list == NULL || entry.name == NULL ||
        (value != NULL && entry.value == NULL)) {
        free(entry.name);
        free(entry.value);
        return false;
    }
    list[entries->count++] = entry;
    return true;
}

bool
cm_config_list(struct cm_config_reader *reader, const struct cm_place *place,
               struct cm_config_entries *out)
{
    char *name = NULL, *value = NULL;
    void *iterator = NULL;
    bool ok = true;
    long code;

    memset(out, 0, sizeof(*out));
    code = profile_iterator_create(reader->profile, place->names,
                                   PROFILE_ITER_LIST_SECTION, &iterator);
    while (ok && code == 0) {
        code = profile_iterator(&iterator, &name, &value);
        if (code != 0 || name == NULL)
            break;
        ok = add_entry(out, name, value);
        profile_release_string(name);
        profile_release_string(value);
    }
    profile_iterator_free(&iterator);
    if (!ok)
        reader->failed = true;
    else if (code != 0)
        cm_config_report(reader, place, NULL, NULL, 0,
                         "the profile library cannot read this section");
    if (ok && code == 0)
        return true;
    cm_config_entries_clear(out);
    return false;
}

void
cm_config_entries_clear(struct cm_config_entries *entries)
{
    for (size_t i = 0; i < entries->count; i++) {
        free(entries->list[i].name);
        free(entries->list[i].value);
    }
    free(entries->list);
    memset(entries, 0, sizeof(*entries));
}

/* ---- where the files say it ---- */

/* Is the section text of a scanned item this place? */
static bool
is_at(const struct cm_scan_item *item, const struct cm_place *place)
{
    const char *rest = item->section;
    size_t len;

    for (size_t i = 0; i < place->depth; i++) {
        len = strlen(place->names[i]);
        if (strncmp(rest, place->names[i], len) != 0 || rest[len] != '\n')
            return false;
        rest += len + 1;
    }
    return *rest == '\0';
}

static const struct cm_scan_item *
locate(const struct cm_config_reader *reader, const struct cm_place *place,
       const char *name, unsigned nth)
{
    const struct cm_scan_item *item;

    for (size_t i = 0; i < reader->scan.count; i++) {
        item = &reader->scan.list[i];
        if (strcmp(item->name, name) == 0 && is_at(item, place) && nth-- == 0)
            return item;
    }
    return NULL;
}

unsigned
cm_config_openings(const struct cm_config_reader *reader,
                   const struct cm_place *place, const char *name)
{
    const struct cm_scan_item *item;
    unsigned count = 0;

    for (size_t i = 0; i < reader->scan.count; i++) {
        item = &reader->scan.list[i];
        count +=
            item->opens && strcmp(item->name, name) == 0 && is_at(item, place);
    }
    return count;
}

size_t
cm_config_relations_seen(const struct cm_config_reader *reader,
                         const struct cm_place *place)
{
    size_t count = 0;

    for (size_t i = 0; i < reader->scan.count; i++) {
        if (!reader->scan.list[i].opens && is_at(&reader->scan.list[i], place))
            count++;
    }
    return count;
}

/* ---- what is wrong ---- */

/* Escapes all but quotation marks: nothing is quoted around a finding, and
 * \x22 is hard to read.  max holds for each part between two of them. */
static void
add_readable(struct cm_buf *buf, const char *text, size_t max)
{
    size_t len;

    for (;; text += len + 1) {
        len = strcspn(text, "\"");
        cm_text_escape(buf, text, len, max);
        if (text[len] == '\0')
            return;
        cm_buf_add_char(buf, '"');
    }
}

/* "FILE:LINE: " of the relation, else of the section that it belongs in. */
static void
add_location(struct cm_buf *buf, const struct cm_config_reader *reader,
             const struct cm_place *place, const char *name, unsigned nth)
{
    const struct cm_scan_item *item = NULL;
    struct cm_place outer = *place;

    if (name != NULL)
        item = locate(reader, place, name, nth);
    while (item == NULL && outer.depth > 1) {
        name = outer.names[--outer.depth];
        item = locate(reader, &outer, name, 0);
    }
    if (item == NULL)
        return;
    add_readable(buf, item->file, MAX_FILE);
    cm_buf_addf(buf, ":%u: ", item->line);
}

static void
add_place(struct cm_buf *buf, const struct cm_place *place, const char *name,
          const char *value)
{
    cm_buf_addf(buf, "[%s]", place->names[0]);
    for (size_t i = 1; i < place->depth; i++) {
        cm_buf_add_char(buf, ' ');
        add_readable(buf, place->names[i], MAX_SHOWN);
    }
    if (name != NULL) {
        cm_buf_add_char(buf, ' ');
        add_readable(buf, name, MAX_SHOWN);
    }
    if (value != NULL) {
        cm_buf_add_text(buf, " = ");
        add_readable(buf, value, MAX_SHOWN);
    }
    cm_buf_add_text(buf, ": ");
}

void
cm_config_report(struct cm_config_reader *reader, const struct cm_place *place,
                 const char *name, const char *value, unsigned nth,
                 const char *format, ...)
{
    struct cm_buf buf = CM_BUF_INIT;
    char text[CM_DETAIL_SIZE + MAX_FILE];
    va_list ap;
    char *line;

    va_start(ap, format);
    vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    add_location(&buf, reader, place, name, nth);
    add_place(&buf, place, name, value);
    add_readable(&buf, text, sizeof(text));
    line = cm_buf_take(&buf);
    if (line == NULL || !cm_text_list_add(&reader->errors->list, line))
        reader->failed = true;
    free(line);
}
