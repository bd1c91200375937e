#include "altsecid.h"

#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "sid.h"
#include "text.h"

#define PREFIX "X509:"
#define HEX_DIGITS "0123456789abcdefABCDEF"

enum { PREFIX_LEN = sizeof(PREFIX) - 1, MAX_PARTS = 2, SHA1_DIGITS = 40 };

enum tag {
    TAG_I,
    TAG_S,
    TAG_SR,
    TAG_SKI,
    TAG_SHA1,
    TAG_MAIL,
    TAG_SID,
    NO_TAG
};

static const struct {
    const char *name;
    bool is_dn; /* its value may hold quoted text */
    bool folds; /* its value compares without ASCII case */
} tags[] = {
    [TAG_I] = {"I", true, true},
    [TAG_S] = {"S", true, true},
    [TAG_SR] = {"SR", false, true},
    [TAG_SKI] = {"SKI", false, true},
    [TAG_SHA1] = {"SHA1-PUKEY", false, true},
    [TAG_MAIL] = {"RFC822", false, false},
    [TAG_SID] = {"SID", false, false},
};

/* The seven forms, and what else ties a certificate to an account. */
static const struct {
    const char *token;
    enum cm_strength strength;
    enum tag parts[MAX_PARTS];
} forms[] = {
    [CM_FORM_NONE] = {"none", CM_STRENGTH_NONE, {NO_TAG, NO_TAG}},
    [CM_FORM_ISSUER_SUBJECT] = {"issuer-subject",
                                CM_STRENGTH_WEAK,
                                {TAG_I, TAG_S}},
    [CM_FORM_SUBJECT] = {"subject", CM_STRENGTH_WEAK, {TAG_S, NO_TAG}},
    [CM_FORM_ISSUER_SERIAL] = {"issuer-serial",
                               CM_STRENGTH_STRONG,
                               {TAG_I, TAG_SR}},
    [CM_FORM_SKI] = {"ski", CM_STRENGTH_STRONG, {TAG_SKI, NO_TAG}},
    [CM_FORM_SHA1_PUKEY] = {"sha1-pukey",
                            CM_STRENGTH_STRONG,
                            {TAG_SHA1, NO_TAG}},
    [CM_FORM_RFC822] = {"rfc822", CM_STRENGTH_WEAK, {TAG_MAIL, NO_TAG}},
    [CM_FORM_ISSUER_SID] = {"issuer-sid",
                            CM_STRENGTH_STRONG,
                            {TAG_I, TAG_SID}},
    [CM_FORM_UPN] = {"upn", CM_STRENGTH_WEAK, {NO_TAG, NO_TAG}},
    [CM_FORM_DNS] = {"dns", CM_STRENGTH_WEAK, {NO_TAG, NO_TAG}},
    [CM_FORM_SID] = {"sid-alone", CM_STRENGTH_STRONG, {NO_TAG, NO_TAG}},
};
enum { FORM_COUNT = sizeof(forms) / sizeof(forms[0]) };

const char *
cm_form_token(enum cm_form form)
{
    return forms[form].token;
}

enum cm_form
cm_form_from_token(const char *token)
{
    for (unsigned i = 0; i < FORM_COUNT; i++) {
        if (strcmp(forms[i].token, token) == 0)
            return (enum cm_form)i;
    }
    return CM_FORM_NONE;
}

enum cm_strength
cm_form_strength(enum cm_form form)
{
    return forms[form].strength;
}

const char *
cm_strength_token(enum cm_strength strength)
{
    switch (strength) {
    case CM_STRENGTH_NONE:
        break;
    case CM_STRENGTH_WEAK:
        return "weak";
    case CM_STRENGTH_STRONG:
        return "strong";
    }
    return "none";
}

/* ---- What a certificate yields ---- */

static void
add_part(struct cm_buf *buf, enum tag tag, const char *text)
{
    cm_buf_add_char(buf, '<');
    cm_buf_add_text(buf, tags[tag].name);
    cm_buf_add_char(buf, '>');
    cm_buf_add_text(buf, text);
}

