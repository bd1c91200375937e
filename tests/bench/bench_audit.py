#!/usr/bin/env python3
"""How long certmap audit takes, and how much memory.

    tests/bench/bench_audit.py build/release [--accounts 10000 100000]
        [--certificates]

One slapd holds accounts with three mapping values each: strong, strong and
weak, of which one in a thousand is shared, malformed or in the wrong order.
With --certificates each account holds its certificate, too.  Peak memory is
VmHWM.
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

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "realm"), str(ROOT / "pki")]

VALUES = 3
LIMIT_SECONDS = 20.0  # for 100,000 accounts
LIMIT_KB = 64 * 1024
ISSUER = "DC=test,DC=corp,CN=Corp CA 1"


def values(i):
    if i % 1000 == 1:
        serial = f"{i - 1:016x}"  # the neighbour's
    else:
        serial = f"{i:016x}"
    first = f"X509:<I>{ISSUER}<SR>{serial}01"
    if i % 1000 == 2:
        first = "X509:<SR>00"
    if i % 1000 == 3:
        first = f"X509:<I>CN=Corp CA 1,DC=corp,DC=test<SR>{serial}01"
    return [first, f"X509:<SKI>{i:040x}",
            f"X509:<I>{ISSUER}<S>DC=test,DC=corp,CN=u{i}"]


def write_ldif(path, count, suffix, issue):
    with open(path, "w", encoding="ascii") as out:
        for i in range(count):
            lines = [f"dn: uid=u{i},{suffix}", "objectClass: inetOrgPerson",
                     "objectClass: krbPrincipalAux",
                     "objectClass: certmapTestAccount", f"uid: u{i}",
                     f"cn: u{i}", f"sn: u{i}",
                     f"krbPrincipalName: u{i}@CORP.TEST",
                     f"userPrincipalName: u{i}@corp.test"]
            lines += [f"altSecurityIdentities: {value}" for value in values(i)]
            if issue is not None:
                lines.append(f"userCertificate;binary:: {issue(i)}")
            out.write("\n".join(lines) + "\n\n")


def issuer_of(world, count):
    """Certificates are dear to make: 1,000 different ones go round."""
    made = [base64.b64encode(world.issuing.issue(
        f"DC=test,DC=corp,CN=u{i}", key_kind="ec", slot="bench").der).decode()
        for i in range(min(count, 1000))]
    return lambda i: made[i % len(made)]


def high_water(pid):
    """Peak memory in kB so far; what wait4(2) says begins with our own."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    lines = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(lines[0].split()[1]) if lines else 0


def run(command, environment):
    """Seconds, peak kB, seconds of CPU, what was printed, exit code."""
    before, start, peak = os.times(), time.monotonic(), 0
    with tempfile.TemporaryFile() as out:
        with subprocess.Popen(command, stdout=out,
                              env=environment) as process:
            while process.poll() is None:
                peak = max(peak, high_water(process.pid))
                time.sleep(0.01)
        seconds, after = time.monotonic() - start, os.times()
        out.seek(0)
        cpu = (after.children_user - before.children_user +
               after.children_system - before.children_system)
        return seconds, peak, cpu, json.load(out), process.returncode


def measure(build, count, certificates, folder):
    import realm
    from slapd import Slapd
    world = realm.World(folder)
    slapd = Slapd(folder / "slapd", indexes=(
        "objectClass eq", "krbPrincipalName eq,pres",
        "userPrincipalName eq,pres", "altSecurityIdentities eq,pres"))
    issue = issuer_of(world, count) if certificates else None
    ldif = folder / "all.ldif"
    write_ldif(ldif, count, slapd.suffix, issue)
    slapd._tool("/usr/sbin/slapadd", "-q", "-F", slapd._config, "-n", "1",
                "-l", ldif)
    with slapd:
        kdc = realm.Kdc(folder / "kdc", world, realms={
            "CORP.TEST": world.certmap(directory="ldap", ldap={
                "uri": slapd.ldapi, "base": slapd.suffix, "schema": "mit",
                "sasl_mech": "EXTERNAL"})})
        seconds, peak, cpu, report, code = run(
            [str(build / "tools" / "certmap"), "audit", "--json", "--html",
             str(folder / "page.html"), "-c", str(kdc.kdc_conf)],
            kdc.environment())
    counts = report["counts"]
    assert code == 1 and report["complete"]
    assert report["accounts"]["read"] == count
    assert report["values"]["certificate"] == VALUES * count
    for kind in ("shared", "malformed", "reversed-order"):
        assert counts[kind] == (count + 996) // 1000, (kind, counts)
    print(f"{count:8} accounts: {seconds:6.1f} s, of its own {cpu:6.1f} s "
          f"CPU, {peak / 1024:6.1f} MB", flush=True)
    return (seconds <= LIMIT_SECONDS * max(count, 100000) / 100000
            and peak <= LIMIT_KB)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", type=Path)
    parser.add_argument("--accounts", type=int, nargs="+",
                        default=[10000, 100000])
    parser.add_argument("--certificates", action="store_true")
    arguments = parser.parse_args()
    build = arguments.build.resolve()
    os.environ["CERTMAP_COMMAND"] = str(build / "tools" / "certmap")
    good = True
    for count in arguments.accounts:
        folder = Path(tempfile.mkdtemp(prefix="bench-audit."))
        try:
            good &= measure(build, count, arguments.certificates, folder)
        finally:
            shutil.rmtree(folder)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
