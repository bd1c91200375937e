#!/usr/bin/python3
"""Who waits while card logins wait: a slow OCSP responder, a directory that
hangs.

    tests/bench/bench_wait.py BUILD ocsp
    tests/bench/bench_wait.py BUILD directory

Password logins are sent by a load program whose requests are ready before,
at a steady rate whatever becomes of the earlier ones; latencies count from
when each was due.  README.md says what was measured.  Exit code 1: a limit is
exceeded.
"""

import argparse
import http.server
import shutil
import sys
import threading
import time
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp

import measure
from measure import keeps, say

DELAY = 0.3  # seconds that the responder takes
CARD_LOGINS = 30  # wait at a time, hence 100 begin a second
CARDS = 240  # each waits once: its answer is kept
ALONE_CARDS = 30  # with the certauth module alone they take turns
RATE = 100  # password logins a second
LIMIT_MS = 50
FAST_ENOUGH = 0.95  # by the second server, beside both up
REALM = "CORP.TEST"


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("build", type=Path)
    parser.add_argument("what", choices=("ocsp", "directory"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--burst", action="store_true",
                        help="cards begin all at once, wave after wave")
    parser.add_argument("--quiet", type=float, default=0, metavar="SECONDS",
                        help="wait that long for other programs to pause")
    return parser.parse_args()


options = arguments()
PROGRAM = measure.use(options.build) / "load"

import accounts  # noqa: E402  (these need the path above)
import realm  # noqa: E402
import revocation  # noqa: E402
import slapd as directory  # noqa: E402


def add_paul(kdc):
    kdc.kadmin(f'addprinc -pw "{realm.PASSWORD}" +requires_preauth paul')


# A responder that takes its time.

class SlowResponder:
    """Answers "good" about every certificate of one CA, after a delay."""

    def __init__(self, authority):
        self.delay = 0
        self.asked = 0
        self._authority = authority
        self._signed = {}
        self._server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._server.socket.listen(128)  # many ask at once
        threading.Thread(target=self._server.serve_forever,
                         daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self._server.server_port}/"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def prepare(self, identity):
        """Signed before it is asked for: what is measured waits, and does
        not compete for the processor."""
        now = revocation.pki.now()
        answer = ocsp.OCSPResponseBuilder().add_response(
            cert=identity.cert, issuer=self._authority.cert,
            algorithm=hashes.SHA1(),
            cert_status=ocsp.OCSPCertStatus.GOOD, this_update=now,
            next_update=now + revocation.HOUR, revocation_time=None,
            revocation_reason=None).responder_id(
                ocsp.OCSPResponderEncoding.HASH, self._authority.cert).sign(
                    self._authority.key, hashes.SHA256())
        self._signed[identity.cert.serial_number] = answer.public_bytes(
            serialization.Encoding.DER)

    def _handler(self):
        responder = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                responder.asked += 1
                body = self.rfile.read(int(self.headers["Content-Length"]))
                serial = ocsp.load_der_ocsp_request(body).serial_number
                time.sleep(responder.delay)
                answer = responder._signed[serial]
                self.send_response(200)
                self.send_header("Content-Type", "application/ocsp-response")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        return Handler


class OcspScene:
    """A realm whose cards' status must be fetched from the responder."""

    def __init__(self, folder, world, responder, plugins, cards, **relations):
        self.responder = responder
        self.cards = cards
        folder.mkdir()
        self.store = revocation.Store(folder / "revocation")
        root = revocation.Publisher(world.root)
        issuing = folder / "issuing.pem"
        issuing.write_bytes(world.issuing.pem)
        certmap = world.certmap(
            revocation="require", store=self.store.folder, timeout="10s",
            issuer={"corp": {"certificate": issuing,
                             "ocsp_responder": responder.url}}, **relations)
        self.kdc = realm.Kdc(folder / "kdc", world, plugins=plugins,
                             realms={REALM: certmap})
        self.kdc.create_database()
        self.kdc.add_principals(*cards)
        add_paul(self.kdc)
        # Several commands in one process: the values come from the KDB.
        self.kdc.kadmin(*(
            f'setstr {who} altSecurityIdentities "{card.mappings()["ski"]}"'
            for who, card in cards.items()))
        self.store.drop(root=root.crl())
        revocation.refresh(self.kdc, 0, 1)

    def round(self):
        """(password logins, card logins): every card's status is to be
        fetched; the passwords begin with them and go on as long."""
        self.responder.delay = 0
        cards = measure.load(
            PROGRAM, self.kdc, "--count", len(self.cards),
            "--in-flight", CARD_LOGINS,
            *(() if options.burst else ("--rate", CARD_LOGINS / DELAY)),
            *(f"{who}={self.kdc.locate(card)}"
              for who, card in self.cards.items()))
        shutil.rmtree(self.store.folder / "ocsp")  # as if never asked
        self.responder.delay = DELAY
        asked, seconds = self.responder.asked, self.seconds()
        passwords = measure.load(
            PROGRAM, self.kdc, "--udp", "--password", realm.PASSWORD,
            "--rate", RATE, "--count", int(RATE * seconds), "--in-flight",
            256, "paul")
        measure.wait_for_quiet(options.quiet)
        cards.begin()
        passwords.begin()
        result = (passwords.result(may_fail=True),
                  cards.result(may_fail=True))
        waited = self.responder.asked - asked
        if waited != len(self.cards):
            raise SystemExit(f"{waited} of {len(self.cards)} logins waited")
        return result

    def seconds(self):
        turns = 1 if "kdcpreauth" in self.kdc.plugins else CARD_LOGINS
        return len(self.cards) * turns / CARD_LOGINS * DELAY


def show(name, rounds):
    """Prints both kinds of logins; returns the passwords' percentiles."""
    passwords, cards = zip(*rounds)
    print(f"\n{name}")
    for title, results in (("password", passwords), ("card", cards)):
        print(f"  {title} logins: "
              f"{sum(r['answered'] for r in results)} answered, "
              f"{sum(r['unanswered'] for r in results)} not; milliseconds: "
              f"median {measure.median(r['median_ms'] for r in results):.1f}, "
              "99th percentile "
              f"{measure.median(r['p99_ms'] for r in results):.1f}, longest "
              f"{max(r['max_ms'] for r in results):.1f}", flush=True)
    return [result["p99_ms"] for result in passwords]


def measure_ocsp(folder):
    world = realm.World(folder)
    cards = {f"user{i}": world.issuing.issue(
        f"DC=test,DC=corp,CN=user{i}", key_kind="ec") for i in range(CARDS)}
    few = dict(list(cards.items())[:ALONE_CARDS])
    with SlowResponder(world.issuing) as responder:
        for card in cards.values():
            responder.prepare(card)
        threads = OcspScene(folder / "threads", world, responder, realm.WRAP,
                            cards)
        with threads.kdc:
            rounds = [threads.round() for _ in range(options.rounds)]
        p99 = show(f"kdcpreauth module: {len(cards)} card logins, "
                   f"{CARD_LOGINS} at a time, wait {DELAY} s each", rounds)
        alone = OcspScene(folder / "alone", world, responder, realm.ENFORCE,
                          few, certauth_wait="all")
        with alone.kdc:
            show(f"certauth module alone, certauth_wait = all: {len(few)} "
                 "card logins", [alone.round()])
    print()
    return keeps("password logins' 99th percentile, ms, median of the rounds",
                 measure.median(p99), "<=", LIMIT_MS)


# A directory that hangs.

def card_rate(kdc, cards, count):
    load = measure.load(PROGRAM, kdc, "--count", count, "--in-flight", 4,
                        *(f"{who}={kdc.locate(card)}"
                          for who, card in cards.items()))
    measure.wait_for_quiet(options.quiet)
    return load.begin().result()["rate"]


def hang(kdc, cards, first):
    """The first server hangs while both kinds of logins are under way;
    (password logins, card logins that met it)."""
    passwords = measure.load(
        PROGRAM, kdc, "--udp", "--password", realm.PASSWORD, "--rate", RATE,
        "--count", RATE * 4, "--in-flight", 256, "paul")
    logins = measure.load(PROGRAM, kdc, "--count", 200, "--in-flight", 4,
                          *(f"{who}={kdc.locate(card)}"
                            for who, card in cards.items()))
    measure.wait_for_quiet(options.quiet)
    passwords.begin()
    logins.begin()
    time.sleep(0.3)
    first.pause()
    return passwords.result(), logins.result()


def measure_directory(folder):
    world = realm.World(folder, key_kind="rsa2048")
    cards = {f"user{i}": world.card(f"user{i}") for i in range(16)}
    people = "".join(accounts.account(who, card.mappings()["ski"])
                     for who, card in cards.items())
    authority = directory.Authority("Directory CA")
    with directory.Slapd(folder / "one", authority) as first, \
            directory.Slapd(folder / "two", authority) as second:
        for server in (first, second):
            server.add(people)
        settings = accounts.settings(
            folder, first.ldaps, second.ldaps, bind_dn=first.reader_dn,
            password=first.reader_password, ca_file=first.ca_file)
        kdc = realm.Kdc(folder / "kdc", world, plugins=realm.WRAP,
                        realms={REALM: world.certmap(**settings)})
        kdc.create_database()
        kdc.add_principals(*cards)
        add_paul(kdc)
        with kdc:
            return compare_rates(kdc, cards, first)


def compare_rates(kdc, cards, first):
    card_rate(kdc, cards, 50)  # connections
    ratios, met = [], []
    for number in range(options.rounds):
        both = card_rate(kdc, cards, 300)
        met.append(hang(kdc, cards, first))
        alone = card_rate(kdc, cards, 300)
        first.resume()
        ratios.append(alone / both)
        say(f"round {number + 1}: both up {both:.0f}/s, by the second "
            f"{alone:.0f}/s")
        kdc.restart()  # which has heard of no trouble
        card_rate(kdc, cards, 50)
    p99 = show("The first of two servers hangs while logins are under way",
               met)
    print()
    return all([
        keeps("card logins a second by the second server, beside both up",
              measure.median(ratios), ">=", FAST_ENOUGH),
        keeps("password logins' 99th percentile, ms, median of the rounds",
              measure.median(p99), "<=", LIMIT_MS)])


def main():
    with measure.scratch("bench_wait.") as name:
        run = {"ocsp": measure_ocsp, "directory": measure_directory}
        return 0 if run[options.what](Path(name)) else 1


if __name__ == "__main__":
    sys.exit(main())
