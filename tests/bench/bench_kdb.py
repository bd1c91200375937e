#!/usr/bin/python3
"""What our KDB module costs an ordinary lookup: password logins on db2, and
on db2 with ours between.

    tests/bench/bench_kdb.py BUILD [--rounds N] [--logins N]
    tests/bench/bench_kdb.py BUILD --instructions

BUILD is a build folder, best of the preset release.  Rounds take turns, in
changing order, each with a KDC that was just started: where its memory happens
to lie is worth a percent.  db2 has a second KDC, which shows by how much the
same differs from the same.  With --instructions nothing is timed: valgrind counts what
krb5kdc executes for an AS-REQ.  Exit code 1: the limit is exceeded.
"""

import argparse
import contextlib
import os
import re
import statistics
import sys
import tempfile
from pathlib import Path

import measure
from measure import say

DIRECT, STACKED, AGAIN = "direct", "stacked", "direct again"
WARM = 200  # logins before a round
REALM = "CORP.TEST"
LIMIT = 1.02


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("build", type=Path)
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--logins", type=int, default=4000, help="of a round")
    parser.add_argument("--in-flight", type=int, default=4)
    parser.add_argument("--instructions", action="store_true")
    parser.add_argument("--quiet", type=float, default=0, metavar="SECONDS",
                        help="wait that long for other programs to pause")
    return parser.parse_args()


options = arguments()
PROGRAMS = measure.use(options.build)
os.environ["CERTMAP_KDB_FOLDER"] = str(options.build.resolve() / "kdb")

import realm  # noqa: E402  (needs the path above)


class Case:
    """A realm with one password, in one of the two ways."""

    def __init__(self, folder, world, stacked):
        # A login then writes nothing: the disk would hide what a lookup costs.
        database = {"db_library": "db2", "disable_last_success": "true",
                    "disable_lockout": "true",
                    "database_name": folder / "principal"}
        self.kdc = realm.Kdc(folder, world, plugins=realm.WRAP,
                             stacked=stacked, modules={REALM: database})
        self.kdc.create_database()
        self.kdc.kadmin(f'addprinc -pw "{realm.PASSWORD}" '
                        '+requires_preauth paul')
        self.rates, self.cpu = [], []

    def load(self, count):
        return measure.Load(
            PROGRAMS / "load", self.kdc, "--count", count, "--seconds", 200,
            "--in-flight", options.in_flight, "--password", realm.PASSWORD,
            "paul")

    def round(self, count):
        self.kdc.restart()
        self.load(WARM).begin().result()
        measure.wait_for_quiet(options.quiet)
        load = self.load(count)
        before = measure.cpu_clock(self.kdc.pid)
        results = load.begin().result()
        self.cpu.append((measure.cpu_clock(self.kdc.pid) - before) / count)
        self.rates.append(results["rate"])


    def counted(self, count):
        """Instructions of a KDC that starts, answers so many, and ends."""
        out = self.kdc.folder / f"callgrind.{count}"
        self.kdc.confine = ["valgrind", "--tool=callgrind", "-q",
                            f"--callgrind-out-file={out}"]
        with self.kdc:
            self.load(count).begin().result()
        return int(re.search(r"^totals: (\d+)", out.read_text(), re.M)[1])

    def instructions(self, few=200, many=1200):
        """Of one AS-REQ."""
        return (self.counted(many) - self.counted(few)) / (many - few)


def ratios(above, below):
    """Median, and between what half of the rounds lie."""
    found = sorted(a / b for a, b in zip(above, below))
    return (statistics.median(found), found[len(found) // 4],
            found[-1 - len(found) // 4])


def run(cases):
    for number in range(options.rounds):
        order = list(cases.items())
        for _, case in order if number % 2 == 0 else reversed(order):
            case.round(options.logins)
        say(f"round {number + 1}: " + "; ".join(
            f"{name} {case.rates[-1]:.0f}/s {case.cpu[-1] * 1e6:.0f} us"
            for name, case in order))


def report(cases):
    print("\n| | AS-REQ/s | CPU per AS-REQ |\n|---|---|---|")
    for kind, case in cases.items():
        print(f"| {kind} | {statistics.median(case.rates):.0f} "
              f"| {statistics.median(case.cpu) * 1e6:.1f} us |")
    print()
    kept = True
    for kind in (STACKED, AGAIN):
        rate = ratios(cases[DIRECT].rates, cases[kind].rates)
        cpu = ratios(cases[kind].cpu, cases[DIRECT].cpu)
        limit = ("<=", LIMIT) if kind == STACKED else ()
        kept &= measure.keeps(f"AS-REQ/s of direct beside {kind}", rate[0],
                              *limit)
        print(f"  half of the rounds: {rate[1]:.3f} to {rate[2]:.3f}")
        measure.keeps(f"CPU of {kind} beside direct", cpu[0], *limit)
        print(f"  half of the rounds: {cpu[1]:.3f} to {cpu[2]:.3f}")
    return kept


def count(cases):
    found = {kind: cases[kind].instructions() for kind in (DIRECT, STACKED)}
    for kind, number in found.items():
        print(f"{kind}: {number:,.0f} instructions per AS-REQ")
    return measure.keeps("instructions of stacked beside direct",
                         found[STACKED] / found[DIRECT], "<=", LIMIT)


def main():
    with tempfile.TemporaryDirectory(prefix="bench_kdb.") as name, \
            contextlib.ExitStack() as cleanup:
        folder = Path(name)
        world = realm.World(folder, key_kind="ec")
        cases = {kind: Case(folder / kind.replace(" ", "-"), world,
                            kind == STACKED)
                 for kind in (DIRECT, STACKED, AGAIN)}
        if options.instructions:
            return 0 if count(cases) else 1
        for case in cases.values():
            cleanup.enter_context(case.kdc)
        run(cases)
    return 0 if report(cases) else 1


if __name__ == "__main__":
    sys.exit(main())
