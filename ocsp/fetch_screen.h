/*
 * Addresses that a URL from a certificate may not reach: the screen of
 * fetch.h, in the forms in which an address is met.
 */
#ifndef CM_FETCH_SCREEN_H
#define CM_FETCH_SCREEN_H

#include <stdbool.h>
#include <sys/socket.h>

/* What is no IP address is private. */
bool cm_fetch_socket_is_private(const struct sockaddr *address);
bool cm_fetch_text_is_private(const char *address);

#endif
