/*
 * Which revocation store a command works on: --store PATH, or that of a
 * realm's configuration.
 */
#ifndef CM_PLACE_H
#define CM_PLACE_H

#include <stdbool.h>

#include "options.h"
#include "settings.h"

enum { CM_PLACE_WAIT_MS = 30000 /* for another writer */ };

struct cm_place {
    char *store;
    bool configured; /* settings are those of the realm */
    struct cm_settings settings;
};

/* given: the value of --store, or NULL.  The realm is that of -r, or the
 * default realm.  False: the error was printed; out is zeroed. */
bool cm_place_find(struct cm_options *options, const char *given,
                   struct cm_place *out);
void cm_place_clear(struct cm_place *place);

#endif
