"""Logins of every kind by the thousand, and what is left of them in a KDC's
memory: passwords, cards that are accepted, cards that are refused, revoked
cards, and requests that are no requests any more."""

import random
import re
import socket
import struct
import subprocess
from pathlib import Path

import accounts
import realm
import revocation

REALM = "CORP.TEST"
NAME_MISMATCH, REVOKED = 75, 72
CARDS = 4  # a certificate has two logins under way at most
#: How many of a hundred logins are of which kind.
SHARES = {"password": 40, "accepted": 30, "refused": 10, "revoked": 10,
          "garbage": 10}
ANSWER_SECONDS = 30
ANSWERS_KEPT = 2400  # of 2.4 kB each, with requests of 2.3 kB


class Recorder:
    """Stands between a client and the KDC, and keeps what it was sent."""

    def __init__(self, kdc):
        self.kdc = kdc

    def pkinit_request(self, principal, card):
        """The AS-REQ of a card login, as it went over the wire."""
        with socket.create_server(("127.0.0.1", 0)) as server:
            server.settimeout(ANSWER_SECONDS)
            conf = self.kdc.folder / "krb5-recorded.conf"
            text = (self.kdc.folder / "krb5-client.conf").read_text()
            text = text.replace(f"127.0.0.1:{self.kdc.port}",
                                f"127.0.0.1:{server.getsockname()[1]}")
            conf.write_text(text.replace(
                "[libdefaults]\n", "[libdefaults]\nudp_preference_limit = 1\n"))
            environment = dict(self.kdc.environment("client"),
                               KRB5_CONFIG=str(conf))
            with subprocess.Popen(
                    ["kinit", "-c", f"FILE:{self.kdc.folder}/recorded", "-X",
                     f"X509_user_identity={self.kdc.locate(card)}",
                     principal], env=environment, stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL) as client:
                last = b""
                while client.poll() is None:
                    last = self._pass_on(server) or last
            return last

    def _pass_on(self, server):
        server.settimeout(0.2)
        try:
            connection, _ = server.accept()
        except TimeoutError:
            return None
        with connection:
            connection.settimeout(ANSWER_SECONDS)
            request = receive(connection)
            connection.sendall(frame(exchange(self.kdc, request)))
        return request


def frame(message):
    return struct.pack(">I", len(message)) + message


def receive(connection):
    """One message; less, or nothing, if the other side hangs up."""
    head = connection.recv(4, socket.MSG_WAITALL)
    if len(head) < 4:
        return b""
    return connection.recv(struct.unpack(">I", head)[0], socket.MSG_WAITALL)


def exchange(kdc, message):
    """What the KDC answers; nothing if it hangs up."""
    with socket.create_connection(("127.0.0.1", kdc.port),
                                  ANSWER_SECONDS) as connection:
        connection.sendall(frame(message))
        try:
            return receive(connection)
        except ConnectionResetError:
            return b""


