/*
 * write() until everything is written.
 */
#ifndef CM_WRITE_ALL_H
#define CM_WRITE_ALL_H

#include <stdbool.h>
#include <stddef.h>

/* False: errno says why; some may have been written. */
bool cm_write_all(int fd, const void *data, size_t len);

#endif
