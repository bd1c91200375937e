#include "audit_dn.h"

#include <stdint.h>
#include <string.h>

#include "text.h"

struct slice {
    const char *data;
    size_t len;
};

/* As other programs call what CertNameToStr calls otherwise. */
static const struct {
    const char *other;
    const char *windows;
} types[] = {
    {"ST", "S"},
    {"stateOrProvinceName", "S"},
    {"emailAddress", "E"},
    {"GN", "G"},
    {"givenName", "G"},
    {"title", "T"},
    {"initials", "I"},
    {"serialNumber", "SERIALNUMBER"},
    {"commonName", "CN"},
    {"organizationName", "O"},
    {"organizationalUnitName", "OU"},
    {"countryName", "C"},
    {"localityName", "L"},
    {"domainComponent", "DC"},
    {"UID", "OID.0.9.2342.19200300.100.1.1"},
    {"mail", "OID.0.9.2342.19200300.100.1.3"},
};

bool
cm_audit_dn_is_unusual(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '"' || text[i] == '\\')
            return true;
        if (text[i] == ' ' &&
            (i == 0 || i + 1 == len || text[i - 1] == ',' ||
             text[i + 1] == ',' || text[i - 1] == '=' || text[i + 1] == '='))
            return true;
    }
    return false;
}

static struct slice
trim(struct slice s)
{
    while (s.len > 0 && s.data[0] == ' ') {
        s.data++;
        s.len--;
    }
    while (s.len > 0 && s.data[s.len - 1] == ' ' &&
           (s.len < 2 || s.data[s.len - 2] != '\\'))
        s.len--;
    return s;
}

/* Splits at commas that nothing quotes.  False: too many. */
static bool
split(const char *text, size_t len, struct slice *out, size_t *count)
{
    size_t start = 0;
    bool quoted = false;

    *count = 0;
    for (size_t i = 0; i <= len; i++) {
        if (i < len && text[i] == '\\' && i + 1 < len) {
            i++;
        } else if (i < len && text[i] == '"') {
            quoted = !quoted;
        } else if (i == len || (text[i] == ',' && !quoted)) {
            if (*count == CM_AUDIT_MAX_RDNS)
                return false;
            out[(*count)++] = trim((struct slice){text + start, i - start});
            start = i + 1;
        }
    }
    return !quoted;
}

static void
add_type(struct slice type, struct cm_buf *out)
{
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (strlen(types[i].other) == type.len &&
            cm_text_equal_fold_n(types[i].other, type.data, type.len)) {
            cm_buf_add_text(out, types[i].windows);
            return;
        }
    }
    cm_buf_add(out, type.data, type.len);
}

/* Takes quotation marks and backslashes away. */
static void
add_plain(struct slice value, struct cm_buf *out)
{
    size_t at = 0, end = value.len, n;
    uint8_t byte;
    bool quoted = end >= 2 && value.data[0] == '"';

    if (quoted) {
        at = 1;
        end--;
    }
    while (at < end) {
        if (quoted && value.data[at] == '"' && at + 1 < end &&
            value.data[at + 1] == '"')
            at++;
        else if (value.data[at] == '\\' && at + 1 < end)
            at++;
        if (at > 0 && value.data[at - 1] == '\\' && at + 1 < end &&
            cm_hex_decode(value.data + at, 2, &byte, 1, &n)) {
            cm_buf_add(out, &byte, 1);
            at += 2;
        } else {
            cm_buf_add_char(out, value.data[at++]);
        }
    }
}

static bool
needs_quotes(const char *text, size_t len)
{
    if (len == 0 || text[0] == ' ' || text[len - 1] == ' ')
        return true;
    for (size_t i = 0; i < len; i++) {
        if (memchr(",+=\"<>#;", text[i], 8) != NULL)
            return true;
    }
    return false;
}

/*
 * What is neither quoted nor escaped is left as it is: an equals sign in it
 * belongs to an RDN of several values.
 */
static bool
add_value(struct slice value, struct cm_buf *out)
{
    struct cm_buf plain = CM_BUF_INIT;
    bool ok;

    if (value.len == 0 || (value.data[0] != '"' &&
                           memchr(value.data, '\\', value.len) == NULL)) {
        cm_buf_add(out, value.data, value.len);
        return true;
    }
    add_plain(value, &plain);
    ok = !plain.failed;
    if (ok && needs_quotes(plain.data != NULL ? plain.data : "", plain.len)) {
        cm_buf_add_char(out, '"');
        for (size_t i = 0; i < plain.len; i++) {
            if (plain.data[i] == '"')
                cm_buf_add_char(out, '"');
            cm_buf_add_char(out, plain.data[i]);
        }
        cm_buf_add_char(out, '"');
    } else if (ok) {
        cm_buf_add(out, plain.data, plain.len);
    }
    cm_buf_clear(&plain);
    return ok;
}

static bool
add_rdn(struct slice rdn, struct cm_buf *out)
{
    const char *equals = memchr(rdn.data, '=', rdn.len);
    struct slice type, value;

    if (equals == NULL || equals == rdn.data)
        return false;
    type.data = rdn.data;
    type.len = (size_t)(equals - rdn.data);
    value.data = equals + 1;
    value.len = rdn.len - type.len - 1;
    add_type(trim(type), out);
    cm_buf_add_char(out, '=');
    return add_value(trim(value), out);
}

bool
cm_audit_dn_rewrite(const char *text, size_t len, bool reverse,
                    struct cm_buf *out)
{
    struct slice rdns[CM_AUDIT_MAX_RDNS];
    size_t count;

    if (len == 0 || !split(text, len, rdns, &count))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            cm_buf_add_char(out, ',');
        if (!add_rdn(rdns[reverse ? count - 1 - i : i], out))
            return false;
    }
    return !out->failed;
}
