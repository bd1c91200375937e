/*
 * What handles know together about their servers: as a table, between threads,
 * and over real sockets.
 */
#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "directory.h"
#include "health.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { SKIP = CM_LDAP_SKIP_MS, FACTOR = CM_HEALTH_REST_FACTOR };

/* ---- the rules ---- */

enum verb { END, DUE, MAY, MAY_ALL, WORKED, FAILED, NONE_WORKED };

struct event {
    enum verb verb;
    int64_t at;
    size_t server;
    bool answer;
    int64_t spent;
};

static struct row {
    const char *what;
    size_t count;
    struct event events[14];
} rows[] = {
    {"health: all work at first, for everyone",
     2,
     {{MAY, 0, 0, true, 0}, {MAY, 0, 0, true, 0}, {MAY, 0, 1, true, 0}}},
    {"health: one failure, and everybody leaves it alone",
     2,
     {{FAILED, 0, 0, true, 0},
      {DUE, SKIP - 1, 0, false, 0},
      {MAY, SKIP - 1, 0, false, 0},
      {MAY, SKIP - 1, 1, true, 0}}},
    {"health: it is news once",
     2,
     {{FAILED, 0, 0, true, 0},
      {FAILED, 1, 0, false, 0},
      {WORKED, 2, 0, true, 0},
      {WORKED, 3, 0, false, 0}}},
    {"health: one tries it again before the others",
     2,
     {{FAILED, 0, 0, true, 0},
      {DUE, SKIP, 0, true, 0},
      {MAY, SKIP, 0, true, 0},
      {MAY, SKIP, 0, false, 0},
      {DUE, SKIP, 0, false, 0},
      {WORKED, SKIP + 1, 0, true, 0},
      {MAY, SKIP + 1, 0, true, 0},
      {MAY, SKIP + 1, 0, true, 0}}},
    {"health: all out after a hang: others come after its rest",
     1,
     {{FAILED, 1000, 0, true, 0},
      {NONE_WORKED, 1000, 0, true, 1000},
      {MAY_ALL, 1000 + FACTOR * 1000 - 1, 0, false, 0},
      {MAY_ALL, 1000 + FACTOR * 1000, 0, true, 0},
      {MAY_ALL, 1000 + FACTOR * 1000, 0, false, 0}}},
    {"health: all out after a quick refusal: the next one tries",
     1,
     {{FAILED, 10, 0, true, 0},
      {NONE_WORKED, 10, 0, true, 0},
      {MAY_ALL, 10, 0, true, 0},
      {MAY_ALL, 10, 0, false, 0},
      {NONE_WORKED, 11, 0, true, 1},
      {MAY_ALL, 11 + FACTOR, 0, true, 0}}},
    {"health: a rest is never longer than that of one server",
     1,
     {{FAILED, 0, 0, true, 0},
      {NONE_WORKED, 0, 0, true, INT64_MAX},
      {MAY_ALL, SKIP - 1, 0, false, 0},
      {MAY_ALL, SKIP, 0, true, 0}}},
    {"health: who never tells holds the try for one rest",
     1,
     {{FAILED, 0, 0, true, 0},
      {MAY_ALL, 0, 0, true, 0},
      {MAY_ALL, SKIP - 1, 0, false, 0},
      {MAY_ALL, SKIP, 0, true, 0}}},
    {"health: while one works there is no such rest",
     2,
     {{FAILED, 0, 0, true, 0},
      {NONE_WORKED, 0, 0, true, 1000},
      {FAILED, 1, 1, true, 0},
      {MAY_ALL, 1, 0, true, 0}}},
    {"health: one that is back ends it",
     2,
     {{FAILED, 0, 0, true, 0},
      {FAILED, 0, 1, true, 0},
      {NONE_WORKED, 0, 0, true, 1000},
      {MAY_ALL, 0, 0, false, 0},
      {WORKED, 1, 1, true, 0},
      {MAY, 2, 1, true, 0},
      {MAY, 2, 0, false, 0},
      {FAILED, 3, 1, true, 0},
      {MAY_ALL, 3, 0, true, 0}}},
};

