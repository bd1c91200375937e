/*
 * The parts of fake_token.c, a PKCS#11 module for tests.
 */
#ifndef CM_FAKE_TOKEN_H
#define CM_FAKE_TOKEN_H

#include <p11-kit/pkcs11.h>

/* What follows the word and "=" in FAKE_TOKEN, or "", to the next comma;
 * NULL: the word is not there. */
const char *fake_says(const char *word);
int fake_is_said(const char *word, const char *value);
unsigned long fake_number(const char *word, unsigned long otherwise);

/* Fails, hangs or crashes where FAKE_TOKEN says so. */
CK_RV fake_step(const char *name, CK_SLOT_ID slot);

CK_RV fake_find_init(CK_SESSION_HANDLE session, CK_ATTRIBUTE *wanted,
                     CK_ULONG count);
CK_RV fake_find(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *out,
                CK_ULONG room, CK_ULONG *found);
CK_RV fake_find_final(CK_SESSION_HANDLE session);
CK_RV fake_get_value(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
                     CK_ATTRIBUTE *out, CK_ULONG count);

#endif
