/*
 * The pieces that store.h is made of.  Private to the files store*.c.
 */
#ifndef CM_STORE_PARTS_H
#define CM_STORE_PARTS_H

#include <pthread.h>
#include <sys/stat.h>

#include "certificates.h"
#include "deny.h"
#include "store.h"

#define CM_STORE_DRAFT_PREFIX ".new-"

enum {
    CM_STORE_KEY_TEXT = 64 + 1,      /* a SHA-256 in hex */
    CM_STORE_NAME_TEXT = 64 + 4 + 1, /* with ".idx" */
    CM_STORE_MAX_PATH = 512,         /* bytes of a name below the store */
    CM_STORE_FOLDER_MODE = 0755,     /* of what is made */
    CM_STORE_FILE_MODE = 0644,
    CM_STORE_PRIVATE_FOLDER_MODE = 0700, /* of who logged in */
    CM_STORE_PRIVATE_FILE_MODE = 0600,
    CM_STORE_MAX_LISTED = 500000 /* names looked at in one folder */
};

/* ---- store_folder.c: opening what may be believed ---- */

/* Belongs to root or to this process's user, and nobody else may write. */
bool cm_store_is_safe(const struct stat *st, struct cm_detail *detail);

/*
 * A folder or a regular file of at most max bytes, links not followed, and
 * safe.  name may hold "/": every folder on the way must be safe too.
 * CM_STORE_FILE_READ: *fd is open, the caller closes it.  st may be NULL.
 */
enum cm_store_file cm_store_open_folder(int below, const char *name, int *fd,
                                        struct cm_detail *detail);
enum cm_store_file cm_store_open_file(int below, const char *name, size_t max,
                                      int *fd, struct stat *st,
                                      struct cm_detail *detail);

/* The store itself. */
enum cm_store_file cm_store_open_root(const char *path, int *fd,
                                      struct cm_detail *detail);

/* The content of one; the caller frees *data, which has a NUL after it. */
enum cm_store_file cm_store_slurp(int below, const char *name, size_t max,
                                  uint8_t **data, size_t *len,
                                  struct cm_detail *detail);

/* Calls visit with each name in the folder that does not begin with ".",
 * until it returns false.  False: it stopped, or the folder cannot be read,
 * or holds too much (detail is set). */
bool cm_store_list(int folder, bool (*visit)(void *context, const char *name),
                   void *context, struct cm_detail *detail);

/* Lower-case hex of a SHA-256, and back: exactly 64 digits, then suffix. */
void cm_store_hex(const uint8_t digest[32], char out[CM_STORE_KEY_TEXT]);
bool cm_store_unhex(const char *name, const char *suffix, uint8_t out[32]);

/* "ocsp/ab/ab....ors".  False: no memory. */
bool cm_store_ocsp_name(X509 *cert, X509 *issuer, char out[CM_STORE_MAX_PATH]);

/* Removes drafts last written before a time: a crash left them. */
void cm_store_drop_drafts(int folder, int64_t before);

/* ---- store_seen.c ---- */

/* Removes those not seen for CM_STORE_SEEN_DAYS. */
void cm_store_forget_seen(struct cm_store_writer *writer, int64_t now);

/* ---- store_shelf.c: the indexes of one CA key ---- */

struct cm_store_slot {
    char name[CM_STORE_NAME_TEXT];
    struct cm_file_stamp stamp;
    struct cm_crl_index *index; /* NULL: not open */
    bool failed;                /* not to be tried before the next look */
    unsigned users;             /* visits that hold it */
    unsigned long used;         /* when it was last visited */
};

struct cm_store_shelf {
    uint8_t spki[32];
    unsigned long look; /* that the slots belong to */
    unsigned users;
    unsigned long used;
    struct cm_store_slot *slots;
    size_t count;
    bool faulty; /* the folder itself; or a slot */
    struct cm_detail fault;
};

void cm_store_shelf_free(struct cm_store_shelf *shelf);

/* cm_crl_provider.each */
bool cm_store_each_crl(void *context, const uint8_t spki[32],
                       bool (*visit)(void *visit_context,
                                     struct cm_crl_index *index),
                       void *visit_context);

/* ---- store_deny.c ---- */

struct cm_store_deny {
    int fd;     /* held, so that no other file gets its inode; -1 */
    bool seen;  /* it was there */
    bool known; /* list is what stamp says */
    struct cm_file_stamp stamp;
    struct cm_deny_list list;
    enum cm_denial state; /* CM_NOT_DENIED: list may be asked */
    struct cm_detail why;
};

void cm_store_deny_clear(struct cm_store_deny *deny);

/* ---- store.c ---- */

