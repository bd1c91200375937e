/*
 * The override: an administrator's word that lets logins through for a while
 * although nothing says that their certificates are good.
 */
#include "store_parts.h"

#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "text.h"
#include "timetext.h"

enum { OVERRIDE_MAX_FILE = 4096 };

void
cm_override_clear(struct cm_override *override)
{
    free(override->reason);
    memset(override, 0, sizeof(*override));
}

char *
cm_override_format(const struct cm_override *override)
{
    struct cm_buf buf = CM_BUF_INIT;
    char set_at[CM_TIME_TEXT], until[CM_TIME_TEXT];

    cm_time_text(override->set_at, set_at);
    cm_time_text(override->until, until);
    cm_buf_addf(&buf, "soft %s %s %s\n", set_at, until, override->reason);
    return cm_buf_take(&buf);
}

/* Reads the one line; it must be whole, with its newline. */
static bool
parse(const char *text, size_t len, struct cm_override *out)
{
    char *copy, *rest, *kind, *set_at, *until;
    bool ok;

    if (len < 2 || text[len - 1] != '\n' ||
        !cm_text_is_clean((const uint8_t *)text, len - 1))
        return false;
    copy = strndup(text, len - 1);
    if (copy == NULL)
        return false;
    rest = copy;
    kind = strsep(&rest, " ");
    set_at = strsep(&rest, " ");
    until = strsep(&rest, " ");
    ok = rest != NULL && rest[0] != '\0' &&
         strlen(rest) <= CM_OVERRIDE_MAX_REASON && strcmp(kind, "soft") == 0 &&
         cm_time_parse(set_at, &out->set_at) &&
         cm_time_parse(until, &out->until);
    if (ok)
        out->reason = strdup(rest);
    free(copy);
    return ok && out->reason != NULL;
}

/* What was set after now, or ends at once, is in force at no time. */
static bool
is_in_force(const struct cm_override *override, int64_t now)
{
    return override->set_at <= now && now < override->until &&
           now - override->set_at < CM_OVERRIDE_MAX_SECONDS;
}

bool
cm_store_override(struct cm_store *store, int64_t now, struct cm_override *out)
{
    struct cm_detail ignored;
    uint8_t *text;
    size_t len;
    bool ok;

    memset(out, 0, sizeof(*out));
    /* What cannot be read softens nothing. */
    if (cm_store_read_file(store, "override", OVERRIDE_MAX_FILE, &text, &len,
                           &ignored) != CM_STORE_FILE_READ)
        return false;
    ok = parse((const char *)text, len, out) && is_in_force(out, now);
    free(text);
    if (!ok)
        cm_override_clear(out);
    else if (out->until - out->set_at > CM_OVERRIDE_MAX_SECONDS)
        out->until = out->set_at + CM_OVERRIDE_MAX_SECONDS;
    out->soft = ok;
    return ok;
}
