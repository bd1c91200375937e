/*
 * A name as a stranger sends it: the first octet chooses its kind.  What is
 * taken is clean text within its limit, and says one thing only; a mapping is
 * one that the account's own value would match.  In the filter that the
 * directory is asked with it is a value and nothing else.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "kdb_names.h"
#include "text.h"
#include "who_parts.h"

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

#define DOMAIN "b.test"

static size_t
count(const char *text, char c)
{
    size_t found = 0;

    for (; *text != '\0'; text++)
        found += *text == c;
    return found;
}

/* What the directory is asked. */
static void
make_filter(const struct cm_schema *schema, const struct cm_client_name *name,
            struct cm_buf *out)
{
    const struct cm_candidate mapping = {name->form, name->text, name->len};
    bool upn = name->kind == CM_CLIENT_NAME_UPN;
    const struct cm_who_question question = {.realm = "B.TEST",
                                             .dns_domain = DOMAIN,
                                             .upn = upn ? name->text : NULL,
                                             .mappings = &mapping,
                                             .mapping_count = upn ? 0 : 1};

    FUZZ_REQUIRE(cm_who_filter(schema, &question, out));
}

/* A name is a value in the filter: it brings no sign of one, and nothing that
 * is not printable. */
static void
check_filter(enum cm_schema_preset preset, const struct cm_client_name *name)
{
    static const char plain[] = "X509:<SKI>00", upn[] = "a@" DOMAIN;
    struct cm_client_name other = {.kind = name->kind, .form = name->form};
    struct cm_buf found = CM_BUF_INIT, usual = CM_BUF_INIT;
    struct cm_schema schema;
    char reference[64];

    /* One that is known to be plain, with as many conditions. */
    if (name->kind == CM_CLIENT_NAME_MAPPING)
        (void)snprintf(reference, sizeof(reference), "%s", plain);
    else if (cm_text_equal_fold(strchr(name->text, '@') + 1, DOMAIN))
        (void)snprintf(reference, sizeof(reference), "%s", upn);
    else
        (void)snprintf(reference, sizeof(reference), "a@c.test");
    other.text = reference;
    other.len = strlen(reference);
    FUZZ_REQUIRE(cm_schema_init(&schema, preset));
    make_filter(&schema, name, &found);
    make_filter(&schema, &other, &usual);
    for (const char *c = "()*"; *c != '\0'; c++)
        FUZZ_REQUIRE(count(found.data, *c) == count(usual.data, *c));
    for (const char *c = found.data; *c != '\0'; c++)
        FUZZ_REQUIRE(*c >= 0x20 && *c <= 0x7e);
    cm_buf_clear(&found);
    cm_buf_clear(&usual);
    cm_schema_clear(&schema);
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
    if (name.text != NULL) {
        check_filter(CM_SCHEMA_MIT, &name);
        check_filter(CM_SCHEMA_AD, &name);
    }
    cm_client_name_clear(&name);
    return 0;
}
