/*
 * Relation values as an administrator writes them.  Nothing is guessed: what
 * is not exactly one of the allowed texts is an error that names it.
 */
#include "policy.h"

#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "detail.h"

#define BLANKS " \t"
#define DIGITS "0123456789"
#define ANY_POLICY "2.5.29.32.0"
#define SUFFIX_METHOD "UPNSuffix="

enum {
    WORD_SHOWN = 64, /* bytes of a wrong word in a message */
    DOMAIN_MAX = 255,
    DAY = 24 * 60 * 60,
    TUPLE_FIELDS = 3
};
#define BACKDATING_MAX ((int64_t)CM_BACKDATING_MAX_DAYS * DAY)

/* A piece of a relation value. */
struct word {
    const char *text;
    size_t len;
};

static int
shown(struct word word)
{
    return word.len < WORD_SHOWN ? (int)word.len : WORD_SHOWN;
}

static bool
word_is(struct word word, const char *text)
{
    return strlen(text) == word.len && memcmp(word.text, text, word.len) == 0;
}

/* ---- mappings ---- */

/* The accept bit of a word of `mappings`; 0 if there is none. */
static unsigned
mapping_bit(struct word word)
{
    if (word_is(word, "sid"))
        return CM_ACCEPT_SID;
    if (word_is(word, "sid-uri"))
        return CM_ACCEPT_SID_URI;
    for (unsigned i = CM_FORM_NONE + 1; i <= CM_FORM_SID; i++) {
        if (word_is(word, cm_form_token((enum cm_form)i)))
            return CM_ACCEPT(i);
    }
    return 0;
}

static void
refuse_mapping(struct word word, const char *why, struct cm_detail *detail)
{
    struct cm_buf allowed = CM_BUF_INIT;
    char *text;

    cm_buf_add_text(&allowed, "sid sid-uri");
    for (unsigned i = CM_FORM_NONE + 1; i <= CM_FORM_SID; i++)
        cm_buf_addf(&allowed, " %s", cm_form_token((enum cm_form)i));
    text = cm_buf_take(&allowed);
    cm_detail_set(detail, "\"%.*s\" %s; allowed are: %s", shown(word),
                  word.text, why, text != NULL ? text : "(out of memory)");
    free(text);
}

bool
cm_policy_parse_mappings(const char *text, unsigned *out,
                         struct cm_detail *detail)
{
    unsigned bit, accept = 0;
    struct word word = {text, 0};

    for (;;) {
        word.text += word.len;
        word.text += strspn(word.text, BLANKS);
        word.len = strcspn(word.text, BLANKS);
        if (word.len == 0)
            break;
        bit = mapping_bit(word);
        if (bit == 0) {
            refuse_mapping(word, "is no mapping", detail);
            return false;
        }
        if ((accept & bit) != 0) {
            refuse_mapping(word, "is given twice", detail);
            return false;
        }
        accept |= bit;
    }
    if (accept == 0) {
        refuse_mapping(word, "holds no mapping", detail);
        return false;
    }
    *out = accept;
    return true;
}

/* ---- durations ---- */

/* Seconds of the unit; 0 if it is none. */
static int64_t
unit_seconds(const char *unit)
{
    if (strcmp(unit, "s") == 0)
        return 1;
    if (strcmp(unit, "m") == 0)
        return 60;
    if (strcmp(unit, "h") == 0)
        return 60 * 60;
    return strcmp(unit, "d") == 0 ? DAY : 0;
}

/* The decimal digits as a number of at most BACKDATING_MAX. */
static int64_t
clamped_number(const char *digits, size_t len)
{
    int64_t number = 0;

    for (size_t i = 0; i < len; i++) {
        number = number * 10 + (digits[i] - '0');
        if (number > BACKDATING_MAX)
            number = BACKDATING_MAX;
    }
    return number;
}

