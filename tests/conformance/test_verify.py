"""NIST PKITS through the command: certmap verify --crl, all 249 sub-tests.

test_pkits.c tells why each is refused; here the command's options, exit
status and JSON are what is tried.
"""
import csv
import json
import os
import pathlib
import subprocess

import pytest

COMMAND = os.environ.get("CERTMAP_COMMAND", "")
FOLDER = (os.environ.get("CERTMAP_TESTDATA")
          or os.environ.get("CERTMAP_TESTDATA_DEFAULT", "."))
DATA = pathlib.Path(FOLDER) / "pkits"
AT = "2015-01-01T00:00:00Z"
POLICY_ARC = "2.16.840.1.101.3.2.1.48"
STATES = {"good", "revoked", "stale", "unknown"}

# Valid for NIST; DSA is below the floor.
REFUSED = {"4.1.4": "cert-weak-crypto", "4.1.5": "path-untrusted"}

# Why revocation refuses, one of each kind.
REASONS = {
    "4.4.1": ("revocation-unknown", "unknown"),
    "4.4.3": ("revoked", "revoked"),
    "4.4.9": ("revocation-unknown", "unknown"),
    "4.4.11": ("revocation-unknown", "stale"),
    "4.14.23": ("revoked", "revoked"),
    "4.15.4": ("revoked", "revoked"),
    "4.15.10": ("revocation-unknown", "stale"),
}

if not DATA.is_dir():
    pytest.skip("no test data: CERTMAP_TESTDATA names their folder",
                allow_module_level=True)
if not COMMAND:
    pytest.skip("this build has no command", allow_module_level=True)


def rows():
    with open(DATA / "expected.tsv", newline="") as file:
        table = list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    assert len(table) == 250
    return table[1:]


def policies(text):
    names = [name for name in text.split(",") if name and name != "anyPolicy"]
    return [name.replace("NIST-test-policy-", POLICY_ARC + ".")
            for name in names]


def arguments(row):
    certs = [DATA / "certs" / f"{name}.crt" for name in row[4].split()]
    line = ["--at", AT, "--anchor", certs[0]]
    for path in certs[1:-1]:
        line += ["--intermediate", path]
    for name in row[5].split():
        line += ["--crl", DATA / "crls" / f"{name}.crl"]
    for oid in policies(row[6]):
        line += ["--policy", oid]
    for column, option in ((7, "--explicit-policy"),
                           (8, "--inhibit-policy-mapping"),
                           (9, "--inhibit-any-policy")):
        if row[column] == "true":
            line.append(option)
    return [*line, certs[-1]]


@pytest.mark.parametrize("row", rows(), ids=lambda row: f"{row[0]}-{row[1]}")
def test_sub_test(row):
    done = subprocess.run([COMMAND, "verify", "--json",
                           *map(str, arguments(row))],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=60, check=False)
    told = json.loads(done.stdout)
    states = [each["state"] for each in told["revocation"]]
    assert done.returncode == (0 if told["decision"] == "accepted" else 1)
    assert set(states) <= STATES
    if row[3] == "valid" and row[0] not in REFUSED:
        assert (told["decision"], told["reason"]) == ("accepted", "ok")
        assert len(states) == len(told["path"]) - 1
        assert set(states) == {"good"}
        return
    assert told["decision"] == "refused" and told["path"] == []
    if row[0] in REFUSED:
        assert told["reason"] == REFUSED[row[0]]
    if row[0] in REASONS:
        reason, state = REASONS[row[0]]
        assert told["reason"] == reason and state in states
