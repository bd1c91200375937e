"""Ports on loopback for servers of tests that run side by side.

Asking the kernel for a free port and giving it back leaves a moment in which
another process may take it, if only for an outgoing connection.  So ports come
in turn from below the range of outgoing connections, by a counter that all test
processes of a user share.
"""

import fcntl
import os
import socket
import tempfile

FIRST, LAST = 10240, 19999


def _next():
    path = os.path.join(tempfile.gettempdir(), f"certmap-ports.{os.getuid()}")
    with open(path, "a+", encoding="ascii") as counter:
        fcntl.flock(counter, fcntl.LOCK_EX)
        counter.seek(0)
        last = int(counter.read() or FIRST - 1)
        port = last + 1 if FIRST <= last + 1 <= LAST else FIRST
        counter.truncate(0)
        counter.write(str(port))
        return port


def free_port(host="127.0.0.1"):
    """A port that nobody listens on, for TCP and UDP."""
    for _ in range(LAST - FIRST):
        port = _next()
        try:
            with socket.socket() as tcp, socket.socket(
                    type=socket.SOCK_DGRAM) as udp:
                tcp.bind((host, port))
                udp.bind((host, port))
        except OSError:
            continue
        return port
    raise RuntimeError("no port is free")
