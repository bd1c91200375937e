#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crl_world_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crlgen.h"

#define LATER .this_update = "231215000000Z"
#define EXPIRED .next_update = "231231000000Z"
#define ENDLESS .next_update = ""
#define SOON .next_update = "240102000000Z"
#define AHEAD(time) .this_update = time
#define SCOPE(content) .scope = "30(" content ")"
#define USER "81:ff"
#define CAS "82:ff"
#define REASONS(bits) "83:" bits
#define INDIRECT "84:ff"
#define ATTRIBUTE "85:ff"
#define EXTENSION(id, value) "30( 06:551d" id " 04( " value " ) )"
#define CRITICAL(id, value) "30( 06:551d" id " 01:ff 04( " value " ) )"
#define BEGIN_ENTRY(serial) "30( 02:" serial " 17'231101000000Z' 30( "
#define REASON(code) EXTENSION("15", "0a:" code)
#define LISTS(serial, code) .entries = BEGIN_ENTRY(serial) REASON(code) " ) )"
#define LISTS_OF(serial, cn)                                                  \
    .entries = BEGIN_ENTRY(serial) REASON("01")                               \
        CRITICAL("1d", "30( a4( " NAME(cn) " ) )") " ) )"
#define LISTS_BARE(serial) .entries = "30( 02:" serial " 17'231101000000Z' )"

struct crl_row {
    const char *id;
    const char *issuer;
    const char *key; /* that signs it; NULL: the issuer's */
    unsigned number; /* 0: none */
    unsigned base;   /* 0: none; else a delta */
    const char *this_update, *next_update;
    const char *scope;
    const char *entries;
};

static const struct crl_row crls[] = {
    {"root", "root", .number = 1},
    {"root-expired", "root", .number = 1, EXPIRED},
    {"root-soon", "root", .number = 1, SOON},
    {"root-no-ca", "root", .number = 1, LISTS("02", "01")},
    {"root-no-new", "root", .number = 1, LISTS("07", "01")},
    {"root-no-split", "root", .number = 1, LISTS("0b", "01")},
    {"root-no-lists", "root", .number = 1, LISTS("0d", "01")},
    {"root2", "root2", .number = 1},

    {"good", "ca", .number = 5},
    {"good-sooner", "ca", .number = 5, SOON},
    {"bad", "ca", .number = 5, LISTS("10", "01")},
    {"bad-without-reason", "ca", .number = 5, LISTS_BARE("10")},
    {"hold", "ca", .number = 5, LISTS("10", "06")},
    {"negative", "ca", .number = 5, LISTS("f0", "01")},
    {"else", "ca", .number = 5, LISTS("12", "01")},
    {"expired", "ca", .number = 5, EXPIRED},
    {"bad-expired", "ca", .number = 5, EXPIRED, LISTS("10", "01")},
    {"endless", "ca", .number = 5, ENDLESS},
    {"ahead-a-little", "ca", .number = 6, AHEAD("240101000500Z")},
    {"ahead", "ca", .number = 6, AHEAD("240101000501Z")},
    {"bad-ahead", "ca", .number = 6, AHEAD("240101000501Z"),
     LISTS("10", "01")},
    {"forged", "ca", "root2", .number = 9, LATER},
    {"bad-forged", "ca", "root2", .number = 9, LATER, LISTS("10", "01")},
    {"other-name", "root2", "ca", .number = 5},
    {"newer", "ca", .number = 6, LATER},
    {"newer-expired", "ca", .number = 6, LATER, EXPIRED},
    {"newer-bad", "ca", .number = 6, LATER, LISTS("10", "04")},
    {"later-lower", "ca", .number = 4, LATER},
    {"newer-unnumbered", "ca", LATER},

    {"namesake", "namesake", .number = 5},
    {"namesake-bad", "namesake", .number = 5, LISTS("10", "01")},
    {"silent", "silent", .number = 5},
    {"plain", "plain", .number = 5},

    {"users", "ca", .number = 5, SCOPE(USER)},
    {"cas", "ca", .number = 5, SCOPE(CAS)},
    {"attributes", "ca", .number = 5, SCOPE(ATTRIBUTE)},
    {"root-users", "root", .number = 5, SCOPE(USER)},
    {"root-cas", "root", .number = 5, SCOPE(CAS)},
    {"at-a", "ca", .number = 5, SCOPE(AT("http://a/"))},
    {"at-a-bad", "ca", .number = 5, SCOPE(AT("http://a/")), LISTS("11", "01")},
    {"at-c-bad", "ca", .number = 5, SCOPE(AT("http://c/")), LISTS("11", "01")},
    {"at-c", "ca", .number = 5, SCOPE(AT("http://c/"))},
    {"at-ca", "ca", .number = 5, SCOPE(AT_NAME("CA"))},
    {"at-relative", "ca", .number = 5, SCOPE(AT_RELATIVE("part"))},
    {"at-other-part", "ca", .number = 5, SCOPE(AT_RELATIVE("other"))},
    {"key-reasons", "ca", .number = 5, SCOPE(REASONS(KEY_REASONS))},
    {"key-reasons-bad", "ca", .number = 5, SCOPE(REASONS(KEY_REASONS)),
     LISTS("10", "01")},
    {"other-reasons", "ca", .number = 5, SCOPE(REASONS(OTHER_REASONS))},
    {"other-reasons-expired", "ca", .number = 5, SCOPE(REASONS(OTHER_REASONS)),
     EXPIRED},
    {"a-key-reasons", "ca", .number = 5,
     SCOPE(AT("http://a/") REASONS(KEY_REASONS))},
    {"a-all", "ca", .number = 5, SCOPE(AT("http://a/"))},
    {"b-all", "ca", .number = 5, SCOPE(AT("http://b/"))},

    {"delta", "ca", .number = 6, .base = 5, LATER},
    {"delta-bad", "ca", .number = 6, .base = 5, LATER, LISTS("10", "01")},
    {"delta-removal", "ca", .number = 6, .base = 5, LATER, LISTS("10", "08")},
    {"delta-removal-expired", "ca", .number = 6, .base = 5, LATER, EXPIRED,
     LISTS("10", "08")},
    {"delta-hold", "ca", .number = 6, .base = 5, LATER, LISTS("10", "06")},
    {"delta-hold-lifted", "ca", .number = 7, .base = 5, AHEAD("231220000000Z"),
     LISTS("10", "08")},
    {"delta-gap", "ca", .number = 9, .base = 7, LATER},
    {"delta-gap-bad", "ca", .number = 9, .base = 7, LATER, LISTS("10", "01")},
    {"delta-gap-removal", "ca", .number = 9, .base = 7, LATER,
     LISTS("10", "08")},
    {"delta-old-bad", "ca", .number = 4, .base = 3, AHEAD("231101000000Z"),
     LISTS("10", "01")},
    {"delta-users-removal", "ca", .number = 6, .base = 5, LATER, SCOPE(USER),
     LISTS("10", "08")},
    {"delta-namesake-removal", "namesake", .number = 6, .base = 5, LATER,
     LISTS("10", "08")},

    {"old", "old", .number = 5},
    {"old-expired", "old", .number = 5, EXPIRED},
    {"old-bad", "old", .number = 5, LISTS("10", "01")},
    {"new", "new", .number = 5},
    {"new-bad", "new", .number = 5, LISTS("10", "01")},
    {"new-at-a", "new", .number = 5, SCOPE(AT("http://a/"))},
    {"new-at-name", "new", .number = 5, SCOPE(AT_NAME("Roll"))},
    {"claimant", "claimant", .number = 5},
    {"split-crl", "split-crl", .number = 5},
    {"split-crl-bad", "split-crl", .number = 5, LISTS("10", "01")},
    {"split-crl-of-ca", "split-crl-of-ca", .number = 5},

    {"lists", "lists", .number = 5, SCOPE(INDIRECT)},
    {"lists-a", "lists", .number = 5, SCOPE(AT("http://a/") INDIRECT)},
    {"lists-c", "lists", .number = 5, SCOPE(AT("http://c/") INDIRECT)},
    {"lists-at-name", "lists", .number = 5, SCOPE(AT_NAME("Lists") INDIRECT)},
    {"lists-direct", "lists", .number = 5},
    {"lists-bad", "lists", .number = 5, SCOPE(INDIRECT), LISTS_OF("10", "CA")},
    {"lists-other-bad", "lists", .number = 5, SCOPE(INDIRECT),
     LISTS_OF("10", "Root 2")},
    {"lists-own-bad", "lists", .number = 5, SCOPE(INDIRECT),
     LISTS("10", "01")},
    {"self", "self", .number = 5, SCOPE(INDIRECT)},
    {"self-bad", "self", .number = 5, SCOPE(INDIRECT), LISTS_OF("24", "CA")},
    {"loop-a", "loop-a", .number = 5, SCOPE(INDIRECT)},
    {"loop-b", "loop-b", .number = 5, SCOPE(INDIRECT)},
};

