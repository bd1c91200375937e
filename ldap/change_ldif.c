/*
 * A change as one LDIF record, for people and for ldapmodify(1).
 */
#include "change.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

enum {
    LINE = 76, /* columns; RFC 2849 leaves it open */
    GROUP_IN = 3,
    GROUP_OUT = 4
};

/*
 * A SAFE-STRING of RFC 2849, which must not begin with a blank, a colon or
 * "<", and which note 8 wants without a blank at its end.  Control characters
 * would be allowed; they are not fit for a terminal.
 */
static bool
is_safe(const char *value, size_t len)
{
    if (len == 0)
        return true;
    if (strchr(" :<", value[0]) != NULL || value[len - 1] == ' ')
        return false;
    for (size_t i = 0; i < len; i++) {
        if (value[i] < ' ' || value[i] > '~')
            return false;
    }
    return true;
}

/* Appends a line, going on after LINE columns with a blank (note 2). */
static void
add_folded(struct cm_buf *out, const char *line, size_t len)
{
    size_t room = LINE, take;

    while (len > room) {
        take = room;
        cm_buf_add(out, line, take);
        cm_buf_add_text(out, "\n ");
        line += take;
        len -= take;
        room = LINE - 1;
    }
    cm_buf_add(out, line, len);
    cm_buf_add_char(out, '\n');
}

static void
add_base64(struct cm_buf *line, const char *value, size_t len)
{
    size_t size = (len + GROUP_IN - 1) / GROUP_IN * GROUP_OUT + 1;
    unsigned char *text = malloc(size);

    if (text == NULL || len > CM_BUF_MAX) {
        line->failed = true;
    } else {
        (void)EVP_EncodeBlock(text, (const unsigned char *)value, (int)len);
        cm_buf_add_text(line, (const char *)text);
    }
    free(text);
}

static void
add_line(struct cm_buf *out, const char *name, const char *value, size_t len)
{
    struct cm_buf line = CM_BUF_INIT;

    cm_buf_add_text(&line, name);
    if (is_safe(value, len)) {
        cm_buf_add_text(&line, len == 0 ? ":" : ": ");
        cm_buf_add(&line, value, len);
    } else {
        cm_buf_add_text(&line, ":: ");
        add_base64(&line, value, len);
    }
    if (line.failed || line.data == NULL)
        out->failed = true;
    else
        add_folded(out, line.data, line.len);
    cm_buf_clear(&line);
}

static void
add_part(struct cm_buf *out, const char *verb, const char *attribute,
         const struct cm_value *values, size_t count)
{
    if (count == 0)
        return;
    add_line(out, verb, attribute, strlen(attribute));
    for (size_t i = 0; i < count; i++)
        add_line(out, attribute, values[i].data, values[i].len);
    cm_buf_add_text(out, "-\n");
}

bool
cm_change_ldif(const struct cm_change *change, struct cm_buf *out)
{
    const struct cm_change_part *part;

    if (cm_change_is_empty(change))
        return !out->failed;
    add_line(out, "dn", change->dn, strlen(change->dn));
    cm_buf_add_text(out, "changetype: modify\n");
    for (size_t i = 0; i < change->count; i++) {
        part = &change->parts[i];
        add_part(out, "delete", part->attribute, part->remove,
                 part->remove_count);
        add_part(out, "add", part->attribute, part->add, part->add_count);
    }
    cm_buf_add_text(out, "\n");
    return !out->failed;
}
