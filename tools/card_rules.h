/*
 * Which accounts may be made card-only, and whether a card would get in.
 */
#ifndef CM_CARD_RULES_H
#define CM_CARD_RULES_H

#include <stdbool.h>

#include "account.h"
#include "principal.h"
#include "settings.h"

/* Why an account that logs in by card only must not be this one: it belongs to
 * the KDC or to a service, which logs in with a keytab.  Static text; NULL: it
 * may. */
const char *cm_cardonly_refusal(const struct cm_principal *principal);

/*
 * Is there anything by which the realm's rules could let a card in to the
 * account: a value whose form is accepted and strong enough, or its UPN?  A
 * login asks for more; without this no certificate gets in.
 */
bool cm_cardonly_could_log_in(const struct cm_settings *settings,
                              const struct cm_account *account);

/* Does any rule of the realm or of an issuer assert hw-authent? */
bool cm_cardonly_has_hw_authent(const struct cm_settings *settings);

#endif
