/*
 * The network part of the refresher: a process of its own that has dropped to
 * a user of its own.
 *
 * The parent never touches the network.  It hands the child one request at a
 * time over a socket, together with the descriptor of an unlinked file that
 * takes the body, and reads the answer.  The child is this program executed
 * anew: it inherits no memory, no environment, and no descriptor but its
 * socket.  It opens no path of the store.
 *
 * A child that hangs, dies or answers nonsense is killed by its process id;
 * the next request starts another.  Several requests at a time: several
 * children.  A handle belongs to one thread.
 *
 * What a request names by path, its ca_file, the child's user must be able to
 * read.
 */
#ifndef CM_FETCH_CHILD_H
#define CM_FETCH_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "fetch.h"
#include "log.h"

/* The program's only argument when it is to be the child. */
#define CM_FETCH_WORKER_ARGUMENT "fetch-worker"

enum {
    CM_FETCH_CHILD_START_MS = 10000, /* until it has greeted */
    CM_FETCH_CHILD_GRACE_MS = 3000,  /* beyond a request's own timeout */
    CM_FETCH_CHILD_MAX_TIMEOUT_MS = 3600 * 1000,
    CM_FETCH_CHILD_MAX_BODY = 16384,    /* bytes of a POST */
    CM_FETCH_CHILD_MAX_PAYLOAD = 16384, /* bytes of a special request */
    CM_FETCH_CHILD_MAX_HOSTS = 64,      /* proxy_hosts */
    CM_FETCH_CHILD_MAX_FILE = 1024 * 1024 * 1024, /* bytes of an answer */
    CM_FETCH_CHILD_MAX_FILES = 64,                /* descriptors */
    CM_FETCH_CHILD_MAX_MEMORY = 1024 * 1024 * 1024
};

/* ---- The parent ---- */

struct cm_fetch_child_options {
    /* Whom the child becomes; NULL: it stays who the parent is.  Changing
     * takes root: without it the child stays too, which cm_fetch_child_start
     * logs as a warning. */
    const char *user;
    /* Where the unlinked files lie: on the file system of the store, since a
     * CRL may be large.  NULL: in memory. */
    const char *folder;
    const struct cm_log *log; /* or NULL; outlives the handle */
};

struct cm_fetch_child;

/*
 * Starts the child.  NULL: detail says why (no such user, the user is root,
 * it could not drop everything, no process, no memory).  A root that is kept
 * short of capabilities needs CAP_SETUID, CAP_SETGID and CAP_KILL.
 *
 * Before main() does anything else it must call cm_fetch_worker_main() when
 * cm_fetch_worker_wanted().
 */
struct cm_fetch_child *
cm_fetch_child_start(const struct cm_fetch_child_options *options,
                     struct cm_detail *detail);

/* Ends the child. */
void cm_fetch_child_free(struct cm_fetch_child *child);

/* Does it run as a user of its own? */
bool cm_fetch_child_dropped(const struct cm_fetch_child *child);

/* Its process id; 0: there is none just now. */
pid_t cm_fetch_child_pid(const struct cm_fetch_child *child);

/*
 * Hands over a request; nothing of it is needed afterwards.  False: it was
 * not handed over (no child could be started, out of bounds, the last answer
 * was not collected); detail says why.
 */
bool cm_fetch_child_send(struct cm_fetch_child *child,
                         const struct cm_fetch_request *request,
                         struct cm_detail *detail);

/*
 * A request that is not HTTP: the worker's special handler reads the payload.
 * No trace of the payload is kept in the parent's copies.
 */
bool cm_fetch_child_send_special(struct cm_fetch_child *child,
                                 const uint8_t *payload, size_t len,
                                 size_t max_bytes, int timeout_ms,
                                 struct cm_detail *detail);

/* For poll(): readable once an answer is there; -1: nothing is under way. */
int cm_fetch_child_fd(const struct cm_fetch_child *child);

/* Milliseconds until the child counts as hanging; 0: it does. */
int cm_fetch_child_left(const struct cm_fetch_child *child);

/* Bytes of the body that have arrived so far. */
uint64_t cm_fetch_child_received(const struct cm_fetch_child *child);

/*
 * Waits for the answer and copies the body into out_fd, an empty file of the
 * caller's: a child that went on writing would change nothing there.  A child
 * that hangs (CM_FETCH_TIMED_OUT), dies or answers nonsense (CM_FETCH_FAILED)
 * is killed.  Meaning of the arguments as for cm_fetch().
 */
enum cm_fetch_result cm_fetch_child_collect(struct cm_fetch_child *child,
                                            int out_fd,
                                            struct cm_fetch_response *response,
                                            struct cm_detail *detail);

/* cm_fetch_child_send() and cm_fetch_child_collect() in one. */
enum cm_fetch_result cm_fetch_child_fetch(
    struct cm_fetch_child *child, const struct cm_fetch_request *request,
    int out_fd, struct cm_fetch_response *response, struct cm_detail *detail);

/* ---- The child ---- */

/* Answers a special request into out_fd; like cm_fetch(), response->bytes
 * being what was written. */
typedef enum cm_fetch_result
cm_fetch_special(const uint8_t *payload, size_t len, size_t max_bytes,
                 int timeout_ms, int out_fd,
                 struct cm_fetch_response *response, struct cm_detail *detail);

/* Was the program started as the child? */
bool cm_fetch_worker_wanted(int argc, char *const *argv);

/* The child's life; returns the process's exit status.  special may be NULL:
 * such requests then fail. */
int cm_fetch_worker_main(cm_fetch_special *special);

#endif
