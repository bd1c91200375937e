/* Which module the KDB module stands on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <unistd.h>

#include "kdb_inner.h"

struct inner_case {
    const char *name;
    const char *text;  /* of [dbmodules] */
    const char *inner; /* NULL: refused */
    const char *why;   /* the detail holds this */
};

#define REALM(name, library, rest)                                            \
    name " = {\ndb_library = " library "\n" rest "}\n"

static const struct inner_case cases[] = {
    {"one realm", REALM("A", "certmap", "certmap_inner = db2\n"), "db2", ""},
    {"two realms",
     REALM("A", "certmap", "certmap_inner = kldap\n")
         REALM("B", "certmap", "certmap_inner = kldap\n"),
     "kldap", ""},
    {"another's realm beside it",
     REALM("A", "db2", "") REALM("B", "certmap", "certmap_inner = klmdb\n"),
     "klmdb", ""},
    {"what others write does not count",
     REALM("A", "db2", "certmap_inner = certmap\n")
         REALM("B", "certmap", "certmap_inner = db2\n"),
     "db2", ""},
    {"the same twice",
     REALM("A", "certmap", "certmap_inner = db2\ncertmap_inner = db2\n"),
     "db2", ""},
    {"nobody's", REALM("A", "db2", ""), NULL, "no subsection of [dbmodules]"},
    {"nothing", "", NULL, "no subsection of [dbmodules]"},
    {"missing", REALM("A", "certmap", ""), NULL,
     "A: certmap_inner is missing"},
    {"missing in one realm",
     REALM("A", "certmap", "certmap_inner = db2\n") REALM("B", "certmap", ""),
     NULL, "B: certmap_inner is missing"},
    {"two modules",
     REALM("A", "certmap", "certmap_inner = db2\n")
         REALM("B", "certmap", "certmap_inner = kldap\n"),
     NULL, "every realm with db_library = certmap needs the same"},
    {"two in one realm",
     REALM("A", "certmap", "certmap_inner = db2\ncertmap_inner = kldap\n"),
     NULL, "needs the same"},
    {"itself", REALM("A", "certmap", "certmap_inner = certmap\n"), NULL,
     "certmap_inner = certmap: allowed"},
    {"a path", REALM("A", "certmap", "certmap_inner = ../db2\n"), NULL,
     "allowed: the name of another KDB module"},
    {"words", REALM("A", "certmap", "certmap_inner = db2 kldap\n"), NULL,
     "allowed"},
    {"a section", REALM("A", "certmap", "certmap_inner = {\nx = db2\n}\n"),
     NULL, "certmap_inner is missing"},
};

static void
check(const struct inner_case *c, const char *path)
{
    const char *paths[] = {path, NULL};
    struct cm_detail detail;
    profile_t profile;
    FILE *out = fopen(path, "w");
    char *inner;

    print_message("%s\n", c->name);
    assert_non_null(out);
    assert_true(fprintf(out, "[dbmodules]\n%s", c->text) > 0);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(profile_init(paths, &profile), 0);
    inner = cm_kdb_inner_name(profile, &detail);
    if (c->inner != NULL) {
        assert_non_null(inner);
        assert_string_equal(inner, c->inner);
    } else {
        assert_null(inner);
        assert_non_null(strstr(detail.text, c->why));
    }
    free(inner);
    profile_release(profile);
    (void)unlink(path);
}

static void
test_names(void **state)
{
    char path[] = "/tmp/inner.XXXXXX";
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(close(fd), 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        check(&cases[i], path);
}

static void
test_name_length(void **state)
{
    char name[CM_KDB_INNER_MAX_NAME + 2];

    (void)state;
    memset(name, 'a', sizeof(name));
    name[CM_KDB_INNER_MAX_NAME + 1] = '\0';
    assert_false(cm_kdb_inner_name_is_valid(name));
    name[CM_KDB_INNER_MAX_NAME] = '\0';
    assert_true(cm_kdb_inner_name_is_valid(name));
    assert_false(cm_kdb_inner_name_is_valid(""));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_name_length),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
