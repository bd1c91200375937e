#include "name_key.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/objects.h>

#include "buf.h"

enum { MAX_VALUE = 7 }; /* characters in a made value */

/* The names that Windows gives to attribute types, as dotted numbers. */
static const struct {
    const char *type;
    const char *oid;
} windows_types[] = {
    {"CN", "2.5.4.3"},
    {"SN", "2.5.4.4"},
    {"SERIALNUMBER", "2.5.4.5"},
    {"C", "2.5.4.6"},
    {"L", "2.5.4.7"},
    {"S", "2.5.4.8"},
    {"STREET", "2.5.4.9"},
    {"O", "2.5.4.10"},
    {"OU", "2.5.4.11"},
    {"T", "2.5.4.12"},
    {"Description", "2.5.4.13"},
    {"PostalCode", "2.5.4.17"},
    {"POBox", "2.5.4.18"},
    {"G", "2.5.4.42"},
    {"I", "2.5.4.43"},
    {"dnQualifier", "2.5.4.46"},
    {"DC", "0.9.2342.19200300.100.1.25"},
    {"E", "1.2.840.113549.1.9.1"},
};

static char *
finish(struct cm_buf *buf)
{
    char *text = cm_buf_take(buf);

    if (text == NULL)
        abort();
    return text;
}

static bool
add_entry(struct cm_buf *key, const X509_NAME_ENTRY *entry)
{
    char oid[256];
    unsigned char *utf8 = NULL;
    int len;

    OBJ_obj2txt(oid, sizeof(oid), X509_NAME_ENTRY_get_object(entry), 1);
    len = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(entry));
    ERR_clear_error();
    if (len < 0)
        return false;
    cm_buf_addf(key, "%s=", oid);
    cm_buf_add_hex(key, utf8, (size_t)len);
    cm_buf_add_char(key, ';');
    OPENSSL_free(utf8);
    return true;
}

char *
name_key(const X509_NAME *name)
{
    struct cm_buf key = CM_BUF_INIT;
    int set = -1, last;

    for (int i = 0; i < X509_NAME_entry_count(name); i++) {
        const X509_NAME_ENTRY *entry = X509_NAME_get_entry(name, i);

        last = set;
        set = X509_NAME_ENTRY_set(entry);
        if (set != last)
            cm_buf_add_text(&key, i > 0 ? "][" : "[");
        if (!add_entry(&key, entry)) {
            cm_buf_clear(&key);
            return NULL;
        }
    }
    if (X509_NAME_entry_count(name) > 0)
        cm_buf_add_char(&key, ']');
    return finish(&key);
}

/* Reads "TYPE=" and adds its number; returns where the value begins. */
static const char *
read_type(struct cm_buf *key, const char *text)
{
    size_t len = strcspn(text, "=");

    if (text[len] != '=')
        abort();
    if (strncmp(text, "OID.", 4) == 0) {
        cm_buf_add(key, text + 4, len - 4);
        return text + len + 1;
    }
    for (size_t i = 0; i < sizeof(windows_types) / sizeof(windows_types[0]);
         i++) {
        if (strlen(windows_types[i].type) == len &&
            strncmp(windows_types[i].type, text, len) == 0) {
            cm_buf_add_text(key, windows_types[i].oid);
            return text + len + 1;
        }
    }
    abort();
}

/* Reads a quoted value; returns what follows. */
static const char *
read_quoted(struct cm_buf *key, const char *text)
{
    for (text++; *text != '\0'; text++) {
        if (*text == '"' && *++text != '"')
            return text;
        cm_buf_add_hex(key, (const uint8_t *)text, 1);
    }
    abort();
}

/* Reads a bare value; returns what follows. */
static const char *
read_bare(struct cm_buf *key, const char *text)
{
    size_t len = strcspn(text, ",=");

    if (text[len] == '=') { /* of the next value in this RDN */
        while (len > 0 && text[len] != ' ')
            len--;
    }
    if (len == 0)
        abort();
    cm_buf_add_hex(key, (const uint8_t *)text, len);
    return text + len;
}

