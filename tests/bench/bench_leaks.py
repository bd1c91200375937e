#!/usr/bin/python3
"""What thousands of logins of every kind leave behind in a KDC.

    tests/bench/bench_leaks.py BUILD [--logins 10000]
    tests/bench/bench_leaks.py BUILD --under asan
    tests/bench/bench_leaks.py BUILD --under valgrind --logins 1000

40 of a hundred are passwords, 30 cards that are accepted, 10 cards that are
refused, 10 revoked ones, 10 spoilt requests.  The KDC's private memory is
looked at after the first tenth and after the last; --under asan needs a build
of the preset asan.  Exit code 1: something is lost, or memory grows.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

import measure
from measure import keeps, say

GROWTH = 2  # MB, from the first tenth to the last


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("build", type=Path)
    parser.add_argument("--logins", type=int, default=10000)
    parser.add_argument("--under", choices=("asan", "valgrind"))
    return parser.parse_args()


options = arguments()
LOAD = measure.use(options.build) / "load"

import mixture  # noqa: E402  (these need the path above)
import realm  # noqa: E402
import slapd as directory  # noqa: E402


def libasan():
    return subprocess.run(["gcc", "-print-file-name=libasan.so"], check=True,
                          text=True, stdout=subprocess.PIPE).stdout.strip()


def choose(kdc, folder):
    """Makes the KDC run under what was asked for."""
    if options.under == "valgrind":
        mixture.under_valgrind(kdc, folder)
    elif options.under == "asan":
        mixture.under_asan(kdc, folder, libasan())


def run(mixed):
    """Returns the megabytes of the first tenth and of the last."""
    tenth = options.logins // 10
    found = []
    with mixed.kdc:
        if options.under is None:
            mixed.fill_cache()
        for count in (tenth, options.logins - tenth):
            began = time.monotonic()
            mixed.run(count)
            found.append(mixed.memory() / 1e6)
            say(f"{count} logins in {time.monotonic() - began:.0f} s: "
                f"{found[-1]:.1f} MB")
    return found


def is_clean(folder):
    report = mixture.report(folder)
    if not mixture.was_checked(report):
        raise SystemExit(f"no report: {report[-2000:]}")
    found = mixture.leaks(report)
    for block in found:
        say(block)
    return keeps("blocks that nobody freed", len(found), "<=", 0)


def main():
    realm.START_SECONDS = 60
    with measure.scratch("bench_leaks.") as name:
        folder = Path(name)
        with directory.Slapd(folder / "slapd",
                             directory.Authority("Directory CA")) as server:
            mixed = mixture.Mixture(folder / "realm", realm.World(folder),
                                    server, LOAD, timeout="20s")
            choose(mixed.kdc, folder)
            first, last = run(mixed)
        clean = options.under is None or is_clean(folder)
        # A checker keeps memory of its own, and what was freed for a while.
        limit = GROWTH if options.under is None else None
        level = keeps("MB more after the last login than after the first "
                      "tenth", last - first, "<=", limit)
        return 0 if clean and level else 1


if __name__ == "__main__":
    sys.exit(main())
