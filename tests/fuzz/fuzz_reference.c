/*
 * Whatever a server sends as e-data, what is found in it is a reference that
 * stands there, all of e-data is DER, and nothing else is written.
 */
#include <string.h>

#include "der.h"
#include "fuzz.h"
#include "reference.h"

static bool
stands_in(const uint8_t *data, size_t size, const char *reference)
{
    for (size_t at = 0; at + CM_REFERENCE_LEN <= size; at++) {
        if (memcmp(data + at, reference, CM_REFERENCE_LEN) == 0)
            return true;
    }
    return false;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char found[CM_REFERENCE_SIZE], again[CM_REFERENCE_SIZE];

    memset(found, 'x', sizeof(found));
    if (!cm_reference_find(data, size, found)) {
        FUZZ_REQUIRE(found[0] == '\0');
        return 0;
    }
    FUZZ_REQUIRE(size <= CM_REFERENCE_MAX_ERROR_DATA);
    FUZZ_REQUIRE(cm_der_is_strict(data, size));
    FUZZ_REQUIRE(memchr(found, '\0', sizeof(found)) ==
                 found + CM_REFERENCE_LEN);
    FUZZ_REQUIRE(strspn(found, CM_REFERENCE_ALPHABET) == CM_REFERENCE_LEN);
    FUZZ_REQUIRE(stands_in(data, size, found));
    FUZZ_REQUIRE(!cm_reference_find(data, size - 1, again));
    return 0;
}
