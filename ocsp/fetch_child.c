/*
 * The parent's side.
 */
#include "fetch_child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fetch_drop.h"
#include "fetch_message.h"
#include "monotonic.h"
#include "write_all.h"

enum { COPY_BYTES = 64 * 1024 };

struct cm_fetch_child {
    struct cm_fetch_identity identity;
    char *folder; /* or NULL */
    const struct cm_log *log;
    pid_t pid;  /* 0: no child */
    int socket; /* -1: no child */
    int body;   /* -1: nothing is under way */
    uint64_t number;
    int64_t deadline;
    size_t max_bytes;
    bool conditional;
};

/* ---- The process ---- */

static void
forget_request(struct cm_fetch_child *child)
{
    if (child->body >= 0)
        close(child->body);
    child->body = -1;
}

/* Ends the process, by its id, and the request that is under way. */
static void
end_process(struct cm_fetch_child *child)
{
    if (child->socket >= 0)
        close(child->socket);
    child->socket = -1;
    if (child->pid > 0) {
        kill(child->pid, SIGKILL);
        while (waitpid(child->pid, NULL, 0) < 0 && errno == EINTR)
            continue;
    }
    child->pid = 0;
    forget_request(child);
}

static void
kill_process(struct cm_fetch_child *child, const char *why)
{
    cm_log_write(child->log, CM_LOG_WARNING,
                 "the network process %ld was ended: %s", (long)child->pid,
                 why);
    end_process(child);
}

/* After fork(): becomes the worker, or says why not and is gone. */
static void
run_child(const struct cm_fetch_identity *identity, int socket)
{
    struct cm_fetch_greeting greeting = {.able = false};
    const char *step = cm_fetch_become(identity, &socket);
    struct cm_message message;

    cm_detail_set(&greeting.why, "%s: %s", step, strerror(errno));
    if (cm_message_encode_greeting(&greeting, &message))
        (void)send(socket, message.bytes, message.len, MSG_NOSIGNAL);
    _exit(EXIT_FAILURE);
}

/* Waits until the child has spoken or hung up.  False: it has not. */
static bool
await(const struct cm_fetch_child *child, int64_t deadline)
{
    struct pollfd poller = {.fd = child->socket, .events = POLLIN};
    int n;

    do
        n = poll(&poller, 1, cm_monotonic_left(deadline));
    while (n < 0 && errno == EINTR);
    return n > 0;
}

static bool
hear(const struct cm_fetch_child *child, struct cm_message *message)
{
    ssize_t n;

    do
        n = recv(child->socket, message->bytes, sizeof(message->bytes),
                 MSG_DONTWAIT | MSG_TRUNC);
    while (n < 0 && errno == EINTR);
    if (n <= 0 || (size_t)n > sizeof(message->bytes))
        return false;
    message->len = (size_t)n;
    return true;
}

static bool
is_who_it_should_be(const struct cm_fetch_child *child,
                    const struct cm_fetch_greeting *greeting)
{
    const struct cm_fetch_identity *identity = &child->identity;

    return !identity->change ||
           (greeting->uid == identity->uid && greeting->gid == identity->gid &&
            greeting->groups == 0);
}

static bool
hear_greeting(struct cm_fetch_child *child, struct cm_detail *detail)
{
    struct cm_fetch_greeting greeting;
    struct cm_message message;

    if (!await(child, cm_monotonic_ms() + CM_FETCH_CHILD_START_MS) ||
        !hear(child, &message) ||
        !cm_message_decode_greeting(&message, &greeting))
        cm_detail_set(detail, "the network process did not start");
    else if (!greeting.able)
        cm_detail_set(detail, "the network process: %s", greeting.why.text);
    else if (!is_who_it_should_be(child, &greeting))
        cm_detail_set(detail, "the network process is not who it should be");
    else
        return true;
    return false;
}

static bool
start_process(struct cm_fetch_child *child, struct cm_detail *detail)
{
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        cm_detail_set(detail, "a socket pair: %s", strerror(errno));
        return false;
    }
    child->pid = fork();
    if (child->pid == 0)
        run_child(&child->identity, ends[1]);
    close(ends[1]);
    child->socket = ends[0];
    if (child->pid < 0) {
        cm_detail_set(detail, "a network process: %s", strerror(errno));
        end_process(child);
        return false;
    }
    if (hear_greeting(child, detail))
        return true;
    end_process(child);
    return false;
}

struct cm_fetch_child *
cm_fetch_child_start(const struct cm_fetch_child_options *options,
                     struct cm_detail *detail)
{
    struct cm_fetch_child *child = calloc(1, sizeof(*child));

