/* Changes of entries, their inverse, and how they stand in LDIF. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "change.h"

#define LONG60 "123456789012345678901234567890123456789012345678901234567890"

struct ldif_case {
    const char *dn;
    const char *remove; /* NULL: none */
    const char *add;
    const char *ldif;
};

static const struct ldif_case ldif_cases[] = {
    {"uid=a,dc=x", NULL, "X509:<SKI>00",
     "dn: uid=a,dc=x\nchangetype: modify\nadd: attr\nattr: X509:<SKI>00\n-\n"
     "\n"},
    {"uid=a", "old", "new",
     "dn: uid=a\nchangetype: modify\ndelete: attr\nattr: old\n-\n"
     "add: attr\nattr: new\n-\n\n"},
    {"uid=a", "", NULL,
     "dn: uid=a\nchangetype: modify\ndelete: attr\nattr:\n-\n\n"},
    /* What may not begin a SAFE-STRING, or end it. */
    {"uid=a", " x", ":x",
     "dn: uid=a\nchangetype: modify\ndelete: attr\nattr:: IHg=\n-\n"
     "add: attr\nattr:: Ong=\n-\n\n"},
    {"uid=a", "<x", "x ",
     "dn: uid=a\nchangetype: modify\ndelete: attr\nattr:: PHg=\n-\n"
     "add: attr\nattr:: eCA=\n-\n\n"},
    {"uid=a", "x:<y", "a b",
     "dn: uid=a\nchangetype: modify\ndelete: attr\nattr: x:<y\n-\n"
     "add: attr\nattr: a b\n-\n\n"},
    /* A line that would be a record of its own, an escape sequence. */
    {"uid=a", "x\ndn: uid=b", "\x1b[2J",
     "dn: uid=a\nchangetype: modify\ndelete: attr\nattr:: eApkbjogdWlkPWI=\n"
     "-\nadd: attr\nattr:: G1sySg==\n-\n\n"},
    {"uid=\xc3\xa4", NULL, "\x7f",
     "dn:: dWlkPcOk\nchangetype: modify\nadd: attr\nattr:: fw==\n-\n\n"},
    {"uid=a", NULL, LONG60 "1234567890",
     "dn: uid=a\nchangetype: modify\nadd: attr\nattr: " LONG60
     "1234567890\n-\n\n"},
    {"uid=a", NULL, LONG60 "12345678901",
     "dn: uid=a\nchangetype: modify\nadd: attr\nattr: " LONG60
     "1234567890\n 1\n-\n\n"},
};

static void
test_ldif(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(ldif_cases) / sizeof(ldif_cases[0]); i++) {
        const struct ldif_case *row = &ldif_cases[i];
        struct cm_buf out = CM_BUF_INIT;
        struct cm_change change;

        assert_true(cm_change_begin(&change, row->dn));
        if (row->remove != NULL)
            assert_true(cm_change_remove(&change, "attr", row->remove,
                                         strlen(row->remove)));
        if (row->add != NULL)
            assert_true(
                cm_change_add(&change, "attr", row->add, strlen(row->add)));
        assert_true(cm_change_ldif(&change, &out));
        assert_string_equal(out.data, row->ldif);
        cm_buf_clear(&out);
        cm_change_clear(&change);
    }
}

static void
test_nul_is_base64(void **state)
{
    struct cm_buf out = CM_BUF_INIT;
    struct cm_change change;

    (void)state;
    assert_true(cm_change_begin(&change, "uid=a"));
    assert_true(cm_change_add(&change, "attr", "a\0b", 3));
    assert_true(cm_change_ldif(&change, &out));
    assert_non_null(strstr(out.data, "attr:: YQBi\n"));
    cm_buf_clear(&out);
    cm_change_clear(&change);
}

static void
test_nothing_is_nothing(void **state)
{
    struct cm_buf out = CM_BUF_INIT;
    struct cm_change change;

    (void)state;
    assert_true(cm_change_begin(&change, "uid=a"));
    assert_true(cm_change_is_empty(&change));
    assert_true(cm_change_ldif(&change, &out));
    assert_int_equal(out.len, 0);
    assert_true(cm_change_add(&change, "attr", "", 0));
    assert_false(cm_change_is_empty(&change));
    cm_buf_clear(&out);
    cm_change_clear(&change);
}

static char *
ldif_of(const struct cm_change *change)
{
    struct cm_buf out = CM_BUF_INIT;

    assert_true(cm_change_ldif(change, &out));
    return cm_buf_take(&out);
}

/* Attributes are one, whatever their case, and their order stays. */
static void
test_inverse(void **state)
{
    struct cm_change change, inverse, again;
    char *there, *back;

    (void)state;
    assert_true(cm_change_begin(&change, "uid=a"));
    assert_true(cm_change_remove(&change, "one", "1", 1));
    assert_true(cm_change_add(&change, "TWO", "2", 1));
    assert_true(cm_change_add(&change, "two", "3", 1));
    assert_int_equal(change.count, 2);
    assert_true(cm_change_invert(&change, &inverse));
    there = ldif_of(&inverse);
    assert_string_equal(there, "dn: uid=a\nchangetype: modify\n"
                               "add: one\none: 1\n-\n"
                               "delete: TWO\nTWO: 2\nTWO: 3\n-\n\n");
    free(there);
    assert_true(cm_change_invert(&inverse, &again));
    there = ldif_of(&change);
    back = ldif_of(&again);
    assert_string_equal(there, back);
    free(there);
    free(back);
    cm_change_clear(&change);
    cm_change_clear(&inverse);
    cm_change_clear(&again);
}

static void
test_limits(void **state)
{
    static char big[CM_CHANGE_MAX_VALUE + 1];
    struct cm_change change;
    char name[] = "a0";

    (void)state;
    assert_true(cm_change_begin(&change, "uid=a"));
    assert_true(cm_change_add(&change, "a0", big, CM_CHANGE_MAX_VALUE));
    assert_false(cm_change_add(&change, "a0", big, CM_CHANGE_MAX_VALUE + 1));
    for (int i = 1; i < CM_CHANGE_MAX_PARTS; i++) {
        name[1] = (char)('0' + i);
        assert_true(cm_change_remove(&change, name, "x", 1));
    }
    assert_false(cm_change_remove(&change, "more", "x", 1));
    assert_true(cm_change_remove(&change, "A7", "y", 1));
    for (int i = 0; i < CM_CHANGE_MAX_VALUES; i++)
        assert_true(cm_change_add(&change, "a1", "x", 1));
    assert_false(cm_change_add(&change, "a1", "x", 1));
    assert_int_equal(change.parts[1].add_count, CM_CHANGE_MAX_VALUES);
    cm_change_clear(&change);
    assert_int_equal(change.count, 0);
}

/* A buffer that cannot hold it says so; no cut record is taken for a whole. */
static void
test_too_large_for_a_buffer(void **state)
{
    static char big[CM_CHANGE_MAX_VALUE];
    struct cm_buf out = CM_BUF_INIT;
    struct cm_change change;

    (void)state;
    assert_true(cm_change_begin(&change, "uid=a"));
    for (int i = 0; i < 20; i++)
        assert_true(cm_change_add(&change, "attr", big, sizeof(big)));
    assert_false(cm_change_ldif(&change, &out));
    assert_null(cm_buf_take(&out));
    cm_change_clear(&change);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ldif),
        cmocka_unit_test(test_nul_is_base64),
        cmocka_unit_test(test_nothing_is_nothing),
        cmocka_unit_test(test_inverse),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_too_large_for_a_buffer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
