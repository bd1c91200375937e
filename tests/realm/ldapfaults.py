"""Servers that misbehave between a client and its directory."""

import contextlib
import selectors
import socket
import threading
import urllib.parse


class Listener:
    """A loopback server; each connection is handled by serve(connection)."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self._open = []
        self._threads = []
        self._done = threading.Event()

    @property
    def uri(self):
        return f"ldap://127.0.0.1:{self.port}"

    @property
    def connections(self):
        """How many are open."""
        return len(self._open)

    def __enter__(self):
        self._start(self._accept)
        return self

    def __exit__(self, *_):
        self._done.set()
        # Closing alone does not wake accept().
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.drop()
        for thread in self._threads:
            thread.join()

    def drop(self):
        """Ends every connection."""
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        self._open.clear()

    def hold(self):
        """Keeps the connection silent and open until the end of the test."""
        self._done.wait()

    def serve(self, connection):
        raise NotImplementedError

    def _start(self, function, *arguments):
        thread = threading.Thread(target=function, args=arguments)
        self._threads.append(thread)
        thread.start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self._open.append(connection)
            self._start(self._handle, connection)

    def _handle(self, connection):
        with contextlib.suppress(OSError, ValueError):
            self.serve(connection)
        with contextlib.suppress(OSError):
            connection.close()


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
    """Passes on what a server says, up to a number of bytes.

    limit  bytes from the server, on each connection; None: all
    then   what happens there: "close" or "hold"
    """

    def __init__(self, target):
        super().__init__()
        parsed = urllib.parse.urlparse(target)
        self._target = ("127.0.0.1", parsed.port)
        self._scheme = parsed.scheme
        self.limit, self.then = None, "close"
        self.passed = 0

    @property
    def uri(self):
        return f"{self._scheme}://127.0.0.1:{self.port}"

    def serve(self, connection):
        limit, self.passed = self.limit, 0
        with socket.create_connection(self._target) as server:
            with selectors.DefaultSelector() as selector:
                selector.register(connection, selectors.EVENT_READ, server)
                selector.register(server, selectors.EVENT_READ, connection)
                self._pump(selector, server, limit)

    def _pump(self, selector, server, limit):
        while not self._done.is_set():
            if limit is not None and self.passed >= limit:
                if self.then == "hold":
                    self.hold()
                return
            for key, _ in selector.select(timeout=0.1):
                data = key.fileobj.recv(65536)
                if key.fileobj is server and limit is not None:
                    data = data[:limit - self.passed]
                if not data:
                    return
                if key.fileobj is server:
                    self.passed += len(data)
                key.data.sendall(data)
