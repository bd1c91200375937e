/*
 * The certificates that may have issued a certificate.
 */
#ifndef CM_ISSUERS_H
#define CM_ISSUERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "trust.h"

struct cm_issuer {
    const struct cm_trusted *trusted; /* borrowed from its list */
    bool anchor;
    bool in_validity;
    bool key_named;    /* the child's key identifier is the issuer's */
    bool below_anchor; /* its own issuer has the name of an anchor */
};

/*
 * Every certificate that bears the name of child's issuer, each once, without
 * those whose key identifier contradicts the child's.  The most promising
 * first; the order depends on nothing but the certificates.  False: no
 * memory.  The caller frees *out.
 *
 * The issuer and serial number in an authority key identifier are not
 * looked at: they name one certificate of the issuer, which may have been
 * renewed since.
 */
bool cm_issuers_find(const struct cm_snapshot *snapshot,
                     const struct cm_trusted_list *extra,
                     const struct cm_trusted *child, int64_t now,
                     struct cm_issuer **out, size_t *count);

#endif
