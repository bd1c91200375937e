/*
 * What threads share, and what each has for itself.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "realm.h"
#include "seat.h"

static const struct cm_log silent;

/* Handles that nobody looks into. */
static char trust, store, demand;

static void
make_realm(struct cm_realm *realm, const char *name)
{
    memset(realm, 0, sizeof(*realm));
    assert_true(cm_settings_init(&realm->settings, name));
    realm->state = CM_REALM_READY;
    realm->log = &silent;
    realm->services.trust = (struct cm_trust *)&trust;
    realm->services.store = (struct cm_store *)&store;
    realm->services.clock = cm_system_clock;
}

static void
test_one_seat(void **state)
{
    struct cm_seat *seat = cm_seat_new();
    struct cm_services first, again, other;
    struct cm_realm realms[2];

    (void)state;
    assert_non_null(seat);
    make_realm(&realms[0], "ONE.TEST");
    make_realm(&realms[1], "TWO.TEST");
    assert_true(cm_seat_services(seat, &realms[0], &first));
    assert_true(cm_seat_services(seat, &realms[1], &other));
    assert_true(cm_seat_services(seat, &realms[0], &again));
    assert_ptr_equal(first.trust, &trust);
    assert_ptr_equal(first.store, &store);
    assert_ptr_equal(first.clock.now, cm_system_clock.now);
    assert_non_null(first.directory);
    assert_ptr_equal(first.directory, again.directory);
    assert_ptr_not_equal(first.directory, other.directory);
    cm_seat_free(seat);
    cm_settings_clear(&realms[0].settings);
    cm_settings_clear(&realms[1].settings);
}

static void
test_fetches_only_on_demand(void **state)
{
    struct cm_seat *seat = cm_seat_new();
    struct cm_services without, with, again;
    struct cm_realm realm;

    (void)state;
    assert_non_null(seat);
    make_realm(&realm, "ONE.TEST");
    assert_true(cm_seat_services(seat, &realm, &without));
    assert_null(without.fetcher);
    realm.services.demand = (struct cm_demand *)&demand;
    assert_true(cm_seat_services(seat, &realm, &with));
    assert_ptr_equal(with.demand, &demand);
    assert_non_null(with.fetcher);
    assert_true(cm_seat_services(seat, &realm, &again));
    assert_ptr_equal(with.fetcher, again.fetcher);
    cm_seat_free(seat);
    cm_seat_free(NULL);
    cm_settings_clear(&realm.settings);
}

struct sitting {
    const struct cm_realm *realm;
    struct cm_seat *seat;
    struct cm_services services;
    bool ok;
};

static void *
sit(void *context)
{
    struct sitting *sitting = context;

    sitting->seat = cm_seat_new();
    sitting->ok = sitting->seat != NULL;
    for (int i = 0; i < 1000 && sitting->ok; i++)
        sitting->ok = cm_seat_services(sitting->seat, sitting->realm,
                                       &sitting->services);
    return NULL;
}

static void
test_two_threads(void **state)
{
    struct sitting sittings[2] = {{0}};
    struct cm_realm realm;
    pthread_t threads[2];

    (void)state;
    make_realm(&realm, "ONE.TEST");
    realm.services.demand = (struct cm_demand *)&demand;
    for (int i = 0; i < 2; i++) {
        sittings[i].realm = &realm;
        assert_int_equal(pthread_create(&threads[i], NULL, sit, &sittings[i]),
                         0);
    }
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_true(sittings[0].ok && sittings[1].ok);
    assert_ptr_not_equal(sittings[0].services.directory,
                         sittings[1].services.directory);
    assert_ptr_not_equal(sittings[0].services.fetcher,
                         sittings[1].services.fetcher);
    assert_ptr_equal(sittings[0].services.trust, sittings[1].services.trust);
    for (int i = 0; i < 2; i++)
        cm_seat_free(sittings[i].seat);
    cm_settings_clear(&realm.settings);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_seat),
        cmocka_unit_test(test_fetches_only_on_demand),
        cmocka_unit_test(test_two_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
