#!/usr/bin/python3
"""What a card login costs a KDC: stock PKINIT and certmap, without and with
a CRL of 1,000,000 entries.

    tests/bench/bench_kdc.py BUILD [--rounds N] [--workers N ...]

BUILD is a build folder, best of the preset release.  Every case is a realm
of its own, and rounds take turns, so that whatever else the machine does hits
all alike.  CPU time is that of krb5kdc and its workers; README.md says what
was measured.  Exit code 1: a limit is exceeded.
"""

import argparse
import contextlib
import dataclasses
import json
import os
import re
import statistics
import subprocess
import sys
from pathlib import Path

import measure
from measure import say

REVOKED = 72
WARM_UP = 50
CARDS = 16

STOCK, STOCK_CRL = "stock", "stock, CRL"
CERTMAP, CERTMAP_CRL = "certmap", "certmap, CRL"
HEIMDAL = "Heimdal"
CASES = {"stock": STOCK, "stock-crl": STOCK_CRL,
         "certmap": CERTMAP, "certmap-crl": CERTMAP_CRL}


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("build", type=Path)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--logins", type=int, default=400,
                        help="of a round (stock with the CRL: a tenth)")
    parser.add_argument("--cases", nargs="+", choices=CASES, metavar="CASE",
                        default=list(CASES), help=", ".join(CASES))
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--entries", type=int, default=1000000,
                        help="of the CRL")
    parser.add_argument("--in-flight", type=int, default=4,
                        help="logins at a time, for each worker")
    parser.add_argument("--keys", choices=("rsa2048", "ec"),
                        default="rsa2048", help="of CAs, KDC and card")
    parser.add_argument("--tiers", type=int, choices=(1, 2), default=2,
                        help="1: the root issues the cards itself")
    parser.add_argument("--heimdal", type=Path,
                        help="where Heimdal's packages were unpacked")
    parser.add_argument("--quiet", type=float, default=0, metavar="SECONDS",
                        help="wait that long for other programs to pause")
    parser.add_argument("--json", type=Path, help="write every round there")
    return parser.parse_args()


options = arguments()
PROGRAMS = measure.use(options.build)

import accounts  # noqa: E402  (these need the path above)
import heimdal  # noqa: E402
import pki  # noqa: E402
import realm  # noqa: E402
import slapd as directory  # noqa: E402


# The CRLs.

def make_crl(folder, authority, entries):
    """CA.crl in DER and CA.crl.pem; returns both paths."""
    stem = authority.subject_text.split("=")[-1].replace(" ", "-")
    cert, key = authority.write(folder, stem)
    der, pem = folder / f"{stem}.crl", folder / f"{stem}.crl.pem"
    with open(der, "wb") as out:
        subprocess.run([PROGRAMS / "make_crl", cert, key, str(entries)],
                       stdout=out, check=True)
    subprocess.run(["openssl", "crl", "-inform", "DER", "-in", der,
                    "-out", pem], check=True)
    return der, pem


def first_serial(crl):
    """The serial number of a CRL's first entry."""
    with open(crl, "rb") as stream:
        head = stream.read(4096)
    # The entry's SEQUENCE, a serial number of 16 octets, the date.
    found = re.search(rb"\x30.\x02\x10(.{16})\x17\x0d\d{12}Z", head, re.S)
    return int.from_bytes(found[1], "big")


# What is measured.

