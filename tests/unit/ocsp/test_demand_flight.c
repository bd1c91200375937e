/* One question is asked once, however many threads and processes have it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "demand_fixture.h"

enum { THREADS = 4, PROCESSES = 3 };

static void *
ask_in_thread(void *context)
{
    struct cm_fetcher *own = cm_fetcher_new();

    if (own != NULL)
        ask_with(own, leaf, PATIENT_MS, context);
    cm_fetcher_free(own);
    return NULL;
}

static void
hold(void)
{
    struct loopback_answer answer;
    size_t len;
    static uint8_t *body;

    free(body);
    body = response_about(leaf, ca, ca_key(), TO_GOOD, STORE_NOW - 60,
                          STORE_NOW + HOUR, &len);
    answer = ocsp_answer(body, len);
    answer.held = true;
    loopback_answer(server, &answer);
}

static void
test_threads(void **state)
{
    struct asked asked[THREADS], hasty;
    pthread_t threads[THREADS];

    (void)state;
    demand_begin();
    hold();
    use_responder(loopback_url(server));
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(
            pthread_create(&threads[i], NULL, ask_in_thread, &asked[i]), 0);
    assert_true(loopback_wait(server, 1));
    /* One more, who cannot wait. */
    hasty = ask_about(leaf, HASTY_MS);
    assert_int_equal(hasty.reason, CM_REVOCATION_UNAVAILABLE);
    assert_non_null(strstr(hasty.detail.text, "still asking the same"));
    loopback_release(server);
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(asked[i].reason, CM_OK);
        assert_int_equal(asked[i].state, CM_STATUS_GOOD);
    }
    assert_int_equal(loopback_asked(server), 1);
    demand_end();
}

/* A process of a KDC with several, forked before there are threads: it is
 * told whom to ask. */
static pid_t
start_process(int *to_child)
{
    struct asked asked = {.reason = CM_INTERNAL};
    int fds[2];
    char url[64] = "", *folder;
    pid_t pid;

    assert_int_equal(pipe(fds), 0);
    pid = fork();
    assert_true(pid >= 0);
    *to_child = fds[1];
    if (pid > 0) {
        close(fds[0]);
        return pid;
    }
    close(fds[1]);
    if (read(fds[0], url, sizeof(url) - 1) <= 0)
        _exit(99);
    folder = strdup(files_path("store"));
    if (folder == NULL)
        _exit(97);
    demand = cm_demand_new(folder, store, &http, &store_log);
    rules = (struct cm_issuer_rules){.sources = {CM_SOURCE_OCSP},
                                     .source_count = 1};
    if (demand == NULL || !cm_text_list_add(&rules.ocsp_urls, url))
        _exit(98);
    (void)ask_in_thread(&asked);
    _exit(asked.reason == CM_OK && asked.state == CM_STATUS_GOOD ? 0 : 1);
}

static void
test_processes(void **state)
{
    pid_t pids[PROCESSES];
    int pipes[PROCESSES], status;

    (void)state;
    for (size_t i = 0; i < PROCESSES; i++)
        pids[i] = start_process(&pipes[i]);
    demand_begin();
    hold();
    for (size_t i = 0; i < PROCESSES; i++) {
        const char *url = loopback_url(server);

        assert_int_equal(write(pipes[i], url, strlen(url)), strlen(url));
        close(pipes[i]);
    }
    assert_true(loopback_wait(server, 1));
    loopback_release(server);
    for (size_t i = 0; i < PROCESSES; i++) {
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
    assert_int_equal(loopback_asked(server), 1);
    demand_end();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_processes), /* before any thread */
        STORE_TEST(test_threads),
    };

    return cmocka_run_group_tests(tests, store_make_certificates,
                                  store_free_certificates);
}
