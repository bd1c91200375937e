#include "seat.h"

#include <stdlib.h>
#include <string.h>

#include "realm.h"

/* A realm's directory, as this thread is connected to it. */
struct place {
    const struct cm_realm *realm;
    struct cm_directory *directory;
};

struct cm_seat {
    struct place *places;
    size_t count;
    struct cm_fetcher *fetcher; /* NULL: nothing was to be fetched yet */
};

struct cm_seat *
cm_seat_new(void)
{
    return calloc(1, sizeof(struct cm_seat));
}

void
cm_seat_free(struct cm_seat *seat)
{
    if (seat == NULL)
        return;
    for (size_t i = 0; i < seat->count; i++)
        cm_directory_free(seat->places[i].directory);
    free(seat->places);
    cm_fetcher_free(seat->fetcher);
    free(seat);
}

/* Makes a place for the realm.  NULL: no memory. */
static struct cm_directory *
open_directory(struct cm_seat *seat, const struct cm_realm *realm)
{
    struct place *places =
        reallocarray(seat->places, seat->count + 1, sizeof(*places));
    struct cm_directory *directory;

    if (places == NULL)
        return NULL;
    seat->places = places;
    directory = cm_directory_new(&realm->settings.directory, realm->log);
    if (directory == NULL)
        return NULL;
    cm_directory_share_health(directory, realm->health);
    places[seat->count++] = (struct place){realm, directory};
    return directory;
}

static struct cm_directory *
find_directory(struct cm_seat *seat, const struct cm_realm *realm)
{
    for (size_t i = 0; i < seat->count; i++) {
        if (seat->places[i].realm == realm)
            return seat->places[i].directory;
    }
    return open_directory(seat, realm);
}

/* Only who may ask others gets connections. */
static bool
find_fetcher(struct cm_seat *seat, struct cm_services *services)
{
    if (services->demand == NULL)
        return true;
    if (seat->fetcher == NULL)
        seat->fetcher = cm_fetcher_new();
    services->fetcher = seat->fetcher;
    return services->fetcher != NULL;
}

bool
cm_seat_services(struct cm_seat *seat, const struct cm_realm *realm,
                 struct cm_services *out)
{
    struct cm_services services = realm->services;

    memset(out, 0, sizeof(*out));
    services.fetcher = NULL;
    services.directory = find_directory(seat, realm);
    if (services.directory == NULL || !find_fetcher(seat, &services))
        return false;
    *out = services;
    return true;
}
