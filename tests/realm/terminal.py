"""Programs on a terminal of their own."""

import contextlib
import os
import pty
import re
import select
import time


def run(command, environment, answer=None, prompt=b": ", seconds=60):
    """Runs it, and types the answer at the prompt; (status, what it showed)."""
    return talk(command, environment, [answer] if answer else [],
                re.compile(re.escape(prompt)), seconds)[:2]


def talk(command, environment, answers, question, seconds=60):
    """Runs it, and types each answer at one more question; (status, what it
    showed, answers that nobody asked for).

    An answer that depends is a function of what was shown.  That comes in
    pieces, and after the last one reading is an error."""
    process, terminal = pty.fork()
    if process == 0:
        try:
            os.execvpe(command[0], command, environment)
        finally:
            os._exit(127)
    text, seen, left = b"", 0, list(answers)
    deadline = time.monotonic() + seconds
    with contextlib.suppress(OSError):
        while (select.select([terminal], [], [],
                             max(0, deadline - time.monotonic()))[0]
               and (piece := os.read(terminal, 4096))):
            text += piece
            if left and (found := question.search(text, seen)):
                answer, seen = left.pop(0), found.end()
                os.write(terminal,
                         answer(text) if callable(answer) else answer)
    os.close(terminal)  # one that hangs is hung up on
    status = os.waitpid(process, 0)[1]
    return os.waitstatus_to_exitcode(status), text.decode(), left
