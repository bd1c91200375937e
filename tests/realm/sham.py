"""A KDC that answers whatever it is told to: KRB-ERRORs that nobody has
verified, and what is no message at all."""

import socket
import threading

import pki
from ports import free_port


def _field(tag, *content):
    return pki.tlv(0xA0 + tag, *content)


def _integer(value):
    size = value.bit_length() // 8 + 1
    return pki.tlv(0x02, value.to_bytes(size, "big", signed=True))


def _text(value):
    return pki.tlv(0x1B, value.encode())


def krb_error(number, realm, client_realm=None, e_data=b""):
    """KRB-ERROR (RFC 4120 section 5.9.1)."""
    name = pki.tlv(0x30, _field(0, _integer(1)),
                   _field(1, pki.tlv(0x30, _text("alice"))))
    fields = [_field(0, _integer(5)), _field(1, _integer(30)),
              _field(4, pki.tlv(0x18, b"20261122190000Z")),
              _field(5, _integer(0)), _field(6, _integer(number)),
              _field(7, _text(client_realm or realm)), _field(8, name),
              _field(9, _text(realm)), _field(10, name)]
    if e_data:
        fields.append(_field(12, pki.tlv(0x04, e_data)))
    return pki.tlv(0x7E, pki.tlv(0x30, *fields))


def typed_data(*elements):
    """TYPED-DATA of (type, value)."""
    return pki.tlv(0x30, *(
        pki.tlv(0x30, _field(0, _integer(kind)),
                _field(1, pki.tlv(0x04, value)))
        for kind, value in elements))


class Sham:
    """Answers every datagram, and every TCP request, with the same."""

    def __init__(self, reply):
        self.reply = reply
        self._seen = set()
        self.port = free_port()
        self.tcp = socket.create_server(("127.0.0.1", self.port))
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", self.port))
        self._threads = [threading.Thread(target=run)
                         for run in (self._datagrams, self._connections)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        for one in (self.udp, self.tcp):
            # Closing alone wakes nobody.
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # a datagram's has no other end: it wakes all the same
        for thread in self._threads:
            thread.join()
        self.udp.close()
        self.tcp.close()

    @property
    def requests(self):
        """How many different ones: a client that has no answer for a second
        sends the same again."""
        return len(self._seen)

    def _datagrams(self):
        while True:
            request, client = self.udp.recvfrom(65536)
            if not request:
                return
            self._seen.add(request)
            self.udp.sendto(self.reply, client)

    def _connections(self):
        while True:
            try:
                connection, _ = self.tcp.accept()
            except OSError:
                return
            with connection, connection.makefile("rb") as stream:
                size = int.from_bytes(stream.read(4), "big")
                request = stream.read(size)
                if len(request) == size > 0:
                    self._seen.add(request)
                    connection.sendall(
                        len(self.reply).to_bytes(4, "big") + self.reply)
