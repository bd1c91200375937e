#include "wire.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

double
wire_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void
wire_init(struct wire *wire)
{
    memset(wire, 0, sizeof(*wire));
    wire->fd = -1;
}

void
wire_stop(struct wire *wire)
{
    if (wire->fd >= 0)
        close(wire->fd);
    wire->fd = -1;
}

static void
put_message(struct wire *wire, const uint8_t *message, size_t len)
{
    size_t prefix = wire->tcp ? WIRE_PREFIX : 0;
    uint32_t length = htonl((uint32_t)len);

    memcpy(wire->out, &length, prefix);
    memcpy(wire->out + prefix, message, len);
    wire->out_len = prefix + len;
    wire->sent = wire->received = 0;
    wire->events = POLLOUT;
    wire->deadline = wire_now() + WIRE_SECONDS;
}

bool
wire_start(struct wire *wire, const struct wire_kdc *kdc,
           const uint8_t *message, size_t len)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(kdc->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int type = kdc->tcp ? SOCK_STREAM : SOCK_DGRAM;

    if (len > AM_MAX_MESSAGE)
        return false;
    wire_stop(wire);
    wire->tcp = kdc->tcp;
    wire->fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (wire->fd < 0)
        return false;
    if (connect(wire->fd, (struct sockaddr *)&address, sizeof(address)) != 0 &&
        errno != EINPROGRESS) {
        wire_stop(wire);
        return false;
    }
    put_message(wire, message, len);
    return true;
}

static enum wire_state
step_out(struct wire *wire)
{
    ssize_t count = send(wire->fd, wire->out + wire->sent,
                         wire->out_len - wire->sent, MSG_NOSIGNAL);

    if (count < 0)
        return errno == EAGAIN || errno == EINTR ? WIRE_BUSY : WIRE_FAILED;
    wire->sent += (size_t)count;
    if (wire->sent == wire->out_len)
        wire->events = POLLIN;
    return WIRE_BUSY;
}

/* Is the answer whole? */
static enum wire_state
judge_in(const struct wire *wire, const uint8_t **message, size_t *len)
{
    size_t prefix = wire->tcp ? WIRE_PREFIX : 0;
    uint32_t length = 0;

    if (wire->received < prefix)
        return WIRE_BUSY;
    *message = wire->in + prefix;
    *len = wire->received - prefix;
    if (!wire->tcp)
        return WIRE_DONE;
    memcpy(&length, wire->in, sizeof(length));
    if (*len > ntohl(length) || ntohl(length) > AM_MAX_MESSAGE)
        return WIRE_FAILED;
    return *len == ntohl(length) ? WIRE_DONE : WIRE_BUSY;
}

static enum wire_state
step_in(struct wire *wire, const uint8_t **message, size_t *len)
{
    ssize_t count = recv(wire->fd, wire->in + wire->received,
                         sizeof(wire->in) - wire->received, 0);

    if (count < 0)
        return errno == EAGAIN || errno == EINTR ? WIRE_BUSY : WIRE_FAILED;
    if (count == 0)
        return WIRE_FAILED;
    wire->received += (size_t)count;
    return judge_in(wire, message, len);
}

enum wire_state
wire_step(struct wire *wire, const uint8_t **message, size_t *len)
{
    enum wire_state state = WIRE_BUSY;

    if (wire->events == POLLOUT)
        state = step_out(wire);
    else
        state = step_in(wire, message, len);
    if (state == WIRE_BUSY && wire_now() >= wire->deadline)
        state = WIRE_FAILED;
    if (state != WIRE_BUSY)
        wire_stop(wire);
    return state;
}

bool
wire_exchange(struct wire *wire, const struct wire_kdc *kdc,
              const uint8_t *request, size_t request_len,
              const uint8_t **message, size_t *len)
{
    enum wire_state state = WIRE_BUSY;
    struct pollfd poller;

    if (!wire_start(wire, kdc, request, request_len))
        return false;
    while (state == WIRE_BUSY) {
        poller = (struct pollfd){.fd = wire->fd, .events = wire->events};
        poll(&poller, 1, WIRE_SECONDS * 1000);
        state = wire_step(wire, message, len);
    }
    return state == WIRE_DONE;
}