struct cm_store {
    char *path;
    bool must_exist;
    const struct cm_log *log;
    struct cm_crl_provider crls;
    struct cm_response_provider responses;
    pthread_mutex_t mutex; /* recursive: a visit may ask again */

    int root;           /* the held folder; -1: none */
    unsigned long look; /* how often it was looked at */
    bool timed;         /* looked_at means something */
    int64_t looked_at;  /* ms */
    bool seen;
    enum cm_reason state;
    struct cm_detail why;

    bool faulty;
    struct cm_detail fault;

    struct cm_store_shelf **shelves;
    size_t shelf_count;
    size_t open_count;     /* indexes */
    unsigned long visited; /* counts visits, for `used` */
    struct cm_store_deny deny;
};

/* Locks the handle, and looks at the folder if nobody has yet. */
void cm_store_enter(struct cm_store *store);
void cm_store_leave(struct cm_store *store);

/* Notes a fault (the first one is kept). */
void cm_store_note_fault(struct cm_store *store, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* ---- store_write.c: also for what a login writes ---- */

struct cm_store_writer {
    int root;
    int lock;
};

/* Makes the folders of a name's way, all but its last part, and opens the
 * last of them.  -1: detail says why. */
int cm_store_make_way(int below, const char *name, mode_t mode,
                      struct cm_detail *detail);

/* A file that is being written beside the one that it will replace. */
struct cm_store_draft {
    int folder; /* borrowed */
    int fd;
    char name[NAME_MAX + 1];
};

bool cm_store_draft_open(int folder, mode_t mode, struct cm_store_draft *draft,
                         struct cm_detail *detail);
bool cm_store_draft_write(struct cm_store_draft *draft, const void *data,
                          size_t len, struct cm_detail *detail);
/* Syncs and closes it; it still has its temporary name. */
bool cm_store_draft_close(struct cm_store_draft *draft,
                          struct cm_detail *detail);
/* Gives it its name.  The folder is not synced. */
bool cm_store_draft_rename(struct cm_store_draft *draft, const char *name,
                           struct cm_detail *detail);
/* Removes what was not renamed. */
void cm_store_draft_drop(struct cm_store_draft *draft);

bool cm_store_sync(int folder, struct cm_detail *detail);

/* ---- store_floor.c: what must never go back ---- */

struct cm_store_floor {
    bool known;
    struct cm_crl_number number;
    int64_t this_update;
};

/* key and scope in hex.  None noted is no failure. */
bool cm_store_floor_read(struct cm_store_writer *writer, const char *key,
                         const char *scope, struct cm_store_floor *out,
                         struct cm_detail *detail);
bool cm_store_floor_write(struct cm_store_writer *writer, const char *key,
                          const char *scope,
                          const struct cm_store_floor *floor,
                          struct cm_detail *detail);
void cm_store_floor_raise(struct cm_store_floor *floor,
                          const struct cm_crl_facts *facts);
/* Is the CRL at or above it? */
bool cm_store_floor_holds(const struct cm_store_floor *floor,
                          const struct cm_crl_facts *facts,
                          struct cm_detail *detail);

/* ---- store_repair.c, store_incoming.c, store_sweep.c ---- */

struct cm_store_repair {
    struct cm_store_writer *writer;
    const struct cm_snapshot *trusted;
    bool whole; /* it holds all that is trusted */
    int64_t now;
    const struct cm_log *log;
    struct cm_detail *detail;
    bool ok; /* false: something could not be written */
};

/* A certificate with this key; NULL: it is not trusted. */
X509 *cm_store_trusted_key(const struct cm_snapshot *trusted,
                           const uint8_t spki[32]);

/* The names in a folder, so that it may be changed while they are gone
 * through.  False: detail says why; out is empty. */
bool cm_store_names(int folder, struct cm_text_list *out,
                    struct cm_detail *detail);

/* A line about a file: where "crl/ab...", name "x.crl". */
void cm_store_repair_log(const struct cm_store_repair *repair,
                         enum cm_severity severity, const char *where,
                         const char *name, const char *what, const char *why);

/* Notes what could not be written; the first is kept. */
void cm_store_repair_failed(struct cm_store_repair *repair, const char *where,
                            const char *why);

/*
 * Publishes an open file as a CRL of the key, and logs what became of it.
 * True: it is published; scope names it, in hex.
 */
bool cm_store_repair_publish(struct cm_store_repair *repair, int fd,
                             X509 *signer, const uint8_t spki[32],
                             const char *where, const char *name,
                             char scope[CM_STORE_KEY_TEXT]);

void cm_store_repair_incoming(struct cm_store_repair *repair);
void cm_store_repair_sweep(struct cm_store_repair *repair);

#endif
