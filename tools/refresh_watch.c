/*
 * certmap refresh --watch: goes on, and does what is due when it is due.
 */
#include "refresh_command.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "monotonic.h"

enum {
    /* New cards and dropped-in files are noticed this often, unless looking
     * takes so long that it would be most of the time. */
    WATCH_LOOK_MS = 60 * 1000,
    WATCH_LEAST_MS = 1000,
    WATCH_REST = 10 /* times as long as the last cycle took */
};

/* Signals come as something to be read: nothing is done in handlers. */
static int
open_signals(sigset_t *before)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    if (sigprocmask(SIG_BLOCK, &set, before) != 0)
        return -1;
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Notes what has come in. */
static void
read_signals(struct cm_refresh_command *command)
{
    struct signalfd_siginfo info;

    while (read(command->signals, &info, sizeof(info)) == sizeof(info)) {
        if (info.ssi_signo == SIGHUP)
            command->reload = true;
        else
            command->stop = 1;
    }
}

static bool
asked_to_stop(struct cm_refresh_command *command)
{
    read_signals(command);
    return command->stop != 0;
}

/* A configuration that cannot be read leaves the old one in force. */
static void
reload(struct cm_refresh_command *command)
{
    struct cm_keeper keeper;

    command->reload = false;
    if (cm_keeper_open(&keeper, command->tool, command->options.kdc_conf,
                       command->options.realm) == CM_EXIT_YES) {
        cm_keeper_close(&command->keeper);
        cm_keeper_move(&keeper, &command->keeper);
        cm_tool_error(command->tool, "the configuration was read again");
        return;
    }
    cm_keeper_close(&keeper);
    cm_tool_error(command->tool, "the configuration in force stays as it was");
}

/* How long to rest after a cycle that took took_ms. */
static int64_t
rest_of(int64_t next_due, int64_t took_ms)
{
    int64_t rest = WATCH_LOOK_MS, until;

    if (next_due != 0) {
        until = next_due * 1000 - cm_refresh_now_ms(NULL);
        if (until < rest)
            rest = until;
    }
    if (rest < took_ms * WATCH_REST)
        rest = took_ms * WATCH_REST;
    return rest > WATCH_LEAST_MS ? rest : WATCH_LEAST_MS;
}

static void
wait_for(struct cm_refresh_command *command, int64_t rest_ms)
{
    struct pollfd polled = {.fd = command->signals, .events = POLLIN};
    int64_t deadline = cm_monotonic_ms() + rest_ms;
    int left;

    while (command->stop == 0 && !command->reload &&
           (left = cm_monotonic_left(deadline)) > 0) {
        if (poll(&polled, 1, left) < 0 && errno != EINTR)
            return;
        read_signals(command);
    }
}

static void
watch(struct cm_refresh_command *command)
{
    int64_t next_due, started, took;

    while (command->stop == 0) {
        if (command->reload)
            reload(command);
        started = cm_monotonic_ms();
        (void)cm_refresh_cycle(command, &next_due);
        /* What was fetched at the start is not due again. */
        command->due = true;
        took = cm_monotonic_ms() - started;
        wait_for(command, rest_of(next_due, took));
    }
}

enum cm_exit
cm_refresh_watch(struct cm_refresh_command *command)
{
    sigset_t before;

    command->signals = open_signals(&before);
    if (command->signals < 0) {
        cm_tool_error(command->tool, "signals: %s", strerror(errno));
        return CM_EXIT_UNAVAILABLE;
    }
    command->asked_to_stop = asked_to_stop;
    watch(command);
    (void)close(command->signals);
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    return CM_EXIT_YES;
}
