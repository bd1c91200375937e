"""ntauth = ldap: the directory's list, mirrored into the store."""

import base64
import os
import time

import pytest

from keeper import REALM, Keeper, crl
from realm import COMMAND
from slapd import Authority, Slapd

pytestmark = pytest.mark.skipif(not COMMAND,
                                reason="this build has no certmap")

SUFFIX = "dc=example,dc=com"
CONTAINERS = ("CN=Configuration", "CN=Services", "CN=Public Key Services")
OBJECT = ("CN=NTAuthCertificates," + ",".join(reversed(CONTAINERS))
          + "," + SUFFIX)


def entry(dn, *certificates):
    name = dn.split(",")[0].split("=")[1]
    lines = [f"dn: {dn}", "objectClass: applicationProcess",
             "objectClass: pkiCA", f"cn: {name}"]
    for certificate in certificates:
        value = base64.b64encode(certificate.der).decode()
        lines.append(f"cACertificate;binary:: {value}")
    return "\n".join(lines) + "\n\n"


def replace(*certificates, dn=OBJECT):
    lines = [f"dn: {dn}", "changetype: modify",
             "replace: cACertificate;binary"]
    for certificate in certificates:
        value = base64.b64encode(certificate.der).decode()
        lines.append(f"cACertificate;binary:: {value}")
    return "\n".join(lines) + "\n"


@pytest.fixture
def slapd(tmp_path, world):
    # The child, which is somebody else, must reach nothing below this.
    with Slapd(tmp_path / "slapd", Authority("Directory CA")) as one:
        dn = SUFFIX
        for rdn in CONTAINERS:
            dn = f"{rdn},{dn}"
            one.add(entry(dn))
        one.add(entry(OBJECT, world.issuing))
        yield one


@pytest.fixture
def keeper(tmp_path, world, slapd):
    secret = tmp_path / "secret"
    secret.write_text(slapd.reader_password)
    secret.chmod(0o600)
    keeper = Keeper(tmp_path / "keeper", world, ntauth="ldap",
                    directory="ldap", ldap={
                        "uri": slapd.ldaps, "base": SUFFIX, "schema": "mit",
                        "bind_dn": slapd.reader_dn, "password_file": secret,
                        "ca_file": slapd.ca_file})
    for name in ("issuing", "root"):
        incoming = keeper.store / "incoming"
        incoming.mkdir(parents=True, exist_ok=True)
        (incoming / name).write_bytes(crl(getattr(world, name)))
    return keeper


def mirror(keeper):
    path = keeper.store / "ntauth" / "NTAuthCertificates.pem"
    return path.read_bytes() if path.exists() else None


def outcome(done):
    (row,) = [row for row in done.store["sources"] if row["kind"] == "ntauth"]
    return row["outcome"]


def test_mirrored(keeper, world):
    done = keeper.refresh()
    assert done.returncode == 0, done.stdout + done.stderr
    assert outcome(done) == "mirrored"
    assert mirror(keeper).count(b"BEGIN CERTIFICATE") == 1
    # What was dropped in counts from the first run on.
    assert keeper.verify(world.card("alice")) == "ok"
    (listed,) = keeper.status().store["ntauth"]
    assert listed["realm"] == REALM and 0 <= listed["age"] < 60
    assert listed["max_age"] == 24 * 3600
    assert listed["source"]["failures"] == 0


def test_removed_ca(keeper, world, slapd):
    """Its cards are refused, and what was cached under its key is gone."""
    keeper.refresh()
    assert keeper.crls(world.issuing)
    # Only the list named it: it is no intermediate.
    pool = keeper.folder / "pool.pem"
    pool.write_bytes(world.web.pem)
    keeper.relations["intermediates"] = f"FILE:{pool}"
    keeper.write()
    slapd.modify(replace(world.web))
    done = keeper.refresh()
    assert outcome(done) == "mirrored"
    assert keeper.verify(world.card("alice")) is None  # refused before
    assert not keeper.crls(world.issuing)