    if (child == NULL) {
        cm_detail_set(detail, "no memory");
        return NULL;
    }
    child->socket = child->body = -1;
    child->log = options->log;
    if (options->folder != NULL) {
        child->folder = strdup(options->folder);
        if (child->folder == NULL)
            cm_detail_set(detail, "no memory");
    }
    if ((options->folder != NULL && child->folder == NULL) ||
        !cm_fetch_identity_find(options->user, &child->identity, detail) ||
        !start_process(child, detail)) {
        cm_fetch_child_free(child);
        return NULL;
    }
    if (!child->identity.change)
        cm_log_write(child->log, CM_LOG_WARNING,
                     "the network process runs as the same user as its "
                     "parent: another one takes root and a name");
    return child;
}

void
cm_fetch_child_free(struct cm_fetch_child *child)
{
    if (child == NULL)
        return;
    end_process(child);
    free(child->folder);
    free(child);
}

bool
cm_fetch_child_dropped(const struct cm_fetch_child *child)
{
    return child->identity.change;
}

pid_t
cm_fetch_child_pid(const struct cm_fetch_child *child)
{
    return child->pid;
}

/* ---- Requests ---- */

/* A file without a name in the folder. */
static int
open_nameless(const char *folder)
{
    static const char TEMPLATE[] = "/.fetch-XXXXXX";
    char path[CM_MESSAGE_MAX_PATH + sizeof(TEMPLATE)];
    int fd = open(folder, O_TMPFILE | O_EXCL | O_RDWR | O_CLOEXEC,
                  S_IRUSR | S_IWUSR);

    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR))
        return fd;
    /* The file system cannot do that. */
    if (strlen(folder) > CM_MESSAGE_MAX_PATH) {
        errno = ENAMETOOLONG;
        return -1;
    }
    snprintf(path, sizeof(path), "%s%s", folder, TEMPLATE);
    fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0)
        unlink(path);
    return fd;
}

static bool
open_body(struct cm_fetch_child *child, struct cm_detail *detail)
{
    child->body = child->folder != NULL
                      ? open_nameless(child->folder)
                      : memfd_create("certmap-fetch", MFD_CLOEXEC);
    if (child->body >= 0)
        return true;
    cm_detail_set(detail, "a temporary file%s%s: %s",
                  child->folder != NULL ? " in " : "",
                  child->folder != NULL ? child->folder : "", strerror(errno));
    return false;
}

/* Sends the message with the descriptor of the body. */
static bool
say(const struct cm_fetch_child *child, struct cm_message *message)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec data = {message->bytes, message->len};
    struct msghdr header = {.msg_iov = &data,
                            .msg_iovlen = 1,
                            .msg_control = control.bytes,
                            .msg_controllen = sizeof(control.bytes)};
    struct cmsghdr *rights;
    ssize_t n;

    memset(&control, 0, sizeof(control));
    rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(rights), &child->body, sizeof(int));
    do
        n = sendmsg(child->socket, &header, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)message->len;
}

/* A child that died since, or speaks unasked, is replaced. */
static bool
have_process(struct cm_fetch_child *child, struct cm_detail *detail)
{
    if (child->pid > 0 && await(child, 0))
        kill_process(child, "it spoke unasked, or died");
    return child->pid > 0 || start_process(child, detail);
}

static bool
hand_over(struct cm_fetch_child *child, const struct cm_fetch_order *order,
          struct cm_message *message, struct cm_detail *detail)
{
    if (!have_process(child, detail) || !open_body(child, detail))
        return false;
    if (!say(child, message)) {
        cm_detail_set(detail, "the network process takes no request");
        kill_process(child, "it takes no request");
        return false;
    }
    child->deadline =
        cm_monotonic_ms() + order->http.timeout_ms + CM_FETCH_CHILD_GRACE_MS;
    child->max_bytes = order->http.max_bytes;
    child->conditional =
        !order->special && order->http.body == NULL &&
        (order->http.etag != NULL || order->http.last_modified != NULL);
    return true;
}

static bool
send_order(struct cm_fetch_child *child, struct cm_fetch_order *order,
           struct cm_detail *detail)
{
    struct cm_message message;
    bool sent = false;

    if (child->body >= 0) {
        cm_detail_set(detail, "the last answer was not collected");
        return false;
    }
    order->number = ++child->number;
    if (cm_message_encode_order(order, &message))
        sent = hand_over(child, order, &message, detail);
    else
        cm_detail_set(detail, "the request is out of bounds");
    explicit_bzero(&message, sizeof(message));
    return sent;
}

