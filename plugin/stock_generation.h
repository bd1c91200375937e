/*
 * Making one generation of the stock module.
 */
#ifndef CM_STOCK_GENERATION_H
#define CM_STOCK_GENERATION_H

#include <stdbool.h>
#include <stddef.h>

#include "detail.h"
#include "stock.h"
#include "stock_object.h"
#include "stock_watch.h"
#include "text.h"

/* What a generation is made from. */
struct cm_stock_source {
    struct cm_stock_object *object;
    const char **realms; /* NULL-terminated */
    size_t count;
};

/* What an attempt found out, whether or not it succeeded. */
struct cm_stock_attempt {
    struct cm_stock_watch watch;  /* which files it was about */
    struct cm_stock_stamp stamp;  /* how they looked before they were read */
    bool looked;                  /* the two above are filled */
    struct cm_text_list unserved; /* "REALM: why" */
    struct cm_detail why;         /* of a failure */
};

/*
 * Initialises the stock module anew.  Of several realms, those that it cannot
 * serve, or whose certificate and key do not belong together, are passed over;
 * a realm that before serves (NULL:
 * there is none) and the new one would not is a failure.  NULL: attempt->why
 * says why.  The attempt is the caller's to clear either way.
 */
struct cm_generation *
cm_stock_generation_make(const struct cm_stock_source *source,
                         const struct cm_generation *before,
                         struct cm_stock_attempt *attempt);

void cm_stock_attempt_clear(struct cm_stock_attempt *attempt);

#endif
