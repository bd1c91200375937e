/*
 * The tries that a card of the tests has left for its PIN, in a file that an
 * environment variable names; unset: nothing is counted.
 */
#ifndef CM_CARD_TRIES_H
#define CM_CARD_TRIES_H

enum { CARD_TRIES = 3 }; /* of a card that was just given the right PIN */

/* 0: the file holds no number. */
int card_tries_left(const char *variable);
void card_tries_keep(const char *variable, int tries);

#endif
