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

enum {
    DIGEST = 4,        /* words of a SHA-256 */
    WORDS = 2 * DIGEST /* the certificate's and the request's */
};

/* A process that is killed between two steps must leave no lock behind. */
_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2 && ATOMIC_INT_LOCK_FREE == 2,
               "atomics that are shared between processes");

/* All zero: free.  Taken with zeros in it: being written. */
struct place {
    _Atomic pid_t owner;
    _Atomic uint64_t words[WORDS];
};

/* How many others there are. */
struct others {
    size_t same;     /* about the certificate */
    size_t repeated; /* of them with the request */
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
        place->words[i] = 0;
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
are_equal(struct place *place, const uint64_t words[WORDS], size_t from)
{
    for (size_t i = from; i < from + DIGEST; i++) {
        if (place->words[i] != words[i])
            return false;
    }
    return true;
}

static struct others
count_others(struct cm_flights *flights, size_t mine,
             const uint64_t words[WORDS])
{
    struct others others = {0, 0};

    for (size_t i = 0; i < CM_FLIGHTS_MAX; i++) {
        struct place *place = &flights->places[i];

        if (i == mine || place->owner == 0 || !are_equal(place, words, 0))
            continue;
        others.same++;
        others.repeated += are_equal(place, words, DIGEST) ? 1 : 0;
    }
    return others;
}

/* One attempt.  The certificate is written last: whoever sees it sees the
 * request, too. */
static enum cm_flight
enter(struct cm_flights *flights, const uint64_t words[WORDS], size_t *place)
{
    size_t mine = claim(flights);
    struct others others;

    if (mine == CM_FLIGHTS_MAX)
        return CM_FLIGHT_BUSY;
    for (size_t i = WORDS; i > 0; i--)
        flights->places[mine].words[i - 1] = words[i - 1];
    others = count_others(flights, mine, words);
    if (others.repeated == 0 && others.same < CM_FLIGHTS_SAME) {
        *place = mine;
        return CM_FLIGHT_ENTERED;
    }
    clear(&flights->places[mine]);
    return others.repeated > 0 ? CM_FLIGHT_REPEATED : CM_FLIGHT_BUSY;
}

/* Off the common way: a system call for each place that is taken. */
static void
bury_all(struct cm_flights *flights)
{
    for (size_t i = 0; i < CM_FLIGHTS_MAX; i++)
        bury(&flights->places[i]);
}

enum cm_flight
cm_flights_enter(struct cm_flights *flights, const uint8_t certificate[32],
                 const uint8_t request[32], size_t *place)
{
    uint64_t words[WORDS];
    enum cm_flight flight;

    memcpy(words, certificate, sizeof(words) / 2);
    memcpy(words + DIGEST, request, sizeof(words) / 2);
    flight = enter(flights, words, place);
    if (flight != CM_FLIGHT_ENTERED)
        bury_all(flights);
    for (int i = 0; flight != CM_FLIGHT_ENTERED && i < CM_FLIGHTS_ATTEMPTS;
         i++)
        flight = enter(flights, words, place);
    return flight;
}

void
cm_flights_leave(struct cm_flights *flights, size_t place)
{
    if (place < CM_FLIGHTS_MAX && flights->places[place].owner == getpid())
        clear(&flights->places[place]);
}
