/*
 * The pieces that demand.h is made of.  Private to the files demand*.c.
 */
#ifndef CM_DEMAND_PARTS_H
#define CM_DEMAND_PARTS_H

#include <pthread.h>

#include "demand.h"
#include "refresh_lock.h"

enum {
    CM_DEMAND_FAILURES = 3, /* in a row: the responder is left alone */
    CM_DEMAND_REST_MS = 10 * 1000,
    CM_DEMAND_FAIR_MS = 100,      /* less time than this proves nothing */
    CM_DEMAND_PAUSE_MS = 10,      /* between two looks for another's answer */
    CM_DEMAND_COMPLAIN_MS = 60000 /* between two lines about the store */
};

/* ---- demand_responders.c: who is left alone ---- */

struct cm_responder {
    char *origin; /* "https://host:port" */
    struct cm_breaker breaker;
    unsigned long used; /* when it was last asked for */
};

/* At most CM_DEMAND_MAX_RESPONDERS: the one that was asked for least recently
 * makes room. */
struct cm_responders {
    pthread_mutex_t mutex;
    struct cm_responder list[CM_DEMAND_MAX_RESPONDERS];
    size_t count;
    unsigned long uses;
    const struct cm_log *log; /* borrowed; may be NULL */
};

/* False: no memory. */
bool cm_responders_init(struct cm_responders *responders,
                        const struct cm_log *log);
void cm_responders_clear(struct cm_responders *responders);

/* May the URL's responder be asked now?  What is no URL may: it is refused
 * elsewhere. */
bool cm_responders_allow(struct cm_responders *responders, const char *url,
                         int64_t now_ms);
/* How that went. */
void cm_responders_worked(struct cm_responders *responders, const char *url);
void cm_responders_failed(struct cm_responders *responders, const char *url,
                          int64_t now_ms, const char *why);

/* ---- demand.c ---- */

struct cm_demand {
    const char *path;
    struct cm_store *store;
    const struct cm_http_settings *http;
    const struct cm_log *log;
    struct cm_responders responders;
    pthread_mutex_t mutex; /* of what follows */
    bool complained;
    int64_t complained_at; /* ms */
};

/* One question on its way. */
struct cm_demand_asking {
    struct cm_demand *demand;
    const struct cm_demand_question *question;
    struct cm_status_question status; /* by which delegates are judged */
    struct cm_ocsp_question ocsp;
    uint8_t *response; /* owned; what was found */
    size_t len;
};

/* ---- demand_flight.c: one at a time ---- */

enum cm_flight_turn {
    CM_FLIGHT_OURS,     /* ask; then end the flight */
    CM_FLIGHT_ANSWERED, /* somebody else has: asking->response */
    CM_FLIGHT_TOO_LATE  /* somebody else is asking still */
};

/* Waits for whoever asks the URL about the certificate already, until the
 * deadline (monotonic ms).  Where the store cannot be written nobody waits for
 * anybody. */
enum cm_flight_turn cm_demand_take_turn(struct cm_demand_asking *asking,
                                        const char *url, int64_t deadline,
                                        struct cm_refresh_lock *lock);
void cm_demand_end_turn(struct cm_refresh_lock *lock);

/* Keeps the response for everyone, if that is possible now. */
void cm_demand_publish(const struct cm_demand_asking *asking);

/* ---- demand_fetch.c: one question to one responder ---- */

/* CM_OK: asking->response; else as cm_demand_ask(). */
enum cm_reason cm_demand_fetch(struct cm_demand_asking *asking,
                               const char *url, int timeout_ms,
                               struct cm_detail *detail);

#endif
