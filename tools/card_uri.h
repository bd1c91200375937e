/*
 * The PKCS#11 URI of a certificate, judged before any module is asked.
 */
#ifndef CM_CARD_URI_H
#define CM_CARD_URI_H

#include <stdbool.h>

#include "detail.h"

struct p11_kit_uri;

/*
 * Parses a URI, which then matches certificates only.  NULL: not a URI, of
 * another kind of object, or with an attribute that nobody knows (it may be a
 * misspelt one); detail says so.  The caller frees it with
 * p11_kit_uri_free().
 */
struct p11_kit_uri *cm_card_uri_parse(const char *text,
                                      struct cm_detail *detail);

/* The path of pin-source, which points into text; NULL: not a file of an
 * absolute path. */
const char *cm_card_pin_file(const char *pin_source);

#endif