@dataclasses.dataclass
class Case:
    name: str
    kdc: object  # realm.Kdc or heimdal.Heimdal
    logins: int
    rounds: list = dataclasses.field(default_factory=list)
    memory: int = 0

    def pids(self):
        return [self.kdc.pid, *self.kdc.worker_pids()]

    def cpu(self):
        """Seconds of all processes so far, their ended threads included."""
        return sum(map(measure.cpu_clock, self.pids()))

    def private_memory(self):
        """Bytes of the process that has most, without what it shares."""
        def private(pid):
            text = Path(f"/proc/{pid}/smaps_rollup").read_text()
            return 1024 * sum(map(int, re.findall(
                r"^Private_(?:Clean|Dirty): +(\d+) kB$", text, re.M)))
        return max(map(private, self.kdc.worker_pids() or [self.kdc.pid]))

    def load(self, cards, count, expect=0):
        """One run of the load program; (its results, CPU per login)."""
        in_flight = options.in_flight * max(1, self.kdc.workers)
        arguments = ("--count", count, "--expect", expect,
                     "--seconds", 200, "--in-flight", in_flight,
                     *(f"{who}={self.kdc.locate(identity)}"
                       for who, identity in cards.items()))
        # libkrb5 does not take one in some hundred answers of Heimdal's.
        load = measure.load(PROGRAMS / "load", self.kdc, *arguments,
                            attempts=3 if self.name == HEIMDAL else 1)
        before = self.cpu()
        results = load.begin().result()
        return results, (self.cpu() - before) / count

    def round(self, cards):
        measure.wait_for_quiet(options.quiet)
        results, cpu = self.load(cards, self.logins)
        self.rounds.append({"cpu_ms": cpu * 1e3, "rate": results["rate"],
                            "median_ms": results["median_ms"],
                            "p99_ms": results["p99_ms"]})

    def values(self, key):
        return [values[key] for values in self.rounds]

    def median(self, key):
        return statistics.median(self.values(key))

    def beside(self, other, key):
        """The median of the rounds' ratios."""
        return statistics.median(
            a / b for a, b in zip(self.values(key), other.values(key)))


