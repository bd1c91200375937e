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

/* The request with another list of padata, followed by more. */
static uint8_t *
rebuild(const struct parts *parts, struct span list, struct span more,
        size_t *out_len, size_t *list_end)
{
    size_t size = parts->before.len + list.len + more.len + parts->after.len +
                  5 * MAX_HEADER;
    uint8_t *start = malloc(size), *end = start + size, *inner_end;
    struct writer writer = {start, end};

    if (start == NULL)
        abort();
    prepend(&writer, parts->after.data, parts->after.len);
    inner_end = writer.at;
    prepend(&writer, more.data, more.len);
    prepend(&writer, list.data, list.len);
    wrap(&writer, SEQUENCE, inner_end);
    wrap(&writer, CONTEXT(3), inner_end);
    prepend(&writer, parts->before.data, parts->before.len);
    wrap(&writer, SEQUENCE, end);
    wrap(&writer, AS_REQ, end);
    *out_len = (size_t)(end - writer.at);
    *list_end = (size_t)(inner_end - writer.at);
    memmove(start, writer.at, *out_len);
    return start;
}

bool
am_request_prepare(const uint8_t *message, size_t len, struct am_request *out)
{
    struct span junk = {junk_padata, sizeof(junk_padata)};
    struct parts parts;
    size_t list_end;

    if (!take_apart(message, len, &parts))
        return false;
    out->data = rebuild(&parts, parts.list, junk, &out->len, &list_end);
    out->junk = list_end - JUNK_VALUE;
    return true;
}

uint8_t *
am_request_with(const uint8_t *message, size_t len, const uint8_t *list,
                size_t list_len, size_t *out_len)
{
    static const uint8_t nothing[1];
    struct span more = {nothing, 0};
    struct parts parts;
    size_t list_end;

    if (!take_apart(message, len, &parts))
        return NULL;
    return rebuild(&parts, (struct span){list, list_len}, more, out_len,
                   &list_end);
}

bool
am_padata_append(const uint8_t *message, size_t len, long type, uint8_t *list,
                 size_t *list_len)
{
    struct span padata, content;
    const uint8_t *start;
    struct parts parts;
    uint8_t tag;
    size_t size;
    long found;

    if (!take_apart(message, len, &parts))
        return false;
    for (;;) {
        start = parts.list.data;
        if (!next(&parts.list, &tag, &padata))
            return false;
        if (field(padata, CONTEXT(1), &content) && number(content, &found) &&
            found == type)
            break;
    }
    size = (size_t)(parts.list.data - start);
    if (size > AM_MAX_MESSAGE - *list_len)
        return false;
    memcpy(list + *list_len, start, size);
    *list_len += size;
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
