/*
 * Points in time as RFC 3339 writes them.
 */
#ifndef CM_TIMETEXT_H
#define CM_TIMETEXT_H

#include <stdbool.h>
#include <stdint.h>

enum { CM_TIME_TEXT = 32 }; /* bytes, with the NUL */

/* "2024-02-01T12:00:00Z"; an offset and a fraction of a second (dropped) are
 * understood.  False: anything else, dates that do not exist included. */
bool cm_time_parse(const char *text, int64_t *out);

/* The same in UTC.  Times outside the years 1000 to 9999 read as "-". */
void cm_time_text(int64_t when, char out[CM_TIME_TEXT]);

#endif
