"""Programs on a terminal of their own."""

import contextlib
import os
import pty
import select
import time


def run(command, environment, answer=None, prompt=b": ", seconds=60):
    """Runs it, and types the answer at the prompt; (status, what it showed).

    All of what it showed: it comes in pieces, and after the last one reading
    is an error."""
    process, terminal = pty.fork()
    if process == 0:
        try:
            os.execvpe(command[0], command, environment)
        finally:
            os._exit(127)
    text, deadline = b"", time.monotonic() + seconds
    with contextlib.suppress(OSError):
        while (select.select([terminal], [], [],
                             max(0, deadline - time.monotonic()))[0]
               and (piece := os.read(terminal, 4096))):
            text += piece
            if answer and prompt in text:
                os.write(terminal, answer)
                answer = None
    os.close(terminal)  # one that hangs is hung up on
    status = os.waitpid(process, 0)[1]
    return os.waitstatus_to_exitcode(status), text.decode()