bool
cm_policy_parse_duration(const char *text, int64_t *seconds,
                         struct cm_detail *detail)
{
    size_t digits = strspn(text, DIGITS);
    int64_t number = clamped_number(text, digits);
    int64_t unit = unit_seconds(text + digits);

    if (digits > 0 && text[digits] == '\0' && strcmp(text, "0") != 0) {
        cm_detail_set(detail,
                      "\"%.*s\" has no unit, and a bare number means seconds "
                      "to Windows and minutes to Samba; write %.*ss or %.*sm",
                      WORD_SHOWN, text, WORD_SHOWN, text, WORD_SHOWN, text);
        return false;
    }
    if (digits == 0 || (unit == 0 && text[digits] != '\0')) {
        cm_detail_set(detail,
                      "\"%.*s\" is no duration; allowed is 0, or a whole "
                      "number with the unit s, m, h or d, such as 10m",
                      WORD_SHOWN, text);
        return false;
    }
    /* Both factors are small enough not to overflow. */
    number *= unit;
    *seconds = number < BACKDATING_MAX ? number : BACKDATING_MAX;
    return true;
}

/* ---- object identifiers ---- */

/* One canonical arc: digits without a leading zero. */
static size_t
arc_length(const char *text)
{
    size_t len = strspn(text, DIGITS);

    return len > 1 && text[0] == '0' ? 0 : len;
}

bool
cm_policy_oid_is_valid(const char *text)
{
    size_t arcs = 0, len;
    char root = text[0];

    for (;; text++) {
        len = arc_length(text);
        if (len == 0)
            return false;
        arcs++;
        if (arcs == 1 && (len != 1 || root > '2'))
            return false;
        /* Below the roots 0 and 1 there are 40 arcs (X.660). */
        if (arcs == 2 && root != '2' &&
            (len > 2 || (len == 2 && text[0] > '3')))
            return false;
        text += len;
        if (*text != '.')
            return *text == '\0' && arcs >= 2;
    }
}

/* ---- name_strong ---- */

static bool
refuse_tuple(struct word word, const char *why, struct cm_detail *detail)
{
    cm_detail_set(detail,
                  "\"%.*s\" %s; a tuple is thumbprint;OID[,OID...];method"
                  "[,method...] without blanks, where the thumbprint has 40 "
                  "or 64 hexadecimal digits and a method is IssuerSubject or "
                  "UPNSuffix=domain",
                  shown(word), word.text, why);
    return false;
}

static bool
parse_thumbprint(struct word word, struct cm_thumbprint *out,
                 struct cm_detail *detail)
{
    if ((word.len == 40 || word.len == 64) &&
        cm_hex_decode(word.text, word.len, out->bytes, sizeof(out->bytes),
                      &out->len))
        return true;
    return refuse_tuple(word, "is no thumbprint", detail);
}

/* Appends a copy of text, an item's value, which no other may equal. */
static bool
add_once(struct cm_text_list *list, struct word word, const char *text,
         struct cm_detail *detail)
{
    for (size_t i = 0; i < list->count; i++) {
        if (cm_text_equal_fold(list->items[i], text))
            return refuse_tuple(word, "is given twice", detail);
    }
    if (cm_text_list_add(list, text))
        return true;
    cm_detail_set(detail, "out of memory");
    return false;
}

static bool
parse_oid(struct word word, struct cm_name_strong *out,
          struct cm_detail *detail)
{
    char *text;
    bool ok;

    if (out->oids.count == CM_TUPLE_MAX_OIDS)
        return refuse_tuple(word, "is one OID too many", detail);
    text = strndup(word.text, word.len);
    if (text == NULL) {
        cm_detail_set(detail, "out of memory");
        return false;
    }
    if (!cm_policy_oid_is_valid(text))
        ok = refuse_tuple(word, "is no object identifier", detail);
    else if (strcmp(text, ANY_POLICY) == 0)
        ok = refuse_tuple(word, "is anyPolicy, which names none", detail);
    else
        ok = add_once(&out->oids, word, text, detail);
    free(text);
    return ok;
}

