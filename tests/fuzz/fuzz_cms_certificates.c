/*
 * Whatever a client sends as PA-PK-AS-REQ, the certificates that are found
 * in it are whole elements inside it, none of them the leaf.
 */
#include <string.h>

#include "cms_certificates.h"
#include "der.h"
#include "fuzz.h"

static void
require_good(struct cm_blob input, struct cm_blob leaf, struct cm_blob found)
{
    struct cm_der der = {found.data, found.len}, value;

    FUZZ_REQUIRE(found.data >= input.data);
    FUZZ_REQUIRE(found.len <= input.len);
    FUZZ_REQUIRE((size_t)(found.data - input.data) <= input.len - found.len);
    FUZZ_REQUIRE(cm_der_read_tag(&der, CM_DER_SEQUENCE, &value));
    FUZZ_REQUIRE(der.len == 0);
    FUZZ_REQUIRE(found.len != leaf.len ||
                 memcmp(found.data, leaf.data, leaf.len) != 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t empty[] = {0x30, 0x00};
    struct cm_blob input = {data, size}, leaf = {empty, sizeof(empty)};
    struct cm_blob found[CM_PATH_MAX_EXTRA];
    size_t count = cm_cms_certificates(input, leaf, found);

    FUZZ_REQUIRE(count <= CM_PATH_MAX_EXTRA);
    for (size_t i = 0; i < count; i++)
        require_good(input, leaf, found[i]);
    return 0;
}
