/*
 * Distinguished names as Windows and RFC 4514 text: a table of names with
 * both texts, and the proof by trial that no two names share a text.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/objects.h>

#include "certificate.h"
#include "name.h"
#include "name_key.h"
#include "text.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { MAX_VALUES = 4, GENERATED = 20000, GENERATED_BYTES = 64 };

#define UTF8 V_ASN1_UTF8STRING
#define PRINTABLE V_ASN1_PRINTABLESTRING
#define IA5 V_ASN1_IA5STRING
#define T61 V_ASN1_T61STRING
#define BMP V_ASN1_BMPSTRING
#define UNIVERSAL V_ASN1_UNIVERSALSTRING
#define NUMERIC V_ASN1_NUMERICSTRING
#define VISIBLE V_ASN1_VISIBLESTRING
#define OCTETS V_ASN1_OCTET_STRING
#define GENERAL V_ASN1_GENERALSTRING

#define CN "2.5.4.3"
#define O "2.5.4.10"
#define OU "2.5.4.11"
#define DC "0.9.2342.19200300.100.1.25"
#define UID "0.9.2342.19200300.100.1.1"

#define DIGITS_25 "1234567890123456789012345"
#define DIGITS_125 DIGITS_25 DIGITS_25 DIGITS_25 DIGITS_25 DIGITS_25

/* A value, and its length where it holds NUL. */
#define S(text) text, sizeof(text) - 1

struct value {
    const char *oid; /* NULL: no more values; "+" before it: same RDN */
    int type;
    const char *bytes;
    size_t len;
};

