"""The store that certmap refresh keeps: filled by hand, copied, and whose it is."""

import os
import shutil
import subprocess

import pytest

import nginx
from keeper import REALM, Keeper, crl
from realm import COMMAND
from refreshing import asked, import_crls, keeper, publish, web

pytestmark = [
    pytest.mark.skipif(not nginx.PROGRAM, reason="not installed: nginx-light"),
    pytest.mark.skipif(not COMMAND, reason="this build has no certmap"),
]


# ---- Without a network ----


def test_import(tmp_path, world):
    keeper = Keeper(tmp_path / "keeper", world)
    card = world.card("alice")
    import_crls(keeper, world)
    assert keeper.verify(card) == "ok"
    path = tmp_path / "new.crl"
    path.write_bytes(crl(world.issuing, [card.cert.serial_number], 2))
    assert keeper.imports(path).returncode == 0
    assert keeper.verify(card) == "revoked"
    # The same again, an older one, rubbish, nothing.
    done = keeper.imports(path)
    assert done.returncode == 0 and done.outcomes == {"new.crl": "unchanged"}
    path.write_bytes(crl(world.issuing, number=1))
    done = keeper.imports(path)
    assert done.returncode == 1 and done.outcomes == {"new.crl": "refused"}
    done = keeper.imports(path, "--accept-rollback",
                          world.issuing.spki_sha256)
    assert done.returncode == 0
    path.write_bytes(b"rubbish")
    assert keeper.imports(path).returncode == 1
    assert keeper.imports(tmp_path / "none").returncode == 1


def test_incoming(tmp_path, world):
    """Dropped in without a command of ours; PEM will do."""
    keeper = Keeper(tmp_path / "keeper", world)
    import_crls(keeper, world)
    card = world.card("alice")
    der = tmp_path / "x.der"
    der.write_bytes(crl(world.issuing, [card.cert.serial_number], 2))
    subprocess.run(["openssl", "crl", "-inform", "DER", "-in", der, "-out",
                    keeper.store / "incoming" / "anything"], check=True)
    assert keeper.refresh().returncode == 0
    assert keeper.verify(card) == "revoked"
    assert list((keeper.store / "incoming").iterdir()) == []


def test_copied_store(tmp_path, keeper, world, web):
    """A store that rsync brought is believed like the one it came from."""
    card = world.card("alice")
    publish(web, world, [card.cert.serial_number])
    keeper.refresh()
    other = Keeper(tmp_path / "other", world)
    shutil.copytree(keeper.store, other.store)
    assert other.verify(card) == "revoked"
    assert other.status().returncode == 0
    done = other.refresh()
    assert done.returncode == 0 and done.store["tried"] == 0
    assert other.verify(card) == "revoked"


# ---- Whose store it is ----


def test_removed_ca(keeper, world, tmp_path):
    """What a CA published goes with it, but not what another realm of the
    same store trusts."""
    other = {**keeper.relations, "ntauth": keeper.relations["ntauth"]}
    keeper.realms["OTHER.EXAMPLE"] = other
    keeper.write()
    keeper.refresh()
    assert keeper.crls(world.issuing)
    for name in ("pool", "ntauth"):
        path = tmp_path / f"{name}.pem"
        path.write_bytes(world.web.pem)
        keeper.relations["intermediates" if name == "pool" else name] = (
            f"FILE:{path}")
    keeper.write()
    keeper.refresh("-r", REALM)
    assert keeper.crls(world.issuing)
    # A realm that cannot be read may trust anybody.
    keeper.realms["OTHER.EXAMPLE"] = {**other, "mode": "enforc"}
    keeper.write()
    done = keeper.refresh()
    assert done.returncode == 2 and "enforc" in done.stderr
    assert keeper.crls(world.issuing)
    # It is not what was asked about, and still nothing is removed.
    done = keeper.refresh("-r", REALM)
    assert done.returncode in (0, 1) and done.stderr == ""
    assert keeper.crls(world.issuing)
    del keeper.realms["OTHER.EXAMPLE"]
    keeper.write()
    keeper.refresh()
    assert not keeper.crls(world.issuing)


def test_two_stores(tmp_path, keeper, world):
    keeper.realms["OTHER.EXAMPLE"] = {**keeper.relations,
                                      "store": keeper.folder / "second"}
    keeper.write()
    done = keeper.refresh()
    assert done.returncode == 0
    assert [s["published"] for s in done.json["stores"]] == [2, 2]
    done = keeper.refresh("-r", "OTHER.EXAMPLE")
    assert [s["store"] for s in done.json["stores"]] == [
        str(keeper.folder / "second")]


def test_off_asks_nobody(keeper, web):
    keeper.relations["revocation"] = "off"
    keeper.write()
    done = keeper.refresh()
    assert done.returncode == 0 and done.store["tried"] == 0
    assert asked(web) == []


def test_status_reads_only(keeper):
    keeper.refresh()
    before = {path: (path.stat().st_mtime_ns, path.stat().st_ino)
              for path in keeper.store.rglob("*")}
    keeper.run("deny", "add", "--fingerprint", "ab" * 32, "--reason", "lost")
    before[keeper.store / "deny"] = None
    status = keeper.status()
    assert status.store["denied"] == 1
    after = {path: (path.stat().st_mtime_ns, path.stat().st_ino)
             for path in keeper.store.rglob("*")}
    assert {path for path in after if after[path] != before.get(path)
            and path.is_file()} <= {keeper.store / "deny",
                                    keeper.store / "state" / "lock"}


def test_unusable_store(tmp_path, world):
    keeper = Keeper(tmp_path / "keeper", world)
    status = keeper.status()
    assert status.returncode == 3 and not status.store["usable"]
    keeper.store.write_text("not a folder")
    assert keeper.status().returncode == 3
    assert keeper.refresh().returncode == 3
    keeper.store.unlink()
    keeper.store.mkdir()
    keeper.store.chmod(0o777)
    assert keeper.refresh().returncode == 3


def test_tables(keeper, web, world):
    """What people see, without a terminal: no colour, no progress."""
    done = keeper.run("refresh", *_user())
    assert done.returncode == 0 and done.stderr == ""
    assert "published" in done.stdout and "\033" not in done.stdout
    done = keeper.run("status")
    assert done.returncode == 0
    for words in ("CN=Corp CA 1", "fresh", "next try in", "cards kept warm: 0",
                  "denied by hand: 0"):
        assert words in done.stdout


def _user():
    return ("--user", "nobody") if os.getuid() == 0 else ()