/* Takes the text out of buf.  False: out of memory. */
static bool
append(struct cm_candidates *out, enum cm_form form, struct cm_buf *buf)
{
    struct cm_candidate *list, one = {form, NULL, buf->len};

    one.value = cm_buf_take(buf);
    if (one.value == NULL)
        return false;
    list = reallocarray(out->list, out->count + 1, sizeof(*list));
    if (list == NULL) {
        free(one.value);
        return false;
    }
    list[out->count++] = one;
    out->list = list;
    return true;
}

/*
 * Appends a candidate of the form, made of its one or two values.  An empty
 * or missing value makes none: it would tie the certificate to whoever else
 * lacks the field.  False: out of memory.
 */
static bool
add_candidate(struct cm_candidates *out, enum cm_form form, const char *first,
              const char *second)
{
    const char *values[MAX_PARTS] = {first, second};
    struct cm_buf buf = CM_BUF_INIT;

    cm_buf_add_text(&buf, PREFIX);
    for (size_t i = 0; i < MAX_PARTS && forms[form].parts[i] != NO_TAG; i++) {
        if (values[i] == NULL || values[i][0] == '\0') {
            cm_buf_clear(&buf);
            return true;
        }
        add_part(&buf, forms[form].parts[i], values[i]);
    }
    if (!buf.failed && buf.len > CM_ALTSECID_MAX) {
        cm_buf_clear(&buf); /* no directory value can be it */
        return true;
    }
    return append(out, form, &buf);
}

/* Lower-case digits, the last octet first if reversed. */
static void
write_hex(char *out, const uint8_t *bytes, size_t len, bool reversed)
{
    for (size_t i = 0; i < len; i++) {
        uint8_t byte = bytes[reversed ? len - 1 - i : i];

        *out++ = HEX_DIGITS[byte >> 4];
        *out++ = HEX_DIGITS[byte & 0x0f];
    }
    *out = '\0';
}

bool
cm_candidates_build(const struct cm_certificate *cert,
                    bool ski_trust_extension, struct cm_candidates *out)
{
    char serial[2 * CM_CERT_MAX_SERIAL + 1] = "";
    char ski[2 * CM_CERT_MAX_SKI + 1] = "", sha1[SHA1_DIGITS + 1];
    const char *sid = cert->sid_state == CM_PRESENT ? cert->sid : NULL;
    const char *issuer = cert->issuer, *subject = cert->subject;
    bool ok;

    memset(out, 0, sizeof(*out));
    if (!cert->serial_negative)
        write_hex(serial, cert->serial, cert->serial_len, true);
    if (cert->ski_is_key_hash || ski_trust_extension)
        write_hex(ski, cert->ski, cert->ski_len, false);
    write_hex(sha1, cert->sha1, sizeof(cert->sha1), false);
    ok = add_candidate(out, CM_FORM_ISSUER_SUBJECT, issuer, subject) &&
         add_candidate(out, CM_FORM_SUBJECT, subject, NULL) &&
         add_candidate(out, CM_FORM_ISSUER_SERIAL, issuer, serial) &&
         add_candidate(out, CM_FORM_SKI, ski, NULL) &&
         add_candidate(out, CM_FORM_SHA1_PUKEY, sha1, NULL) &&
         add_candidate(out, CM_FORM_ISSUER_SID, issuer, sid);
    for (size_t i = 0; ok && i < cert->rfc822.count; i++)
        ok = add_candidate(out, CM_FORM_RFC822, cert->rfc822.items[i], NULL);
    if (!ok)
        cm_candidates_clear(out);
    return ok;
}

void
cm_candidates_clear(struct cm_candidates *candidates)
{
    for (size_t i = 0; i < candidates->count; i++)
        free(candidates->list[i].value);
    free(candidates->list);
    memset(candidates, 0, sizeof(*candidates));
}

/* ---- Taking a value apart ---- */

/* One "<TAG>value"; offsets into the text after "X509:" and blanks. */
struct part {
    enum tag tag;
    size_t start, end; /* of the value */
};

static enum tag
find_tag(const char *name, size_t len)
{
    for (unsigned i = 0; i < NO_TAG; i++) {
        if (strlen(tags[i].name) == len &&
            memcmp(tags[i].name, name, len) == 0)
            return (enum tag)i;
    }
    return NO_TAG;
}

