#include "audit_line.h"

#include <stdlib.h>
#include <string.h>

#include "text.h"
#include "timetext.h"

static const char magic[] = "certmap: ";
static const char authorized[] = "authorized";
static const char refused[] = "refused";

/* What cm_audit_parse() fills beside the fields, as the line has them. */
struct raw {
    struct cm_span sha256, not_after;
};

/* How a value is written. */
enum writing {
    TOKEN,  /* as it is */
    OUTSIDE /* in quotation marks, or "-" */
};

struct line {
    struct cm_audit_fields fields;
    struct raw raw;
};

static const struct field {
    const char *name;
    enum writing writing;
    size_t offset;
    bool optional; /* older lines do not have it */
} fields[] = {
    {"reason", TOKEN, offsetof(struct line, fields.reason), false},
    {"realm", OUTSIDE, offsetof(struct line, fields.realm), false},
    {"mode", TOKEN, offsetof(struct line, fields.mode), false},
    {"principal", OUTSIDE, offsetof(struct line, fields.principal), false},
    {"account", OUTSIDE, offsetof(struct line, fields.account), false},
    {"mapping", TOKEN, offsetof(struct line, fields.mapping), false},
    {"strength", TOKEN, offsetof(struct line, fields.strength), false},
    {"choices", TOKEN, offsetof(struct line, fields.choices), false},
    {"warnings", TOKEN, offsetof(struct line, fields.warnings), false},
    {"ref", TOKEN, offsetof(struct line, fields.ref), true},
    {"sha256", TOKEN, offsetof(struct line, raw.sha256), false},
    {"serial", TOKEN, offsetof(struct line, fields.serial), false},
    {"not_after", TOKEN, offsetof(struct line, raw.not_after), false},
    {"issuer", OUTSIDE, offsetof(struct line, fields.issuer), false},
    {"detail", OUTSIDE, offsetof(struct line, fields.detail), false},
};

enum { FIELD_COUNT = sizeof(fields) / sizeof(fields[0]) };

bool
cm_span_is(struct cm_span span, const char *text)
{
    return span.text != NULL && strlen(text) == span.len &&
           memcmp(span.text, text, span.len) == 0;
}

bool
cm_span_next(struct cm_span *list, struct cm_span *item)
{
    const char *comma;

    if (list->text == NULL || list->len == 0)
        return false;
    comma = memchr(list->text, ',', list->len);
    item->text = list->text;
    item->len = comma == NULL ? list->len : (size_t)(comma - list->text);
    list->text += item->len;
    list->len -= item->len;
    if (comma != NULL) {
        list->text++;
        list->len--;
    }
    return true;
}

bool
cm_span_lists(struct cm_span list, const char *item)
{
    struct cm_span one;

    while (cm_span_next(&list, &one)) {
        if (cm_span_is(one, item))
            return true;
    }
    return false;
}

/* ---- The grammar ---- */

static void
advance(struct cm_span *rest, size_t len)
{
    rest->text += len;
    rest->len -= len;
}

static bool
skip(struct cm_span *rest, const char *text)
{
    size_t len = strlen(text);

    if (rest->len < len || memcmp(rest->text, text, len) != 0)
        return false;
    advance(rest, len);
    return true;
}

static bool
is_name_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

static bool
is_token_character(char c)
{
    return c > ' ' && c < 0x7f && c != '"' && c != '\\';
}

static bool
is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/* The characters that pass the test, at least one. */
static bool
take_while(struct cm_span *rest, bool (*passes)(char), struct cm_span *out)
{
    size_t len = 0;

    while (len < rest->len && passes(rest->text[len]))
        len++;
    *out = (struct cm_span){rest->text, len};
    advance(rest, len);
    return len > 0;
}

/* One escape, "\xHH", of at most left bytes. */
static bool
is_escape(const char *p, size_t left)
{
    return left >= 4 && p[0] == '\\' && p[1] == 'x' && is_hex(p[2]) &&
           is_hex(p[3]);
}

/* After the opening quotation mark, up to the closing one. */
static bool
take_quoted(struct cm_span *rest, struct cm_span *out)
{
    const char *start = rest->text;
    unsigned char c;

    while (rest->len > 0 && *rest->text != '"') {
        c = (unsigned char)*rest->text;
        if (c < 0x20 || c == 0x7f)
            return false;
        if (c == '\\' && !is_escape(rest->text, rest->len))
            return false;
        advance(rest, c == '\\' ? 4 : 1);
    }
    *out = (struct cm_span){start, (size_t)(rest->text - start)};
    return skip(rest, "\"");
}

