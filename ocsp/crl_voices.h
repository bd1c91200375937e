/*
 * Everything that CRLs of any key say about one certificate.
 */
#ifndef CM_CRL_VOICES_H
#define CM_CRL_VOICES_H

#include <stddef.h>

#include "crl_combine.h"
#include "crl_signer.h"

/* What one CRL says, and how far its issuer can be believed. */
struct cm_crl_heard {
    struct cm_crl_voice says;
    struct cm_crl_standing standing;
};

struct cm_crl_voices {
    struct cm_crl_heard *list; /* the caller frees it */
    size_t count;
};

/* Hears the issuing key, then every other that may speak.  What is missing
 * for lack of memory, or beyond a bound, is noted in the inquiry. */
void cm_crl_voices_hear(struct cm_crl_inquiry *inquiry,
                        const struct cm_crl_asked *asked,
                        struct cm_crl_voices *voices);

#endif
