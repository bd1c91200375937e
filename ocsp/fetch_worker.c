/*
 * The network child itself: it takes orders from its socket until that ends.
 */
#include "fetch_child.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fetch_message.h"

enum { EXIT_DONE = 0, EXIT_BROKEN = 1, EXIT_MISUSED = 2 };

bool
cm_fetch_worker_wanted(int argc, char *const *argv)
{
    return argc == 2 && strcmp(argv[1], CM_FETCH_WORKER_ARGUMENT) == 0;
}

/* Somebody may have typed the argument. */
static bool
has_socket(void)
{
    int type = 0;
    socklen_t len = sizeof(type);

    return getsockopt(CM_MESSAGE_SOCKET, SOL_SOCKET, SO_TYPE, &type, &len) ==
               0 &&
           type == SOCK_SEQPACKET;
}

static bool
say(const struct cm_message *message)
{
    ssize_t n;

    do
        n = send(CM_MESSAGE_SOCKET, message->bytes, message->len,
                 MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)message->len;
}

static bool
greet(struct cm_message *message)
{
    struct cm_fetch_greeting greeting = {.able = true};
    int groups = getgroups(0, NULL);

    if (groups < 0)
        return false;
    greeting.uid = geteuid();
    greeting.gid = getegid();
    greeting.groups = (uint64_t)groups;
    return cm_message_encode_greeting(&greeting, message) && say(message);
}

/* The one descriptor that came along; -1: none, or several. */
static int
descriptor_of(struct msghdr *header)
{
    const struct cmsghdr *control = CMSG_FIRSTHDR(header);
    int fd;

    if ((header->msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 ||
        control == NULL || control->cmsg_level != SOL_SOCKET ||
        control->cmsg_type != SCM_RIGHTS ||
        control->cmsg_len != CMSG_LEN(sizeof(fd)))
        return -1;
    memcpy(&fd, CMSG_DATA(control), sizeof(fd));
    return fd;
}

/* 1: a message and a descriptor; 0: the parent hung up; -1: nonsense. */
static int
hear(struct cm_message *message, int *out_fd)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec data = {message->bytes, sizeof(message->bytes)};
    struct msghdr header = {.msg_iov = &data,
                            .msg_iovlen = 1,
                            .msg_control = control.bytes,
                            .msg_controllen = sizeof(control.bytes)};
    ssize_t n;

    do
        n = recvmsg(CM_MESSAGE_SOCKET, &header, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n <= 0)
        return n == 0 ? 0 : -1;
    message->len = (size_t)n;
    *out_fd = descriptor_of(&header);
    return *out_fd >= 0 ? 1 : -1;
}

static void
obey(struct cm_fetcher *fetcher, cm_fetch_special *special,
     const struct cm_fetch_order *order, int out_fd,
     struct cm_fetch_reply *reply)
{
    reply->number = order->number;
    reply->result = CM_FETCH_FAILED;
    if (!order->special)
        reply->result = cm_fetch(fetcher, &order->http, out_fd,
                                 &reply->response, &reply->detail);
    else if (special != NULL)
        reply->result = special(order->payload, order->payload_len,
                                order->http.max_bytes, order->http.timeout_ms,
                                out_fd, &reply->response, &reply->detail);
    else
        cm_detail_set(&reply->detail, "no such request is known here");
}

static int
serve(struct cm_fetcher *fetcher, cm_fetch_special *special,
      struct cm_message *message)
{
    struct cm_fetch_order order;
    struct cm_fetch_reply reply;
    int heard, out_fd = -1;
    bool said;

    while ((heard = hear(message, &out_fd)) > 0) {
        memset(&reply, 0, sizeof(reply));
        if (!cm_message_decode_order(message, &order))
            return EXIT_BROKEN;
        obey(fetcher, special, &order, out_fd, &reply);
        explicit_bzero(message, sizeof(*message));
        close(out_fd);
        said = cm_message_encode_reply(&reply, message) && say(message);
        if (!said)
            return EXIT_BROKEN;
    }
    return heard == 0 ? EXIT_DONE : EXIT_BROKEN;
}

int
cm_fetch_worker_main(cm_fetch_special *special)
{
    struct cm_message message;
    struct cm_fetcher *fetcher;
    int status = EXIT_BROKEN;

    if (!has_socket())
        return EXIT_MISUSED;
    /* A file that grows too long is a failed write, not a death. */
    if (signal(SIGXFSZ, SIG_IGN) == SIG_ERR ||
        prctl(PR_SET_NAME, "certmap-fetch") != 0 ||
        prctl(PR_SET_DUMPABLE, 0) != 0)
        return EXIT_BROKEN;
    fetcher = cm_fetcher_new();
    if (fetcher != NULL && greet(&message))
        status = serve(fetcher, special, &message);
    cm_fetcher_free(fetcher);
    return status;
}
