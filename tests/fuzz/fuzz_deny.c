/*
 * A deny list that is read is written, and what was written reads as the
 * same.
 */
#include <string.h>

#include "deny.h"
#include "fuzz.h"

static void
require_same(const struct cm_deny_list *a, const struct cm_deny_list *b)
{
    FUZZ_REQUIRE(a->count == b->count);
    for (size_t i = 0; i < a->count; i++) {
        FUZZ_REQUIRE(cm_deny_same(&a->list[i], &b->list[i]));
        FUZZ_REQUIRE(a->list[i].expires == b->list[i].expires);
        FUZZ_REQUIRE(a->list[i].until == b->list[i].until);
        FUZZ_REQUIRE(a->list[i].added == b->list[i].added);
        FUZZ_REQUIRE(strcmp(a->list[i].reason, b->list[i].reason) == 0);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cm_deny_list list, again;
    struct cm_detail detail;
    char *text;

    if (!cm_deny_parse(size > 0 ? (const char *)data : "", size, &list,
                       &detail)) {
        FUZZ_REQUIRE(list.count == 0 && list.list == NULL);
        return 0;
    }
    text = cm_deny_format(&list);
    if (text != NULL) {
        FUZZ_REQUIRE(cm_deny_parse(text, strlen(text), &again, &detail));
        require_same(&list, &again);
        cm_deny_list_clear(&again);
        free(text);
    }
    cm_deny_list_clear(&list);
    return 0;
}
