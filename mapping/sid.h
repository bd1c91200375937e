/*
 * Security identifiers ([MS-DTYP] 2.4.2): one canonical text, so that two
 * SIDs are equal exactly when their texts are.
 */
#ifndef CM_SID_H
#define CM_SID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CM_SID_MAX_SUBAUTHORITIES = 15,
    CM_SID_MAX_BYTES = 8 + 4 * CM_SID_MAX_SUBAUTHORITIES,
    CM_SID_MAX_TEXT = 187 /* without the NUL */
};

/*
 * True for canonical text only: "S-1-", a decimal authority below 2^32 or
 * "0x" and twelve lower-case digits above it, 1 to 15 decimal subauthorities
 * below 2^32; no leading zeros, blanks or lower-case "s".  ([MS-DTYP] 2.4.2.1)
 */
bool cm_sid_text_is_canonical(const char *text, size_t len);

/*
 * The canonical text of a binary SID ([MS-DTYP] 2.4.2.2); all bytes must be
 * consumed.  NULL: malformed, or no memory.  The caller frees it.
 */
char *cm_sid_text_from_bytes(const uint8_t *bytes, size_t len);

#endif
