/*
 * A web server on loopback, in a thread of the test: it counts what it is
 * asked, and answers what it was told to.
 */
#ifndef LOOPBACK_H
#define LOOPBACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loopback;

struct loopback_answer {
    const char *status;  /* "200 OK"; NULL: closes the connection */
    const char *type;    /* of the content; NULL: none is given */
    const uint8_t *body; /* borrowed while it may be asked for */
    size_t len;
    bool chunked; /* without a Content-Length */
    bool held;    /* until loopback_release() */
};

struct loopback *loopback_start(void);
void loopback_stop(struct loopback *server);

/* "http://127.0.0.1:port/" */
const char *loopback_url(const struct loopback *server);

/* What it says from now on. */
void loopback_answer(struct loopback *server,
                     const struct loopback_answer *answer);
/* Sends what was held, and holds nothing any more. */
void loopback_release(struct loopback *server);

/* How many whole requests have come; the last one's body. */
size_t loopback_asked(struct loopback *server);
/* Waits until so many have come; false: they did not, in 30 s. */
bool loopback_wait(struct loopback *server, size_t asked);

#endif