/*
 * End of the value that starts at `at`: the next "<" that no quotation marks
 * enclose.  A doubled mark closes and opens.  A mail address may hold
 * anything, so nothing can follow it.
 */
static const char *
find_end(const char *text, size_t len, size_t at, enum tag tag, size_t *end)
{
    bool quoted = false;

    if (tag == TAG_MAIL)
        at = len;
    for (; at < len && (quoted || text[at] != '<'); at++) {
        if (tags[tag].is_dn && text[at] == '"')
            quoted = !quoted;
    }
    *end = at;
    return quoted ? "a quotation mark is not closed" : NULL;
}

/* Reads one part at *at and moves behind it.  Returns a fault or NULL. */
static const char *
read_part(const char *text, size_t len, size_t *at, struct part *part)
{
    const char *name = text + *at + 1, *close, *fault;

    if (text[*at] != '<')
        return "text stands before the first tag";
    close = memchr(name, '>', len - *at - 1);
    if (close == NULL)
        return "a tag is not closed with >";
    if (close == name)
        return "a tag is empty";
    part->tag = find_tag(name, (size_t)(close - name));
    if (part->tag == NO_TAG)
        return "a tag is unknown (tags are I, S, SR, SKI, SHA1-PUKEY, RFC822 "
               "and SID, in upper case)";
    part->start = (size_t)(close - text) + 1;
    fault = find_end(text, len, part->start, part->tag, &part->end);
    if (fault != NULL)
        return fault;
    *at = part->end;
    return part->start == part->end ? "a tag has no value" : NULL;
}

/* Splits what follows "X509:" and blanks.  Returns a fault or NULL. */
static const char *
split(const char *text, size_t len, struct part parts[MAX_PARTS],
      size_t *count)
{
    const char *fault;
    size_t at = 0;

    if (len == 0)
        return "nothing follows X509:";
    for (*count = 0; at < len; (*count)++) {
        if (*count == MAX_PARTS)
            return "it has more than two parts";
        fault = read_part(text, len, &at, &parts[*count]);
        if (fault != NULL)
            return fault;
    }
    return NULL;
}

static const char *
hex_fault(const char *digits, size_t len, size_t max)
{
    for (size_t i = 0; i < len; i++) {
        if (memchr(HEX_DIGITS, digits[i], sizeof(HEX_DIGITS) - 1) == NULL)
            return "a value is not hexadecimal";
    }
    if (len % 2 != 0)
        return "a value has an odd number of hexadecimal digits";
    return len > max ? "a value has too many hexadecimal digits" : NULL;
}

static const char *
serial_fault(const char *digits, size_t len)
{
    const char *fault = hex_fault(digits, len, 2 * CM_CERT_MAX_SERIAL);

    if (fault == NULL && memcmp(digits + len - 2, "00", 2) == 0)
        return "the serial number ends in 00 (its octets are reversed, "
               "without leading zeros)";
    return fault;
}

static const char *
sha1_fault(const char *digits, size_t len)
{
    const char *fault = hex_fault(digits, len, SHA1_DIGITS);

    if (fault == NULL && len != SHA1_DIGITS)
        return "SHA1-PUKEY needs the 40 digits of the certificate's SHA-1 "
               "thumbprint";
    return fault;
}

/* What is wrong with a part's value, or NULL. */
static const char *
part_fault(const char *text, const struct part *part)
{
    const char *value = text + part->start;
    size_t len = part->end - part->start;

    switch (part->tag) {
    case TAG_SR:
        return serial_fault(value, len);
    case TAG_SKI:
        return hex_fault(value, len, 2 * CM_CERT_MAX_SKI);
    case TAG_SHA1:
        return sha1_fault(value, len);
    case TAG_SID:
        return cm_sid_text_is_canonical(value, len)
                   ? NULL
                   : "the SID is not in canonical form (S-1-...)";
    case TAG_I:
    case TAG_S:
    case TAG_MAIL:
    case NO_TAG:
        break;
    }
    return NULL;
}