bool
cm_fetch_child_send(struct cm_fetch_child *child,
                    const struct cm_fetch_request *request,
                    struct cm_detail *detail)
{
    struct cm_fetch_order order = {.http = *request};

    return send_order(child, &order, detail);
}

bool
cm_fetch_child_send_special(struct cm_fetch_child *child,
                            const uint8_t *payload, size_t len,
                            size_t max_bytes, int timeout_ms,
                            struct cm_detail *detail)
{
    struct cm_fetch_order order = {
        .special = true,
        .http = {.max_bytes = max_bytes, .timeout_ms = timeout_ms},
        .payload = payload,
        .payload_len = len,
    };

    return send_order(child, &order, detail);
}

int
cm_fetch_child_fd(const struct cm_fetch_child *child)
{
    return child->body >= 0 ? child->socket : -1;
}

uint64_t
cm_fetch_child_received(const struct cm_fetch_child *child)
{
    struct stat st;

    return child->body >= 0 && fstat(child->body, &st) == 0
               ? (uint64_t)st.st_size
               : 0;
}

int
cm_fetch_child_left(const struct cm_fetch_child *child)
{
    return child->body >= 0 ? cm_monotonic_left(child->deadline) : 0;
}

/* ---- Answers ---- */

/* May this be the answer to what was asked? */
static bool
is_plausible(const struct cm_fetch_child *child,
             const struct cm_fetch_reply *reply)
{
    struct stat st;

    if (reply->number != child->number)
        return false;
    if (reply->result == CM_FETCH_NOT_MODIFIED)
        return child->conditional;
    if (reply->result != CM_FETCHED)
        return true;
    return reply->response.bytes <= child->max_bytes &&
           fstat(child->body, &st) == 0 &&
           (uint64_t)st.st_size == reply->response.bytes;
}

static bool
copy_body(int from, int to, size_t len)
{
    uint8_t buffer[COPY_BYTES];
    size_t at = 0;
    ssize_t n;

    while (at < len) {
        n = pread(from, buffer,
                  len - at < sizeof(buffer) ? len - at : sizeof(buffer),
                  (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0)
            errno = EIO; /* it became shorter */
        if (n <= 0 || !cm_write_all(to, buffer, (size_t)n))
            return false;
        at += (size_t)n;
    }
    return true;
}

static enum cm_fetch_result
take_answer(struct cm_fetch_child *child, int out_fd,
            const struct cm_fetch_reply *reply,
            struct cm_fetch_response *response, struct cm_detail *detail)
{
    if (reply->result == CM_FETCHED &&
        !copy_body(child->body, out_fd, reply->response.bytes)) {
        cm_detail_set(detail, "copying the answer: %s", strerror(errno));
        return CM_FETCH_FAILED;
    }
    if (reply->result == CM_FETCHED || reply->result == CM_FETCH_NOT_MODIFIED)
        *response = reply->response;
    cm_detail_set(detail, "%s", reply->detail.text);
    return reply->result;
}

enum cm_fetch_result
cm_fetch_child_collect(struct cm_fetch_child *child, int out_fd,
                       struct cm_fetch_response *response,
                       struct cm_detail *detail)
{
    struct cm_fetch_reply reply;
    struct cm_message message;
    enum cm_fetch_result result;

    if (child->body < 0) {
        cm_detail_set(detail, "nothing was asked");
        return CM_FETCH_FAILED;
    }
    if (!await(child, child->deadline)) {
        cm_detail_set(detail, "the network process did not answer");
        kill_process(child, "it did not answer in time");
        return CM_FETCH_TIMED_OUT;
    }
    if (!hear(child, &message) || !cm_message_decode_reply(&message, &reply) ||
        !is_plausible(child, &reply)) {
        cm_detail_set(detail, "the network process died or talks nonsense");
        kill_process(child, "it died or talks nonsense");
        return CM_FETCH_FAILED;
    }
    result = take_answer(child, out_fd, &reply, response, detail);
    forget_request(child);
    return result;
}

enum cm_fetch_result
cm_fetch_child_fetch(struct cm_fetch_child *child,
                     const struct cm_fetch_request *request, int out_fd,
                     struct cm_fetch_response *response,
                     struct cm_detail *detail)
{
    if (!cm_fetch_child_send(child, request, detail))
        return CM_FETCH_FAILED;
    return cm_fetch_child_collect(child, out_fd, response, detail);
}
