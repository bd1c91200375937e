#include "password.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "buf.h"
#include "text.h"
#include "write_all.h"

enum { INTERRUPT = 3, MAX_PROMPT = 512 };

static bool
say_prompt(int terminal, const char *prompt)
{
    struct cm_buf text = CM_BUF_INIT;
    bool ok;

    cm_text_escape(&text, prompt, strlen(prompt), MAX_PROMPT);
    cm_buf_add_text(&text, ": ");
    ok = !text.failed && cm_write_all(terminal, text.data, text.len);
    cm_buf_clear(&text);
    return ok;
}

/*
 * Without echo and without signals, so that nothing ends the process while
 * the echo is off; Ctrl-C ends the line instead.
 */
static bool
silence(int terminal, const struct termios *before)
{
    struct termios silent = *before;

    silent.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL | ISIG);
    silent.c_lflag |= ICANON;
    silent.c_iflag |= ICRNL;
    silent.c_cc[VEOL] = INTERRUPT;
    return tcsetattr(terminal, TCSAFLUSH, &silent) == 0;
}

/* One line without its end.  -1: none, or none that can be a password. */
static ssize_t
read_line(int terminal, char *out, size_t size, struct cm_detail *detail)
{
    ssize_t n;

    do {
        n = read(terminal, out, size);
    } while (n < 0 && errno == EINTR);
    if (n <= 0 || out[n - 1] == INTERRUPT) {
        cm_detail_set(detail, "no password given");
        return -1;
    }
    if (out[n - 1] != '\n') {
        cm_detail_set(detail, "the password is longer than %zu bytes",
                      size - 1);
        return -1;
    }
    n--;
    if (n == 0 || !cm_text_is_clean((const uint8_t *)out, (size_t)n)) {
        cm_detail_set(detail, n == 0 ? "no password given"
                                     : "the password holds control characters "
                                       "or is not UTF-8");
        return -1;
    }
    return n;
}

bool
cm_password_read(int terminal, const char *prompt, char *out, size_t size,
                 struct cm_detail *detail)
{
    struct termios before;
    ssize_t len = -1;

    cm_detail_set(detail, "the terminal cannot be used: %s", strerror(ENOTTY));
    if (tcgetattr(terminal, &before) == 0 && silence(terminal, &before)) {
        if (say_prompt(terminal, prompt))
            len = read_line(terminal, out, size, detail);
        /* What is left of a line that was too long is no command. */
        (void)tcsetattr(terminal, TCSAFLUSH, &before);
        (void)cm_write_all(terminal, "\n", 1);
    }
    if (len < 0)
        explicit_bzero(out, size);
    else
        out[len] = '\0';
    return len >= 0;
}

bool
cm_password_ask(const char *prompt, char *out, size_t size,
                struct cm_detail *detail)
{
    int terminal = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    bool ok;

    if (terminal < 0) {
        cm_detail_set(detail, "there is no terminal to ask on");
        return false;
    }
    ok = cm_password_read(terminal, prompt, out, size, detail);
    (void)close(terminal);
    return ok;
}