static const struct crl_row *
find_crl(const char *id)
{
    for (size_t i = 0; i < sizeof(crls) / sizeof(*crls); i++) {
        if (strcmp(crls[i].id, id) == 0)
            return &crls[i];
    }
    print_error("no CRL named %s\n", id);
    abort();
}

/* crlExtensions, or "". */
static char *
extensions_of(const struct crl_row *row)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);

    assert_non_null(out);
    assert_true(row->number < 128 && row->base < 128);
    if (row->number != 0)
        fprintf(out, EXTENSION("14", "02:%02x"), row->number);
    if (row->base != 0)
        fprintf(out, CRITICAL("1b", "02:%02x"), row->base);
    if (row->scope != NULL)
        fprintf(out, CRITICAL("1c", "%s"), row->scope);
    assert_int_equal(fclose(out), 0);
    return text;
}

/* An element of time; "" stands for none. */
static char *
time_of(const char *given, const char *otherwise)
{
    const char *time = given != NULL ? given : otherwise;
    char *text = NULL;

    if (time[0] == '\0')
        text = strdup("");
    else
        assert_true(asprintf(&text, "17'%s'", time) > 0);
    assert_non_null(text);
    return text;
}

static int
make_crl(const struct crl_row *row)
{
    char *this_update = time_of(row->this_update, "231201000000Z");
    char *next_update = time_of(row->next_update, "240201000000Z");
    char *extensions = extensions_of(row);
    const struct crlgen_spec spec = {
        .key = crl_world_key(row->key != NULL ? row->key : row->issuer),
        .issuer = X509_get_subject_name(crl_world_cert(row->issuer)),
        .this_update = this_update,
        .next_update = next_update,
        .entries = row->entries,
        .extensions = extensions[0] != '\0' ? extensions : NULL,
    };
    int fd = crlgen_file(&spec);

    free(this_update);
    free(next_update);
    free(extensions);
    return fd;
}

enum cm_reason
crl_world_add(struct cm_crl_files *files, const char *id,
              struct cm_detail *detail)
{
    int fd = make_crl(find_crl(id));
    enum cm_reason reason = cm_crl_files_add(files, fd, detail);

    close(fd);
    return reason;
}
