"""The load program of tests/bench against a KDC: what it sends is counted in
the KDC's own log, so that its figures can be believed."""

import json
import os
import re
import socket
import subprocess

import pytest

import realm

LOAD = os.environ.get("CERTMAP_LOAD")
PASSWORD_ERROR, NAME_MISMATCH = 24, 75
COUNT = 30


@pytest.fixture(scope="module")
def kdc(tmp_path_factory, world):
    folder = tmp_path_factory.mktemp("load")
    with realm.Kdc(folder, world, workers=2) as kdc:
        kdc.add_principals("alice", "bob")
        kdc.kadmin(f'addprinc -pw "{realm.PASSWORD}" +requires_preauth paul')
        for name in ("alice", "bob"):
            kdc.set_mappings(name, world.card("alice").mappings()["ski"])
        yield kdc


def load(kdc, *arguments, status=0):
    """Runs it; returns what it says and what the KDC logged meanwhile."""
    before = kdc.log_size()
    done = subprocess.run(
        [LOAD, "--port", str(kdc.port), "--count", str(COUNT), "--json",
         *arguments], env=kdc.environment("client"), text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, timeout=120, check=False)
    assert done.returncode == status, done.stderr + done.stdout
    said = json.loads(done.stdout) if done.stdout else done.stderr
    return said, kdc.log(before)


def card(kdc, world, who="alice", of="alice"):
    return f"{who}={kdc.locate(world.card(of))}"


def issued(log):
    return len(re.findall(r"AS_REQ .*: ISSUE: ", log))


@pytest.mark.parametrize("options", [
    (), ("--udp",), ("--in-flight", "8"), ("--in-flight", "8", "--udp"),
    ("--real",), ("--real", "--in-flight", "4"),
    ("--in-flight", "4", "--rate", "100")], ids=" ".join)
def test_every_card_login_is_a_login(kdc, world, options):
    said, log = load(kdc, *options, card(kdc, world))
    assert said["as_rep"] == said["answered"] == COUNT
    assert (said["errors"], said["unanswered"]) == ({}, 0)
    # And the one that was captured.
    assert issued(log) == COUNT + 1
    assert len(realm.audit_lines(log)) == COUNT + 1


@pytest.mark.parametrize("options", [(), ("--udp", "--in-flight", "8"),
                                     ("--real",)], ids=" ".join)
def test_passwords(kdc, options):
    said, log = load(kdc, *options, "--password", realm.PASSWORD, "paul")
    assert (said["as_rep"], said["errors"]) == (COUNT, {})
    assert issued(log) == COUNT + 1


def test_several_logins_take_turns(kdc, world):
    said, log = load(kdc, "--password", realm.PASSWORD,
                     card(kdc, world), "paul", card(kdc, world, "bob"))
    assert said["as_rep"] == COUNT
    for name in ("alice", "bob", "paul"):
        assert len(re.findall(rf"ISSUE: .* {name}@CORP.TEST for",
                              log)) == COUNT / 3 + 1


def test_refusals_are_counted(kdc, world):
    refused = card(kdc, world, "alice", "stranger")
    said, log = load(kdc, "--expect", str(NAME_MISMATCH), refused)
    assert said["errors"] == {str(NAME_MISMATCH): COUNT}
    assert (said["as_rep"], issued(log)) == (0, 0)
    audits = realm.audit_lines(log)
    assert {audit["reason"] for audit in audits} == {"no-mapping"}


def test_an_unexpected_answer_is_told(kdc, world):
    refused = card(kdc, world, "alice", "stranger")
    said, _ = load(kdc, refused, status=2)
    assert f"error {NAME_MISMATCH}" in said
    said, _ = load(kdc, "--expect", str(NAME_MISMATCH), card(kdc, world),
                   status=2)
    assert "AS-REP" in said
    said, _ = load(kdc, "--password", "wrong", "paul", status=2)
    assert f"error {PASSWORD_ERROR}" in said


def test_answers_that_change_are_told(kdc, world):
    """What was captured is accepted; then the account is taken away."""
    process = subprocess.Popen(
        [LOAD, "--port", str(kdc.port), "--count", str(COUNT), "--json",
         "--wait", card(kdc, world, "bob")], env=kdc.environment("client"),
        text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout.readline() == "ready\n"
    kdc.kadmin("delstr bob altSecurityIdentities")
    output, _ = process.communicate("\n", timeout=60)
    kdc.set_mappings("bob", world.card("alice").mappings()["ski"])
    said = json.loads(output)
    assert said["errors"] == {str(NAME_MISMATCH): COUNT}
    assert process.returncode == 1


def test_a_kdc_that_is_away_is_told(kdc, world):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        done = subprocess.run(
            [LOAD, "--port", str(nobody.getsockname()[1]),
             card(kdc, world)], env=kdc.environment("client"), text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, timeout=60, check=False)
    assert done.returncode == 2
    assert "no answer" in done.stderr


@pytest.mark.parametrize("arguments", [
    (), ("alice",), ("--count", "0"), ("--count", "1000001"),
    ("--seconds", "241"), ("--in-flight", "257"), ("--rate", "nan"),
    ("--expect", "128"), ("--nonsense",)], ids=" ".join)
def test_usage(kdc, arguments):
    said, log = load(kdc, *arguments, *(["alice=FILE:x"] if arguments and
                                        arguments[0].startswith("-") else []),
                     status=2)
    assert said
    assert not log