char *
name_key_of_text(const char *text)
{
    struct cm_buf key = CM_BUF_INIT;

    if (*text == '\0')
        return finish(&key);
    cm_buf_add_char(&key, '[');
    for (;; text++) {
        text = read_type(&key, text);
        cm_buf_add_char(&key, '=');
        text = *text == '"' ? read_quoted(&key, text) : read_bare(&key, text);
        cm_buf_add_char(&key, ';');
        if (*text == '\0')
            break;
        if (*text == ',')
            cm_buf_add_text(&key, "][");
        else if (*text != ' ')
            abort();
    }
    cm_buf_add_char(&key, ']');
    return finish(&key);
}

static uint8_t
next_byte(struct name_source *source)
{
    if (source->len == 0)
        return 0;
    source->len--;
    return *source->bytes++;
}

/* Mostly what the text uses for itself; seldom what has no text at all. */
static uint32_t
next_character(struct name_source *source)
{
    static const uint32_t often[] = {'a', 'b', 'A', ' ', ' ', '"', '"', '=',
                                     ',', '+', '<', '>', '#', ';', '.', '1',
                                     'O', 'I', 'D', 'C', 'N', 'S', 'E', '\\'};
    static const uint32_t seldom[] = {'\n', 0, 0x7f, 0xe9, 0x20ac, 0x1f600};
    uint8_t byte = next_byte(source);

    if (byte >= 250)
        return seldom[byte - 250];
    return often[byte % (sizeof(often) / sizeof(often[0]))];
}

/* Writes the character as the string type does; returns its length. */
static size_t
encode_character(uint32_t c, int type, uint8_t *out)
{
    if (type == V_ASN1_BMPSTRING) {
        out[0] = (uint8_t)(c >> 8);
        out[1] = (uint8_t)c;
        return 2;
    }
    if (type == V_ASN1_UNIVERSALSTRING) {
        out[0] = 0;
        out[1] = (uint8_t)(c >> 16);
        out[2] = (uint8_t)(c >> 8);
        out[3] = (uint8_t)c;
        return 4;
    }
    if (type != V_ASN1_UTF8STRING || c < 0x80) {
        out[0] = (uint8_t)c;
        return 1;
    }
    /* Two octets are enough to have characters beyond ASCII. */
    out[0] = (uint8_t)(0xc0 | ((c >> 6) & 0x1f));
    out[1] = (uint8_t)(0x80 | (c & 0x3f));
    return 2;
}

static void
add_value(X509_NAME *name, struct name_source *source, bool same_rdn)
{
    static const char *const types[] = {
        "2.5.4.3",  "2.5.4.6", "2.5.4.10", "2.5.4.11",
        "2.5.4.43", "2.5.4.8", "2.5.4.44", "0.9.2342.19200300.100.1.1",
        "1.1",      "1.1.1",   "2.5.4.4",  "2.5.4.12"};
    static const int strings[] = {
        V_ASN1_UTF8STRING, V_ASN1_PRINTABLESTRING, V_ASN1_BMPSTRING,
        V_ASN1_IA5STRING,  V_ASN1_UNIVERSALSTRING, V_ASN1_T61STRING};
    const char *oid =
        types[next_byte(source) % (sizeof(types) / sizeof(*types))];
    int type =
        strings[next_byte(source) % (sizeof(strings) / sizeof(*strings))];
    size_t count = next_byte(source) % (MAX_VALUE + 1), len = 0;
    uint8_t value[4 * MAX_VALUE] = {0};
    ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);

    for (size_t i = 0; i < count; i++)
        len += encode_character(next_character(source), type, value + len);
    if (object == NULL ||
        !X509_NAME_add_entry_by_OBJ(name, object, type, value, (int)len, -1,
                                    same_rdn ? -1 : 0))
        abort();
    ASN1_OBJECT_free(object);
}

X509_NAME *
name_from_bytes(struct name_source *source)
{
    X509_NAME *name = X509_NAME_new();
    unsigned rdns = next_byte(source) % 4;

    if (name == NULL)
        abort();
    for (unsigned i = 0; i < rdns; i++) {
        add_value(name, source, false);
        if (next_byte(source) % 2 == 1)
            add_value(name, source, true);
    }
    return name;
}