bool
cm_policy_domain_is_valid(const char *text)
{
    static const char label[] = "abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ" DIGITS "-_";
    size_t len;

    if (strlen(text) > DOMAIN_MAX)
        return false;
    for (;; text++) {
        len = strspn(text, label);
        text += len;
        if (len == 0 || *text != '.')
            return len > 0 && *text == '\0';
    }
}

static bool
parse_upn_suffix(struct word word, struct cm_name_strong *out,
                 struct cm_detail *detail)
{
    size_t skip = sizeof(SUFFIX_METHOD) - 1;
    char *text = strndup(word.text + skip, word.len - skip);
    bool ok;

    if (text == NULL) {
        cm_detail_set(detail, "out of memory");
        return false;
    }
    if (cm_policy_domain_is_valid(text))
        ok = add_once(&out->upn_suffixes, word, text, detail);
    else
        ok = refuse_tuple(word, "names no domain", detail);
    free(text);
    return ok;
}

static bool
parse_method(struct word word, struct cm_name_strong *out,
             struct cm_detail *detail)
{
    if (word.len >= sizeof(SUFFIX_METHOD) - 1 &&
        memcmp(word.text, SUFFIX_METHOD, sizeof(SUFFIX_METHOD) - 1) == 0)
        return parse_upn_suffix(word, out, detail);
    if (!word_is(word, "IssuerSubject"))
        return refuse_tuple(word, "is no method", detail);
    if (out->issuer_subject)
        return refuse_tuple(word, "is given twice", detail);
    out->issuer_subject = true;
    return true;
}

typedef bool (*item_parser)(struct word item, struct cm_name_strong *out,
                            struct cm_detail *detail);

/* Every comma-separated item of a field, an empty one included. */
static bool
parse_items(struct word field, item_parser parse, struct cm_name_strong *out,
            struct cm_detail *detail)
{
    const char *end = field.text + field.len, *comma;
    struct word item = {field.text, 0};

    for (;; item.text = comma + 1) {
        comma = memchr(item.text, ',', (size_t)(end - item.text));
        item.len = (size_t)((comma != NULL ? comma : end) - item.text);
        if (!parse(item, out, detail))
            return false;
        if (comma == NULL)
            return true;
    }
}

/* Splits at ";" into exactly three fields. */
static bool
split_tuple(const char *text, struct word fields[TUPLE_FIELDS])
{
    for (size_t i = 0; i < TUPLE_FIELDS; i++) {
        fields[i].text = text;
        fields[i].len = strcspn(text, ";");
        text += fields[i].len;
        if (i + 1 < TUPLE_FIELDS && *text++ != ';')
            return false;
    }
    return *text == '\0';
}

/* Refuses the first blank, showing what stands before it. */
static bool
refuse_blank(const char *text, size_t at, struct cm_detail *detail)
{
    size_t start = at > WORD_SHOWN ? at - WORD_SHOWN : 0;
    struct word before = {text + start, at - start};

    return refuse_tuple(before, "is followed by a blank", detail);
}

bool
cm_policy_parse_name_strong(const char *text, struct cm_name_strong *out,
                            struct cm_detail *detail)
{
    struct word fields[TUPLE_FIELDS], all = {text, strlen(text)};
    struct cm_name_strong tuple = {0};
    size_t blank = strcspn(text, BLANKS);

    if (blank < all.len)
        return refuse_blank(text, blank, detail);
    if (!split_tuple(text, fields))
        return refuse_tuple(all, "has not three fields", detail);
    if (!parse_thumbprint(fields[0], &tuple.issuer, detail) ||
        !parse_items(fields[1], parse_oid, &tuple, detail) ||
        !parse_items(fields[2], parse_method, &tuple, detail)) {
        cm_name_strong_clear(&tuple);
        return false;
    }
    *out = tuple;
    return true;
}