/* A value; *quoted says how it was written. */
static bool
take_value(struct cm_span *rest, struct cm_span *out, bool *quoted)
{
    *quoted = skip(rest, "\"");
    return *quoted ? take_quoted(rest, out)
                   : take_while(rest, is_token_character, out);
}

/* ---- The fields ---- */

static bool
keep_value(struct line *line, unsigned *seen, struct cm_span name,
           struct cm_span value, bool quoted)
{
    bool none = !quoted && cm_span_is(value, "-");

    for (size_t i = 0; i < FIELD_COUNT; i++) {
        if (!cm_span_is(name, fields[i].name))
            continue;
        if ((*seen & 1U << i) != 0 ||
            quoted != (fields[i].writing == OUTSIDE && !none))
            return false;
        *seen |= 1U << i;
        if (!none)
            memcpy((char *)line + fields[i].offset, &value, sizeof(value));
        return true;
    }
    return true;
}

static bool
take_fields(struct cm_span *rest, struct line *line)
{
    struct cm_span name, value;
    unsigned seen = 0;
    bool quoted;

    while (rest->len > 0) {
        if (!skip(rest, " ") || !take_while(rest, is_name_character, &name) ||
            !skip(rest, "=") || !take_value(rest, &value, &quoted) ||
            !keep_value(line, &seen, name, value, quoted))
            return false;
    }
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        if (!fields[i].optional && (seen & 1U << i) == 0)
            return false;
    }
    return true;
}

/* The certificate: either all of it is there or nothing. */
static bool
read_certificate(struct line *line)
{
    const struct raw *raw = &line->raw;
    char until[CM_TIME_TEXT];
    size_t len;

    if (raw->sha256.text == NULL)
        return raw->not_after.text == NULL;
    line->fields.has_certificate = true;
    if (!cm_hex_decode(raw->sha256.text, raw->sha256.len, line->fields.sha256,
                       sizeof(line->fields.sha256), &len) ||
        len != sizeof(line->fields.sha256))
        return false;
    /* A time that cm_time_text() cannot write is "-": far away. */
    line->fields.not_after = INT64_MAX;
    if (raw->not_after.text == NULL)
        return true;
    if (raw->not_after.len >= sizeof(until))
        return false;
    memcpy(until, raw->not_after.text, raw->not_after.len);
    until[raw->not_after.len] = '\0';
    return cm_time_parse(until, &line->fields.not_after);
}

/* Could more text make an audit line of it? */
static bool
is_beginning(struct cm_span rest)
{
    return strncmp(authorized, rest.text, rest.len) == 0 ||
           strncmp(refused, rest.text, rest.len) == 0;
}

enum cm_audit_kind
cm_audit_parse(const char *message, size_t len, struct cm_audit_fields *out)
{
    struct cm_span rest = {message, len};
    struct line line;

    memset(&line, 0, sizeof(line));
    if (!skip(&rest, magic))
        return CM_AUDIT_OTHER;
    if (skip(&rest, authorized))
        line.fields.authorized = true;
    else if (!skip(&rest, refused))
        return rest.len > 0 && is_beginning(rest) ? CM_AUDIT_DAMAGED
                                                  : CM_AUDIT_OTHER;
    if (rest.len > 0 && *rest.text != ' ')
        return CM_AUDIT_OTHER;
    if (!take_fields(&rest, &line) || !read_certificate(&line) ||
        cm_span_is(line.fields.reason, "ok") != line.fields.authorized)
        return CM_AUDIT_DAMAGED;
    *out = line.fields;
    return CM_AUDIT_WHOLE;
}

char *
cm_audit_unescape(const char *escaped)
{
    size_t len = strlen(escaped), used = 0, one;
    uint8_t *plain = malloc(len + 1);
    char *text = NULL;

    if (plain == NULL)
        return NULL;
    for (size_t i = 0; i < len; used++) {
        if (is_escape(escaped + i, len - i)) {
            (void)cm_hex_decode(escaped + i + 2, 2, plain + used, 1, &one);
            i += 4;
        } else {
            plain[used] = (uint8_t)escaped[i++];
        }
    }
    text = cm_text_dup_clean(plain, used);
    free(plain);
    return text;
}
