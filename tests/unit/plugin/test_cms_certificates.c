/*
 * Certificates out of a PA-PK-AS-REQ, and what a client may send instead.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cms_certificates.h"
#include "derasm.h"

enum { TEXT_SIZE = 65536 };

#define SIGNED_DATA "06:2a864886f70d010702"
#define HEAD "02:03 31() 30(06:2b060105020301)"
#define LEAF "30'leaf'"
#define REQUEST(content) "30(80(30(" SIGNED_DATA " a0(30(" content ")))))"
#define CERTS(certs) REQUEST(HEAD " a0(" certs ") 31()")

struct request_case {
    const char *name;
    const char *request;
    size_t count;
    const char *first; /* how the first one found begins */
};

static const struct request_case cases[] = {
    {"one beside the leaf", CERTS(LEAF " 30'ca'"), 1, "0\2ca"},
    {"the leaf last", CERTS("30'ca' " LEAF), 1, "0\2ca"},
    {"the leaf twice", CERTS(LEAF LEAF), 0, NULL},
    {"two", CERTS("30'one' " LEAF " 30'two'"), 2, "0\3one"},
    {"the leaf alone", CERTS(LEAF), 0, NULL},
    {"none", CERTS(""), 0, NULL},
    {"no certificates field", REQUEST(HEAD " 31()"), 0, NULL},
    {"CRLs beside", REQUEST(HEAD " a0(30'ca') a1(30()) 31()"), 1, "0\2ca"},
    {"other fields of the request",
     "30(80(30(" SIGNED_DATA " a0(30(" HEAD " a0(30'ca') 31())))) a1(30())"
     " 82:00)",
     1, "0\2ca"},
    {"an attribute certificate among them", CERTS("30'ca' a2'ac'"), 0, NULL},
    {"a certificate that is cut", CERTS("30'ca' #300568"), 0, NULL},
    {"another content type",
     "30(80(30(06:2a864886f70d010703 a0(30(" HEAD " a0(30'ca'))))))", 0, NULL},
    {"bytes after the request", CERTS("30'ca'") "#00", 0, NULL},
    {"bytes after the content",
     "30(80(30(" SIGNED_DATA " a0(30(" HEAD " a0(30'ca'))) 05())))", 0, NULL},
    {"two ContentInfos",
     "30(80(30(" SIGNED_DATA " a0(30(" HEAD " a0(30'ca')))) 30()))", 0, NULL},
    {"indefinite length", "#3080 80(30()) #0000", 0, NULL},
    {"BER inside", "30(80(#3080 " SIGNED_DATA " #0000))", 0, NULL},
    {"a padded length", CERTS("#30810261 #62"), 0, NULL},
    {"a length beyond the end", CERTS("#3084ffffffff"), 0, NULL},
    {"constructed octets", "30(a0(30(" SIGNED_DATA ")))", 0, NULL},
    {"an OID alone", "30(80(30(" SIGNED_DATA ")))", 0, NULL},
    {"nothing in it", "30(80())", 0, NULL},
    {"an empty sequence", "30()", 0, NULL},
    {"nothing", "", 0, NULL},
    {"no version", REQUEST("31() 30() a0(30'ca')"), 0, NULL},
    {"primitive certificates", REQUEST(HEAD " 80:3000 31()"), 0, NULL},
};

static size_t
extract(const char *text, struct cm_blob out[CM_PATH_MAX_EXTRA],
        uint8_t **bytes)
{
    static const uint8_t leaf[] = {'0', 4, 'l', 'e', 'a', 'f'};
    struct cm_blob request = {NULL, 0};

    *bytes = da_bytes(text, &request.len);
    request.data = *bytes;
    return cm_cms_certificates(request, (struct cm_blob){leaf, sizeof(leaf)},
                               out);
}

static void
test_cases(void **state)
{
    struct cm_blob out[CM_PATH_MAX_EXTRA];
    uint8_t *bytes;
    size_t count;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        count = extract(cases[i].request, out, &bytes);
        if (count != cases[i].count)
            print_error("%s: %zu\n", cases[i].name, count);
        assert_int_equal(count, cases[i].count);
        if (cases[i].first != NULL)
            assert_memory_equal(out[0].data, cases[i].first,
                                strlen(cases[i].first));
        free(bytes);
    }
}

static size_t
extract_many(size_t many)
{
    struct cm_blob out[CM_PATH_MAX_EXTRA];
    char certs[TEXT_SIZE / 2] = "", text[TEXT_SIZE];
    uint8_t *bytes;
    size_t count;

    for (size_t i = 0; i < many; i++)
        strcat(certs, "30'ca' ");
    snprintf(text, sizeof(text), CERTS("%s" LEAF), certs);
    count = extract(text, out, &bytes);
    free(bytes);
    return count;
}

/* Too many are none: which of them would count is the client's choice. */
static void
test_too_many(void **state)
{
    (void)state;
    assert_int_equal(extract_many(CM_PATH_MAX_EXTRA), CM_PATH_MAX_EXTRA);
    assert_int_equal(extract_many(CM_PATH_MAX_EXTRA + 1), 0);
    assert_int_equal(extract_many(1000), 0);
}

/* Every cut of a good request, and every byte of it changed: what is found
 * lies in the input. */
static void
require_inside(const uint8_t *bytes, size_t len)
{
    struct cm_blob out[CM_PATH_MAX_EXTRA];
    struct cm_blob none = {NULL, 0};
    uint8_t *copy = malloc(len > 0 ? len : 1);
    size_t count;

    assert_non_null(copy);
    memcpy(copy, bytes, len);
    count = cm_cms_certificates((struct cm_blob){copy, len}, none, out);
    for (size_t i = 0; i < count; i++) {
        assert_true(out[i].data > copy);
        assert_true(out[i].data + out[i].len <= copy + len);
    }
    free(copy);
}

static void
test_damage(void **state)
{
    struct cm_blob out[CM_PATH_MAX_EXTRA];
    size_t len;
    uint8_t *bytes = da_bytes(CERTS("30'one' 30'two'"), &len);

    (void)state;
    for (size_t i = 0; i < len; i++) {
        require_inside(bytes, i);
        assert_int_equal(cm_cms_certificates((struct cm_blob){bytes, i},
                                             (struct cm_blob){NULL, 0}, out),
                         0);
        for (int value = 0; value < 256; value++) {
            uint8_t was = bytes[i];

            bytes[i] = (uint8_t)value;
            require_inside(bytes, len);
            bytes[i] = was;
        }
    }
    free(bytes);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_too_many),
        cmocka_unit_test(test_damage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
