/*
 * Why there are never more than CM_FLIGHTS_SAME: every process writes its
 * certificate into its place before it counts, and all these steps have one
 * order that every process sees (sequentially consistent, which is what C11's
 * plain operations on atomics are).  Of those that stayed, the one that wrote
 * last has counted all others.
 */
#include "flights.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

#include <sys/mman.h>
#include <unistd.h>

enum { WORDS = 4 }; /* of a SHA-256 */

/* A process that is killed between two steps must leave no lock behind. */
_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2 && ATOMIC_INT_LOCK_FREE == 2,
               "atomics that are shared between processes");

/* All zero: free.  Taken with a certificate of zeros: being written. */
struct place {
    _Atomic pid_t owner;
    _Atomic uint64_t certificate[WORDS];
};

struct cm_flights {
    struct place places[CM_FLIGHTS_MAX];
};

struct cm_flights *
cm_flights_new(void)
{
    void *memory =
        mmap(NULL, sizeof(struct cm_flights), PROT_READ | PROT_WRITE,
             MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    return memory != MAP_FAILED ? memory : NULL;
}

void
cm_flights_free(struct cm_flights *flights)
{
    if (flights != NULL)
        (void)munmap(flights, sizeof(*flights));
}

/* By its owner only. */
static void
clear(struct place *place)
{
    for (size_t i = 0; i < WORDS; i++)
        place->certificate[i] = 0;
    place->owner = 0;
}

/* Gives a place back whose process is no more, unless another process was
 * faster. */
static void
bury(struct place *place)
{
    pid_t owner = place->owner;

    if (owner == 0 || kill(owner, 0) == 0 || errno != ESRCH)
        return;
    if (atomic_compare_exchange_strong(&place->owner, &owner, getpid()))
        clear(place);
}

/* CM_FLIGHTS_MAX: none is free. */
static size_t
claim(struct cm_flights *flights)
{
    pid_t nobody;

    for (size_t i = 0; i < CM_FLIGHTS_MAX; i++) {
        nobody = 0;
        if (flights->places[i].owner == 0 &&
            atomic_compare_exchange_strong(&flights->places[i].owner, &nobody,
                                           getpid()))
            return i;
    }
    return CM_FLIGHTS_MAX;
}

static bool
is_about(struct place *place, const uint64_t words[WORDS])
{
    if (place->owner == 0)
        return false;
    for (size_t i = 0; i < WORDS; i++) {
        if (place->certificate[i] != words[i])
            return false;
    }
    return true;
}

static size_t
count(struct cm_flights *flights, const uint64_t words[WORDS])
{
    size_t same = 0;

    for (size_t i = 0; i < CM_FLIGHTS_MAX; i++)
        same += is_about(&flights->places[i], words) ? 1 : 0;
    return same;
}

/* One attempt. */
static bool
enter(struct cm_flights *flights, const uint64_t words[WORDS], size_t *place)
{
    size_t mine = claim(flights);

    if (mine == CM_FLIGHTS_MAX)
        return false;
    for (size_t i = 0; i < WORDS; i++)
        flights->places[mine].certificate[i] = words[i];
    if (count(flights, words) > CM_FLIGHTS_SAME) {
        clear(&flights->places[mine]);
        return false;
    }
    *place = mine;
    return true;
}

/* Off the common way: a system call for each place that is taken. */
static void
bury_all(struct cm_flights *flights)
{
    for (size_t i = 0; i < CM_FLIGHTS_MAX; i++)
        bury(&flights->places[i]);
}

bool
cm_flights_enter(struct cm_flights *flights, const uint8_t certificate[32],
                 size_t *place)
{
    uint64_t words[WORDS];

    memcpy(words, certificate, sizeof(words));
    if (enter(flights, words, place))
        return true;
    bury_all(flights);
    for (int i = 0; i < CM_FLIGHTS_ATTEMPTS; i++) {
        if (enter(flights, words, place))
            return true;
    }
    return false;
}

void
cm_flights_leave(struct cm_flights *flights, size_t place)
{
    if (place < CM_FLIGHTS_MAX && flights->places[place].owner == getpid())
        clear(&flights->places[place]);
}
