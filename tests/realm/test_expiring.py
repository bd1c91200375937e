"""certmap expiring: what runs out in a realm with a store and a directory."""

import base64
import datetime
import os
import re
import shutil
import subprocess

import pytest
from cryptography.hazmat.primitives import hashes

from keeper import Keeper, crl, now
from realm import COMMAND
from slapd import Authority, Slapd

pytestmark = pytest.mark.skipif(not COMMAND,
                                reason="this build has no certmap")

SUFFIX = "dc=example,dc=com"
DAY = datetime.timedelta(days=1)


@pytest.fixture
def keeper(tmp_path, world):
    keeper = Keeper(tmp_path / "keeper", world)
    incoming = keeper.store / "incoming"
    incoming.mkdir(parents=True)
    for name in ("issuing", "root"):
        (incoming / name).write_bytes(crl(
            getattr(world, name), next_update=now() + 3 * DAY))
    assert keeper.refresh().returncode == 0
    return keeper


def expiring(keeper, *arguments, status=1):
    done = keeper.run("expiring", "--json", *arguments)
    assert done.returncode == status, done.stdout + done.stderr
    return done.json["expiring"]


def of_kind(rows, kind):
    return [row for row in rows if row["kind"] == kind]


def later(days):
    return "--at", (now() + days * DAY).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_store(keeper):
    """A CRL counts in its last quarter: until then refresh renews it."""
    assert expiring(keeper, "--days", "10", status=0) == []
    rows = expiring(keeper, "--days", "10", *later(2.9))
    assert [row["kind"] for row in rows] == ["crl", "crl"]
    assert all(row["days"] == 0 and row["state"] == "expiring"
               for row in rows)


def test_everything(keeper):
    rows = expiring(keeper, "--all", "--days", "10", status=0)
    assert {row["kind"] for row in rows} == {
        "crl", "ntauth", "anchor", "intermediate"}
    ends = [row["until"] for row in rows]
    assert ends == sorted(ends)


def test_expired_comes_first(keeper):
    rows = expiring(keeper, "--all", *later(4))
    assert rows[0]["state"] == "expired" and rows[0]["days"] < 0


def test_no_store(keeper):
    shutil.rmtree(keeper.store)
    done = keeper.run("expiring", "--json")
    assert done.returncode == 3
    assert any("store" in text for text in done.json["problems"])
    # Where nobody asks about revocation nothing is missed.
    keeper.relations["revocation"] = "off"
    keeper.write()
    assert expiring(keeper, "--days", "10", status=0) == []


def test_mirror(keeper, world):
    keeper.relations.update(ntauth="ldap", directory="ldap", ldap={
        "uri": "ldapi://%2Fnonexistent", "base": SUFFIX, "schema": "mit"})
    keeper.write()
    done = keeper.run("expiring", "--json")
    assert done.returncode == 3 and "no NTAuth list" in done.stderr
    folder = keeper.store / "ntauth"
    folder.mkdir(exist_ok=True)
    (folder / "NTAuthCertificates.pem").write_bytes(world.issuing.pem)
    assert expiring(keeper, "--days", "2", status=0) == []
    (row,) = of_kind(expiring(keeper, "--days", "2", *later(0.9)), "mirror")
    assert row["days"] == 0


# ---- Users ----

def account(name, certificate, mapping=None):
    value = base64.b64encode(certificate.der).decode()
    lines = [f"dn: cn={name},{SUFFIX}", "objectClass: inetOrgPerson",
             "objectClass: certmapTestAccount", f"cn: {name}", f"sn: {name}",
             f"userCertificate;binary:: {value}"]
    if mapping:
        lines.append(f"altSecurityIdentities: {mapping}")
    return "\n".join(lines) + "\n\n"


@pytest.fixture
def directory(tmp_path, keeper):
    with Slapd(tmp_path / "slapd", Authority("Directory CA")) as slapd:
        secret = tmp_path / "secret"
        secret.write_text(slapd.reader_password)
        secret.chmod(0o600)
        keeper.relations.update(directory="ldap", ldap={
            "uri": slapd.ldaps, "base": SUFFIX, "schema": "mit",
            "bind_dn": slapd.reader_dn, "password_file": secret,
            "ca_file": slapd.ca_file})
        keeper.write()
        yield slapd


