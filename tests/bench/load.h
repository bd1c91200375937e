/*
 * The load program: what is asked for, and what came of it.
 */
#ifndef LOAD_H
#define LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "as_message.h"
#include "wire.h"

enum {
    LOAD_MAX_COUNT = 1000000,
    LOAD_MAX_SECONDS = 240, /* a captured request is good for five minutes */
    LOAD_MAX_IN_FLIGHT = 256,
    LOAD_MAX_LOGINS = 256,
    LOAD_MAX_ERROR = 128 /* numbers of KRB-ERROR messages */
};

struct load_login {
    char *principal;
    const char *identity;      /* X509_user_identity; NULL: by password */
    struct am_request request; /* captured */
};

struct load {
    struct wire_kdc kdc;
    struct load_login *logins;
    size_t login_count;
    const char *password;
    bool real;
    size_t count, in_flight;
    double seconds, rate; /* rate 0: as fast as answers come */
    long expect;          /* 0: an AS-REP */
};

struct load_result {
    double *latency; /* seconds, of what was answered */
    size_t answered;
    size_t as_rep, errors[LOAD_MAX_ERROR];
    size_t strange;    /* answers that are neither, and failures of libkrb5 */
    size_t unanswered; /* no answer within WIRE_SECONDS, or no connection */
    double elapsed;
};

/* What one login came to. */
struct load_outcome {
    bool answered;
    enum am_answer answer;
    long error;
};

void load_result_init(struct load_result *result, size_t count);
void load_result_clear(struct load_result *result);
void load_result_add(struct load_result *result,
                     const struct load_outcome *outcome, double latency);

/* Was every answer the expected one? */
bool load_result_ok(const struct load *load, const struct load_result *result);
void load_result_print(struct load_result *result, bool json);

/* A real login through libkrb5, over the wire of its caller; request: what
 * carried the preauthentication is prepared there, unless NULL. */
struct load_outcome load_real_login(const struct load *load,
                                    const struct load_login *login,
                                    struct wire *wire,
                                    struct am_request *request);

/* Sends the captured requests again and again; or logs in in earnest, each
 * login in one of load->in_flight threads. */
void load_replay(const struct load *load, struct load_result *result);
void load_real(const struct load *load, struct load_result *result);

/* The time until a moment, for ppoll(); never negative. */
struct timespec load_wait(double moment);

/* Ends the program. */
void load_fail(const char *format, ...)
    __attribute__((format(printf, 1, 2), noreturn));

#endif