class Mixture:
    """A realm with a directory and CRLs behind the kdcpreauth module."""

    def __init__(self, folder, world, server, load, **relations):
        folder.mkdir()
        self.load = load
        self.random = random.Random(1)
        names = [f"user{i}" for i in range(CARDS)]
        self.cards = {name: world.card(name) for name in names}
        self.stranger = world.card("stranger")
        self.revoked = world.card("revoked")
        server.add("".join(
            accounts.account(who, card.mappings()["ski"]) for who, card in
            (*self.cards.items(), ("other", world.card("other")),
             ("revoked", self.revoked))))
        store = revocation.Store(folder / "revocation")
        issuing = revocation.Publisher(world.issuing)
        issuing.revoke(self.revoked)
        store.drop(issuing=issuing.crl(),
                   root=revocation.Publisher(world.root).crl())
        self.kdc = realm.Kdc(
            folder / "kdc", world, plugins=realm.WRAP,
            realms={REALM: world.certmap(
                revocation="require", store=store.folder,
                **accounts.settings(
                    folder, server.ldaps, bind_dn=server.reader_dn,
                    password=server.reader_password, ca_file=server.ca_file),
                **relations)})
        # krb5kdc reserves 1 MB for each TCP connection.  From the heap, as
        # malloc comes to take it, that leaves holes in which what is small
        # settles: pages that come and go, some at a time.  And a heap of its
        # own for each thread stays when the thread has ended.
        self.kdc.own_environment = {
            "GLIBC_TUNABLES": "glibc.malloc.mmap_threshold=131072:"
                              "glibc.malloc.arena_max=1"}
        self.kdc.create_database()
        self.kdc.add_principals(*names, "other", "revoked")
        self.kdc.kadmin(
            f'addprinc -pw "{realm.PASSWORD}" +requires_preauth paul')
        revocation.refresh(self.kdc)
        self.request = None

    def fill_cache(self):
        """The KDC keeps its last answers, up to 10 MB: what they take is to
        be there before anything is compared.  Those to cards are longest."""
        process = self._begin(ANSWERS_KEPT, CARDS, *map(
            "=".join, self._located(self.cards)))
        output = process.communicate()[0]
        assert process.returncode == 0, output

    def run(self, count):
        """So many logins of all kinds, each answered as it should be."""
        if self.request is None:
            self.request = Recorder(self.kdc).pkinit_request(
                "user0", self.cards["user0"])
            assert len(self.request) > 1000, "no card login was recorded"
        parts = {kind: max(1, count * share // 100)
                 for kind, share in SHARES.items()}
        runs = [
            self._begin(parts["password"], 2, "--udp", "--password",
                        realm.PASSWORD, "paul"),
            self._begin(parts["accepted"], CARDS, *map(
                "=".join, self._located(self.cards))),
            self._begin(parts["refused"], 2, "--expect", NAME_MISMATCH,
                        f"other={self.kdc.locate(self.stranger)}"),
            self._begin(parts["revoked"], 2, "--expect", REVOKED,
                        f"revoked={self.kdc.locate(self.revoked)}")]
        for _ in range(parts["garbage"]):
            exchange(self.kdc, self.spoilt())
        for process in runs:
            output = process.communicate()[0]
            assert process.returncode == 0, output + self.kdc.log()[-2000:]

    def _located(self, cards):
        return [(who, self.kdc.locate(card)) for who, card in cards.items()]

    def _begin(self, count, in_flight, *arguments):
        return subprocess.Popen(
            [self.load, "--port", str(self.kdc.port), "--count", str(count),
             "--seconds", "240", "--in-flight", str(in_flight),
             *map(str, arguments)], env=self.kdc.environment("client"),
            text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)

    def spoilt(self):
        """The recorded request with some octets changed, or cut, or noise."""
        choice = self.random.randrange(10)
        if choice == 0:
            return self.random.randbytes(self.random.randrange(2000))
        if choice == 1:
            return self.request[:self.random.randrange(len(self.request))]
        spoilt = bytearray(self.request)
        for _ in range(self.random.choice((1, 1, 1, 2, 4, 16))):
            spoilt[self.random.randrange(len(spoilt))] ^= \
                1 << self.random.randrange(8)
        return bytes(spoilt)

    def threads(self):
        """How many the KDC has."""
        return len(list(Path(f"/proc/{self.kdc.pid}/task").iterdir()))

    def memory(self):
        """Bytes that the KDC has for itself alone."""
        text = Path(f"/proc/{self.kdc.pid}/smaps_rollup").read_text()
        return 1024 * sum(map(int, re.findall(
            r"^Private_(?:Clean|Dirty): +(\d+) kB$", text, re.M)))


# What LeakSanitizer and valgrind say.

#: The first line of a block that is lost, in either's report.
LOST = re.compile(
    r"(?:Direct|Indirect) leak of|(?:definitely|indirectly|possibly) lost in")


def leaks(report):
    """The blocks of a report that nobody freed.  Whoever allocated them: a
    KDC without the module loses none."""
    blocks = re.split(r"\n(?:==\d+==)? *\n", report)
    return [block for block in blocks if LOST.search(block)]


def was_checked(report):
    """Did the checker come to its end?"""
    return "LEAK SUMMARY" in report or "no leaks are possible" in report or \
        "Processing thread" in report


#: What krb5kdc runs under, and the report's folder as {}.
VALGRIND = ["valgrind", "--leak-check=full", "--keep-debuginfo=yes",
            "--show-leak-kinds=definite,indirect", "--num-callers=30",
            "--log-file={}/report.%p"]


def under_valgrind(kdc, folder):
    kdc.confine = [part.format(folder) for part in VALGRIND]
    return kdc


def under_asan(kdc, folder, runtime):
    """The module is built with it."""
    kdc.own_environment = {
        "LD_PRELOAD": runtime,
        "LSAN_OPTIONS": "log_threads=1",  # without a leak it says nothing
        "ASAN_OPTIONS": "detect_leaks=1:exitcode=0:quarantine_size_mb=1:"
                        f"log_path={folder}/report"}
    return kdc


def report(folder):
    """Everything that was reported."""
    return "".join(path.read_text(errors="replace")
                   for path in sorted(Path(folder).glob("report.*")))
