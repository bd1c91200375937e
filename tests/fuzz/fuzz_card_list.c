/*
 * A list of certificates as the child of certmap login sends it.  What is
 * taken is within its limits, is clean text, and is written as it was read.
 */
#include <string.h>

#include "card_wire.h"
#include "certificate.h"
#include "fuzz.h"
#include "text.h"

static void
check_text(const char *text, size_t max)
{
    size_t len = strlen(text);

    FUZZ_REQUIRE(len <= max);
    FUZZ_REQUIRE(cm_text_is_clean((const uint8_t *)text, len));
}

static void
check_object(const struct cm_card_object *object)
{
    FUZZ_REQUIRE(object->der_len > 0 && object->der_len <= CM_CERT_MAX_DER);
    FUZZ_REQUIRE(object->id_len <= CM_CARD_MAX_ID);
    FUZZ_REQUIRE((object->pin & ~(unsigned)CM_CARD_PIN_BITS) == 0);
    FUZZ_REQUIRE(cm_card_module_is_usable(object->module));
    check_text(object->module, CM_CARD_MAX_MODULE);
    check_text(object->token, CM_CARD_MAX_OBJECT_LABEL + 3);
    check_text(object->serial, CM_CARD_MAX_OBJECT_LABEL + 3);
    check_text(object->label, CM_CARD_MAX_OBJECT_LABEL + 3);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cm_unpack in = {data, data + size};
    struct cm_card_objects objects;
    struct cm_buf again = CM_BUF_INIT;

    if (!cm_card_unpack(&in, &objects)) {
        FUZZ_REQUIRE(objects.list == NULL && objects.count == 0);
        return 0;
    }
    FUZZ_REQUIRE(objects.count <= CM_CARD_MAX_OBJECTS);
    for (size_t i = 0; i < objects.count; i++)
        check_object(&objects.list[i]);
    cm_card_pack(&objects, &again);
    if (!again.failed)
        FUZZ_REQUIRE(again.len == size && memcmp(again.data, data, size) == 0);
    cm_buf_clear(&again);
    cm_card_objects_clear(&objects);
    return 0;
}