static struct row {
    const char *what;
    struct value values[MAX_VALUES];
    const char *windows; /* NULL: no text */
    const char *rfc4514;
} rows[] = {
    /* Order and joints */
    {"no RDN at all", {{0}}, "", ""},
    {"encoding order",
     {{DC, IA5, S("com")}, {DC, IA5, S("example")}, {CN, UTF8, S("Alice")}},
     "DC=com,DC=example,CN=Alice",
     "CN=Alice,DC=example,DC=com"},
    {"two values in one RDN",
     {{O, UTF8, S("Agency")},
      {CN, UTF8, S("JANE DOE")},
      {"+" UID, UTF8, S("25001")}},
     "O=Agency,CN=JANE DOE OID.0.9.2342.19200300.100.1.1=25001",
     "CN=JANE DOE+UID=25001,O=Agency"},
    {"a value that looks like the second of its RDN",
     {{CN, UTF8, S("JANE DOE OID.0.9.2342.19200300.100.1.1=25001")}},
     "CN=\"JANE DOE OID.0.9.2342.19200300.100.1.1=25001\"",
     "CN=JANE DOE OID.0.9.2342.19200300.100.1.1=25001"},
    {"a value that looks like another RDN",
     {{CN, UTF8, S("x,OU=Admins")}},
     "CN=\"x,OU=Admins\"",
     "CN=x\\,OU=Admins"},
    {"a bare value before a quoted one in an RDN",
     {{CN, UTF8, S("a")}, {"+" OU, UTF8, S("b,c")}},
     "CN=a OU=\"b,c\"",
     "CN=a+OU=b\\,c"},
    {"a quoted value before a bare one in an RDN",
     {{CN, UTF8, S("a ")}, {"+" OU, UTF8, S("b")}},
     "CN=\"a \" OU=b",
     "CN=a\\ +OU=b"},

    /* Quoting */
    {"an empty value", {{CN, UTF8, S("")}}, "CN=\"\"", "CN="},
    {"a leading blank", {{CN, UTF8, S(" a")}}, "CN=\" a\"", "CN=\\ a"},
    {"a trailing blank", {{CN, UTF8, S("a ")}}, "CN=\"a \"", "CN=a\\ "},
    {"one blank alone", {{CN, UTF8, S(" ")}}, "CN=\" \"", "CN=\\ "},
    {"inner blanks", {{CN, UTF8, S("a  b")}}, "CN=a  b", "CN=a  b"},
    {"a comma",
     {{O, UTF8, S("Acme, Inc")}},
     "O=\"Acme, Inc\"",
     "O=Acme\\, Inc"},
    {"a plus", {{CN, UTF8, S("a+b")}}, "CN=\"a+b\"", "CN=a\\+b"},
    {"an equals sign", {{CN, UTF8, S("a=b")}}, "CN=\"a=b\"", "CN=a=b"},
    {"less than", {{CN, UTF8, S("a<b")}}, "CN=\"a<b\"", "CN=a\\<b"},
    {"greater than", {{CN, UTF8, S("a>b")}}, "CN=\"a>b\"", "CN=a\\>b"},
    {"a number sign", {{CN, UTF8, S("a#b")}}, "CN=\"a#b\"", "CN=a#b"},
    {"a leading number sign", {{CN, UTF8, S("#a")}}, "CN=\"#a\"", "CN=\\#a"},
    {"a semicolon", {{CN, UTF8, S("a;b")}}, "CN=\"a;b\"", "CN=a\\;b"},
    {"quotation marks",
     {{CN, UTF8, S("a \"b\"")}},
     "CN=\"a \"\"b\"\"\"",
     "CN=a \\\"b\\\""},
    {"a quotation mark alone",
     {{CN, UTF8, S("\"")}},
     "CN=\"\"\"\"",
     "CN=\\\""},
    {"a backslash is nothing special",
     {{CN, UTF8, S("a\\b")}},
     "CN=a\\b",
     "CN=a\\\\b"},
    {"an apostrophe and slashes",
     {{CN, UTF8, S("O'Neil /x/*")}},
     "CN=O'Neil /x/*",
     "CN=O'Neil /x/*"},

    /* Attribute types */
    {"S, not ST", {{"2.5.4.8", UTF8, S("def")}}, "S=def", "ST=def"},
    {"E",
     {{"1.2.840.113549.1.9.1", IA5, S("a@b.c")}},
     "E=a@b.c",
     "emailAddress=a@b.c"},
    {"G, T, I, SN",
     {{"2.5.4.42", UTF8, S("g")},
      {"2.5.4.12", UTF8, S("t")},
      {"2.5.4.43", UTF8, S("i")},
      {"2.5.4.4", UTF8, S("s")}},
     "G=g,T=t,I=i,SN=s",
     "SN=s,initials=i,title=t,givenName=g"},
    {"SERIALNUMBER and dnQualifier",
     {{"2.5.4.5", PRINTABLE, S("7")}, {"2.5.4.46", PRINTABLE, S("q")}},
     "SERIALNUMBER=7,dnQualifier=q",
     "dnQualifier=q,serialNumber=7"},
    {"Description, PostalCode, POBox, STREET",
     {{"2.5.4.13", UTF8, S("d")},
      {"2.5.4.17", UTF8, S("1")},
      {"2.5.4.18", UTF8, S("2")},
      {"2.5.4.9", UTF8, S("s")}},
     "Description=d,PostalCode=1,POBox=2,STREET=s",
     "STREET=s,postOfficeBox=2,postalCode=1,description=d"},
    {"C, L, O, OU",
     {{"2.5.4.6", PRINTABLE, S("DE")},
      {"2.5.4.7", UTF8, S("l")},
      {O, UTF8, S("o")},
      {OU, UTF8, S("u")}},
     "C=DE,L=l,O=o,OU=u",
     "OU=u,O=o,L=l,C=DE"},
    {"types without a Windows name",
     {{"2.5.4.44", UTF8, S("III")}, {"1.2.3.4", UTF8, S("x")}},
     "OID.2.5.4.44=III,OID.1.2.3.4=x",
     "1.2.3.4=#0c0178,2.5.4.44=#0c03494949"},
    {"mail",
     {{"0.9.2342.19200300.100.1.3", IA5, S("a@b")}},
     "OID.0.9.2342.19200300.100.1.3=a@b",
     "0.9.2342.19200300.100.1.3=#1603614062"},
    {"a type with a huge arc",
     {{"2.999.340282366920938463463374607431768211455", UTF8, S("x")}},
     "OID.2.999.340282366920938463463374607431768211455=x",
     "2.999.340282366920938463463374607431768211455=#0c0178"},
    {"a type of 256 characters",
     {{"2.999." DIGITS_125 DIGITS_125, UTF8, S("x")}},
     NULL,
     "?=#0c0178"},

    /* String types: the same characters, the same text */
    {"PrintableString", {{CN, PRINTABLE, S("ab")}}, "CN=ab", "CN=ab"},
    {"PrintableString with foreign ASCII",
     {{CN, PRINTABLE, S("a_b@c")}},
     "CN=a_b@c",
     "CN=a_b@c"},
    {"T61String of ASCII", {{CN, T61, S("ab")}}, "CN=ab", "CN=ab"},
    {"NumericString", {{CN, NUMERIC, S("12")}}, "CN=12", "CN=12"},
    {"VisibleString", {{CN, VISIBLE, S("ab")}}, "CN=ab", "CN=ab"},
    {"BMPString", {{CN, BMP, S("\0a\0b")}}, "CN=ab", "CN=ab"},
    {"BMPString beyond ASCII",
     {{CN, BMP, S("\x20\xac")}},
     "CN=\xe2\x82\xac",
     "CN=\xe2\x82\xac"},
    {"UniversalString",
     {{CN, UNIVERSAL, S("\0\0\0a\0\x01\xf6\0")}},
     "CN=a\xf0\x9f\x98\x80",
     "CN=a\xf0\x9f\x98\x80"},
    {"UTF8String beyond ASCII",
     {{CN, UTF8, S("J\xc3\xbcrgen")}},
     "CN=J\xc3\xbcrgen",
     "CN=J\xc3\xbcrgen"},

    /* What has no text */
    {"G30: a line feed", {{CN, UTF8, S("a\nb")}}, NULL, "CN=#0c03610a62"},
    {"G30: a carriage return",
     {{CN, UTF8, S("a\rb")}},
     NULL,
     "CN=#0c03610d62"},
    {"a NUL", {{CN, UTF8, S("a\0b")}}, NULL, "CN=#0c03610062"},
    {"a NUL in a BMPString",
     {{CN, BMP, S("\0a\0\0")}},
     NULL,
     "CN=#1e0400610000"},
    {"a tab", {{CN, UTF8, S("a\tb")}}, NULL, "CN=#0c03610962"},
    {"DEL", {{CN, UTF8, S("a\x7f")}}, NULL, "CN=#0c02617f"},
    {"a C1 control", {{CN, UTF8, S("\xc2\x85")}}, NULL, "CN=#0c02c285"},
    {"UTF-8 that is none", {{CN, UTF8, S("\xff")}}, NULL, "CN=#0c01ff"},
    {"UTF-8 cut short", {{CN, UTF8, S("\xc3")}}, NULL, "CN=#0c01c3"},
    {"overlong UTF-8", {{CN, UTF8, S("\xc1\x81")}}, NULL, "CN=#0c02c181"},
    {"a surrogate in UTF-8",
     {{CN, UTF8, S("\xed\xa0\x80")}},
     NULL,
     "CN=#0c03eda080"},
    {"a surrogate in a BMPString",
     {{CN, BMP, S("\xd8\x3d\xde\0")}},
     NULL,
     "CN=#1e04d83dde00"},
    {"half a BMPString character",
     {{CN, BMP, S("\0a\0")}},
     NULL,
     "CN=#1e03006100"},
    {"a surrogate in a UniversalString",
     {{CN, UNIVERSAL, S("\0\0\xd8\0")}},
     NULL,
     "CN=#1c040000d800"},
    {"a UniversalString beyond Unicode",
     {{CN, UNIVERSAL, S("\0\x11\0\0")}},
     NULL,
     "CN=#1c0400110000"},
    {"three octets of a UniversalString",
     {{CN, UNIVERSAL, S("\0\0a")}},
     NULL,
     "CN=#1c03000061"},
    {"T61String beyond ASCII", {{CN, T61, S("\xe9")}}, NULL, "CN=#1401e9"},
    {"IA5String beyond ASCII", {{CN, IA5, S("\xe9")}}, NULL, "CN=#1601e9"},
    {"PrintableString beyond ASCII",
     {{CN, PRINTABLE, S("\xe9")}},
     NULL,
     "CN=#1301e9"},
    {"an OCTET STRING", {{CN, OCTETS, S("a")}}, NULL, "CN=#040161"},
    {"a GeneralString", {{CN, GENERAL, S("a")}}, NULL, "CN=#1b0161"},
    {"one bad value among good ones",
     {{O, UTF8, S("o")}, {CN, UTF8, S("a\nb")}, {"+" OU, UTF8, S("u")}},
     NULL,
     "CN=#0c03610a62+OU=u,O=o"},
};

