#include "as_message.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/asn1.h>
#include <openssl/err.h>

#define CONTEXT(n) ((uint8_t)(0xa0 + (n)))

enum {
    SEQUENCE = 0x30,
    INTEGER = 0x02,
    AS_REQ = 0x6a,
    AS_REP = 0x6b,
    KRB_ERROR = 0x7e,
    AS_REP_NUMBER = 11,
    MAX_HEADER = 6,
    JUNK_VALUE = 8
};

/* PA-DATA of type 28673 with eight octets. */
static const uint8_t junk_padata[] = {0x30, 0x12, 0xa1, 0x04, 0x02, 0x02, 0x70,
                                      0x01, 0xa2, 0x0a, 0x04, 0x08, 0,    0,
                                      0,    0,    0,    0,    0,    0};

struct span {
    const uint8_t *data;
    size_t len;
};

/* Takes the next element off the front. */
static bool
next(struct span *rest, uint8_t *tag, struct span *content)
{
    const uint8_t *at = rest->data;
    int number, class, how;
    long len;

    if (rest->len == 0 || rest->len > AM_MAX_MESSAGE)
        return false;
    *tag = rest->data[0];
    how = ASN1_get_object(&at, &len, &number, &class, (long)rest->len);
    if ((how & 0x81) != 0) { /* damaged, or of no definite length */
        ERR_clear_error();
        return false;
    }
    content->data = at;
    content->len = (size_t)len;
    rest->len -= (size_t)(at - rest->data) + (size_t)len;
    rest->data = at + len;
    return true;
}

/* The content of an element that is all there is. */
static bool
only(struct span outer, uint8_t tag, struct span *content)
{
    uint8_t found;

    return next(&outer, &found, content) && found == tag && outer.len == 0;
}

static bool
field(struct span sequence, uint8_t tag, struct span *content)
{
    uint8_t found;

    while (next(&sequence, &found, content))
        if (found == tag)
            return true;
    return false;
}

static bool
number(struct span field, long *out)
{
    struct span content;

    if (!only(field, INTEGER, &content) || content.len == 0 ||
        content.len > sizeof(int32_t))
        return false;
    *out = (content.data[0] & 0x80) != 0 ? -1 : 0;
    for (size_t i = 0; i < content.len; i++)
        *out = (long)((unsigned long)*out << 8 | content.data[i]);
    return true;
}

static bool
has_padata(struct span list, long type)
{
    struct span padata, content;
    uint8_t tag;
    long found;

    if (!only(list, SEQUENCE, &list))
        return false;
    while (next(&list, &tag, &padata))
        if (tag == SEQUENCE && field(padata, CONTEXT(1), &content) &&
            number(content, &found) && found == type)
            return true;
    return false;
}

static bool
open_message(const uint8_t *message, size_t len, uint8_t tag,
             struct span *fields)
{
    struct span whole = {message, len}, inner;

    return only(whole, tag, &inner) && only(inner, SEQUENCE, fields);
}

bool
am_request_has(const uint8_t *message, size_t len, long type)
{
    struct span fields, list;

    return open_message(message, len, AS_REQ, &fields) &&
           field(fields, CONTEXT(3), &list) && has_padata(list, type);
}

/* Bytes written from the end of a buffer to its beginning. */
struct writer {
    uint8_t *start, *at;
};

static void
prepend(struct writer *out, const uint8_t *data, size_t len)
{
    if (len > (size_t)(out->at - out->start))
        abort();
    out->at -= len;
    memcpy(out->at, data, len);
}

/* Makes everything from the writer's place to `end` one element's content. */
static void
wrap(struct writer *out, uint8_t tag, const uint8_t *end)
{
    size_t len = (size_t)(end - out->at), octets = 0;
    uint8_t header[MAX_HEADER], used = 1;

    header[0] = tag;
    while (len >= 0x80 && len >> 8 * octets != 0)
        octets++;
    header[used++] = (uint8_t)(octets == 0 ? len : 0x80 | octets);
    for (; octets > 0; octets--)
        header[used++] = (uint8_t)(len >> 8 * (octets - 1));
    prepend(out, header, used);
}

/* A request's fields: those before its padata, the list of these, the rest. */
struct parts {
    struct span before, list, after;
};

static bool
take_apart(const uint8_t *message, size_t len, struct parts *out)
{
    struct span list;
    uint8_t tag;

    if (!open_message(message, len, AS_REQ, &out->after))
        return false;
    out->before.data = out->after.data;
    do {
        out->before.len = (size_t)(out->after.data - out->before.data);
        if (!next(&out->after, &tag, &list))
            return false;
    } while (tag != CONTEXT(3));
    return only(list, SEQUENCE, &out->list);
}

bool
am_request_prepare(const uint8_t *message, size_t len, struct am_request *out)
{
    size_t size = len + sizeof(junk_padata) + 5 * MAX_HEADER;
    struct writer writer;
    struct parts parts;
    uint8_t *end, *list_end;

    if (!take_apart(message, len, &parts))
        return false;
    writer.start = malloc(size);
    if (writer.start == NULL)
        abort();
    end = writer.at = writer.start + size;
    prepend(&writer, parts.after.data, parts.after.len);
    list_end = writer.at;
    prepend(&writer, junk_padata, sizeof(junk_padata));
    prepend(&writer, parts.list.data, parts.list.len);
    wrap(&writer, SEQUENCE, list_end);
    wrap(&writer, CONTEXT(3), list_end);
    prepend(&writer, parts.before.data, parts.before.len);
    wrap(&writer, SEQUENCE, end);
    wrap(&writer, AS_REQ, end);
    out->len = (size_t)(end - writer.at);
    out->junk = (size_t)(list_end - writer.at) - JUNK_VALUE;
    out->data = writer.start;
    memmove(out->data, writer.at, out->len);
    return true;
}

void
am_request_clear(struct am_request *request)
{
    free(request->data);
    memset(request, 0, sizeof(*request));
}

void
am_request_vary(struct am_request *request, uint64_t number)
{
    for (size_t i = 0; i < JUNK_VALUE; i++)
        request->data[request->junk + i] = (uint8_t)(number >> 8 * i);
}

static bool
is_as_rep(struct span fields, long padata)
{
    struct span content;
    long type;

    return field(fields, CONTEXT(1), &content) && number(content, &type) &&
           type == AS_REP_NUMBER &&
           (padata == 0 || (field(fields, CONTEXT(2), &content) &&
                            has_padata(content, padata))) &&
           field(fields, CONTEXT(5), &content) &&
           content.len > 0 && /* ticket */
           field(fields, CONTEXT(6), &content) &&
           content.len > 0; /* enc-part */
}

enum am_answer
am_answer(const uint8_t *message, size_t len, long padata, long *error)
{
    struct span fields, content;

    if (open_message(message, len, AS_REP, &fields))
        return is_as_rep(fields, padata) ? AM_AS_REP : AM_NEITHER;
    if (open_message(message, len, KRB_ERROR, &fields) &&
        field(fields, CONTEXT(6), &content) && number(content, error))
        return AM_ERROR;
    return AM_NEITHER;
}
