/*
 * The GSA's test PIV cards: their PIV Authentication certificates and the
 * CAs that issued them.
 */
#ifndef PIV_H
#define PIV_H

#include "conformance.h"
#include "path.h"

enum { PIV_AT = 1704067200 /* 2024-01-01T00:00:00Z */ };

struct piv_pool {
    X509 **list;
    size_t count;
};

/* All certificates of the files in a subfolder; but not of files whose name
 * holds `without` (NULL: all).  The caller frees the list with
 * cm_certificates_free(). */
void piv_load(const char *folder, const char *name, const char *without,
              struct piv_pool *pool);

/* The card's PIV Authentication certificate, decoded as a login does. */
enum cm_reason piv_card(const char *folder, const char *card,
                        struct cm_certificate *out, struct cm_detail *detail);

#endif
