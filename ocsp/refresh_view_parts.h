/*
 * What refresh_view.h is made of.  Private to the files refresh_view*.c.
 */
#ifndef CM_REFRESH_VIEW_PARTS_H
#define CM_REFRESH_VIEW_PARTS_H

#include "refresh_view.h"

struct cm_view_maker {
    const struct cm_refresh_world *world;
    const struct cm_refresh_map *map;
    struct cm_view *view;
    const uint8_t *spki; /* whose CRLs are visited */
    bool failed;         /* no memory */
};

/* The CA of that key; NULL: none. */
struct cm_view_ca *cm_view_find_ca(const struct cm_view *view,
                                   const uint8_t spki[32]);

/* Adds a URL with its state, unless it is there.  False: no memory. */
bool cm_view_add_source(struct cm_view_maker *maker, enum cm_refresh_kind kind,
                        const char *url);

/* ---- refresh_view_cards.c ---- */

/* Counts what is known about every certificate.  False: no memory. */
bool cm_view_add_cards(struct cm_view_maker *maker);

/* ---- refresh_view_alarms.c ---- */

/* False: no memory. */
bool cm_view_raise_alarms(struct cm_view *view);

#endif
