"""The KDC within the restrictions of Debian's own krb5-kdc.service: a read-only
file system but for a few folders, no devices, no capabilities but one."""

import re
import subprocess
from pathlib import Path

import pytest

import machine
import pki
import realm
import revocation
import sandbox
from card import Card

UNIT = Path("/lib/systemd/system/krb5-kdc.service")
NET_BIND_SERVICE = 1 << 10
PLACE = Path("/var/lib/krb5kdc")
NOCHECK = ("1.3.6.1.5.5.7.48.1.5", pki.tlv(0x05))  # RFC 6960 4.2.2.2.1

pytestmark = [
    pytest.mark.skipif(not UNIT.exists(), reason=f"{UNIT} is not there"),
    pytest.mark.skipif(bool(machine.missing()), reason=str(machine.missing())),
    pytest.mark.skipif(bool(realm.PRELOAD), reason="sanitizers need more"),
    pytest.mark.skipif(not PLACE.exists(), reason=f"{PLACE} is not there")]


@pytest.fixture
def lib(tmp_path):
    """What stands for /var/lib/krb5kdc, with the package's store."""
    folder = tmp_path / "lib"
    folder.mkdir(mode=0o700)
    (folder / "certmap").mkdir(mode=0o755)
    return folder


@pytest.fixture
def box(lib):
    """This machine, but for /var/lib/krb5kdc."""
    with machine.Machine(mounts_only=True) as made:
        made.run("mount", "--bind", lib, PLACE)
        yield made


@pytest.fixture
def responder(tmp_path, world):
    delegate = world.issuing.issue(
        "CN=Responder", key_kind="ec", eku=(revocation.OCSP_SIGNING,),
        extensions=[NOCHECK])
    one = revocation.Responder(tmp_path / "responder", world.issuing, delegate)
    yield one
    one.stop()


@pytest.fixture
def make_confined(box, world, tmp_path, responder):
    """A KDC within the unit: its folder stands for /etc/krb5kdc."""
    made = []

    def make(**relations):
        (tmp_path / "issuing.pem").write_bytes(world.issuing.pem)
        certmap = world.certmap(
            revocation="require", timeout="20s", store=None,
            issuer={"cards": {"certificate": tmp_path / "issuing.pem",
                              "ocsp_responder": responder.url}})
        certmap.update(relations)
        kdc = realm.Kdc(
            tmp_path / "etc", world, realms={"CORP.TEST": certmap},
            plugins=realm.WRAP, modules={"CORP.TEST": {
                "db_library": "db2", "database_name": PLACE / "principal"}})
        kdc.log_file = tmp_path / "kdc.log"  # /tmp: in place of syslog
        kdc.write_profiles()
        kdc.enter = box.enter("--mount")
        kdc.confine = sandbox.words(UNIT, frozen=[kdc.folder])
        made.append(kdc)
        kdc.create_database()
        kdc.add_principals("alice")
        kdc.add_password("paul")
        kdc.set_mappings("alice", world.card("alice").mappings()["ski"])
        responder.know(world.card("alice"))
        return kdc

    yield make
    for kdc in made:
        kdc.stop()


def publish_root(kdc, world, store):
    """The status of the CA itself, as `certmap refresh` has put it there."""
    (store / "incoming").mkdir(mode=0o755)
    (store / "incoming" / "root.crl").write_bytes(
        revocation.Publisher(world.root).crl())
    revocation.refresh(kdc, 0, 1)


def status(kdc):
    """/proc/PID/status of krb5kdc, as numbers where they are such."""
    text = Path(f"/proc/{kdc.pid}/status").read_text()
    return dict(re.findall(r"^(\w+):\s+(\S+)", text, re.M))


def within(kdc, command):
    """A shell command under the same restrictions; (status, output)."""
    done = subprocess.run(
        [*kdc.enter, *kdc.confine, "sh", "-c", command], text=True,
        env={"PATH": realm.SBIN, "LC_ALL": "C"}, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, check=False)
    return done.returncode, done.stdout


def test_the_restrictions_are_there(make_confined, box):
    """Nothing below shows anything unless these hold."""
    kdc = make_confined()
    for folder in ("/etc", "/usr/lib", kdc.folder):
        code, output = within(kdc, f"touch {folder}/certmap-sandbox-test")
        assert code and "Read-only file system" in output, output
    for folder in ("/root", "/etc/ssh"):
        code, output = within(kdc, f"ls {folder}/")
        assert code and (not Path(folder).exists()
                         or "Permission denied" in output), output
    code, output = within(kdc, "ls /dev")
    assert code == 0 and set(output.split()) <= {
        "full", "null", "random", "tty", "urandom", "zero"}
    assert within(kdc, f"touch {PLACE}/a /tmp/a.$$ && rm /tmp/a.$$")[0] == 0
    with kdc:
        found = status(kdc)
        assert found["Name"] == "krb5kdc" and found["NoNewPrivs"] == "1"
        for name in ("CapBnd", "CapPrm", "CapEff"):
            assert int(found[name], 16) == NET_BIND_SERVICE, name


def test_card_logs_in_and_the_store_is_written(
        make_confined, world, lib, tmp_path, responder):
    """By card, with OCSP on demand; the second login needs no responder."""
    kdc, store = make_confined(), lib / "certmap"
    publish_root(kdc, world, store)
    card = Card(tmp_path / "card", world.card("alice"))
    kdc.extra_environment.update(card.environment)
    with kdc:
        login = kdc.kinit("alice", card.identity, pin=Card.PIN)
        assert login.ok, login
        assert login.audit["status"].split(",")[0].endswith(":fetched"), login
        realm.until(lambda: list(store.glob("ocsp/*/*.ors")), "the answer")
        realm.until(lambda: list(store.glob("seen/*/*.der")), "the card seen")
        login = kdc.kinit("alice", card.identity, pin=Card.PIN)
        assert login.ok, login
        assert login.audit["status"].split(",")[0].endswith(":store"), login
        assert responder.asked == 1
        assert kdc.kinit_password("paul").ok
    assert all(path.stat().st_uid == 0 for path in store.rglob("*"))


def test_a_store_that_cannot_be_written(make_confined, world, responder,
                                        tmp_path):
    """Somewhere else than where the unit lets the KDC write: logins go on,
    only nothing is kept."""
    store = tmp_path / "etc" / "store"
    store.mkdir(parents=True, mode=0o755)
    kdc = make_confined(store=store)
    publish_root(kdc, world, store)
    with kdc:
        for asked in (1, 2):
            login = kdc.kinit("alice", world.card("alice"))
            assert login.ok, login
            assert ":fetched" in login.audit["status"], login
            assert responder.asked == asked
    assert not list(store.rglob("*.ors"))
