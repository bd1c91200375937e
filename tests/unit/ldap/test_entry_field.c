/* Times, numbers and words of single values. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include "entry_text.h"
#include "field.h"

static const struct {
    const char *text;
    int64_t seconds;
} times[] = {
    {"19700101000000Z", 0},
    {"20240101000000Z", 1704067200},
    {"20240101000000.0Z", 1704067200},
    {"20240101000000,999999Z", 1704067200},
    {"20240101010000+0100", 1704067200},
    {"20231231190000-0500", 1704067200},
    {"20240101053000+0530", 1704067200},
    {"20240101010000+01", 1704067200},
    {"20240229235959Z", 1709251199},
    {"20000229000000Z", 951782400},
    {"19691231235959Z", -1},
    {"16010101000000.0Z", -11644473600},
    {"00000101000000Z", -62167219200},
    {"99991231235959Z", 253402300799},
};

static const char *const not_times[] = {
    "",
    "Z",
    "20240101000000",        /* no zone */
    "20240101000000z",       /* lower case */
    "20240101000000.Z",      /* no digits */
    "20240101000000 Z",      /* blank */
    " 20240101000000Z",      /* blank */
    "20240101000000Z ",      /* tail */
    "20240101000000Z\n",     /* tail */
    "20240101000000ZZ",      /* tail */
    "20240101000000+0100Z",  /* tail */
    "202401010000Z",         /* no seconds */
    "2024010100Z",           /* no minutes */
    "20240001000000Z",       /* month 0 */
    "20241301000000Z",       /* month 13 */
    "20240100000000Z",       /* day 0 */
    "20230229000000Z",       /* not a leap year */
    "19000229000000Z",       /* not a leap year */
    "20240431000000Z",       /* 30 days */
    "20240101240000Z",       /* hour 24 */
    "20240101006000Z",       /* minute 60 */
    "20240101000060Z",       /* second 60 */
    "20240101000000+2400",   /* hour 24 */
    "20240101000000+0160",   /* minute 60 */
    "20240101000000+1",      /* half an hour field */
    "20240101000000+010",    /* half a minute field */
    "-0240101000000Z",       /* sign */
    "2024-01-01T00:00:00Z",  /* RFC 3339 */
    "240101000000Z",         /* UTCTime */
    "2024010100000\xd9\xa0Z" /* a digit of another script */
};

static void
test_generalized_time(void **state)
{
    int64_t seconds;

    (void)state;
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        seconds = 42;
        if (!cm_generalized_time_parse(times[i].text, strlen(times[i].text),
                                       &seconds) ||
            seconds != times[i].seconds)
            fail_msg("%s: %lld", times[i].text, (long long)seconds);
    }
    for (size_t i = 0; i < sizeof(not_times) / sizeof(not_times[0]); i++) {
        seconds = 42;
        if (cm_generalized_time_parse(not_times[i], strlen(not_times[i]),
                                      &seconds))
            fail_msg("accepted: %s", not_times[i]);
        assert_int_equal(seconds, 42);
    }
    assert_false(cm_generalized_time_parse("20240101000000Z\0", 16, &seconds));
}

static const struct {
    const char *value;
    bool ok;
    int64_t number;
} numbers[] = {
    {"0", true, 0},
    {"1", true, 1},
    {"-1", true, -1},
    {"512", true, 512},
    {"9223372036854775807", true, INT64_MAX},
    {"-9223372036854775808", true, INT64_MIN},
    {"9223372036854775808", false, 0},
    {"-9223372036854775809", false, 0},
    {"99999999999999999999999", false, 0},
    {"", false, 0},
    {"-", false, 0},
    {"-0", false, 0},
    {"00", false, 0},
    {"01", false, 0},
    {"-01", false, 0},
    {"+1", false, 0},
    {" 1", false, 0},
    {"1 ", false, 0},
    {"0x1", false, 0},
    {"1e3", false, 0},
    {"1.0", false, 0},
};

static void
test_integer(void **state)
{
    struct cm_entry entry;
    enum cm_presence presence;
    int64_t value;

    (void)state;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        memset(&entry, 0, sizeof(entry));
        assert_true(cm_entry_add(&entry, "n", numbers[i].value,
                                 strlen(numbers[i].value)));
        value = 42;
        presence = cm_field_integer(&entry, "N", &value);
        if (presence != (numbers[i].ok ? CM_PRESENT : CM_FAULTY) ||
            (numbers[i].ok && value != numbers[i].number))
            fail_msg("\"%s\"", numbers[i].value);
        cm_entry_clear(&entry);
    }
    memset(&entry, 0, sizeof(entry));
    assert_int_equal(cm_field_integer(&entry, "n", &value), CM_ABSENT);
}

static void
test_boolean(void **state)
{
    struct cm_entry entry;
    bool value = false;

    (void)state;
    entry_from_text("t=TRUE\nu=true\nf=False\nx=\ny=yes\nz=TRUE \nd=TRUE\n"
                    "d=TRUE\n",
                    &entry);
    assert_int_equal(cm_field_boolean(&entry, "t", &value), CM_PRESENT);
    assert_true(value);
    value = false;
    assert_int_equal(cm_field_boolean(&entry, "u", &value), CM_PRESENT);
    assert_true(value);
    assert_int_equal(cm_field_boolean(&entry, "f", &value), CM_PRESENT);
    assert_false(value);
    assert_int_equal(cm_field_boolean(&entry, "x", &value), CM_FAULTY);
    assert_int_equal(cm_field_boolean(&entry, "y", &value), CM_FAULTY);
    assert_int_equal(cm_field_boolean(&entry, "z", &value), CM_FAULTY);
    assert_int_equal(cm_field_boolean(&entry, "d", &value), CM_FAULTY);
    assert_int_equal(cm_field_boolean(&entry, "absent", &value), CM_ABSENT);
    cm_entry_clear(&entry);
}

static void
test_entry_keeps_everything(void **state)
{
    struct cm_entry entry = {0};
    const struct cm_attribute *attribute;
    char name[16];

    (void)state;
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(name, sizeof(name), "a%d", i % 10);
        assert_true(cm_entry_add(&entry, name, &i, sizeof(i)));
    }
    assert_int_equal(entry.count, 10);
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(name, sizeof(name), "A%d", i % 10);
        attribute = cm_entry_get(&entry, name);
        assert_non_null(attribute);
        assert_int_equal(attribute->count, 100);
        assert_memory_equal(attribute->values[i / 10].data, &i, sizeof(i));
        assert_int_equal(attribute->values[i / 10].data[sizeof(i)], 0);
    }
    assert_null(cm_entry_get(&entry, "a"));
    cm_entry_clear(&entry);
    assert_null(cm_entry_get(&entry, "a1"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_generalized_time),
        cmocka_unit_test(test_integer),
        cmocka_unit_test(test_boolean),
        cmocka_unit_test(test_entry_keeps_everything),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
