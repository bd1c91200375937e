/*
 * The input is a line of a KDC's log: its message begins at one place only,
 * and what an audit line yields stands in it and is printable.
 */
#include <string.h>

#include "fuzz.h"
#include "log_line.h"

static void
check_span(struct cm_span span, const char *line, size_t size)
{
    char *escaped, *plain;

    if (span.text == NULL)
        return;
    FUZZ_REQUIRE(span.text >= line && span.text + span.len <= line + size);
    for (size_t i = 0; i < span.len; i++)
        FUZZ_REQUIRE((unsigned char)span.text[i] >= 0x20 &&
                     span.text[i] != '"');
    escaped = strndup(span.text, span.len);
    FUZZ_REQUIRE(escaped != NULL);
    plain = cm_audit_unescape(escaped);
    FUZZ_REQUIRE(plain == NULL || strlen(plain) <= span.len);
    free(plain);
    free(escaped);
}

static void
check_message(struct cm_span message)
{
    struct cm_audit_fields fields;
    const struct cm_span *spans[] = {
        &fields.reason,   &fields.realm,   &fields.mode,     &fields.principal,
        &fields.account,  &fields.mapping, &fields.strength, &fields.choices,
        &fields.warnings, &fields.serial,  &fields.issuer,   &fields.detail,
        &fields.ref};

    if (cm_audit_parse(message.text, message.len, &fields) != CM_AUDIT_WHOLE)
        return;
    for (size_t i = 0; i < sizeof(spans) / sizeof(spans[0]); i++)
        check_span(*spans[i], message.text, message.len);
    FUZZ_REQUIRE(fields.authorized == cm_span_is(fields.reason, "ok"));
    /* Cut anywhere, it is not whole any more, or says the same. */
    FUZZ_REQUIRE(cm_audit_parse(message.text, message.len - 1, &fields) !=
                     CM_AUDIT_OTHER ||
                 message.len == 1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cm_log_clock clock = {.latest = 1717200000};
    struct cm_span message;
    char *line = malloc(size > 0 ? size : 1);
    int64_t when;

    FUZZ_REQUIRE(line != NULL);
    memcpy(line, data, size);
    /* Its end is the end: what lies behind must not be read. */
    if (cm_log_line(&clock, line, size, &message, &when)) {
        FUZZ_REQUIRE(message.text >= line &&
                     message.text + message.len == line + size);
        check_message(message);
    }
    free(line);
    return 0;
}