def test_emptied(keeper, world, slapd):
    """An object without values is an answer: nobody may issue cards."""
    keeper.refresh()
    slapd.modify(replace())
    done = keeper.refresh()
    assert done.returncode == 1 and outcome(done) == "mirrored"
    assert any("is empty" in alarm for alarm in done.json["alarms"])
    assert mirror(keeper) is None
    assert keeper.verify(world.card("alice")) is None
    status = keeper.status()
    assert status.returncode == 1
    assert any("no CA may issue" in alarm for alarm in status.json["alarms"])
    # What is cached waits for the list to come back.
    slapd.modify(replace(world.issuing))
    assert keeper.refresh().returncode == 0
    assert keeper.verify(world.card("alice")) == "ok"


@pytest.mark.parametrize("fault", ["down", "object", "password", "access"])
def test_cannot_be_read(keeper, world, slapd, fault, tmp_path):
    """The mirror stays as it is, and ages."""
    keeper.refresh()
    before = mirror(keeper)
    if fault == "down":
        slapd.stop()
    elif fault == "object":
        slapd.delete(OBJECT)
    elif fault == "password":
        (tmp_path / "secret").write_text("wrong")
    else:
        keeper.relations["ldap"]["bind_dn"] = None
        keeper.relations["ldap"]["password_file"] = None
        keeper.write()
    done = keeper.refresh()
    assert done.returncode == 1, done.stdout
    assert outcome(done) == "failed"
    assert mirror(keeper) == before
    if fault == "down":
        slapd.start()
    if fault != "access":
        assert keeper.verify(world.card("alice")) == "ok"
    (listed,) = keeper.status().store["ntauth"]
    assert listed["source"]["failures"] == 1 and listed["source"]["error"]


def test_ages(keeper, world):
    keeper.relations["ntauth_max_age"] = "1h"
    keeper.write()
    keeper.refresh()
    path = keeper.store / "ntauth" / "NTAuthCertificates.pem"
    os.utime(path, (time.time() - 3700,) * 2)
    assert keeper.verify(world.card("alice")) is None
    status = keeper.status()
    assert status.returncode == 1
    assert any("too old" in alarm for alarm in status.json["alarms"])
    # The same list, read again, is new.
    assert keeper.refresh().returncode == 0
    assert keeper.verify(world.card("alice")) == "ok"


def test_pace(keeper):
    """--due leaves the directory alone for ten minutes."""
    keeper.refresh()
    done = keeper.refresh("--due")
    assert [row for row in done.store["sources"]
            if row["kind"] == "ntauth"] == []


def test_strangers(keeper, world):
    """What is not from the directory is not on the list."""
    folder = keeper.store / "ntauth"
    folder.mkdir(parents=True)
    (folder / "mine.pem").write_bytes(world.web.pem)
    done = keeper.refresh()
    assert "mine.pem" in done.stderr
    assert [path.name for path in folder.iterdir()] == [
        "NTAuthCertificates.pem"]


def test_name_of_the_object(keeper, world, slapd):
    dn = f"CN=Elsewhere,{SUFFIX}"
    slapd.add(entry(dn, world.web, world.issuing))
    keeper.relations["ldap"]["ntauth_dn"] = dn
    keeper.write()
    assert outcome(keeper.refresh()) == "mirrored"
    assert mirror(keeper).count(b"BEGIN CERTIFICATE") == 2


def test_two_directories_one_store(keeper, world):
    """One realm's list would be another's."""
    keeper.refresh()
    before = mirror(keeper)
    keeper.realms["OTHER.EXAMPLE"] = {
        **keeper.relations,
        "ldap": {**keeper.relations["ldap"], "base": "dc=other,dc=com"}}
    keeper.write()
    done = keeper.refresh()
    assert done.returncode == 1
    assert [row["outcome"] for row in done.store["sources"]
            if row["kind"] == "ntauth"] == ["failed", "failed"]
    assert mirror(keeper) == before
