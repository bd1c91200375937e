#include "profile_scan.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "buf.h"

enum { MAX_PATH_TEXT = 300 };

/* One file being read, line by line. */
struct reader {
    const char *file;
    unsigned line;
    bool in_sections;               /* all before the first "[" is a comment */
    bool want_brace;                /* "name =" was last: "{" must follow */
    char *names[CM_SCAN_MAX_DEPTH]; /* open sections; [0] is the "[...]" */
    size_t depth;
    struct cm_scan *scan;
    bool failed; /* no memory */
};

static bool
is_blank(char c)
{
    return isspace((unsigned char)c) != 0;
}

static char *
skip_blanks(char *text)
{
    while (is_blank(*text))
        text++;
    return text;
}

static void
strip_end(char *text)
{
    size_t len = strlen(text);

    while (len > 0 && is_blank(text[len - 1]))
        text[--len] = '\0';
}

/* What follows a directive such as "include", or NULL. */
static char *
directive(char *line, const char *word)
{
    size_t len = strlen(word);
    char *rest;

    if (strncmp(line, word, len) != 0 || !is_blank(line[len]))
        return NULL;
    rest = skip_blanks(line + len);
    strip_end(rest);
    return rest;
}

static void
add_problem(struct reader *reader, const char *text)
{
    struct cm_buf buf = CM_BUF_INIT;
    char *problem;

    cm_text_escape(&buf, reader->file, strlen(reader->file), MAX_PATH_TEXT);
    cm_buf_addf(&buf, ":%u: %s", reader->line, text);
    problem = cm_buf_take(&buf);
    if (problem == NULL || !cm_text_list_add(&reader->scan->problems, problem))
        reader->failed = true;
    free(problem);
}

static void
close_section(struct reader *reader)
{
    if (reader->depth > 0)
        free(reader->names[--reader->depth]);
}

static void
open_section(struct reader *reader, const char *name)
{
    char *copy;

    if (reader->depth == CM_SCAN_MAX_DEPTH) {
        add_problem(reader, "too many sections within sections");
        return;
    }
    copy = strdup(name);
    if (copy == NULL) {
        reader->failed = true;
        return;
    }
    reader->names[reader->depth++] = copy;
}

static char *
section_text(const struct reader *reader)
{
    struct cm_buf buf = CM_BUF_INIT;

    for (size_t i = 0; i < reader->depth; i++) {
        cm_buf_add_text(&buf, reader->names[i]);
        cm_buf_add_char(&buf, '\n');
    }
    return cm_buf_take(&buf);
}

static void
item_clear(struct cm_scan_item *item)
{
    free(item->file);
    free(item->section);
    free(item->name);
}

static void
add_item(struct reader *reader, const char *name, bool opens)
{
    struct cm_scan *scan = reader->scan;
    struct cm_scan_item item = {NULL, reader->line, NULL, NULL, opens};
    struct cm_scan_item *list;

    item.file = strdup(reader->file);
    item.section = section_text(reader);
    item.name = strdup(name);
    list = reallocarray(scan->list, scan->count + 1, sizeof(*list));
    if (list != NULL)
        scan->list = list;
    if (list == NULL || item.file == NULL || item.section == NULL ||
        item.name == NULL) {
        item_clear(&item);
        reader->failed = true;
        return;
    }
    list[scan->count++] = item;
}

/* "[name]", with "*" after it where it is final. */
static void
read_heading(struct reader *reader, char *text)
{
    char *end = strchr(text, ']');

    if (end == NULL)
        return;
    *end = '\0';
    while (reader->depth > 0)
        close_section(reader);
    open_section(reader, skip_blanks(text));
}

/* "name = value", "name = {" or "name =" with "{" on the next line. */
static void
read_relation(struct reader *reader, char *text)
{
    char *value = strchr(text, '='), *end;
    bool opens;

    if (value == NULL)
        return;
    *value = '\0';
    value = skip_blanks(value + 1);
    end = text + strcspn(text, " \t\r\n\v\f*");
    *end = '\0';
    reader->want_brace = *value == '\0';
    opens = *value == '\0' || (*value == '{' && value[1] == '\0');
    add_item(reader, text, opens);
    if (opens)
        open_section(reader, text);
}

