/*
 * A name as a stranger sends it: the first octet chooses its kind.  What is
 * taken is clean text within its limit, and says one thing only; a mapping is
 * one that the account's own value would match.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "kdb_names.h"
#include "text.h"

static void
check_text(const struct cm_client_name *name, const char *bytes, size_t len)
{
    FUZZ_REQUIRE(name->len == len && len > 0 && len <= CM_CLIENT_NAME_MAX);
    FUZZ_REQUIRE(strlen(name->text) == len &&
                 memcmp(name->text, bytes, len) == 0);
    FUZZ_REQUIRE(cm_text_is_clean((const uint8_t *)bytes, len));
}

static void
check_upn(const struct cm_client_name *name)
{
    const char *at = strchr(name->text, '@');

    FUZZ_REQUIRE(name->kind == CM_CLIENT_NAME_UPN);
    FUZZ_REQUIRE(at != NULL && at != name->text && at[1] != '\0');
    FUZZ_REQUIRE(strrchr(name->text, '@') == at);
}

static void
check_mapping(const struct cm_client_name *name)
{
    const struct cm_candidate own = {name->form, name->text, name->len};
    struct cm_client_name upn;

    FUZZ_REQUIRE(name->kind == CM_CLIENT_NAME_MAPPING);
    FUZZ_REQUIRE(cm_form_strength(name->form) == CM_STRENGTH_STRONG);
    FUZZ_REQUIRE(cm_candidate_matches(&own, name->text, name->len));
    if (cm_client_name_upn(name->text, name->len, &upn)) {
        FUZZ_REQUIRE(strcmp(upn.text, name->text) == 0);
        cm_client_name_clear(&upn);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *bytes = (const char *)data + 1;
    struct cm_client_name name;

    if (size == 0)
        return 0;
    if (data[0] == 'u') {
        if (cm_client_name_upn(bytes, size - 1, &name)) {
            check_text(&name, bytes, size - 1);
            check_upn(&name);
        }
    } else if (cm_client_name_mapping(bytes, size - 1, &name)) {
        check_text(&name, bytes, size - 1);
        check_mapping(&name);
    }
    FUZZ_REQUIRE(name.text != NULL || name.len == 0);
    cm_client_name_clear(&name);
    return 0;
}
