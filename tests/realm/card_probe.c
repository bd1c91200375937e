/*
 * card_probe list [URI]      the certificates on the cards, a line each:
 *                            slot, token, serial number, label, id, state of
 *                            the PIN, module, certificate; between tabs
 * card_probe pin PIN [URI]   tries the PIN on the card of the first of them:
 *                            answer, state before, state after, why
 *
 * Exits with 1, and says why, where there is no list.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "card.h"
#include "card_list.h"

static void
print_hex(const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        (void)printf("%02x", bytes[i]);
    (void)putchar('\t');
}

static void
print_list(const struct cm_card_objects *objects)
{
    for (size_t i = 0; i < objects->count; i++) {
        const struct cm_card_object *object = &objects->list[i];

        (void)printf("%lu\t%s\t%s\t%s\t", object->slot, object->token,
                     object->serial, object->label);
        print_hex(object->id, object->id_len);
        (void)printf("%u\t%s\t", object->pin, object->module);
        print_hex(object->der, object->der_len);
        (void)putchar('\n');
    }
}

static void
print_trial(const struct cm_card_object *object, const char *pin)
{
    static const char *const answers[] = {
        [CM_PIN_FAILED] = "failed",   [CM_PIN_RIGHT] = "right",
        [CM_PIN_WRONG] = "wrong",     [CM_PIN_BLOCKED] = "blocked",
        [CM_PIN_REFUSED] = "refused",
    };
    struct cm_detail detail = {""};
    unsigned state = 0;
    enum cm_pin_answer answer =
        cm_card_try_pin(object, pin, CM_CARD_TIMEOUT_MS, &state, &detail);

    (void)printf("%s\t%u\t%u\t%s\n", answers[answer], object->pin, state,
                 detail.text);
}

int
main(int argc, char **argv)
{
    int list = argc >= 2 && strcmp(argv[1], "list") == 0;
    struct cm_card_objects objects;
    struct cm_detail detail = {""};

    if (argc < (list ? 2 : 3))
        return 2;
    if (!cm_card_list(argv[list ? 2 : 3], CM_CARD_TIMEOUT_MS, &objects,
                      &detail)) {
        (void)printf("%s\n", detail.text);
        return 1;
    }
    if (list)
        print_list(&objects);
    else if (objects.count > 0)
        print_trial(&objects.list[0], argv[2]);
    cm_card_objects_clear(&objects);
    return 0;
}
