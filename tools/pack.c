#include "pack.h"

#include <stdlib.h>
#include <string.h>

void
cm_pack_number(struct cm_buf *out, uint32_t number)
{
    cm_buf_add(out, &number, sizeof(number));
}

void
cm_pack_bytes(struct cm_buf *out, const void *data, size_t len)
{
    cm_pack_number(out, (uint32_t)len);
    if (len > 0)
        cm_buf_add(out, data, len);
}

void
cm_pack_text(struct cm_buf *out, const char *text)
{
    cm_pack_bytes(out, text, strlen(text));
}

bool
cm_unpack_number(struct cm_unpack *in, uint32_t *out)
{
    if ((size_t)(in->end - in->at) < sizeof(*out))
        return false;
    memcpy(out, in->at, sizeof(*out));
    in->at += sizeof(*out);
    return true;
}

bool
cm_unpack_bytes(struct cm_unpack *in, const char **out, size_t *len)
{
    uint32_t size;

    if (!cm_unpack_number(in, &size) || size > (size_t)(in->end - in->at))
        return false;
    *out = (const char *)in->at;
    *len = size;
    in->at += size;
    return true;
}

char *
cm_unpack_text(struct cm_unpack *in)
{
    const char *text;
    size_t len;

    return cm_unpack_bytes(in, &text, &len) ? strndup(text, len) : NULL;
}

static void
pack_values(struct cm_buf *out, const struct cm_value *values, size_t count)
{
    cm_pack_number(out, (uint32_t)count);
    for (size_t i = 0; i < count; i++)
        cm_pack_bytes(out, values[i].data, values[i].len);
}

void
cm_pack_change(struct cm_buf *out, const struct cm_change *change)
{
    static const struct cm_change_part nothing = {0};
    const struct cm_change_part *part =
        change->count > 0 ? &change->parts[0] : &nothing;

    cm_pack_text(out, change->dn);
    pack_values(out, part->remove, part->remove_count);
    pack_values(out, part->add, part->add_count);
}

static bool
unpack_values(struct cm_unpack *in, struct cm_change *out,
              const char *attribute,
              bool (*take)(struct cm_change *, const char *, const void *,
                           size_t))
{
    uint32_t count;
    const char *value;
    size_t len;

    if (!cm_unpack_number(in, &count))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        if (!cm_unpack_bytes(in, &value, &len) ||
            !take(out, attribute, value, len))
            return false;
    }
    return true;
}

bool
cm_unpack_change(struct cm_unpack *in, const char *attribute,
                 struct cm_change *out)
{
    char *dn = cm_unpack_text(in);
    bool ok;

    memset(out, 0, sizeof(*out));
    ok = dn != NULL && cm_change_begin(out, dn) &&
         unpack_values(in, out, attribute, cm_change_remove) &&
         unpack_values(in, out, attribute, cm_change_add);
    free(dn);
    if (!ok)
        cm_change_clear(out);
    return ok;
}

bool
cm_record_write(FILE *file, const struct cm_buf *record)
{
    uint32_t len = (uint32_t)record->len;

    return !record->failed && record->len > 0 &&
           fwrite(&len, sizeof(len), 1, file) == 1 &&
           fwrite(record->data, 1, len, file) == len;
}

bool
cm_record_read(FILE *file, struct cm_buf *out, bool *failed)
{
    char part[4096];
    uint32_t len;
    size_t n;

    out->len = 0;
    if (fread(&len, sizeof(len), 1, file) != 1) {
        *failed = ferror(file) != 0;
        return false;
    }
    while (len > 0) {
        n = len < sizeof(part) ? len : sizeof(part);
        *failed = fread(part, 1, n, file) != n;
        if (*failed)
            return false;
        cm_buf_add(out, part, n);
        len -= (uint32_t)n;
    }
    *failed = out->failed;
    return !*failed;
}
