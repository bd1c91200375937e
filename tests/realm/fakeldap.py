"""An LDAP server that misbehaves: what a directory may answer at worst."""

import itertools
import os
import time

from listener import Listener
from pki import tlv

SUCCESS, REFERRAL, BUSY = 0, 10, 51
CLOSE = object()


def octets(text):
    return tlv(0x04, text.encode() if isinstance(text, str) else text)


def message(number, operation):
    size = number.bit_length() // 8 + 1
    return tlv(0x30, tlv(0x02, number.to_bytes(size, "big")), operation)


def result(tag, code=SUCCESS, extra=b""):
    return tlv(tag, tlv(0x0A, bytes([code])), octets(""), octets(""), extra)


def entry(dn, attributes):
    rows = [tlv(0x30, octets(name), tlv(0x31, *map(octets, values)))
            for name, values in attributes.items()]
    return tlv(0x64, octets(dn), tlv(0x30, *rows))


def done(code=SUCCESS, extra=b""):
    return result(0x65, code, extra)


class FakeLdap(Listener):
    """Binds succeed; each search is answered by script(number), which yields
    bytes to send, or CLOSE to hang up."""

    def __init__(self, script):
        super().__init__()
        self.script = script
        self.searches = 0

    def serve(self, connection):
        with connection.makefile("rb") as stream:
            while request := read_message(stream):
                if not self._answer(connection, *request):
                    return

    def _answer(self, client, number, tag):
        if tag == 0x60:
            client.sendall(message(number, result(0x61)))
            return True
        if tag != 0x63:
            return tag != 0x42  # unbind
        self.searches += 1
        for piece in self.script(number):
            if self.closed.is_set() or piece is CLOSE:
                return False
            client.sendall(piece)
        return True


def read_message(stream):
    """(message number, operation tag) of one request; None at the end."""
    header = stream.read(2)
    if len(header) < 2:
        return None
    size = header[1]
    if size & 0x80:
        size = int.from_bytes(stream.read(size & 0x7F), "big")
    body = stream.read(size)
    length = body[1]
    return int.from_bytes(body[2:2 + length], "big"), body[2 + length]


# Scripts.

def nothing(number):
    yield message(number, done())


def late(seconds, script):
    """The same, after so long."""
    def wait(number):
        time.sleep(seconds)
        yield from script(number)
    return wait


def entries(*found):
    def script(number):
        for dn, attributes in found:
            yield message(number, entry(dn, attributes))
        yield message(number, done())
    return script


def refused(code):
    def script(number):
        yield message(number, done(code))
    return script


def references(number):
    """Only referrals to elsewhere, as Active Directory adds them."""
    for host in ("a", "b"):
        yield message(number, tlv(0x73, octets(f"ldap://{host}.invalid/")))
    yield message(number, done())


def referral(number):
    yield message(number, done(REFERRAL, tlv(0xA3, octets(
        "ldap://127.0.0.1:1/"))))


def garbage(number):
    yield os.urandom(4096)


def hang_up(number):
    yield CLOSE


def silence(number):
    return iter(())


def truncated(number):
    yield message(number, entry("cn=x", {"cn": ["x"]}))[:-3]
    yield CLOSE


def huge(number):
    """A message that claims two gigabytes."""
    yield b"\x30\x84\x7f\xff\xff\xff\x02\x01" + bytes([number % 128])


def endless(number):
    """Entries without end, as fast as they are taken."""
    for i in itertools.count():
        yield message(number, entry(f"cn=x{i}", {"cn": ["x" * 1000]}))


def other_number(number):
    """Answers to a question that was not asked."""
    yield message(number + 1000, done())
