/*
 * LDIF, one record at a time: a file of any size.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ldif_file.h"
#include "populate.h"

struct reader {
    const char *path;
    char part[8192]; /* of a line, or a whole one */
    bool within;     /* the next part goes on with a line */
    size_t number;   /* of the line that was read last */
    size_t first;    /* where the record begins */
};

static bool
is_blank(const char *line)
{
    return line[0] == '\n' || (line[0] == '\r' && line[1] == '\n');
}

/* Collects the lines of the next record.  False: none is left. */
static bool
next_record(FILE *file, struct reader *reader, struct cm_buf *record)
{
    size_t n;
    bool begins;

    record->len = 0;
    while (fgets(reader->part, sizeof(reader->part), file) != NULL) {
        begins = !reader->within;
        n = strlen(reader->part); /* NUL ends it: what is left is no LDIF */
        reader->within = n == 0 || reader->part[n - 1] != '\n';
        reader->number += begins ? 1 : 0;
        if (begins && is_blank(reader->part)) {
            if (record->len > 0)
                return true;
            continue;
        }
        if (record->len == 0)
            reader->first = reader->number;
        cm_buf_add(record, reader->part, n);
    }
    return record->len > 0;
}

static bool
take_record(struct cm_populate *populate, const struct reader *reader,
            struct cm_buf *record, const char *const *attributes,
            bool (*visit)(struct cm_populate *populate,
                          const struct cm_entry *entry))
{
    struct cm_ldif_content content = {0};
    struct cm_detail detail = {""};
    char where[300];
    enum cm_reason reason = CM_NO_MEMORY;
    bool ok = true;

    (void)snprintf(where, sizeof(where), "%s, from line %zu", reader->path,
                   reader->first);
    if (!record->failed)
        reason = cm_ldif_parse(where, record->data, record->len, attributes,
                               &content, &detail);
    else
        cm_detail_set(&detail, "a record is too long");
    if (reason != CM_OK)
        return cm_populate_note(populate, CM_PROBLEM_UNREADABLE, where, NULL,
                                detail.text);
    for (size_t i = 0; ok && i < content.count; i++)
        ok = visit(populate, &content.entries[i]);
    cm_ldif_content_clear(&content);
    return ok;
}

bool
cm_populate_each_record(struct cm_populate *populate, const char *path,
                        const char *const *attributes,
                        bool (*visit)(struct cm_populate *populate,
                                      const struct cm_entry *entry))
{
    struct reader reader = {.path = path};
    FILE *file = fopen(path, "re");
    struct cm_buf record = CM_BUF_INIT;
    bool ok = true;

    if (file == NULL) {
        cm_detail_set(&populate->why, "cannot open %s: %s", path,
                      strerror(errno));
        return false;
    }
    while (ok && next_record(file, &reader, &record)) {
        ok = take_record(populate, &reader, &record, attributes, visit);
        if (record.failed)
            cm_buf_clear(&record);
    }
    if (ok && ferror(file)) {
        cm_detail_set(&populate->why, "cannot read %s: %s", path,
                      strerror(errno));
        ok = false;
    }
    cm_buf_clear(&record);
    (void)fclose(file);
    return ok;
}