static void
play(struct cm_directory_health *health, const struct event *event)
{
    bool answer = event->answer;

    switch (event->verb) {
    case END:
        break;
    case DUE:
        answer = cm_health_is_due(health, event->server, event->at);
        break;
    case MAY:
        answer = cm_health_may_try(health, event->server, event->at);
        break;
    case MAY_ALL:
        answer = cm_health_may_try_all(health, event->at);
        break;
    case WORKED:
        answer = cm_health_worked(health, event->server);
        break;
    case FAILED:
        answer = cm_health_failed(health, event->server, event->at);
        break;
    case NONE_WORKED:
        cm_health_none_worked(health, event->at, event->spent);
        break;
    }
    assert_int_equal(answer, event->answer);
}

static void
test_row(void **state)
{
    const struct row *row = *state;
    struct cm_directory_health *health = cm_directory_health_new(row->count);

    assert_non_null(health);
    for (size_t i = 0; row->events[i].verb != END; i++)
        play(health, &row->events[i]);
    cm_directory_health_free(health);
}

static void
test_bounds(void **state)
{
    struct cm_directory_health *none = cm_directory_health_new(0);

    (void)state;
    assert_non_null(none);
    cm_directory_health_free(none);
    cm_directory_health_free(NULL);
    assert_null(cm_directory_health_new(CM_DIRECTORY_MAX_URIS + 1));
}

/* ---- between threads ---- */

struct crowd {
    struct cm_directory_health *health;
    int64_t now;
    atomic_int admitted;
};

static void *
press(void *context)
{
    struct crowd *crowd = context;

    if (cm_health_may_try(crowd->health, 0, crowd->now))
        atomic_fetch_add(&crowd->admitted, 1);
    return NULL;
}

static void
test_one_of_many_threads_tries(void **state)
{
    struct crowd crowd = {.health = cm_directory_health_new(2)};
    pthread_t threads[16];

    (void)state;
    assert_non_null(crowd.health);
    for (int round = 1; round <= 50; round++) {
        crowd.now = (int64_t)round * 10 * SKIP;
        (void)cm_health_failed(crowd.health, 0, crowd.now - SKIP);
        atomic_store(&crowd.admitted, 0);
        for (size_t i = 0; i < COUNT(threads); i++)
            assert_int_equal(pthread_create(&threads[i], NULL, press, &crowd),
                             0);
        for (size_t i = 0; i < COUNT(threads); i++)
            assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(atomic_load(&crowd.admitted), 1);
    }
    cm_directory_health_free(crowd.health);
}

/* ---- over sockets ---- */

/* A server that takes connections and never says anything. */
struct deaf {
    int fd;
    char uri[64];
};

static void
deaf_start(struct deaf *deaf)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof(address);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    deaf->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    assert_true(deaf->fd >= 0);
    assert_int_equal(bind(deaf->fd, (const struct sockaddr *)&address, len),
                     0);
    assert_int_equal(listen(deaf->fd, 16), 0);
    assert_int_equal(getsockname(deaf->fd, (struct sockaddr *)&address, &len),
                     0);
    (void)snprintf(deaf->uri, sizeof(deaf->uri), "ldap://127.0.0.1:%u",
                   (unsigned)ntohs(address.sin_port));
}

/* Connections since the last call. */
static int
deaf_connections(const struct deaf *deaf)
{
    int count = 0, fd;

    while ((fd = accept(deaf->fd, NULL, NULL)) >= 0) {
        (void)close(fd);
        count++;
    }
    return count;
}

struct pair {
    struct deaf deaf;
    struct cm_directory_config config;
    struct cm_directory_health *health;
    struct cm_directory *handles[2];
    struct cm_principal principal;
};

static void
pair_start(struct pair *pair)
{
    memset(pair, 0, sizeof(*pair));
    deaf_start(&pair->deaf);
    assert_true(cm_schema_init(&pair->config.schema, CM_SCHEMA_MIT));
    pair->config.kind = CM_DIRECTORY_LDAP;
    pair->config.uris[0] = strdup(pair->deaf.uri);
    pair->config.uri_count = 1;
    pair->config.base = strdup("dc=example,dc=com");
    pair->config.bind_dn = strdup("cn=kdc");
    pair->config.password = strdup("secret");
    assert_true(cm_principal_parse("alice@CORP.TEST", NULL, &pair->principal));
    pair->health = cm_directory_health_new(1);
    assert_non_null(pair->health);
    for (size_t i = 0; i < 2; i++) {
        pair->handles[i] = cm_directory_new(&pair->config, NULL);
        assert_non_null(pair->handles[i]);
    }
}

