/*
 * Makes AS exchanges with a KDC on loopback, many at a time, and says how
 * long they took:
 *
 *     load --port PORT [OPTION...] PRINCIPAL | PRINCIPAL=IDENTITY ...
 *
 * Each login is made once in earnest (KRB5_CONFIG must know the realm), and
 * the request that carried the preauthentication is then sent again and
 * again with a padata that the KDC ignores and that is never the same, so
 * that its cache of answers does not help.  Such a request is good for five
 * minutes.  With --real every login is made in earnest.
 */
#include "load.h"

#include <getopt.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_COUNT 1000
#define DEFAULT_SECONDS 60

static const char usage[] =
    "usage: load --port PORT [OPTION...] PRINCIPAL | PRINCIPAL=IDENTITY ...\n"
    "\n"
    "  --port PORT      of a KDC on 127.0.0.1\n"
    "  --udp            instead of TCP\n"
    "  --count N        logins (default 1000)\n"
    "  --seconds S      no login begins later (default 60, at most 240)\n"
    "  --in-flight N    at a time (default 1, at most 256)\n"
    "  --rate R         logins begin R times a second, whatever becomes of\n"
    "                   the earlier ones; latencies count from then\n"
    "  --real           every login through libkrb5, in N threads\n"
    "  --password TEXT  of the principals without IDENTITY\n"
    "  --expect N       every answer must be KRB-ERROR number N\n"
    "  --wait           say \"ready\", then begin when a line comes in\n"
    "  --json           one line of JSON\n"
    "\n"
    "IDENTITY is kinit's X509_user_identity.  Exit code 0: every login got\n"
    "the expected answer.\n";

void
load_fail(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fputs("load: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(2);
}

struct timespec
load_wait(double moment)
{
    double seconds = fmax(moment - wire_now(), 0), whole = floor(seconds);

    return (struct timespec){.tv_sec = (time_t)whole,
                             .tv_nsec = (long)((seconds - whole) * 1e9)};
}

static double
number(const char *option, const char *text, double least, double most)
{
    char *end;
    double value = strtod(text, &end);

    if (end == text || *end != '\0' || !(value >= least && value <= most))
        load_fail("--%s: a number from %g to %g, not \"%s\"", option, least,
                  most, text);
    return value;
}

struct switches {
    bool wait, json;
};

static void
take_option(struct load *load, const char *name, const char *value)
{
    if (strcmp(name, "port") == 0)
        load->kdc.port = (uint16_t)number(name, value, 1, UINT16_MAX);
    else if (strcmp(name, "udp") == 0)
        load->kdc.tcp = false;
    else if (strcmp(name, "count") == 0)
        load->count = (size_t)number(name, value, 1, LOAD_MAX_COUNT);
    else if (strcmp(name, "seconds") == 0)
        load->seconds = number(name, value, 0.001, LOAD_MAX_SECONDS);
    else if (strcmp(name, "in-flight") == 0)
        load->in_flight = (size_t)number(name, value, 1, LOAD_MAX_IN_FLIGHT);
    else if (strcmp(name, "rate") == 0)
        load->rate = number(name, value, 0.001, 100000);
    else if (strcmp(name, "real") == 0)
        load->real = true;
    else if (strcmp(name, "password") == 0)
        load->password = value;
    else if (strcmp(name, "expect") == 0)
        load->expect = (long)number(name, value, 0, LOAD_MAX_ERROR - 1);
}

static void
read_options(struct load *load, struct switches *switches, int argc,
             char **argv)
{
    static const struct option options[] = {
        {"port", required_argument, NULL, 0},
        {"udp", no_argument, NULL, 0},
        {"count", required_argument, NULL, 0},
        {"seconds", required_argument, NULL, 0},
        {"in-flight", required_argument, NULL, 0},
        {"rate", required_argument, NULL, 0},
        {"real", no_argument, NULL, 0},
        {"password", required_argument, NULL, 0},
        {"expect", required_argument, NULL, 0},
        {"wait", no_argument, NULL, 'w'},
        {"json", no_argument, NULL, 'j'},
        {NULL, 0, NULL, 0}};
    int which, found;

    while ((found = getopt_long(argc, argv, "", options, &which)) != -1) {
        if (found == '?') {
            fputs(usage, stderr);
            exit(2);
        }
        switches->wait = switches->wait || found == 'w';
        switches->json = switches->json || found == 'j';
        if (found == 0)
            take_option(load, options[which].name, optarg);
    }
}

static void
read_logins(struct load *load, char **names, size_t count)
{
    char *equals;

    load->login_count = count;
    load->logins = calloc(count, sizeof(*load->logins));
    if (load->logins == NULL)
        load_fail("out of memory");
    for (size_t i = 0; i < count; i++) {
        load->logins[i].principal = names[i];
        equals = strchr(names[i], '=');
        if (equals != NULL) {
            *equals = '\0';
            load->logins[i].identity = equals + 1;
        } else if (load->password == NULL) {
            load_fail("%s: neither IDENTITY nor --password", names[i]);
        }
    }
}

/* One real login of each, whose request is kept. */
static void
capture(const struct load *load)
{
    struct wire *wire = malloc(sizeof(*wire));

    if (wire == NULL)
        load_fail("out of memory");
    wire_init(wire);
    for (size_t i = 0; i < load->login_count; i++) {
        struct load_login *login = &load->logins[i];
        struct load_outcome got =
            load_real_login(load, login, wire, &login->request);

        if (!got.answered)
            load_fail("%s: no answer", login->principal);
        if (login->request.data == NULL)
            load_fail("%s: no request with preauthentication was made",
                      login->principal);
        if (load->expect == 0
                ? got.answer != AM_AS_REP
                : got.answer != AM_ERROR || got.error != load->expect)
            load_fail("%s: the first login ended with %s %ld",
                      login->principal,
                      got.answer == AM_AS_REP ? "AS-REP" : "error", got.error);
    }
    free(wire);
}

static void
wait_for_line(void)
{
    int c;

    puts("ready");
    fflush(stdout);
    do {
        c = getchar();
    } while (c != '\n' && c != EOF);
    if (c == EOF)
        exit(2);
}

static void
free_logins(struct load *load)
{
    for (size_t i = 0; i < load->login_count; i++)
        am_request_clear(&load->logins[i].request);
    free(load->logins);
}

int
main(int argc, char **argv)
{
    struct load load = {.kdc.tcp = true,
                        .count = DEFAULT_COUNT,
                        .seconds = DEFAULT_SECONDS,
                        .in_flight = 1};
    struct switches switches = {false, false};
    struct load_result result;
    bool ok;

    read_options(&load, &switches, argc, argv);
    if (load.kdc.port == 0 || optind == argc ||
        argc - optind > LOAD_MAX_LOGINS || (load.real && load.rate > 0)) {
        fputs(usage, stderr);
        return 2;
    }
    read_logins(&load, argv + optind, (size_t)(argc - optind));
    capture(&load);
    if (switches.wait)
        wait_for_line();
    load_result_init(&result, load.count);
    if (load.real)
        load_real(&load, &result);
    else
        load_replay(&load, &result);
    load_result_print(&result, switches.json);
    ok = load_result_ok(&load, &result);
    load_result_clear(&result);
    free_logins(&load);
    return ok ? 0 : 1;
}