def test_users(keeper, directory, world):
    card, stranger = world.card("alice"), world.card("bob")
    directory.add(account("alice", card, card.mappings()["ski"])
                  + account("other", stranger, card.mappings()["ski"])
                  + account("nobody", stranger))
    rows = of_kind(expiring(keeper, "--users", "--all"), "user")
    # Only a certificate that a value of its own account names is mapped.
    assert [row["where"] for row in rows] == [f"cn=alice,{SUFFIX}"]
    ends = card.cert.not_valid_after.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert rows[0]["until"] == ends
    assert not of_kind(expiring(keeper, "--all"), "user")


def test_many_users(keeper, directory, world):
    """More pages than one, and one certificate on many accounts."""
    card = world.card("alice")
    directory.add("".join(account(f"user{i}", card, card.mappings()["ski"])
                          for i in range(600)))
    (row,) = of_kind(expiring(keeper, "--users", "--all"), "user")
    assert f"cn=user0,{SUFFIX}" in row["where"] and "..." in row["where"]


def test_directory_is_down(keeper, directory):
    directory.stop()
    done = keeper.run("expiring", "--json", "--users", "--all")
    assert done.returncode == 3
    assert any("the directory" in text for text in done.json["problems"])
    assert of_kind(done.json["expiring"], "crl")


def test_cards_that_logged_in(keeper, world):
    card = world.card("alice")
    digest = card.cert.fingerprint(hashes.SHA256()).hex()
    folder = keeper.store / "seen" / digest[:2]
    folder.mkdir(parents=True)
    (folder / f"{digest}.der").write_bytes(card.der)
    (row,) = of_kind(expiring(keeper, "--users", "--all"), "card")
    assert row["where"] == str(keeper.store)


# ---- Who is told ----

def test_told_once_a_week(keeper, tmp_path):
    state, mail = tmp_path / "told", tmp_path / "mail"
    words = ("--days", "10", "--state", state, "--repeat", "7")

    def told(day, status):
        mail.unlink(missing_ok=True)
        done = keeper.run("expiring", *words, *later(day), "--run",
                          f"cat > {mail}")
        assert done.returncode == status, done.stdout + done.stderr
        return mail.exists()

    assert not told(0, 0)
    assert told(2.5, 1) and "crl" in mail.read_text()
    assert not told(2.9, 0)
    assert told(4, 1)  # they have expired
    assert not told(5, 0)
    assert told(12, 1)


# ---- The units ----

@pytest.fixture
def units(source, tmp_path):
    folder = tmp_path / "units"
    shutil.copytree(source / "examples" / "systemd", folder)
    service = folder / "certmap-expiring.service"
    service.write_text(service.read_text().replace("/usr/bin/certmap",
                                                   COMMAND))
    return folder


def test_service_runs_what_there_is(units, keeper, tmp_path):
    """Its command line, with another hook and another state."""
    unit = (units / "certmap-expiring.service").read_text()
    settings = dict(re.findall(r'^Environment="?(\w+)=([^"\n]*)', unit, re.M))
    hook = tmp_path / "hook"
    hook.write_text(f"#!/bin/sh\ncat > {tmp_path}/mail\n")
    hook.chmod(0o755)
    settings.update(HOOK=str(hook), DAYS="10",
                    STATE_DIRECTORY=str(tmp_path))
    line = re.search(r"^ExecStart=(.*)$", unit, re.M).group(1)
    words = [re.sub(r"\$\{(\w+)\}", lambda m: settings[m.group(1)], word)
             for word in line.split()]
    done = subprocess.run([*words, "-c", str(keeper.conf), *later(2.9)], text=True,
                          capture_output=True, check=False,
                          env={**os.environ, **keeper.environment})
    assert done.returncode == 1, done.stderr
    assert "crl" in (tmp_path / "mail").read_text()
    assert "SuccessExitStatus=1" in unit
