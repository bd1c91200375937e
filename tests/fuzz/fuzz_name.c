/*
 * Two names are made of the input.  Each text reads back to the name that it
 * was written from, and two texts are equal exactly when the names are, in
 * the sense that name_key.h defines.
 *
 * An input that begins as a SEQUENCE does is two DER names one after the
 * other; any other is what name_from_bytes() makes of it.
 */
#include <stdbool.h>
#include <string.h>

#include "certificate.h"
#include "fuzz.h"
#include "name.h"
#include "name_key.h"
#include "text.h"

enum { DER_SEQUENCE = 0x30 };

struct written {
    char *text; /* NULL: the name has none */
    char *key;  /* then NULL too */
};

static struct written
write_name(const X509_NAME *name)
{
    struct written out = {cm_name_windows(name), NULL};
    char *people = cm_name_rfc4514(name), *read;

    FUZZ_REQUIRE(people != NULL);
    FUZZ_REQUIRE(cm_text_is_clean((const uint8_t *)people, strlen(people)));
    free(people);
    if (out.text == NULL)
        return out;
    FUZZ_REQUIRE(strlen(out.text) <= CM_CERT_MAX_NAME_TEXT);
    FUZZ_REQUIRE(
        cm_text_is_clean((const uint8_t *)out.text, strlen(out.text)));
    out.key = name_key(name);
    FUZZ_REQUIRE(out.key != NULL);
    read = name_key_of_text(out.text);
    FUZZ_REQUIRE(strcmp(read, out.key) == 0);
    free(read);
    return out;
}

static void
compare(const X509_NAME *left, const X509_NAME *right)
{
    struct written a = write_name(left), b = write_name(right);

    if (a.text != NULL && b.text != NULL) {
        FUZZ_REQUIRE(a.key != NULL && b.key != NULL);
        FUZZ_REQUIRE((strcmp(a.text, b.text) == 0) ==
                     (strcmp(a.key, b.key) == 0));
    }
    free(a.text);
    free(a.key);
    free(b.text);
    free(b.key);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct name_source source = {data, size};
    const unsigned char *p = data;
    X509_NAME *left, *right;

    if (size > 0 && data[0] == DER_SEQUENCE) {
        left = d2i_X509_NAME(NULL, &p, (long)size);
        right = d2i_X509_NAME(NULL, &p, (long)(size - (size_t)(p - data)));
    } else {
        left = name_from_bytes(&source);
        right = name_from_bytes(&source);
    }
    if (left != NULL)
        compare(left, right != NULL ? right : left);
    X509_NAME_free(left);
    X509_NAME_free(right);
    return 0;
}