/*
 * Adds an empty value and changes it afterwards: OpenSSL's builder refuses
 * some of what is tested here, and so does its decoder today.
 */
static void
add_value(X509_NAME *name, const struct value *value)
{
    int same_rdn = value->oid[0] == '+';
    ASN1_OBJECT *object = OBJ_txt2obj(value->oid + same_rdn, 1);
    ASN1_STRING *data;
    int last;

    assert_non_null(object);
    assert_true(X509_NAME_add_entry_by_OBJ(name, object, UTF8,
                                           (const unsigned char *)"", 0, -1,
                                           same_rdn ? -1 : 0));
    last = X509_NAME_entry_count(name) - 1;
    data = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, last));
    assert_true(ASN1_STRING_set(data, value->bytes, (int)value->len));
    data->type = value->type;
    ASN1_OBJECT_free(object);
}

static void
assert_text(char *text, const char *expected)
{
    if (expected == NULL)
        assert_null(text);
    else if (text == NULL)
        fail_msg("no text, expected %s", expected);
    else
        assert_string_equal(text, expected);
    free(text);
}

static void
test_row(void **state)
{
    const struct row *row = *state;
    X509_NAME *name = X509_NAME_new();

    assert_non_null(name);
    for (size_t i = 0; i < MAX_VALUES && row->values[i].oid != NULL; i++)
        add_value(name, &row->values[i]);
    assert_text(cm_name_windows(name), row->windows);
    assert_text(cm_name_rfc4514(name), row->rfc4514);
    X509_NAME_free(name);
}

