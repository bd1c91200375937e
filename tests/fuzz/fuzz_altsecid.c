/*
 * An input that begins with "c" becomes the fields of a certificate: all that
 * it yields must parse as the form that it is, match itself and nothing of
 * another form.  Any other input is a directory value: it must be taken apart
 * within its bounds, and what matches a certificate must be well formed.
 */
#include <stdbool.h>
#include <string.h>

#include "altsecid.h"
#include "fuzz.h"
#include "name.h"
#include "name_key.h"
#include "text.h"

static char fixed_issuer[] = "DC=com,CN=\"C,A\"";
static char fixed_subject[] = "CN=Alice";
static char fixed_sid[] = "S-1-5-21-7";

/* Is the slice empty, or within the value? */
static void
require_inside(const char *value, size_t len, const char *data,
               size_t slice_len)
{
    if (slice_len == 0)
        return;
    FUZZ_REQUIRE(data >= value && slice_len <= len &&
                 (size_t)(data - value) <= len - slice_len);
}

static void
check_parsed(const char *value, size_t len, const struct cm_altsecid *out)
{
    bool formed = out->form != CM_FORM_NONE;

    FUZZ_REQUIRE(formed == (out->is_x509 && out->fault == NULL));
    FUZZ_REQUIRE(formed ==
                 (out->issuer.len + out->subject.len + out->other.len > 0));
    require_inside(value, len, out->issuer.data, out->issuer.len);
    require_inside(value, len, out->subject.data, out->subject.len);
    require_inside(value, len, out->other.data, out->other.len);
}

/* A well-formed value without blanks is a candidate that it matches. */
static void
check_matches_itself(const char *value, size_t len, enum cm_form form)
{
    struct cm_candidate candidate = {form, strndup(value, len), len};

    FUZZ_REQUIRE(candidate.value != NULL);
    if (value[strlen("X509:")] == '<')
        FUZZ_REQUIRE(cm_candidate_matches(&candidate, value, len));
    free(candidate.value);
}

static struct cm_certificate
fixed_certificate(void)
{
    struct cm_certificate cert = {0};

    cert.issuer = fixed_issuer;
    cert.subject = fixed_subject;
    cert.serial[0] = 0xab;
    cert.serial_len = 1;
    cert.ski[0] = 0xcd;
    cert.ski_len = 1;
    cert.sid_state = CM_PRESENT;
    cert.sid = fixed_sid;
    return cert;
}

static void
check_value(const char *value, size_t len)
{
    struct cm_certificate cert = fixed_certificate();
    struct cm_candidates list;
    struct cm_altsecid out;

    cm_altsecid_parse(value, len, &out);
    check_parsed(value, len, &out);
    if (out.form != CM_FORM_NONE)
        check_matches_itself(value, len, out.form);
    FUZZ_REQUIRE(cm_candidates_build(&cert, true, &list));
    for (size_t i = 0; i < list.count; i++) {
        if (cm_candidate_matches(&list.list[i], value, len))
            FUZZ_REQUIRE(out.form == list.list[i].form);
    }
    cm_candidates_clear(&list);
}

/* Each value is of its own form, and only of that. */
static void
check_candidates(const struct cm_candidates *list)
{
    struct cm_altsecid out;

    for (size_t i = 0; i < list->count; i++) {
        const struct cm_candidate *one = &list->list[i];
        size_t len = strlen(one->value);

        FUZZ_REQUIRE(cm_candidate_matches(one, one->value, len));
        cm_altsecid_parse(one->value, len, &out);
        FUZZ_REQUIRE(out.form == one->form);
        for (size_t j = 0; j < list->count; j++)
            FUZZ_REQUIRE(
                list->list[j].form == one->form ||
                !cm_candidate_matches(&list->list[j], one->value, len));
    }
}

static char *
next_name(struct name_source *source)
{
    X509_NAME *name = name_from_bytes(source);
    char *text = cm_name_windows(name);

    X509_NAME_free(name);
    return text;
}

/* Serial number and SKI are the next octet; the rest is a mail address. */
static void
check_certificate_of(struct name_source *source)
{
    struct cm_certificate cert = {0};
    struct cm_candidates list;
    char *mail;

    cert.issuer = next_name(source);
    cert.subject = next_name(source);
    cert.sid_state = CM_PRESENT;
    cert.sid = fixed_sid;
    if (source->len > 0 && source->bytes[0] != 0) {
        cert.serial[0] = cert.ski[0] = source->bytes[0];
        cert.serial_len = cert.ski_len = 1;
    }
    mail = cm_text_dup_clean(source->bytes, source->len);
    if (mail != NULL) {
        cert.rfc822.items = &mail;
        cert.rfc822.count = 1;
    }
    FUZZ_REQUIRE(cm_candidates_build(&cert, true, &list));
    check_candidates(&list);
    cm_candidates_clear(&list);
    free(cert.issuer);
    free(cert.subject);
    free(mail);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct name_source source = {data, size};

    if (size > 0 && data[0] == 'c') {
        source.bytes++;
        source.len--;
        check_certificate_of(&source);
    } else {
        check_value((const char *)data, size);
    }
    return 0;
}
