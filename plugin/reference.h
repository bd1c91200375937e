/*
 * The reference that a refused client can tell its help desk, and that the
 * audit line about the refusal holds: all that a client learns about why.
 *
 * It is drawn at random for each refusal and says nothing by itself.  It
 * travels as one element of a KRB-ERROR's e-data: TYPED-DATA (RFC 4120
 * section 5.9.1), whose data-type is CM_REFERENCE_TYPE and whose data-value
 * is the text's bytes.
 */
#ifndef CM_REFERENCE_H
#define CM_REFERENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CM_REFERENCE_TYPE = -7731, /* negative: for local use */
    CM_REFERENCE_LEN = 10,     /* characters: 50 random bits */
    CM_REFERENCE_SIZE = CM_REFERENCE_LEN + 1,
    CM_REFERENCE_MAX_ERROR_DATA = 16 * 1024, /* bytes of e-data */
    CM_REFERENCE_MAX_ELEMENTS = 64           /* of e-data */
};

/* Crockford's base 32: neither I, L, O nor U, so that it can be read out over
 * the telephone. */
#define CM_REFERENCE_ALPHABET "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

/* False: no randomness; out is the empty string, and nothing is sent. */
bool cm_reference_draw(char out[CM_REFERENCE_SIZE]);

/*
 * A reference as people say and write it: in small letters too, O for 0, I and
 * L for 1, with blanks and hyphens between.  False: it is none; out is the
 * empty string.
 */
bool cm_reference_read(const char *text, char out[CM_REFERENCE_SIZE]);

/*
 * The reference in a KRB-ERROR's e-data as a client received it, decoded
 * strictly: TYPED-DATA, or the METHOD-DATA form of the same (RFC 4120 section
 * 5.9.1).  False: there is none, there are two, or it is malformed; out is the
 * empty string.
 */
bool cm_reference_find(const uint8_t *e_data, size_t len,
                       char out[CM_REFERENCE_SIZE]);

#endif