class Scene:
    """Certificates, CRLs, directory and store that the cases share."""

    def __init__(self, folder):
        self.folder = folder
        self.world = realm.World(folder, key_kind=options.keys)
        entries = {self.world.root: 0, self.world.issuing: options.entries}
        if options.tiers == 1:
            self.world.issuing = self.world.root
            pki.bundle(self.world.ntauth, [self.world.root])
            entries = {self.world.root: options.entries}
        say(f"a CRL of {options.entries:,} entries")
        self.crls = {ca: make_crl(folder, ca, count)
                     for ca, count in entries.items()}
        self.pem = folder / "crls.pem"
        with open(self.pem, "wb") as out:
            for _, pem in self.crls.values():
                out.write(pem.read_bytes())
        # A card has two logins under way at most.
        self.cards = {who: self.make_card(who)
                      for who in (f"alice{i}" for i in range(CARDS))}
        self.revoked = self.make_card(
            "bob", serial=first_serial(self.crls[self.world.issuing][0]))
        self.store = folder / "revocation"

    def make_card(self, who, **changes):
        """A card that stock PKINIT takes by its name and certmap by its key
        identifier."""
        return self.world.issuing.issue(
            f"DC=test,DC=corp,CN={who}", key_kind=options.keys,
            eku=(*pki.LOGON, pki.PKINIT_CLIENT),
            other_names=[(pki.PKINIT_SAN.dotted_string,
                          pki.kerberos_name("CORP.TEST", who))], **changes)

    def people(self):
        return "".join(
            accounts.account(who, card.mappings()["ski"])
            for who, card in (*self.cards.items(), ("bob", self.revoked)))

    def fill_store(self, kdc):
        """As an administrator does where the CRLs come by hand."""
        incoming = self.store / "incoming"
        incoming.mkdir(mode=0o755, parents=True)
        for der, _ in self.crls.values():
            (incoming / der.name).write_bytes(der.read_bytes())
        user = ("--user", "nobody") if os.getuid() == 0 else ()
        say(kdc.certmap("refresh", *user, status=0)[1])

    def realms(self, server):
        """Name -> (relations of the realm, wiring)."""
        ours = self.world.certmap(**accounts.settings(
            self.folder, server.ldaps, bind_dn=server.reader_dn,
            password=server.reader_password, ca_file=server.ca_file))
        with_crl = dict(ours, revocation="require", store=self.store)
        known = {
            STOCK: (None, {}),
            STOCK_CRL: (f"        pkinit_revoke = FILE:{self.pem}\n", {}),
            CERTMAP: (ours, realm.WRAP),
            CERTMAP_CRL: (with_crl, realm.WRAP)}
        wanted = {CASES[name] for name in options.cases}
        return {
            **{name: how for name, how in known.items() if name in wanted},
            **({HEIMDAL: (None, {})} if options.heimdal else {})}

    def case(self, name, relations, plugins, workers):
        kdc = realm.Kdc(self.folder / f"{name}-{workers}".replace(", ", "-"),
                        self.world, realms={"CORP.TEST": relations},
                        plugins=plugins, workers=workers if workers > 1 else 0)
        if name == HEIMDAL:
            kdc = heimdal.Heimdal(options.heimdal, kdc, workers)
        else:
            kdc.create_database()
        kdc.add_principals(*self.cards, "bob")
        return Case(name, kdc, max(1, options.logins // 10)
                    if name == STOCK_CRL else options.logins)


def run_all(scene, server, workers, cleanup):
    cases = {name: scene.case(name, *how, workers)
             for name, how in scene.realms(server).items()}
    if CERTMAP_CRL in cases and not scene.store.exists():
        scene.fill_store(cases[CERTMAP_CRL].kdc)
    for case in cases.values():
        cleanup.enter_context(case.kdc)
        case.load(scene.cards, WARM_UP)
        case.memory = case.private_memory()
        expect = REVOKED if "CRL" in case.name else 0
        case.load({"bob": scene.revoked}, 1, expect)
        say(f"{case.name}, {workers} worker(s): the listed card ends with "
            f"{expect}; {case.memory / 1e6:.1f} MB")
    for number in range(options.rounds):
        order = list(cases.values())
        for case in order if number % 2 == 0 else reversed(order):
            case.round(scene.cards)
        say(f"round {number + 1}: " + "; ".join(
            f"{case.name} {case.rounds[-1]['cpu_ms']:.2f} ms "
            f"{case.rounds[-1]['rate']:.0f}/s" for case in order))
    return cases


def table(cases, workers):
    print(f"\n{workers} worker{'s' if workers > 1 else ''}\n\n"
          "| | CPU per AS-REQ | beside stock | AS-REQ/s | beside stock "
          "| private memory |\n|---|---|---|---|---|---|")
    for case in cases.values():
        cpu, rate = (f"{case.beside(cases[STOCK], key):.2f}"
                     if STOCK in cases else "" for key in ("cpu_ms", "rate"))
        print(f"| {case.name} | {case.median('cpu_ms'):.2f} ms | {cpu} "
              f"| {case.median('rate'):.0f} | {rate} "
              f"| {case.memory / 1e6:.1f} MB |")


def added_by_the_crl(cases, crl, base):
    """Milliseconds of CPU, the median of the rounds' differences."""
    return statistics.median(
        a - b for a, b in zip(cases[crl].values("cpu_ms"),
                              cases[base].values("cpu_ms")))


def figures(cases):
    """What, value, relation and limit of every figure whose cases ran."""
    def have(*names):
        return all(name in cases for name in names)

    if have(STOCK, STOCK_CRL):
        yield ("milliseconds of CPU that the CRL adds to stock",
               added_by_the_crl(cases, STOCK_CRL, STOCK), "", None)
    if have(STOCK_CRL, CERTMAP_CRL):
        yield ("stock's CPU with the CRL, beside ours",
               cases[STOCK_CRL].beside(cases[CERTMAP_CRL], "cpu_ms"), ">=",
               25 if options.tiers == 1 else None)
    if have(CERTMAP, CERTMAP_CRL):
        yield ("milliseconds of CPU more than without the CRL",
               added_by_the_crl(cases, CERTMAP_CRL, CERTMAP), "<=", 0.5)
        yield ("MB of private memory more than without the CRL",
               (cases[CERTMAP_CRL].memory - cases[CERTMAP].memory) / 1e6,
               "<=", 2)
    if have(STOCK, CERTMAP_CRL):
        yield ("CPU beside stock with nothing on",
               cases[CERTMAP_CRL].beside(cases[STOCK], "cpu_ms"), "<=", 1.10)
        yield ("AS-REQ/s beside stock with nothing on",
               cases[CERTMAP_CRL].beside(cases[STOCK], "rate"), ">=", 0.95)


def judge(cases):
    """Prints every figure; were all limits kept?"""
    print()
    return all([measure.keeps(*row) for row in figures(cases)])


def main():
    kept, everything = True, {}
    with measure.scratch("bench_kdc.") as name, \
            contextlib.ExitStack() as always:
        folder = Path(name)
        scene = Scene(folder)
        server = always.enter_context(directory.Slapd(
            folder / "slapd", directory.Authority("Directory CA")))
        server.add(scene.people())
        for workers in options.workers:
            with contextlib.ExitStack() as cleanup:
                cases = run_all(scene, server, workers, cleanup)
            table(cases, workers)
            kept = judge(cases) and kept
            everything[workers] = {
                case.name: {"memory": case.memory, "rounds": case.rounds}
                for case in cases.values()}
    if options.json:
        options.json.write_text(json.dumps(everything, indent=1))
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
