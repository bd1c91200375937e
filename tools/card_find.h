/*
 * Looks for a certificate on the tokens of PKCS#11 modules, in this process.
 */
#ifndef CM_CARD_FIND_H
#define CM_CARD_FIND_H

#include "buf.h"

struct p11_kit_uri;

enum cm_card_end {
    CM_CARD_FOUND,  /* out: the certificate's DER */
    CM_CARD_LOCKED, /* nothing public; out: the label of the one token whose
                       PIN may show more */
    CM_CARD_FAILED  /* out: why, not escaped; empty: no memory */
};

/*
 * pin NULL: nobody logs in.  Nothing is let go of at the end: modules and
 * sessions are for the end of the process.
 */
enum cm_card_end cm_card_find(struct p11_kit_uri *uri, const char *pin,
                              struct cm_buf *out);

#endif
