/*
 * The indexes of one CA key, opened when they are first asked and kept, as
 * long as their files stay what they were.
 */
#include "store_parts.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- What there is ---- */

struct listing {
    struct cm_store_shelf *shelf; /* a new one */
    int folder;
};

static void
blame(struct cm_store_shelf *shelf, const char *name, const char *why)
{
    char key[CM_STORE_KEY_TEXT];

    shelf->faulty = true;
    cm_store_hex(shelf->spki, key);
    cm_detail_set(&shelf->fault, "crl/%s%s%s: %s", key,
                  name[0] != '\0' ? "/" : "", name, why);
}

static bool
list_index(void *context, const char *name)
{
    struct listing *listing = context;
    struct cm_store_shelf *shelf = listing->shelf;
    struct cm_store_slot *slots;
    uint8_t scope[32];
    struct stat st;

    if (!cm_store_unhex(name, ".idx", scope))
        return true;
    if (fstatat(listing->folder, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return true; /* gone since */
    if (shelf->count == CM_STORE_MAX_SCOPES) {
        blame(shelf, "", "too many indexes");
        return false;
    }
    slots = reallocarray(shelf->slots, shelf->count + 1, sizeof(*slots));
    if (slots == NULL) {
        blame(shelf, "", "out of memory");
        return false;
    }
    shelf->slots = slots;
    memset(&slots[shelf->count], 0, sizeof(*slots));
    snprintf(slots[shelf->count].name, CM_STORE_NAME_TEXT, "%s", name);
    cm_file_stamp_set(&slots[shelf->count].stamp, &st);
    shelf->count++;
    return true;
}

static int
compare_slots(const void *a, const void *b)
{
    const struct cm_store_slot *left = a, *right = b;

    return strcmp(left->name, right->name);
}

/* Fills a new shelf with what lies in its folder; nothing is opened. */
static void
fill_shelf(const struct cm_store *store, struct cm_store_shelf *shelf)
{
    struct listing listing = {.shelf = shelf};
    char name[sizeof("crl/") + CM_STORE_KEY_TEXT] = "crl/";
    struct cm_detail why = {""};

    cm_store_hex(shelf->spki, name + strlen(name));
    switch (cm_store_open_folder(store->root, name, &listing.folder, &why)) {
    case CM_STORE_FILE_READ:
        if (!cm_store_list(listing.folder, list_index, &listing, &why) &&
            !shelf->faulty)
            blame(shelf, "", why.text);
        close(listing.folder);
        if (shelf->count > 1)
            qsort(shelf->slots, shelf->count, sizeof(*shelf->slots),
                  compare_slots);
        break;
    case CM_STORE_FILE_MISSING:
        break;
    case CM_STORE_FILE_REFUSED:
        blame(shelf, "", why.text);
        break;
    }
}

/* ---- Keeping what is open ---- */

static void
close_slot(struct cm_store *store, struct cm_store_slot *slot)
{
    if (slot->index == NULL)
        return;
    cm_crl_index_free(slot->index);
    slot->index = NULL;
    store->open_count--;
}

/* Moves what is open and still the same file from the old slots. */
static void
keep_open(struct cm_store *store, struct cm_store_shelf *old,
          struct cm_store_shelf *new)
{
    struct cm_store_slot *from, *to;

    for (size_t i = 0; i < old->count; i++) {
        from = &old->slots[i];
        to = new->count == 0 ? NULL
                             : bsearch(from, new->slots, new->count,
                                       sizeof(*from), compare_slots);
        if (to != NULL && cm_file_stamp_equal(&from->stamp, &to->stamp)) {
            to->index = from->index;
            to->used = from->used;
            from->index = NULL;
        }
        close_slot(store, from);
    }
}

static void
refresh_shelf(struct cm_store *store, struct cm_store_shelf *shelf)
{
    struct cm_store_shelf new = {.look = store->look};

    memcpy(new.spki, shelf->spki, sizeof(new.spki));
    if (store->root >= 0)
        fill_shelf(store, &new);
    keep_open(store, shelf, &new);
    free(shelf->slots);
    *shelf = new;
}

static void
close_shelf(struct cm_store *store, struct cm_store_shelf *shelf)
{
    for (size_t i = 0; i < shelf->count; i++)
        close_slot(store, &shelf->slots[i]);
    cm_store_shelf_free(shelf);
}

void
cm_store_shelf_free(struct cm_store_shelf *shelf)
{
    for (size_t i = 0; i < shelf->count; i++)
        cm_crl_index_free(shelf->slots[i].index);
    free(shelf->slots);
    free(shelf);
}

/* Makes room for one more shelf: the one not used for longest goes. */
static bool
make_room(struct cm_store *store)
{
    struct cm_store_shelf **shelves;
    size_t oldest = store->shelf_count;

    if (store->shelf_count < CM_STORE_MAX_KEYS) {
        shelves = reallocarray(store->shelves, store->shelf_count + 1,
                               sizeof(struct cm_store_shelf *));
        if (shelves == NULL)
            return false;
        store->shelves = shelves;
        return true;
    }
    for (size_t i = 0; i < store->shelf_count; i++) {
        if (store->shelves[i]->users == 0 &&
            (oldest == store->shelf_count ||
             store->shelves[i]->used < store->shelves[oldest]->used))
            oldest = i;
    }
    if (oldest == store->shelf_count)
        return false;
    close_shelf(store, store->shelves[oldest]);
    store->shelves[oldest] = store->shelves[--store->shelf_count];
    return true;
}

/* The shelf of a key, as it is at the last look.  NULL: no memory. */
static struct cm_store_shelf *
find_shelf(struct cm_store *store, const uint8_t spki[32])
{
    struct cm_store_shelf *shelf = NULL;

    for (size_t i = 0; i < store->shelf_count && shelf == NULL; i++) {
        if (memcmp(store->shelves[i]->spki, spki, 32) == 0)
            shelf = store->shelves[i];
    }
    if (shelf == NULL) {
        if (!make_room(store))
            return NULL;
        shelf = calloc(1, sizeof(*shelf));
        if (shelf == NULL)
            return NULL;
        memcpy(shelf->spki, spki, 32);
        store->shelves[store->shelf_count++] = shelf;
    }
    if (shelf->look != store->look && shelf->users == 0)
        refresh_shelf(store, shelf);
    shelf->used = ++store->visited;
    return shelf;
}

/* Closes the index that was not used for longest, if too many are open. */
static void
limit_open(struct cm_store *store)
{
    struct cm_store_slot *slot, *oldest = NULL;

    if (store->open_count < CM_STORE_MAX_OPEN)
        return;
    for (size_t i = 0; i < store->shelf_count; i++) {
        for (size_t j = 0; j < store->shelves[i]->count; j++) {
            slot = &store->shelves[i]->slots[j];
            if (slot->index != NULL && slot->users == 0 &&
                (oldest == NULL || slot->used < oldest->used))
                oldest = slot;
        }
    }
    if (oldest != NULL)
        close_slot(store, oldest);
}

/* ---- Visiting ---- */

/* Opens the slot's index.  What does not open is not tried again before the
 * next look; a file that has gone since is as if it had not been there. */
static void
open_slot(struct cm_store *store, struct cm_store_shelf *shelf,
          struct cm_store_slot *slot)
{
    char name[CM_STORE_MAX_PATH], key[CM_STORE_KEY_TEXT];
    struct cm_detail why = {""};
    enum cm_store_file outcome;
    struct stat st;
    int fd;

    slot->failed = true;
    cm_store_hex(shelf->spki, key);
    snprintf(name, sizeof(name), "crl/%s/%s", key, slot->name);
    outcome =
        cm_store_open_file(store->root, name, CM_CRL_MAX_FILE, &fd, &st, &why);
    if (outcome == CM_STORE_FILE_MISSING)
        return;
    if (outcome == CM_STORE_FILE_READ) {
        limit_open(store);
        slot->index = cm_crl_index_open(fd, shelf->spki, &why);
    }
    if (slot->index == NULL) {
        blame(shelf, slot->name, why.text);
        return;
    }
    cm_file_stamp_set(&slot->stamp, &st);
    slot->failed = false;
    store->open_count++;
}

static bool
visit_shelf(struct cm_store *store, struct cm_store_shelf *shelf,
            bool (*visit)(void *visit_context, struct cm_crl_index *index),
            void *visit_context)
{
    struct cm_store_slot *slot;
    bool more = true;

    for (size_t i = 0; more && i < shelf->count; i++) {
        slot = &shelf->slots[i];
        if (slot->index == NULL && !slot->failed)
            open_slot(store, shelf, slot);
        if (slot->index == NULL)
            continue;
        slot->used = ++store->visited;
        slot->users++;
        more = visit(visit_context, slot->index);
        slot->users--;
        if (slot->users == 0 && cm_crl_index_was_unreadable(slot->index)) {
            blame(shelf, slot->name, "damaged");
            close_slot(store, slot);
            slot->failed = true;
        }
    }
    if (shelf->faulty)
        cm_store_note_fault(store, "%s", shelf->fault.text);
    return more && !shelf->faulty;
}

bool
cm_store_each_crl(void *context, const uint8_t spki[32],
                  bool (*visit)(void *visit_context,
                                struct cm_crl_index *index),
                  void *visit_context)
{
    struct cm_store *store = context;
    struct cm_store_shelf *shelf = NULL;
    bool ok = false;

    cm_store_enter(store);
    if (store->state == CM_OK)
        shelf = find_shelf(store, spki);
    if (shelf != NULL) {
        shelf->users++;
        ok = visit_shelf(store, shelf, visit, visit_context);
        shelf->users--;
    } else {
        cm_store_note_fault(store, "%s",
                            store->state == CM_OK ? "out of memory"
                                                  : store->why.text);
    }
    cm_store_leave(store);
    return ok;
}