static void
pair_end(struct pair *pair)
{
    for (size_t i = 0; i < 2; i++)
        cm_directory_free(pair->handles[i]);
    cm_directory_health_free(pair->health);
    cm_principal_clear(&pair->principal);
    cm_directory_config_clear(&pair->config);
    (void)close(pair->deaf.fd);
}

/* Asks, in vain.  Returns how many connections that made. */
static int
ask(struct pair *pair, size_t handle, int timeout_ms, const char *words)
{
    const struct cm_directory_query query = {
        .lookup = {.principal = &pair->principal, .dns_domain = "corp.test"},
        .timeout_ms = timeout_ms,
        .may_wait = true};
    struct cm_accounts accounts;
    struct cm_detail detail = {""};

    assert_int_equal(
        cm_directory_find(pair->handles[handle], &query, &accounts, &detail),
        CM_DIRECTORY_UNAVAILABLE);
    assert_non_null(strstr(detail.text, words));
    return deaf_connections(&pair->deaf);
}

static void
test_handles_that_share(void **state)
{
    struct pair pair;

    (void)state;
    pair_start(&pair);
    cm_directory_share_health(pair.handles[0], pair.health);
    cm_directory_share_health(pair.handles[1], pair.health);
    assert_int_equal(ask(&pair, 0, 2500, "no answer in time"), 1);
    assert_int_equal(ask(&pair, 1, 2500, "failed lately"), 0);
    assert_int_equal(ask(&pair, 0, 2500, "failed lately"), 0);
    pair_end(&pair);
}

static void
test_handles_of_their_own(void **state)
{
    struct pair pair;

    (void)state;
    pair_start(&pair);
    assert_int_equal(ask(&pair, 0, 200, "no answer in time"), 1);
    assert_int_equal(ask(&pair, 1, 200, "no answer in time"), 1);
    assert_int_equal(ask(&pair, 0, 200, "no answer in time"), 1);
    pair_end(&pair);
}

/* Time that others took from a login is not held against the server. */
static void
test_short_time_blames_nobody(void **state)
{
    struct pair pair;

    (void)state;
    pair_start(&pair);
    cm_directory_share_health(pair.handles[0], pair.health);
    cm_directory_share_health(pair.handles[1], pair.health);
    for (int i = 0; i < 4; i++)
        assert_int_equal(
            ask(&pair, (size_t)i % 2, CM_HEALTH_FAIR_MS / 2, "in time"), 1);
    assert_int_equal(ask(&pair, 0, 2500, "no answer in time"), 1);
    assert_int_equal(ask(&pair, 1, 2500, "failed lately"), 0);
    pair_end(&pair);
}

/* kdb and ldif have no servers. */
static void
test_without_servers(void **state)
{
    const struct cm_directory_config config = {.kind = CM_DIRECTORY_KDB};
    struct cm_directory *directory = cm_directory_new(&config, NULL);

    (void)state;
    assert_non_null(directory);
    cm_directory_share_health(directory, NULL);
    cm_directory_free(directory);
}

static const struct CMUnitTest others[] = {
    cmocka_unit_test(test_bounds),
    cmocka_unit_test(test_one_of_many_threads_tries),
    cmocka_unit_test(test_handles_that_share),
    cmocka_unit_test(test_handles_of_their_own),
    cmocka_unit_test(test_short_time_blames_nobody),
    cmocka_unit_test(test_without_servers),
};

int
main(void)
{
    struct CMUnitTest tests[COUNT(rows) + COUNT(others)] = {{0}};

    for (size_t i = 0; i < COUNT(rows); i++) {
        tests[i] = (struct CMUnitTest){.name = rows[i].what,
                                       .test_func = test_row,
                                       .initial_state = &rows[i]};
    }
    memcpy(&tests[COUNT(rows)], others, sizeof(others));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