static void
read_line(struct reader *reader, char *line)
{
    char *text;

    if (directive(line, "include") != NULL ||
        directive(line, "includedir") != NULL)
        return;
    if (!reader->in_sections && directive(line, "module") != NULL) {
        add_problem(reader, "a profile module takes the place of the file: "
                            "what it says cannot be checked");
        return;
    }
    reader->in_sections = reader->in_sections || *line == '[';
    text = skip_blanks(line);
    strip_end(text);
    if (!reader->in_sections || *text == '\0')
        return;
    if (reader->want_brace)
        reader->want_brace = false;
    else if (*text == '[')
        read_heading(reader, text + 1);
    else if (*text == '}')
        close_section(reader);
    else if (*text != ';' && *text != '#')
        read_relation(reader, text);
}

static void
scan_stream(struct reader *reader, FILE *stream)
{
    char line[CM_SCAN_MAX_LINE + 1];
    size_t total = 0, len;

    while (!reader->failed && fgets(line, sizeof(line), stream) != NULL) {
        reader->line++;
        len = strlen(line);
        total += len;
        if (total > CM_SCAN_MAX_FILE) {
            add_problem(reader, "the file is too large to be checked");
            return;
        }
        if (len == CM_SCAN_MAX_LINE && line[len - 1] != '\n')
            add_problem(reader, "a line of more than 2047 bytes: the profile "
                                "library reads its rest as another line");
        read_line(reader, line);
    }
}

bool
cm_scan_read(const struct cm_text_list *files, struct cm_scan *out)
{
    struct reader reader;
    bool failed = false;
    FILE *stream;

    memset(out, 0, sizeof(*out));
    for (size_t i = 0; !failed && i < files->count; i++) {
        memset(&reader, 0, sizeof(reader));
        reader.file = files->items[i];
        reader.scan = out;
        stream = fopen(reader.file, "re");
        if (stream == NULL)
            continue;
        scan_stream(&reader, stream);
        fclose(stream);
        while (reader.depth > 0)
            close_section(&reader);
        failed = reader.failed;
    }
    if (failed)
        cm_scan_clear(out);
    return !failed;
}

void
cm_scan_clear(struct cm_scan *scan)
{
    for (size_t i = 0; i < scan->count; i++)
        item_clear(&scan->list[i]);
    free(scan->list);
    cm_text_list_clear(&scan->problems);
    memset(scan, 0, sizeof(*scan));
}

/* The library's rule for what counts in an included folder. */
static int
is_included_name(const struct dirent *entry)
{
    const char *name = entry->d_name;
    size_t len = strlen(name);

    if (*name == '.')
        return 0;
    if (len >= 5 && strcmp(name + len - 5, ".conf") == 0)
        return 1;
    for (; *name != '\0'; name++) {
        if (!isalnum((unsigned char)*name) && *name != '-' && *name != '_')
            return 0;
    }
    return 1;
}

static bool add_file(const char *file, unsigned level,
                     struct cm_text_list *files);

static bool
add_folder(const char *folder, unsigned level, struct cm_text_list *files)
{
    struct dirent **entries = NULL;
    char *path;
    bool ok = true;
    int count = scandir(folder, &entries, is_included_name, alphasort);

    for (int i = 0; i < count; i++) {
        path = NULL;
        if (ok && asprintf(&path, "%s/%s", folder, entries[i]->d_name) < 0)
            ok = false;
        else if (ok)
            ok = add_file(path, level, files);
        free(path);
        free(entries[i]);
    }
    free(entries);
    return ok;
}

static bool
add_file(const char *file, unsigned level, struct cm_text_list *files)
{
    char line[CM_SCAN_MAX_LINE + 1], *name;
    size_t total = 0;
    bool ok = true;
    FILE *stream;

    if (files->count == CM_SCAN_MAX_FILES)
        return true;
    if (!cm_text_list_add(files, file))
        return false;
    stream = level < CM_SCAN_MAX_INCLUDES ? fopen(file, "re") : NULL;
    if (stream == NULL)
        return true;
    while (ok && total <= CM_SCAN_MAX_FILE &&
           fgets(line, sizeof(line), stream) != NULL) {
        total += strlen(line);
        if ((name = directive(line, "include")) != NULL)
            ok = add_file(name, level + 1, files);
        else if ((name = directive(line, "includedir")) != NULL)
            ok = add_folder(name, level + 1, files);
    }
    fclose(stream);
    return ok;
}

bool
cm_scan_add_file(const char *file, struct cm_text_list *files)
{
    return add_file(file, 0, files);
}
