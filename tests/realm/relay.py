"""Between a client and a KDC: datagrams that are sent more than once."""

import select
import socket
import threading


class Repeating:
    """Passes datagrams on to 127.0.0.1:`port`; each request goes out `copies`
    times from the same address, as a client sends again what it waits for.

    requests   what clients sent, in order
    replies    what the KDC answered, in order
    """

    def __init__(self, port, copies=2):
        self.copies = copies
        self.requests, self.replies = [], []
        self._front = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._front.bind(("127.0.0.1", 0))
        self.port = self._front.getsockname()[1]
        self._back = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._back.connect(("127.0.0.1", port))
        self._client = None
        self._end, self._ended = socket.socketpair()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._end.close()
        self._thread.join()
        for one in (self._front, self._back, self._ended):
            one.close()

    def repeat(self, request):
        """Sends a request once more; the answer counts among the replies."""
        self._back.send(request)

    def _run(self):
        while True:
            ready, _, _ = select.select(
                [self._front, self._back, self._ended], [], [])
            if self._ended in ready:
                return
            if self._front in ready:
                data, self._client = self._front.recvfrom(65536)
                self.requests.append(data)
                for _ in range(self.copies):
                    self._back.send(data)
            if self._back in ready:
                data = self._back.recv(65536)
                self.replies.append(data)
                self._front.sendto(data, self._client)
