/*
 * What a PKCS#11 token says about its PIN.
 */
#ifndef CM_CARD_PIN_H
#define CM_CARD_PIN_H

/* The bits of enum cm_pin_state (card_list.h) for flags of CK_TOKEN_INFO. */
unsigned cm_card_pin_state(unsigned long flags);

#endif