/* A name as its DER says, where OpenSSL's builder would not make it. */
static void
assert_der(const char *der, size_t len, const char *windows,
           const char *rfc4514)
{
    const unsigned char *p = (const unsigned char *)der;
    X509_NAME *name = d2i_X509_NAME(NULL, &p, (long)len);

    assert_non_null(name);
    assert_text(cm_name_windows(name), windows);
    assert_text(cm_name_rfc4514(name), rfc4514);
    X509_NAME_free(name);
}

#define CN_A                                                                  \
    "\x31\x0c\x30\x0a\x06\x03\x55\x04\x03\x0c\x03"                            \
    "abc"

static void
test_empty_rdn_has_no_text(void **state)
{
    (void)state;
    assert_der(S("\x30\x0e" CN_A), "CN=abc", "CN=abc");
    assert_der(S("\x30\x10" CN_A "\x31\x00"), NULL, "CN=abc");
    assert_der(S("\x30\x10\x31\x00" CN_A), NULL, "CN=abc");
    assert_der(S("\x30\x1e" CN_A "\x31\x00" CN_A), NULL, "CN=abc,CN=abc");
    assert_der(S("\x30\x02\x31\x00"), NULL, "");
}

static void
test_indefinite_length_has_no_text(void **state)
{
    (void)state;
    assert_der(S("\x30\x80" CN_A "\0\0"), NULL, "CN=abc");
}

/* DER sorts the values of an RDN; who did not sort them has another name. */
static void
test_order_inside_an_rdn_counts(void **state)
{
    (void)state;
    assert_der(S("\x30\x16\x31\x14"
                 "\x30\x08\x06\x03\x55\x04\x03\x0c\x01"
                 "a"
                 "\x30\x08\x06\x03\x55\x04\x0b\x0c\x01"
                 "b"),
               "CN=a OU=b", "CN=a+OU=b");
    assert_der(S("\x30\x16\x31\x14"
                 "\x30\x08\x06\x03\x55\x04\x0b\x0c\x01"
                 "b"
                 "\x30\x08\x06\x03\x55\x04\x03\x0c\x01"
                 "a"),
               "OU=b CN=a", "OU=b+CN=a");
}

