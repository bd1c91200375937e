"""Servers of our own on loopback, whose connections are served as a test
wants it."""

import contextlib
import socket
import threading


class Listener:
    """Listens from the beginning; serve(connection) has a thread for each
    connection, and all end with it."""

    scheme = "ldap"

    def __init__(self, address="127.0.0.1"):
        self.address = address
        self.socket = socket.create_server((address, 0))
        self.port = self.socket.getsockname()[1]
        #: Set when it ends: what waits, waits for this.
        self.closed = threading.Event()
        self._open, self._threads = [], []
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    @property
    def uri(self):
        return f"{self.scheme}://{self.address}:{self.port}"

    @property
    def connections(self):
        """How many there were since the last drop()."""
        return len(self._open)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.closed.set()
        # Closing alone does not wake accept().
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self._accepting.join()
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
        self.closed.wait()

    def serve(self, connection):
        raise NotImplementedError

    def _accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self._open.append(connection)
            thread = threading.Thread(target=self._handle, daemon=True,
                                      args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _handle(self, connection):
        # The other side may hang up, and drop() may close it meanwhile.
        with contextlib.suppress(OSError, ValueError):
            self.serve(connection)
        with contextlib.suppress(OSError):
            connection.close()
