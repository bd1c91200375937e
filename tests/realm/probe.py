"""tests/unit/ocsp/fetch_probe.c from Python, and servers that misbehave."""

import json
import os
import subprocess

from listener import Listener

PROBE = os.environ.get("CERTMAP_FETCH_PROBE")
MAX, TIMEOUT = 1_000_000, 10_000


class Probe:
    """One fetcher, or one network child."""

    def __init__(self, out, *arguments, command=(), env=None):
        self.out = out
        self._process = subprocess.Popen(
            [*command, PROBE, *(arguments or ("direct",))],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, env=env)
        self.first = self._line() if arguments else None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def pid(self):
        return self._process.pid

    def close(self):
        """Lets it end by itself; what it said on standard error."""
        if self._process.stdin.closed:
            return ""
        try:
            _, errors = self._process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise
        assert self._process.returncode == 0, errors
        return errors

    def _line(self):
        line = self._process.stdout.readline()
        if not line:
            raise AssertionError(self._process.stderr.read())
        return json.loads(line)

    def _say(self, words, last):
        lines = ["reset"]
        for key, value in words.items():
            for one in value if isinstance(value, list) else [value]:
                lines.append(f"{key} {one}" if one is not True else key)
        self._process.stdin.write("\n".join([*lines, last, ""]))
        self._process.stdin.flush()

    def start(self, url, **words):
        """Asks without waiting; answer() waits."""
        self._say({"url": url, "max": MAX, "timeout": TIMEOUT,
                   "out": self.out, **words}, "go")

    def answer(self):
        answer = self._line()
        with open(self.out, "rb") as body:
            answer["body"] = body.read()
        return answer

    def fetch(self, url, **words):
        self.start(url, **words)
        return self.answer()

    def special(self, payload, **words):
        self.start_special(payload, **words)
        return self.answer()

    def start_special(self, payload, **words):
        self._say({"max": MAX, "timeout": 500, "out": self.out, **words},
                  f"special {payload}")


class Server(Listener):
    """Each connection is served by script(server, connection); what was
    asked is kept in `asked`, as bytes."""

    scheme = "http"

    def __init__(self, script, address="127.0.0.1"):
        super().__init__(address)
        self.script, self.asked = script, []

    @property
    def url(self):
        return self.uri

    def serve(self, connection):
        self.script(self, connection)

    def read(self, client):
        """Reads one request's head, and its body if it has a length."""
        data = b""
        while b"\r\n\r\n" not in data:
            if not (more := client.recv(65536)):
                return b""
            data += more
        head, body = data.split(b"\r\n\r\n", 1)
        for line in head.split(b"\r\n"):
            if line.lower().startswith(b"content-length:"):
                while len(body) < int(line.split(b":")[1]):
                    body += client.recv(65536)
        self.asked.append(head + b"\r\n\r\n" + body)
        return head


def says(*pieces):
    """A script that reads a request, sends the pieces and hangs up."""
    def script(server, client):
        if server.read(client):
            for piece in pieces:
                client.sendall(piece)
    return script


def forever(first, piece, pause=0):
    """A script that never stops sending."""
    def script(server, client):
        server.read(client)
        client.sendall(first)
        while not server.closed.wait(pause):
            client.sendall(piece)
    return script


def hangs(server, client):
    server.read(client)
    server.closed.wait()
