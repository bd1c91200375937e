#include "kdcpreauth_told.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/rand.h>

#include "fake_pkinit.h"
#include "reference.h"

static bool no_randomness;

void
told_without_randomness(bool without)
{
    no_randomness = without;
}

/* Ours, before libcrypto's. */
__attribute__((visibility("default"))) int
RAND_bytes(unsigned char *out, int len)
{
    return !no_randomness && RAND_bytes_ex(NULL, out, (size_t)len, 0) == 1;
}

void
told_take_hint(void *arg, krb5_error_code code, krb5_pa_data *hint)
{
    krb5_pa_data **out = arg;

    assert_int_equal(code, hint != NULL ? 0 : ENOENT);
    *out = hint;
}

/* NULL: "-". */
static const char *
reference_of(const char *line, char reference[CM_REFERENCE_SIZE])
{
    const char *at = strstr(line, " ref=");

    assert_non_null(at);
    if (strncmp(at, " ref=- ", 7) == 0)
        return NULL;
    memcpy(reference, at + 5, CM_REFERENCE_LEN);
    reference[CM_REFERENCE_LEN] = '\0';
    assert_int_equal(strspn(reference, CM_REFERENCE_ALPHABET),
                     CM_REFERENCE_LEN);
    assert_int_equal(at[5 + CM_REFERENCE_LEN], ' ');
    return reference;
}

static void
expect_element(const krb5_pa_data *element, long type, const char *value)
{
    assert_non_null(element);
    assert_int_equal(element->pa_type, type);
    assert_int_equal(element->length, strlen(value));
    assert_memory_equal(element->contents, value, element->length);
}

void
told_expect(const struct told_client *client, const struct verify_case *row,
            const char *line)
{
    char text[CM_REFERENCE_SIZE];
    const char *reference = line != NULL ? reference_of(line, text) : NULL;
    size_t at = 0;

    assert_int_equal(row->told != UNTOLD, reference != NULL);
    if (strchr(row->script, 'E') != NULL)
        expect_element(client->e_data[at++], FAKE_PKINIT_E_DATA,
                       FAKE_PKINIT_VALUE);
    if (row->told == TOLD_DATA && reference != NULL)
        expect_element(client->e_data[at++], CM_REFERENCE_TYPE, reference);
    if (at == 0)
        assert_null(client->e_data);
    else
        assert_null(client->e_data[at]);
    if (reference != NULL)
        expect_element(client->hint, CM_REFERENCE_TYPE, reference);
    else
        assert_null(client->hint);
}

static void
free_element(krb5_pa_data *element)
{
    if (element != NULL)
        free(element->contents);
    free(element);
}

void
told_clear(struct told_client *client)
{
    for (krb5_pa_data **p = client->e_data; p != NULL && *p != NULL; p++)
        free_element(*p);
    free(client->e_data);
    free_element(client->hint);
    *client = (struct told_client){NULL, NULL};
}
