#include "ldap_wire.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <lber.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openldap.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "backend.h"

enum { PORT_TEXT_SIZE = 12 };

/* Waits for an event on the socket.  False: not before the deadline. */
static bool
wait_for(int fd, short events, int64_t deadline)
{
    struct pollfd waiting = {.fd = fd, .events = events};
    int64_t left;
    int n;

    do {
        left = deadline - cm_backend_now_ms();
        if (left <= 0)
            return false;
        n = poll(&waiting, 1, left > INT32_MAX ? INT32_MAX : (int)left);
    } while (n == 0 || (n < 0 && errno == EINTR));
    return n > 0;
}

/* Waits until a connect has come to its end.  Returns its errno. */
static int
finish_connect(int fd, int64_t deadline)
{
    socklen_t size = sizeof(int);
    int error = ETIMEDOUT;

    if (wait_for(fd, POLLOUT, deadline) &&
        getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
        return errno;
    return error;
}

/* A connected socket, or -1 with errno. */
static int
connect_address(int family, const struct sockaddr *address, socklen_t size,
                int64_t deadline)
{
    int one = 1, error = 0;
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return -1;
    if (family != AF_UNIX)
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (connect(fd, address, size) != 0)
        error = errno == EINPROGRESS ? finish_connect(fd, deadline) : errno;
    if (error == 0)
        return fd;
    (void)close(fd);
    errno = error;
    return -1;
}

static int
connect_local(const char *path, int64_t deadline)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (path == NULL || *path == '\0')
        path = "/var/run/slapd/ldapi";
    if (strlen(path) >= sizeof(address.sun_path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    return connect_address(AF_UNIX, (const struct sockaddr *)&address,
                           sizeof(address), deadline);
}

/* Tries the addresses in turn; each gets its share of the time left. */
static int
connect_any(const struct addrinfo *addresses, int64_t deadline)
{
    int fd = -1;
    int64_t now, count = 0;

    for (const struct addrinfo *a = addresses; a != NULL; a = a->ai_next)
        count++;
    for (const struct addrinfo *a = addresses; a != NULL && fd < 0;
         a = a->ai_next, count--) {
        now = cm_backend_now_ms();
        fd = connect_address(a->ai_family, a->ai_addr, a->ai_addrlen,
                             now + (deadline - now) / count);
    }
    return fd;
}

int
cm_ldap_wire_connect(const LDAPURLDesc *url, struct cm_resolve **pending,
                     int64_t deadline, struct cm_detail *detail)
{
    struct addrinfo *addresses = NULL;
    char port[PORT_TEXT_SIZE];
    int fd;

    if (strcasecmp(url->lud_scheme, "ldapi") == 0) {
        fd = connect_local(url->lud_host, deadline);
    } else {
        (void)snprintf(port, sizeof(port), "%d", url->lud_port);
        if (!cm_resolve(pending, url->lud_host, port, deadline, &addresses,
                        detail))
            return -1;
        fd = connect_any(addresses, deadline);
        freeaddrinfo(addresses);
    }
    if (fd < 0)
        cm_detail_set(detail, "connect: %s", strerror(errno));
    return fd;
}

static int
layer_setup(Sockbuf_IO_Desc *layer, void *argument)
{
    layer->sbiod_pvt = argument;
    return 0;
}

static int
layer_remove(Sockbuf_IO_Desc *layer)
{
    layer->sbiod_pvt = NULL;
    return 0;
}

/* There is no layer below this one to hand anything on to. */
static int
layer_control(Sockbuf_IO_Desc *layer, int option, void *argument)
{
    (void)layer;
    (void)option;
    (void)argument;
    return 0;
}

/*
 * After a call that would block: waits where the wire is patient, and makes
 * the call fail for good once the deadline has passed.  True: try again.
 */
static bool
may_retry(const struct cm_ldap_wire *wire, short events)
{
    if (errno != EAGAIN)
        return false;
    if (wire->patient && wait_for(wire->fd, events, wire->deadline))
        return true;
    errno = cm_backend_now_ms() >= wire->deadline ? ETIMEDOUT : EAGAIN;
    return false;
}

static ber_slen_t
layer_read(Sockbuf_IO_Desc *layer, void *buffer, ber_len_t len)
{
    struct cm_ldap_wire *wire = layer->sbiod_pvt;
    ssize_t n;

    if (wire->muted || wire->allowance == 0) {
        errno = EMSGSIZE;
        return -1;
    }
    if (len > wire->allowance)
        len = wire->allowance;
    do {
        n = recv(wire->fd, buffer, len, MSG_DONTWAIT);
    } while (n < 0 && may_retry(wire, POLLIN));
    if (n > 0)
        wire->allowance -= (size_t)n;
    return n;
}

static ber_slen_t
layer_write(Sockbuf_IO_Desc *layer, void *buffer, ber_len_t len)
{
    const struct cm_ldap_wire *wire = layer->sbiod_pvt;
    ssize_t n;

    if (wire->muted)
        return (ber_slen_t)len;
    do {
        n = send(wire->fd, buffer, len, MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (n < 0 && may_retry(wire, POLLOUT));
    return n;
}

static int
layer_close(Sockbuf_IO_Desc *layer)
{
    struct cm_ldap_wire *wire = layer->sbiod_pvt;

    if (wire->fd >= 0)
        (void)close(wire->fd);
    wire->fd = -1;
    return 0;
}

static Sockbuf_IO layer_functions = {
    .sbi_setup = layer_setup,
    .sbi_remove = layer_remove,
    .sbi_ctrl = layer_control,
    .sbi_read = layer_read,
    .sbi_write = layer_write,
    .sbi_close = layer_close,
};

LDAP *
cm_ldap_wire_handle(struct cm_ldap_wire *wire, const char *uri)
{
    /* Of one message: libldap would reserve what its first bytes announce. */
    ber_len_t most = CM_LDAP_MAX_ANSWER;
    Sockbuf *buffer = NULL;
    LDAP *handle = NULL;

    if (ldap_init_fd(wire->fd, LDAP_PROTO_EXT, uri, &handle) != LDAP_SUCCESS) {
        (void)close(wire->fd);
        return NULL;
    }
    if (ldap_get_option(handle, LDAP_OPT_SOCKBUF, &buffer) !=
            LDAP_OPT_SUCCESS ||
        ber_sockbuf_add_io(buffer, &layer_functions, LBER_SBIOD_LEVEL_PROVIDER,
                           wire) != 0) {
        /* Without its lowest layer the handle cannot even be closed: it is
         * left behind.  Only an allocation of a few bytes can fail here. */
        (void)close(wire->fd);
        return NULL;
    }
    (void)ber_sockbuf_ctrl(buffer, LBER_SB_OPT_SET_MAX_INCOMING, &most);
    return handle;
}
