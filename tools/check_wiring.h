/*
 * [plugins] kdcpreauth: who serves PKINIT, and how the two modules of ours
 * find each other.
 */
#ifndef CM_CHECK_WIRING_H
#define CM_CHECK_WIRING_H

#include "check_interface.h"

void cm_check_wiring(struct cm_check *check,
                     const struct cm_check_realms *realms,
                     const struct cm_check_interface *certauth,
                     const struct cm_check_interface *kdcpreauth);

#endif
