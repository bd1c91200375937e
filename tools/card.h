/*
 * Certificates on cards and other PKCS#11 tokens, named by a URI (RFC 7512).
 *
 * A module of others' making does the work: it runs in a child process, which
 * is ended when it takes too long, and whose crash is an error like others.
 */
#ifndef CM_CARD_H
#define CM_CARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "detail.h"

enum {
    CM_CARD_TIMEOUT_MS = 20000, /* of one conversation with the modules */
    CM_CARD_MAX_URI = 4096,     /* bytes */
    CM_CARD_MAX_PIN = 255       /* bytes */
};

/* Does it begin with "pkcs11:"?  A file of such a name is "./pkcs11:...". */
bool cm_card_is_uri(const char *text);

/*
 * The one certificate that the URI matches, as DER; the same certificate seen
 * twice is one.  Several are an error that lists them.
 *
 * Modules are those of the system's p11-kit configuration, or the one that
 * module-path or module-name says.  A PIN is used only where nothing public
 * matches, and for one token only: that of pin-source or pin-value, or else
 * asked for on the terminal.  It is offered once.
 *
 * False: detail says why; no text of it holds a PIN.  The caller frees *der.
 */
bool cm_card_read(const char *uri, int timeout_ms, uint8_t **der, size_t *len,
                  struct cm_detail *detail);

#endif