/* A name whose one value has len characters. */
static X509_NAME *
long_name(size_t len)
{
    X509_NAME *name = X509_NAME_new();
    unsigned char *value = malloc(len);

    assert_non_null(name);
    assert_non_null(value);
    memset(value, 'a', len);
    assert_true(X509_NAME_add_entry_by_OBJ(name, OBJ_nid2obj(NID_description),
                                           UTF8, value, (int)len, -1, 0));
    free(value);
    return name;
}

static void
test_limit(void **state)
{
    size_t type = strlen("Description=");
    X509_NAME *fits = long_name(CM_CERT_MAX_NAME_TEXT - type);
    X509_NAME *over = long_name(CM_CERT_MAX_NAME_TEXT - type + 1);
    char *text = cm_name_windows(fits);

    (void)state;
    assert_non_null(text);
    assert_int_equal(strlen(text), CM_CERT_MAX_NAME_TEXT);
    free(text);
    assert_text(cm_name_windows(over), NULL);
    text = cm_name_rfc4514(over);
    assert_non_null(text);
    free(text);
    X509_NAME_free(fits);
    X509_NAME_free(over);
}

/* The same bytes on every run and machine (xorshift64). */
static void
fill(uint8_t *bytes, size_t len, uint64_t *seed)
{
    for (size_t i = 0; i < len; i++) {
        *seed ^= *seed << 13;
        *seed ^= *seed >> 7;
        *seed ^= *seed << 17;
        bytes[i] = (uint8_t)(*seed >> 24);
    }
}

struct generated {
    char *text, *key;
};

static int
compare_texts(const void *a, const void *b)
{
    const struct generated *left = a, *right = b;

    return strcmp(left->text, right->text);
}

/* Names until `count` of them have a text, each with its key. */
static void
generate(struct generated *list, size_t count)
{
    uint8_t bytes[GENERATED_BYTES];
    uint64_t seed = 0x9e3779b97f4a7c15;

    for (size_t i = 0; i < count;) {
        struct name_source source = {bytes, sizeof(bytes)};
        X509_NAME *name;

        fill(bytes, sizeof(bytes), &seed);
        name = name_from_bytes(&source);
        list[i].text = cm_name_windows(name);
        if (list[i].text != NULL) {
            list[i].key = name_key(name);
            assert_non_null(list[i].key);
            i++;
        }
        X509_NAME_free(name);
    }
}

/*
 * Every text reads back to the name that it was written from, and no two
 * names that differ share one.  (name_key.h says when names differ.)
 */
static void
test_different_names_have_different_texts(void **state)
{
    struct generated *list = calloc(GENERATED, sizeof(*list));
    size_t shared = 0;

    (void)state;
    assert_non_null(list);
    generate(list, GENERATED);
    for (size_t i = 0; i < GENERATED; i++) {
        char *read = name_key_of_text(list[i].text);

        assert_string_equal(read, list[i].key);
        free(read);
    }
    qsort(list, GENERATED, sizeof(*list), compare_texts);
    for (size_t i = 1; i < GENERATED; i++) {
        if (strcmp(list[i - 1].text, list[i].text) != 0)
            continue;
        assert_string_equal(list[i - 1].key, list[i].key);
        shared++;
    }
    /* Equal names did occur, and most were different. */
    assert_in_range(shared, 1, GENERATED * 3 / 4);
    for (size_t i = 0; i < GENERATED; i++) {
        free(list[i].text);
        free(list[i].key);
    }
    free(list);
}

int
main(void)
{
    const struct CMUnitTest others[] = {
        cmocka_unit_test(test_empty_rdn_has_no_text),
        cmocka_unit_test(test_indefinite_length_has_no_text),
        cmocka_unit_test(test_order_inside_an_rdn_counts),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_different_names_have_different_texts),
    };
    struct CMUnitTest table[COUNT(rows)] = {{0}};
    int failed;

    for (size_t i = 0; i < COUNT(rows); i++) {
        table[i].name = rows[i].what;
        table[i].test_func = test_row;
        table[i].initial_state = &rows[i];
    }
    failed = _cmocka_run_group_tests("names", table, COUNT(rows), NULL, NULL);
    return failed + cmocka_run_group_tests(others, NULL, NULL);
}
