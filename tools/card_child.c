#include "card_child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "monotonic.h"
#include "write_all.h"

enum { CHUNK = 4096 };

/* ---- The child ---- */

/* The length goes first: an answer that a crash cut short is none. */
static _Noreturn void
run_child(cm_card_talk_fn *talk, void *arg, const int *fds)
{
    const struct rlimit none = {0, 0};
    struct cm_buf answer = CM_BUF_INIT;
    uint32_t len;

    (void)close(fds[0]);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    /* It may know a PIN. */
    (void)setrlimit(RLIMIT_CORE, &none);
    /* What a module prints is no part of our answer. */
    (void)dup2(STDERR_FILENO, STDOUT_FILENO);
    talk(arg, &answer);
    if (!answer.failed) {
        len = (uint32_t)answer.len;
        if (cm_write_all(fds[1], &len, sizeof(len)))
            (void)cm_write_all(fds[1], answer.data, answer.len);
    }
    _exit(0);
}

/* ---- The parent ---- */

enum heard { HEARD_ALL, HEARD_LATE, HEARD_END };

/* Appends len bytes to out. */
static enum heard
hear(int fd, int64_t deadline, size_t len, struct cm_buf *out)
{
    struct pollfd waiting = {.fd = fd, .events = POLLIN};
    uint8_t chunk[CHUNK];
    ssize_t n;
    int ready;

    while (len > 0) {
        ready = poll(&waiting, 1, cm_monotonic_left(deadline));
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0)
            return HEARD_LATE;
        n = read(fd, chunk, len < sizeof(chunk) ? len : sizeof(chunk));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return HEARD_END;
        cm_buf_add(out, chunk, (size_t)n);
        len -= (size_t)n;
    }
    return out->failed ? HEARD_END : HEARD_ALL;
}

static enum heard
hear_answer(int fd, int64_t deadline, struct cm_buf *out)
{
    struct cm_buf first = CM_BUF_INIT;
    enum heard heard = hear(fd, deadline, sizeof(uint32_t), &first);
    uint32_t len = 0;

    if (heard == HEARD_ALL)
        memcpy(&len, first.data, sizeof(len));
    cm_buf_clear(&first);
    if (heard != HEARD_ALL)
        return heard;
    if (len == 0 || len > CM_BUF_MAX)
        return HEARD_END;
    return hear(fd, deadline, len, out);
}

/* Ends the child; returns how it ended by itself. */
static int
reap(pid_t pid)
{
    int status = 0;

    (void)kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return status;
}

static void
say_no_answer(enum heard heard, int status, struct cm_detail *detail)
{
    if (heard == HEARD_LATE)
        cm_detail_set(detail, "the PKCS#11 module did not answer in time");
    else if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL)
        cm_detail_set(detail, "the PKCS#11 module crashed (signal %d)",
                      WTERMSIG(status));
    else
        cm_detail_set(detail, "the PKCS#11 module ended the conversation");
}

bool
cm_card_ask(cm_card_talk_fn *talk, void *arg, int timeout_ms,
            struct cm_buf *answer, struct cm_detail *detail)
{
    int64_t deadline = cm_monotonic_ms() + timeout_ms;
    enum heard heard;
    int fds[2], status;
    pid_t pid;

    if (pipe2(fds, O_CLOEXEC) != 0) {
        cm_detail_set(detail, "pipe: %s", strerror(errno));
        return false;
    }
    pid = fork();
    if (pid == 0)
        run_child(talk, arg, fds);
    if (pid < 0)
        cm_detail_set(detail, "fork: %s", strerror(errno));
    (void)close(fds[1]);
    heard = pid > 0 ? hear_answer(fds[0], deadline, answer) : HEARD_END;
    (void)close(fds[0]);
    if (pid < 0)
        return false;
    status = reap(pid);
    if (heard == HEARD_ALL)
        return true;
    cm_buf_clear(answer);
    say_no_answer(heard, status, detail);
    return false;
}
