/*
 * Allocations that fail when a test says so: ours, through the linker's
 * --wrap (CMakeLists.txt), and OpenSSL's.
 */
#ifndef NO_MEMORY_H
#define NO_MEMORY_H

#include <stdbool.h>

/* Allocations until the one that fails; below 0: none does. */
extern long no_memory_ours, no_memory_openssl;

/* Before OpenSSL allocates anything.  False: it was too late. */
bool no_memory_prepare(void);

#endif
