#include "loopback.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_CONNECTIONS = 64, MAX_REQUEST = 8192, PATIENCE_S = 30 };

struct connection {
    int fd;
    char request[MAX_REQUEST + 1];
    size_t len;
    bool waiting; /* for its answer, which is held */
};

struct loopback {
    pthread_t thread;
    pthread_mutex_t mutex; /* of answer and asked */
    pthread_cond_t came;
    struct loopback_answer answer;
    size_t asked;
    int listener, wake[2];
    char url[64];
    struct connection connections[MAX_CONNECTIONS];
    size_t count;
};

static void
die_unless(bool ok)
{
    if (!ok)
        abort();
}

static void
send_all(int fd, const void *data, size_t len)
{
    const char *p = data;
    ssize_t n = 1;

    while (len > 0 && n > 0) {
        n = send(fd, p, len, MSG_NOSIGNAL);
        if (n > 0) {
            p += n;
            len -= (size_t)n;
        }
    }
}

static void
respond(struct loopback *server, const struct connection *connection)
{
    struct loopback_answer answer;
    char head[256], size[32] = "";
    char type[96] = "";

    pthread_mutex_lock(&server->mutex);
    answer = server->answer;
    pthread_mutex_unlock(&server->mutex);
    if (answer.status == NULL)
        return;
    if (answer.type != NULL)
        snprintf(type, sizeof(type), "Content-Type: %s\r\n", answer.type);
    if (!answer.chunked)
        snprintf(size, sizeof(size), "Content-Length: %zu\r\n", answer.len);
    snprintf(head, sizeof(head), "HTTP/1.1 %s\r\n%s%sConnection: close\r\n%s",
             answer.status, type, size,
             answer.chunked ? "Transfer-Encoding: chunked\r\n\r\n" : "\r\n");
    send_all(connection->fd, head, strlen(head));
    if (answer.chunked) {
        snprintf(head, sizeof(head), "%zx\r\n", answer.len);
        send_all(connection->fd, head, strlen(head));
    }
    send_all(connection->fd, answer.body, answer.len);
    if (answer.chunked)
        send_all(connection->fd, "\r\n0\r\n\r\n", 7);
}

static bool
is_whole(const struct connection *connection)
{
    const char *end = strstr(connection->request, "\r\n\r\n");
    const char *length = strstr(connection->request, "Content-Length: ");

    if (end == NULL)
        return false;
    if (length == NULL)
        return true;
    return connection->len >= (size_t)(end + 4 - connection->request) +
                                  strtoul(length + 16, NULL, 10);
}

static void
drop(struct loopback *server, size_t i)
{
    close(server->connections[i].fd);
    server->connections[i] = server->connections[--server->count];
}

/* True: the connection goes on. */
static bool
take(struct loopback *server, struct connection *connection)
{
    ssize_t n = recv(connection->fd, connection->request + connection->len,
                     MAX_REQUEST - connection->len, 0);

    if (n <= 0)
        return false;
    connection->len += (size_t)n;
    connection->request[connection->len] = '\0';
    if (!is_whole(connection))
        return connection->len < MAX_REQUEST;
    pthread_mutex_lock(&server->mutex);
    server->asked++;
    connection->waiting = server->answer.held;
    pthread_cond_broadcast(&server->came);
    pthread_mutex_unlock(&server->mutex);
    if (connection->waiting)
        return true;
    respond(server, connection);
    return false;
}

static void
admit(struct loopback *server)
{
    int fd = accept(server->listener, NULL, NULL);

    if (fd < 0)
        return;
    die_unless(server->count < MAX_CONNECTIONS);
    server->connections[server->count++] = (struct connection){.fd = fd};
}

static void
answer_held(struct loopback *server)
{
    for (size_t i = server->count; i-- > 0;) {
        if (server->connections[i].waiting) {
            respond(server, &server->connections[i]);
            drop(server, i);
        }
    }
}

/* 'r': release; end of file: stop. */
static void *
serve(void *context)
{
    struct loopback *server = context;
    struct pollfd polled[MAX_CONNECTIONS + 2];
    size_t count;
    char word;

    for (;;) {
        polled[0] = (struct pollfd){.fd = server->wake[0], .events = POLLIN};
        polled[1] = (struct pollfd){.fd = server->listener, .events = POLLIN};
        count = server->count;
        for (size_t i = 0; i < count; i++)
            polled[i + 2] = (struct pollfd){.fd = server->connections[i].fd,
                                            .events = POLLIN};
        die_unless(poll(polled, count + 2, -1) >= 0);
        for (size_t i = count; i-- > 0;) {
            if (polled[i + 2].revents != 0 &&
                !take(server, &server->connections[i]))
                drop(server, i);
        }
        if (polled[0].revents != 0) {
            if (read(server->wake[0], &word, 1) != 1)
                return NULL;
            answer_held(server);
        }
        if (polled[1].revents != 0)
            admit(server);
    }
}

struct loopback *
loopback_start(void)
{
    struct loopback *server = calloc(1, sizeof(*server));
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);

    if (server == NULL)
        abort();
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    die_unless(bind(server->listener, (struct sockaddr *)&address, len) == 0);
    die_unless(listen(server->listener, MAX_CONNECTIONS) == 0);
    die_unless(
        getsockname(server->listener, (struct sockaddr *)&address, &len) == 0);
    snprintf(server->url, sizeof(server->url), "http://127.0.0.1:%u/",
             (unsigned)ntohs(address.sin_port));
    die_unless(pipe(server->wake) == 0);
    die_unless(pthread_mutex_init(&server->mutex, NULL) == 0);
    die_unless(pthread_cond_init(&server->came, NULL) == 0);
    die_unless(pthread_create(&server->thread, NULL, serve, server) == 0);
    return server;
}

void
loopback_stop(struct loopback *server)
{
    close(server->wake[1]);
    die_unless(pthread_join(server->thread, NULL) == 0);
    while (server->count > 0)
        drop(server, 0);
    close(server->listener);
    close(server->wake[0]);
    pthread_cond_destroy(&server->came);
    pthread_mutex_destroy(&server->mutex);
    free(server);
}

const char *
loopback_url(const struct loopback *server)
{
    return server->url;
}

void
loopback_answer(struct loopback *server, const struct loopback_answer *answer)
{
    pthread_mutex_lock(&server->mutex);
    server->answer = *answer;
    pthread_mutex_unlock(&server->mutex);
}

void
loopback_release(struct loopback *server)
{
    pthread_mutex_lock(&server->mutex);
    server->answer.held = false;
    pthread_mutex_unlock(&server->mutex);
    die_unless(write(server->wake[1], "r", 1) == 1);
}

size_t
loopback_asked(struct loopback *server)
{
    size_t asked;

    pthread_mutex_lock(&server->mutex);
    asked = server->asked;
    pthread_mutex_unlock(&server->mutex);
    return asked;
}

bool
loopback_wait(struct loopback *server, size_t asked)
{
    struct timespec until;
    bool came;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_S;
    pthread_mutex_lock(&server->mutex);
    while (server->asked < asked &&
           pthread_cond_timedwait(&server->came, &server->mutex, &until) == 0)
        ;
    came = server->asked >= asked;
    pthread_mutex_unlock(&server->mutex);
    return came;
}
