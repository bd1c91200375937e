"""Servers that misbehave between a client and its directory."""

import selectors
import socket
import urllib.parse

from listener import Listener


def operation(data):
    """What the first LDAPMessage of data is, by the tag after its number
    (RFC 4511 section 4.1.1); None for what is not the beginning of one."""
    try:
        start = 2 + (data[1] & 0x7F if data[1] & 0x80 else 0)
        return data[start + 2 + data[start + 1]]
    except IndexError:
        return None


class Answering(Listener):
    """Answers every request with fixed bytes, then ends or falls silent."""

    def __init__(self, answer, then="close", repeat=1):
        super().__init__()
        self.answer, self.then, self.repeat = answer, then, repeat

    def serve(self, connection):
        while connection.recv(65536):
            for _ in range(self.repeat):
                connection.sendall(self.answer)
            if self.then == "close":
                return
            if self.then == "hold":
                self.hold()
                return


class Deaf(Listener):
    """Takes connections and never says a word."""

    def serve(self, connection):
        self.hold()


class Proxy(Listener):
    """Passes on what both sides say, but for what a test does to it.

    limit  bytes from the server, on each connection; None: all
    then   what happens there: "close" or "hold"
    """

    def __init__(self, target):
        super().__init__()
        parsed = urllib.parse.urlparse(target)
        self._target = ("127.0.0.1", parsed.port)
        self.scheme = parsed.scheme
        self.limit, self.then = None, "close"
        self.passed = 0

    def pass_on(self, data, by_client):
        """What is passed on in place of data; may take its time."""
        return data

    def goes_on(self, data, by_client):
        """Does the connection live on after these data?"""
        return True

    def serve(self, connection):
        limit, self.passed = self.limit, 0
        with socket.create_connection(self._target) as server:
            with selectors.DefaultSelector() as selector:
                selector.register(connection, selectors.EVENT_READ, server)
                selector.register(server, selectors.EVENT_READ, connection)
                self._pump(selector, server, limit)

    def _pump(self, selector, server, limit):
        while not self.closed.is_set():
            if limit is not None and self.passed >= limit:
                if self.then == "hold":
                    self.hold()
                return
            for key, _ in selector.select(timeout=0.1):
                data = key.fileobj.recv(65536)
                by_client = key.fileobj is not server
                if not by_client and limit is not None:
                    data = data[:limit - self.passed]
                if not data:
                    return
                data = self.pass_on(data, by_client)
                if not by_client:
                    self.passed += len(data)
                key.data.sendall(data)
                if not self.goes_on(data, by_client):
                    return