/* Which form has exactly these parts?  CM_FORM_NONE with a fault if none. */
static const char *
find_form(const struct part *parts, size_t count, enum cm_form *form)
{
    enum tag second = count > 1 ? parts[1].tag : NO_TAG;

    if (parts[0].tag == second)
        return "a tag is given twice";
    for (unsigned i = 0; i < FORM_COUNT; i++) {
        if (forms[i].parts[0] == parts[0].tag && forms[i].parts[1] == second) {
            *form = (enum cm_form)i;
            return NULL;
        }
    }
    if (count > 1)
        return "its two parts are none of I+S, I+SR and I+SID";
    return parts[0].tag == TAG_I ? "an issuer alone names no certificate"
                                 : "SR and SID need an issuer before them";
}

static void
set_slices(const char *text, const struct part *parts, size_t count,
           struct cm_altsecid *out)
{
    for (size_t i = 0; i < count; i++) {
        const char *data = text + parts[i].start;
        size_t len = parts[i].end - parts[i].start;

        if (parts[i].tag == TAG_I) {
            out->issuer.data = data;
            out->issuer.len = len;
        } else if (parts[i].tag == TAG_S) {
            out->subject.data = data;
            out->subject.len = len;
        } else {
            out->other.data = data;
            out->other.len = len;
        }
    }
}

/* Parses what follows "X509:" and blanks.  Returns a fault or NULL. */
static const char *
parse_body(const char *text, size_t len, struct cm_altsecid *out)
{
    struct part parts[MAX_PARTS];
    enum cm_form form = CM_FORM_NONE;
    const char *fault;
    size_t count = 0;

    fault = split(text, len, parts, &count);
    if (fault == NULL)
        fault = find_form(parts, count, &form);
    for (size_t i = 0; fault == NULL && i < count; i++)
        fault = part_fault(text, &parts[i]);
    if (fault != NULL)
        return fault;
    set_slices(text, parts, count, out);
    out->form = form;
    return NULL;
}

void
cm_altsecid_parse(const char *value, size_t len, struct cm_altsecid *out)
{
    size_t at = PREFIX_LEN;

    memset(out, 0, sizeof(*out));
    /* "x509:" is meant as one, and matches nothing: say so. */
    out->is_x509 =
        len >= PREFIX_LEN && cm_text_equal_fold_n(value, PREFIX, PREFIX_LEN);
    if (!out->is_x509)
        return;
    if (len > CM_ALTSECID_MAX) {
        out->fault = "it is too long";
    } else if (memcmp(value, PREFIX, PREFIX_LEN) != 0) {
        out->fault = "X509 is not in upper case";
    } else if (!cm_text_is_clean((const uint8_t *)value, len)) {
        out->fault = "it holds a control character or is not UTF-8";
    } else {
        while (at < len && value[at] == ' ')
            at++;
        out->fault = parse_body(value + at, len - at, out);
    }
}

/* ---- Comparing ---- */

/*
 * Given texts that are equal but for ASCII case: are they equal exactly where
 * case counts, in the tags, in a mail address and in a SID?
 */
static bool
exact_parts_equal(const char *own, const char *other, size_t len)
{
    struct part parts[MAX_PARTS];
    size_t count = 0, at = 0;

    if (split(own, len, parts, &count) != NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        size_t until =
            tags[parts[i].tag].folds ? parts[i].start : parts[i].end;

        if (memcmp(own + at, other + at, until - at) != 0)
            return false;
        at = parts[i].end;
    }
    return true;
}

bool
cm_candidate_matches(const struct cm_candidate *candidate, const char *value,
                     size_t len)
{
    const char *own = candidate->value + PREFIX_LEN, *body;
    size_t blanks, body_len;

    /* Called for every value and candidate: what rejects most comes first,
     * and how many blanks there must be follows from the lengths. */
    if (len < candidate->len || len > CM_ALTSECID_MAX)
        return false;
    blanks = len - candidate->len;
    body = value + PREFIX_LEN + blanks;
    body_len = candidate->len - PREFIX_LEN;
    if (memcmp(value, PREFIX, PREFIX_LEN) != 0 ||
        !cm_text_equal_fold_n(own, body, body_len))
        return false;
    for (size_t i = 0; i < blanks; i++) {
        if (value[PREFIX_LEN + i] != ' ')
            return false;
    }
    return exact_parts_equal(own, body, body_len);
}
