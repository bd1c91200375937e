/*
 * What libFuzzer and replay.c call.
 */
#ifndef CM_FUZZ_H
#define CM_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* A property that must hold for every input; never compiled out. */
#define FUZZ_REQUIRE(condition)                                               \
    do {                                                                      \
        if (!(condition))                                                     \
            abort();                                                          \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
