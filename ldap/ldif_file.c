#include "ldif_file.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lber.h>
#include <ldif.h>

#include "backend.h"
#include "text.h"

/* What the parse of one file carries along. */
struct parser {
    const char *path;
    const char *const *wanted;
    unsigned long line; /* libldap's count: the last line of a record */
    struct cm_detail *detail;
};

void
cm_ldif_content_clear(struct cm_ldif_content *content)
{
    for (size_t i = 0; i < content->count; i++)
        cm_entry_clear(&content->entries[i]);
    free(content->entries);
    memset(content, 0, sizeof(*content));
}

static enum cm_reason
refuse(const struct parser *parser, const char *why)
{
    cm_detail_set(parser->detail, "%s: the record that ends at line %lu: %s",
                  parser->path, parser->line, why);
    return CM_DIRECTORY_UNAVAILABLE;
}

/*
 * Looks for what libldap would read past, strip, or follow to another file.
 * Counts the lines.
 */
static enum cm_reason
scan(struct parser *parser, const char *text, size_t len)
{
    const char *line = text, *end = text + len, *newline;

    while (line < end) {
        parser->line++;
        newline = memchr(line, '\n', (size_t)(end - line));
        if (newline == NULL)
            return refuse(parser, "the last line has no end");
        if (memchr(line, '\0', (size_t)(newline - line)) != NULL)
            return refuse(parser, "NUL");
        for (const char *p = line; p + 1 < newline; p++) {
            if (*p == '\r')
                return refuse(parser, "carriage return within a line");
        }
        if (newline - line >= 8 && cm_text_equal_fold_n(line, "include:", 8))
            return refuse(parser, "include: is not allowed");
        line = newline + 1;
    }
    return CM_OK;
}

static bool
is_name(const struct berval *type, const char *name)
{
    return type->bv_len == strlen(name) &&
           cm_text_equal_fold_n(type->bv_val, name, type->bv_len);
}

static enum cm_reason
take_dn(const struct parser *parser, const struct berval *type,
        const struct berval *value, struct cm_entry *entry)
{
    if (!is_name(type, "dn"))
        return refuse(parser, "does not begin with dn:");
    if (memchr(value->bv_val, '\0', value->bv_len) != NULL)
        return refuse(parser, "NUL in dn:");
    entry->dn = strndup(value->bv_val, value->bv_len);
    return entry->dn == NULL ? CM_NO_MEMORY : CM_OK;
}

/* One unfolded line, which is changed. */
static enum cm_reason
take_line(const struct parser *parser, char *line, struct cm_entry *entry)
{
    const char *colon = strchr(line, ':');
    struct berval type, value;
    const char *name;
    int allocated = 0; /* only URL values are */

    if (colon == NULL || colon[1] == '<')
        return refuse(parser, colon == NULL
                                  ? "a line without a colon"
                                  : "values from URLs are not allowed");
    if (ldif_parse_line2(line, &type, &value, &allocated) != 0)
        return refuse(parser, "a line cannot be parsed");
    if (entry->dn == NULL)
        return take_dn(parser, &type, &value, entry);
    if (is_name(&type, "dn"))
        return refuse(parser, "dn: twice");
    if (is_name(&type, "changetype") || is_name(&type, "control"))
        return refuse(parser, "a change record, not content");
    name = cm_attribute_wanted(parser->wanted, type.bv_val, type.bv_len);
    if (name != NULL && !cm_entry_add(entry, name, value.bv_val, value.bv_len))
        return CM_NO_MEMORY;
    return CM_OK;
}

/* "version: 1" may stand before the first record. */
static bool
is_version(const char *line)
{
    return cm_text_equal_fold_n(line, "version:", strlen("version:")) &&
           strcmp(line + strlen("version:") +
                      strspn(line + strlen("version:"), " "),
                  "1") == 0;
}

static enum cm_reason
take_record(const struct parser *parser, char *record, bool first,
            struct cm_ldif_content *out)
{
    struct cm_entry entry = {0}, *entries;
    enum cm_reason reason = CM_OK;
    char *line;

    while (reason == CM_OK && (line = ldif_getline(&record)) != NULL) {
        if (first && entry.dn == NULL && strlen(line) >= 8 && is_version(line))
            first = false;
        else
            reason = take_line(parser, line, &entry);
    }
    if (reason == CM_OK && entry.dn == NULL)
        return CM_OK; /* a version line alone, or comments */
    entries = reason != CM_OK ? NULL
                              : reallocarray(out->entries, out->count + 1,
                                             sizeof(*entries));
    if (entries == NULL) {
        cm_entry_clear(&entry);
        return reason != CM_OK ? reason : CM_NO_MEMORY;
    }
    out->entries = entries;
    entries[out->count++] = entry;
    return CM_OK;
}

static enum cm_reason
take_records(struct parser *parser, LDIFFP *file, struct cm_ldif_content *out)
{
    unsigned long lines = parser->line;
    enum cm_reason reason = CM_OK;
    char *record = NULL;
    int size = 0, got = 0;
    bool first = true;

    parser->line = 0;
    while (reason == CM_OK &&
           (got = ldif_read_record(file, &parser->line, &record, &size)) > 0) {
        reason = take_record(parser, record, first, out);
        first = false;
    }
    ber_memfree(record);
    if (reason == CM_OK && got < 0)
        return refuse(parser, "cannot be read");
    /* Out of memory looks like the end of the file. */
    if (reason == CM_OK && parser->line != lines)
        return CM_NO_MEMORY;
    return reason;
}

enum cm_reason
cm_ldif_parse(const char *path, char *text, size_t len,
              const char *const *wanted, struct cm_ldif_content *out,
              struct cm_detail *detail)
{
    struct parser parser = {path, wanted, 0, detail};
    enum cm_reason reason = scan(&parser, text, len);
    LDIFFP *file;

    memset(out, 0, sizeof(*out));
    if (reason != CM_OK || len == 0)
        return reason;
    file = ldif_open_mem(text, len, "r");
    if (file == NULL)
        return CM_NO_MEMORY;
    reason = take_records(&parser, file, out);
    ldif_close(file);
    if (reason != CM_OK)
        cm_ldif_content_clear(out);
    return reason;
}
