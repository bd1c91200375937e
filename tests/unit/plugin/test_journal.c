/*
 * Lines of threads wait for the main thread.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "journal.h"

enum { MAX_LINES = CM_JOURNAL_MAX_WAITING + 10, LINE_SIZE = 100 };

struct heard {
    char lines[MAX_LINES][LINE_SIZE];
    enum cm_severity severities[MAX_LINES];
    size_t count;
};

static struct heard heard;

static void
hear(void *context, enum cm_severity severity, const char *text)
{
    struct heard *out = context;

    assert_int_equal(gettid(), getpid()); /* on the main thread only */
    assert_true(out->count < MAX_LINES);
    snprintf(out->lines[out->count], LINE_SIZE, "%s", text);
    out->severities[out->count++] = severity;
}

static struct cm_journal *
make(void)
{
    struct cm_journal *journal =
        cm_journal_new(&(struct cm_log){hear, &heard});

    memset(&heard, 0, sizeof(heard));
    assert_non_null(journal);
    return journal;
}

struct talk {
    struct cm_journal *journal;
    size_t count;
};

static void *
talk(void *context)
{
    struct talk *out = context;

    for (size_t i = 0; i < out->count; i++)
        cm_log_write(cm_journal_log(out->journal), CM_LOG_WARNING, "line %zu",
                     i);
    return NULL;
}

static void
from_thread(struct cm_journal *journal, size_t count)
{
    struct talk out = {journal, count};
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, talk, &out), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static void
test_main_thread(void **state)
{
    struct cm_journal *journal = make();

    (void)state;
    cm_log_write(cm_journal_log(journal), CM_LOG_ERROR, "now");
    assert_int_equal(heard.count, 1);
    assert_string_equal(heard.lines[0], "now");
    assert_int_equal(heard.severities[0], CM_LOG_ERROR);
    cm_journal_free(journal);
    cm_journal_free(NULL);
}

static void
test_thread(void **state)
{
    struct cm_journal *journal = make();

    (void)state;
    from_thread(journal, 2);
    assert_int_equal(heard.count, 0);
    cm_journal_flush(journal);
    assert_int_equal(heard.count, 2);
    assert_string_equal(heard.lines[0], "line 0");
    assert_string_equal(heard.lines[1], "line 1");
    assert_int_equal(heard.severities[1], CM_LOG_WARNING);
    from_thread(journal, 1); /* and before what the main thread says next */
    cm_log_write(cm_journal_log(journal), CM_LOG_INFO, "later");
    assert_int_equal(heard.count, 4);
    assert_string_equal(heard.lines[3], "later");
    from_thread(journal, 1);
    cm_journal_free(journal); /* the last ones */
    assert_int_equal(heard.count, 5);
}

static void
test_too_many(void **state)
{
    struct cm_journal *journal = make();

    (void)state;
    from_thread(journal, CM_JOURNAL_MAX_WAITING + 3);
    cm_journal_flush(journal);
    assert_int_equal(heard.count, CM_JOURNAL_MAX_WAITING + 1);
    assert_string_equal(heard.lines[CM_JOURNAL_MAX_WAITING],
                        "certmap: 3 lines were too many and are lost");
    cm_journal_flush(journal); /* said once */
    assert_int_equal(heard.count, CM_JOURNAL_MAX_WAITING + 1);
    cm_journal_free(journal);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_main_thread),
        cmocka_unit_test(test_thread),
        cmocka_unit_test(test_too_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
