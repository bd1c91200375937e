/*
 * Reading the deny list.
 */
#include "deny.h"

#include <stdlib.h>
#include <string.h>

#include "text.h"
#include "timetext.h"

/* Cuts off the first field of a line; the rest begins after one blank. */
static char *
next_field(char **rest)
{
    char *field = *rest, *blank = strchr(field, ' ');

    if (field[0] == '\0' || field[0] == ' ' || blank == NULL)
        return NULL;
    *blank = '\0';
    *rest = blank + 1;
    return field;
}

static const char *
parse_digest(const char *text, size_t len, struct cm_deny_entry *entry)
{
    if (cm_hex_decode(text, strlen(text), entry->value, sizeof(entry->value),
                      &entry->value_len) &&
        (len == 0 || entry->value_len == len))
        return NULL;
    switch (entry->kind) {
    case CM_DENY_SHA256:
        return "a sha256 fingerprint has 64 hexadecimal digits";
    case CM_DENY_SHA1:
        return "a sha1 fingerprint has 40 hexadecimal digits";
    case CM_DENY_SKI:
    case CM_DENY_SERIAL_KEY:
    case CM_DENY_SERIAL_NAME:
        break;
    }
    return "a key identifier is an even number of hexadecimal digits";
}

/* The magnitude of a serial number in hex, leading zeros dropped. */
static bool
parse_serial(const char *text, size_t len, struct cm_deny_entry *entry)
{
    uint8_t octets[CM_CERT_MAX_SERIAL + 1], *first = octets;

    if (!cm_hex_decode(text, len, octets, sizeof(octets), &entry->value_len))
        return false;
    while (entry->value_len > 0 && *first == 0) {
        first++;
        entry->value_len--;
    }
    if (entry->value_len > CM_CERT_MAX_SERIAL)
        return false;
    memcpy(entry->value, first, entry->value_len);
    return true;
}

/* The end of a quoted name: its second quotation mark; NULL: none. */
static char *
quoted_end(char *name)
{
    char *p = name;

    for (; *p != '\0' && *p != '"'; p++) {
        if (*p == '\\' && *++p == '\0')
            return NULL;
    }
    return *p == '"' ? p : NULL;
}

/* The value of a serial entry.  A quoted name may hold blanks, so that it
 * says itself where the field ends. */
static const char *
parse_serial_value(char **rest, struct cm_deny_entry *entry)
{
    static const char issuer_text[] =
        "after the serial number stands a colon, and the issuing key's "
        "SHA-256 or the issuer's name in quotation marks";
    char *value = *rest, *colon = value + strcspn(value, ": "), *end, *text;
    size_t len;

    if (*colon != ':')
        return issuer_text;
    if (!parse_serial(value, (size_t)(colon - value), entry))
        return "the serial number is not one of 1 to 20 octets in "
               "hexadecimal";
    if (colon[1] != '"') {
        *rest = colon + 1;
        text = next_field(rest);
        if (text == NULL ||
            !cm_hex_decode(text, strlen(text), entry->issuer_spki, 32, &len) ||
            len != 32)
            return issuer_text;
        return NULL;
    }
    end = quoted_end(colon + 2);
    if (end == NULL || end[1] != ' ')
        return issuer_text;
    *end = '\0';
    *rest = end + 2;
    entry->kind = CM_DENY_SERIAL_NAME;
    if (!cm_deny_name_is_valid(colon + 2))
        return issuer_text;
    entry->issuer = strdup(colon + 2);
    return entry->issuer == NULL ? "out of memory" : NULL;
}

static const char *
parse_selector(char **rest, struct cm_deny_entry *entry)
{
    const char *kind = next_field(rest), *value;
    size_t len = 0;

    if (kind == NULL)
        return "a line is: kind value expires added reason";
    if (strcmp(kind, "serial") == 0) {
        entry->kind = CM_DENY_SERIAL_KEY;
        return parse_serial_value(rest, entry);
    }
    if (strcmp(kind, "sha256") == 0) {
        entry->kind = CM_DENY_SHA256;
        len = 32;
    } else if (strcmp(kind, "sha1") == 0) {
        entry->kind = CM_DENY_SHA1;
        len = 20;
    } else if (strcmp(kind, "ski") == 0) {
        entry->kind = CM_DENY_SKI;
    } else {
        return "the kind is none of sha256, sha1, ski, serial";
    }
    value = next_field(rest);
    if (value == NULL)
        return "a line is: kind value expires added reason";
    return parse_digest(value, len, entry);
}

static const char *
parse_times(char **rest, struct cm_deny_entry *entry)
{
    const char *expires = next_field(rest), *added;

    added = expires == NULL ? NULL : next_field(rest);
    if (added == NULL)
        return "expires, added or the reason is missing";
    entry->expires = strcmp(expires, "never") != 0;
    if (entry->expires && !cm_time_parse(expires, &entry->until))
        return "expires is neither \"never\" nor a time such as "
               "2024-02-01T12:00:00Z";
    if (!cm_time_parse(added, &entry->added))
        return "added is not a time such as 2024-02-01T12:00:00Z";
    return NULL;
}

/* One line, which is written into.  NULL: good; else what is wrong. */
static const char *
parse_line(char *line, struct cm_deny_list *out)
{
    struct cm_deny_entry entry = {0};
    char *rest = line;
    const char *fault;

    if (!cm_text_is_clean((const uint8_t *)line, strlen(line)))
        return "not clean UTF-8 text";
    fault = parse_selector(&rest, &entry);
    if (fault == NULL)
        fault = parse_times(&rest, &entry);
    if (fault == NULL && (rest[0] == '\0' || rest[0] == ' ' ||
                          strlen(rest) > CM_DENY_MAX_REASON))
        fault = "the reason is missing or too long";
    if (fault == NULL) {
        entry.reason = rest;
        if (out->count == CM_DENY_MAX_ENTRIES)
            fault = "too many entries";
        else if (!cm_deny_add(out, &entry))
            fault = "out of memory";
        entry.reason = NULL; /* part of the line */
    }
    cm_deny_entry_clear(&entry);
    return fault;
}

/* Takes one line off the text into line; its bytes, or -1: it does not fit,
 * or holds a NUL. */
static long
take_line(const char **text, const char *end, char line[CM_DENY_MAX_LINE])
{
    const char *stop = memchr(*text, '\n', (size_t)(end - *text));
    size_t len = (size_t)((stop == NULL ? end : stop) - *text);

    if (len >= CM_DENY_MAX_LINE || memchr(*text, '\0', len) != NULL)
        return -1;
    memcpy(line, *text, len);
    line[len] = '\0';
    *text = stop == NULL ? end : stop + 1;
    return (long)len;
}

bool
cm_deny_parse(const char *text, size_t len, struct cm_deny_list *out,
              struct cm_detail *detail)
{
    const char *end = text + len, *fault = NULL;
    char line[CM_DENY_MAX_LINE];
    unsigned long number = 0;
    long bytes;

    memset(out, 0, sizeof(*out));
    while (fault == NULL && text < end) {
        number++;
        bytes = take_line(&text, end, line);
        if (bytes < 0)
            fault = "longer than a line may be, or with a NUL in it";
        else if (bytes > 0 && line[0] != '#')
            fault = parse_line(line, out);
    }
    if (fault == NULL)
        return true;
    cm_detail_set(detail, "line %lu: %s", number, fault);
    cm_deny_list_clear(out);
    return false;
}
