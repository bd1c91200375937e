#include "principal.h"

#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "text.h"

enum { COMPONENT_SEPARATOR = '/', REALM_SEPARATOR = '@', ESCAPE = '\\' };

/* The parts of a text, unescaped, one after the other in one buffer. */
struct parts {
    struct cm_buf text;
    size_t starts[CM_PRINCIPAL_MAX_COMPONENTS + 1];
    size_t count;  /* components begun, the realm not counted */
    bool in_realm; /* the last one begun is the realm */
};

/* What krb5_parse_name(3) makes of the character after a backslash. */
static char
unescape(char c)
{
    switch (c) {
    case 'n':
        return '\n';
    case 't':
        return '\t';
    case 'b':
        return '\b';
    case '0':
        return '\0';
    default:
        return c;
    }
}

static bool
begin_component(struct parts *parts)
{
    if (parts->in_realm || parts->count == CM_PRINCIPAL_MAX_COMPONENTS)
        return false;
    parts->starts[parts->count++] = parts->text.len;
    return true;
}

static bool
begin_realm(struct parts *parts)
{
    if (parts->in_realm)
        return false;
    parts->in_realm = true;
    parts->starts[parts->count] = parts->text.len;
    return true;
}

static bool
split(const char *text, struct parts *parts)
{
    if (!begin_component(parts))
        return false;
    for (const char *p = text; *p != '\0'; p++) {
        if (*p == ESCAPE) {
            if (*++p == '\0')
                return false;
            cm_buf_add_char(&parts->text, unescape(*p));
        } else if (*p == COMPONENT_SEPARATOR) {
            if (!begin_component(parts))
                return false;
        } else if (*p == REALM_SEPARATOR) {
            if (!begin_realm(parts))
                return false;
        } else {
            cm_buf_add_char(&parts->text, *p);
        }
    }
    return !parts->text.failed && parts->text.data != NULL;
}

/* The length of the part at index; the realm follows the components. */
static size_t
part_length(const struct parts *parts, size_t index)
{
    size_t last = parts->in_realm ? parts->count : parts->count - 1;
    size_t end = index < last ? parts->starts[index + 1] : parts->text.len;

    return end - parts->starts[index];
}

static bool
build_from_parts(const struct parts *parts, const char *default_realm,
                 struct cm_principal *out)
{
    const char *components[CM_PRINCIPAL_MAX_COMPONENTS];
    size_t lengths[CM_PRINCIPAL_MAX_COMPONENTS];
    const char *realm = default_realm;
    size_t realm_len = realm == NULL ? 0 : strlen(realm);

    for (size_t i = 0; i < parts->count; i++) {
        components[i] = parts->text.data + parts->starts[i];
        lengths[i] = part_length(parts, i);
    }
    if (parts->in_realm) {
        realm = parts->text.data + parts->starts[parts->count];
        realm_len = part_length(parts, parts->count);
    }
    return cm_principal_build(components, lengths, parts->count, realm,
                              realm_len, out);
}

bool
cm_principal_parse(const char *text, const char *default_realm,
                   struct cm_principal *out)
{
    struct parts parts = {.text = CM_BUF_INIT};
    bool ok;

    memset(out, 0, sizeof(*out));
    ok = strlen(text) <= CM_PRINCIPAL_MAX_TEXT && split(text, &parts) &&
         build_from_parts(&parts, default_realm, out);
    cm_buf_clear(&parts.text);
    return ok;
}

/* As krb5_unparse_name(3); control characters were refused before. */
static void
add_escaped(struct cm_buf *out, const char *part)
{
    for (const char *p = part; *p != '\0'; p++) {
        if (*p == COMPONENT_SEPARATOR || *p == REALM_SEPARATOR || *p == ESCAPE)
            cm_buf_add_char(out, ESCAPE);
        cm_buf_add_char(out, *p);
    }
}

static char *
unparse(const struct cm_principal *principal)
{
    struct cm_buf buf = CM_BUF_INIT;

    for (size_t i = 0; i < principal->component_count; i++) {
        if (i > 0)
            cm_buf_add_char(&buf, COMPONENT_SEPARATOR);
        add_escaped(&buf, principal->components[i]);
    }
    cm_buf_add_char(&buf, REALM_SEPARATOR);
    add_escaped(&buf, principal->realm);
    if (buf.len > CM_PRINCIPAL_MAX_TEXT)
        buf.failed = true;
    return cm_buf_take(&buf);
}

/* A copy of one part: not empty, and clean.  NULL otherwise. */
static char *
copy_part(const char *part, size_t len)
{
    if (part == NULL || len == 0 || len > CM_PRINCIPAL_MAX_TEXT)
        return NULL;
    return cm_text_dup_clean((const uint8_t *)part, len);
}

static bool
fill(const char *const *components, const size_t *lengths, size_t count,
     const char *realm, size_t realm_len, struct cm_principal *out)
{
    if (count == 0 || count > CM_PRINCIPAL_MAX_COMPONENTS)
        return false;
    for (size_t i = 0; i < count; i++) {
        out->components[i] = copy_part(components[i], lengths[i]);
        if (out->components[i] == NULL)
            return false;
        out->component_count = i + 1;
    }
    out->realm = copy_part(realm, realm_len);
    if (out->realm == NULL)
        return false;
    out->text = unparse(out);
    return out->text != NULL;
}

bool
cm_principal_build(const char *const *components, const size_t *lengths,
                   size_t count, const char *realm, size_t realm_len,
                   struct cm_principal *out)
{
    struct cm_principal principal;

    memset(out, 0, sizeof(*out));
    memset(&principal, 0, sizeof(principal));
    if (!fill(components, lengths, count, realm, realm_len, &principal)) {
        cm_principal_clear(&principal);
        return false;
    }
    *out = principal;
    return true;
}

void
cm_principal_clear(struct cm_principal *principal)
{
    for (size_t i = 0; i < principal->component_count; i++)
        free(principal->components[i]);
    free(principal->realm);
    free(principal->text);
    memset(principal, 0, sizeof(*principal));
}
