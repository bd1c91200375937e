/*
 * The certificates of fake_token.c.
 *
 * value=  none, hidden (sensitive), empty, junk, big (256 KiB), boast (claims
 *         a length and writes nothing), first (only the first object has one)
 * label=  none, long (200 bytes), huge (2000), boast, wild (escapes, a NUL,
 *         bytes that are not UTF-8; the token's too), quoted
 * id=     none, same (of all), large (64 bytes), huge (65)
 * type=   none, other
 */
#include <string.h>

#include "fake_token.h"

static CK_OBJECT_HANDLE next_object;

/* ---- Finding ---- */

CK_RV
fake_find_init(CK_SESSION_HANDLE session, CK_ATTRIBUTE *wanted, CK_ULONG count)
{
    (void)wanted;
    (void)count;
    next_object = 1;
    return fake_step("find", session);
}

CK_RV
fake_find(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *out, CK_ULONG room,
          CK_ULONG *found)
{
    CK_ULONG all = fake_number("objects", 1);

    (void)session;
    *found = 0;
    while (*found < room && next_object <= all)
        out[(*found)++] = next_object++;
    if (fake_says("many-found") != NULL)
        *found = room + 1;
    return CKR_OK;
}

CK_RV
fake_find_final(CK_SESSION_HANDLE session)
{
    (void)session;
    return CKR_OK;
}

/* ---- Values ---- */

/* As a module should: into the room that there is. */
static CK_RV
give(CK_ATTRIBUTE *out, const void *bytes, CK_ULONG len)
{
    CK_ULONG room = out->ulValueLen;

    out->ulValueLen = len;
    if (out->pValue == NULL)
        return CKR_OK;
    if (room < len) {
        out->ulValueLen = (CK_ULONG)-1;
        return CKR_BUFFER_TOO_SMALL;
    }
    memcpy(out->pValue, bytes, len);
    return CKR_OK;
}

/* Says that much is there, and writes nothing. */
static CK_RV
boast(CK_ATTRIBUTE *out, CK_ULONG len, CK_RV code)
{
    out->ulValueLen = len;
    return code;
}

static CK_RV
give_value(CK_ATTRIBUTE *out, CK_SESSION_HANDLE session,
           CK_OBJECT_HANDLE object)
{
    static const unsigned char big[256 * 1024];
    CK_OBJECT_HANDLE own = fake_says("twins") != NULL ? 1 : object;
    unsigned char slot =
        fake_says("same-serial") != NULL ? 0 : (unsigned char)session;
    unsigned char der[] = {0x30, 6, 2, 4, 0, slot, 0, 0};

    der[6] = (unsigned char)(own >> 8);
    der[7] = (unsigned char)own;
    if (fake_is_said("value", "none"))
        return boast(out, (CK_ULONG)-1, CKR_ATTRIBUTE_TYPE_INVALID);
    if (fake_is_said("value", "hidden"))
        return boast(out, (CK_ULONG)-1, CKR_ATTRIBUTE_SENSITIVE);
    if (fake_is_said("value", "empty"))
        return give(out, der, 0);
    if (fake_is_said("value", "junk"))
        return give(out, "junk", 4);
    if (fake_is_said("value", "big"))
        return give(out, big, sizeof(big));
    if (fake_is_said("value", "boast"))
        return boast(out, ~0UL >> 1, CKR_OK);
    if (fake_is_said("value", "first") && object != 1)
        return boast(out, (CK_ULONG)-1, CKR_ATTRIBUTE_TYPE_INVALID);
    return give(out, der, sizeof(der));
}

static CK_RV
give_label(CK_ATTRIBUTE *out)
{
    static char large[2000];

    memset(large, 'l', sizeof(large));
    if (fake_is_said("label", "none"))
        return boast(out, (CK_ULONG)-1, CKR_ATTRIBUTE_TYPE_INVALID);
    if (fake_is_said("label", "long"))
        return give(out, large, 200);
    if (fake_is_said("label", "huge"))
        return give(out, large, sizeof(large));
    if (fake_is_said("label", "boast"))
        return boast(out, ~0UL - 1, CKR_OK);
    if (fake_is_said("label", "wild"))
        return give(out, "\x1b[2J\xff\0x", 7);
    if (fake_is_said("label", "quoted"))
        return give(out, "\"G\xc3\xb6the\"", 8);
    return give(out, "label", 5);
}

static CK_RV
give_id(CK_ATTRIBUTE *out, CK_OBJECT_HANDLE object)
{
    static const unsigned char large[65];
    unsigned char id = (unsigned char)object;

    if (fake_is_said("id", "none"))
        return boast(out, (CK_ULONG)-1, CKR_ATTRIBUTE_TYPE_INVALID);
    if (fake_is_said("id", "huge"))
        return give(out, large, sizeof(large));
    if (fake_is_said("id", "large"))
        return give(out, large, sizeof(large) - 1);
    return give(out, fake_is_said("id", "same") ? "i" : (const char *)&id, 1);
}

static CK_RV
give_type(CK_ATTRIBUTE *out)
{
    CK_CERTIFICATE_TYPE type =
        fake_is_said("type", "other") ? CKC_X_509_ATTR_CERT : CKC_X_509;

    if (fake_is_said("type", "none"))
        return boast(out, (CK_ULONG)-1, CKR_ATTRIBUTE_TYPE_INVALID);
    return give(out, &type, sizeof(type));
}

CK_RV
fake_get_value(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
               CK_ATTRIBUTE *out, CK_ULONG count)
{
    CK_RV code = fake_step(object > 1 ? "later" : "value", session);

    for (CK_ULONG i = 0; i < count && code == CKR_OK; i++) {
        if (out[i].type == CKA_VALUE)
            code = give_value(&out[i], session, object);
        else if (out[i].type == CKA_LABEL)
            code = give_label(&out[i]);
        else if (out[i].type == CKA_ID)
            code = give_id(&out[i], object);
        else if (out[i].type == CKA_CERTIFICATE_TYPE)
            code = give_type(&out[i]);
        else
            code = CKR_ATTRIBUTE_TYPE_INVALID;
    }
    return code;
}
