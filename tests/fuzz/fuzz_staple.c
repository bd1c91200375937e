/*
 * Whatever a client sends as PKOcspData, the response that is found in it is
 * inside it, and of the size that is allowed; and what we write with it is
 * read again as it was.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "staple.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cm_blob input = {data, size}, found = {NULL, 0}, again;
    uint8_t *value;
    size_t len;

    if (cm_staple_read(input, &found) != CM_STAPLE_RESPONSE) {
        FUZZ_REQUIRE(found.data == NULL);
        return 0;
    }
    FUZZ_REQUIRE(found.data > data && found.len > 0);
    FUZZ_REQUIRE(found.len <= CM_OCSP_MAX_RESPONSE);
    FUZZ_REQUIRE((size_t)(found.data - data) <= size - found.len);
    value = cm_staple_write(found, &len);
    FUZZ_REQUIRE(value != NULL && len <= size);
    FUZZ_REQUIRE(cm_staple_read((struct cm_blob){value, len}, &again) ==
                 CM_STAPLE_RESPONSE);
    FUZZ_REQUIRE(again.len == found.len &&
                 memcmp(again.data, found.data, found.len) == 0);
    free(value);
    return 0;
}
