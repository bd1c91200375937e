#!/usr/bin/env python3
"""certmap populate beside ldapmodify, on one slapd with default sync.

    tests/bench/bench_populate.py build/release [--accounts N ...]

For each number of accounts: a slapd that syncs after every transaction, as it
does by default, holds that many accounts without a mapping.  In turn
ldapmodify applies the plan as LDIF (`certmap populate -n`), and `certmap
populate --apply` does the whole of its work: reading a CSV of certificates,
sweeping the directory, planning, the undo file, writing.  Between the two the
database is put back as it was, so that both begin with the same accounts.
Afterwards both results are compared.  The exit code is 1 if a limit
is exceeded.
"""

import argparse
import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "realm"), str(HERE.parent / "pki")]

LIMIT_RATIO, LIMIT_MB = 2.0, 64


def make_csv(people, path, count):
    """Certificates that differ in name and serial; signed in earnest."""
    with open(path, "w", encoding="ascii") as out:
        out.write("principal,certificate\n")
        for i in range(count):
            der = people.issue(f"u{i}", rfc822=None).der
            out.write(f"u{i},{base64.b64encode(der).decode()}\n")



def high_water(pid):
    """Peak memory in MB so far; what wait4(2) says begins with our own."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    lines = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(lines[0].split()[1]) / 1024 if lines else 0


def timed(command, **options):
    """(seconds, peak memory in MB, standard output)."""
    start, memory = time.monotonic(), 0
    with tempfile.TemporaryFile() as out:
        with subprocess.Popen(command, stdout=out, stderr=subprocess.PIPE,
                              **options) as process:
            while process.poll() is None:
                memory = max(memory, high_water(process.pid))
                time.sleep(0.01)
            errors = process.stderr.read().decode(errors="replace")
        took = time.monotonic() - start
        out.seek(0)
        text = out.read().decode(errors="replace")
    if process.returncode != 0:
        raise SystemExit(f"{command[:3]}: {process.returncode}: "
                         f"{text[-400:]}{errors[-400:]}")
    return took, memory, text


def ldapmodify(slapd, path):
    return timed(["ldapmodify", "-Q", "-Y", "EXTERNAL", "-H", slapd.ldapi,
                  "-f", str(path)],
                 env=dict(os.environ, LDAPNOINIT="1"))[0]


def values_of(people):
    return {dn: sorted(values) for dn, values in people.values().items()}


def measure(folder, world, count):
    import populating
    from slapd import Slapd

    class Synced(Slapd):
        def _database_ldif(self):
            return super()._database_ldif().replace("olcDbNoSync: TRUE\n", "")

    slapd = Synced(folder / "slapd")
    people = populating.People(slapd, world.issuing, 0)
    people.count = count
    slapd.load(people.ldif())
    csv, plan, undo = (folder / name for name in (
        "in.csv", "plan.ldif", "undo.ldif"))
    make_csv(people, csv, count)
    shutil.copytree(slapd.folder / "db", folder / "kept")
    with slapd:
        populate = populating.Populate(folder, world, slapd)
        environment = dict(populate.environment(), TMPDIR=str(folder))
        plan_seconds, _, text = timed(populate.command("-n", "--csv", csv),
                                      env=environment, cwd=folder)
        plan.write_text(text)
        by_ldapmodify = ldapmodify(slapd, plan)
        wanted = values_of(people)
        assert len(wanted) == count
        slapd.stop()
        shutil.rmtree(slapd.folder / "db")
        shutil.copytree(folder / "kept", slapd.folder / "db")
        slapd.start()
        assert not values_of(people)
        took, memory, text = timed(
            populate.command("--json", "--apply", "--undo", undo,
                             "--csv", csv), env=environment, cwd=folder)
        report = json.loads(text[text.index("{"):])
        assert report["written"] == count, report
        assert values_of(people) == wanted
    return {"accounts": count, "ldapmodify": by_ldapmodify, "populate": took,
            "plan": plan_seconds, "memory": memory,
            "transactions": report["transactions"]}


def show(result):
    count = result["accounts"]
    ratio = result["ldapmodify"] / result["populate"]
    print(f"{count} accounts: ldapmodify {result['ldapmodify']:.1f} s "
          f"({count / result['ldapmodify']:.0f}/s), "
          f"populate {result['populate']:.1f} s "
          f"({count / result['populate']:.0f}/s, of which planning "
          f"{result['plan']:.1f} s), ratio {ratio:.2f}, peak "
          f"{result['memory']:.1f} MB", flush=True)
    return ratio >= LIMIT_RATIO and result["memory"] < LIMIT_MB


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build")
    parser.add_argument("--accounts", type=int, nargs="+",
                        default=[10000, 100000])
    parser.add_argument("--folder", default="/var/tmp",
                        help="on a disk, not in memory")
    options = parser.parse_args()
    build = Path(options.build).resolve()
    os.environ["CERTMAP_COMMAND"] = str(build / "tools" / "certmap")
    os.environ["CERTMAP_MODULE"] = str(build / "plugin" / "certmap.so")
    import realm
    good = True
    for count in options.accounts:
        with tempfile.TemporaryDirectory(dir=options.folder) as name:
            folder = Path(name)
            good = show(measure(folder, realm.World(folder), count)) and good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
