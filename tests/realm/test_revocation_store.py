"""The revocation store breaks while logins run: nobody revoked gets in, nobody
else without status, and password logins go on."""

import contextlib
import os
import shutil
import subprocess
import threading

import pytest

import realm
from revocation import HOUR, Setting

ROOT = pytest.mark.skipif(os.getuid() != 0,
                          reason="only root can give files away and mount")


@contextlib.contextmanager
def logins(setting, *people):
    """Logs these people in over and over; gives the reasons seen by name."""
    seen, stop, faults = {who: set() for who in people}, threading.Event(), []

    def run(who):
        kinits = 0
        try:
            while not stop.is_set() or kinits == 0:
                seen[who].add(kinit(setting, who, kinits))
                kinits += 1
        except Exception as fault:  # reported below, by the test's thread
            faults.append(fault)

    threads = [threading.Thread(target=run, args=(who,)) for who in people]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not faults, faults


def kinit(setting, who, number):
    """One login beside others: told by its exit status alone, because the
    log has the others' lines too."""
    cert, key = setting.world.card(who).write(
        setting.kdc.folder, f"beside-{who}")
    done = subprocess.run(
        ["kinit", "-c", f"FILE:{setting.kdc.folder}/beside-{who}-{number}",
         "-X", f"X509_user_identity=FILE:{cert},{key}", who],
        env=setting.kdc.environment("client"), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60,
        check=False)
    return done.returncode == 0


def deleted(setting):
    shutil.rmtree(setting.store.folder)


def crls_deleted(setting):
    shutil.rmtree(setting.store.folder / "crl")


def indexes_truncated(setting):
    for path in setting.store.files("*.idx"):
        os.truncate(path, path.stat().st_size // 2)


def indexes_empty(setting):
    for path in setting.store.files("*.idx"):
        os.truncate(path, 0)


def indexes_garbled(setting):
    for path in setting.store.files("*.idx"):
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 0xFF
        path.write_bytes(content)


def indexes_swapped(setting):
    """Each CA's index where the other's belongs."""
    mine, = setting.store.files("*.idx", setting.world.issuing)
    other, = setting.store.files("*.idx", setting.world.root)
    one, two = mine.read_bytes(), other.read_bytes()
    mine.write_bytes(two)
    other.write_bytes(one)


def owner_changed(setting):
    for path in setting.store.files("*.idx"):
        os.chown(path, 12345, 12345)


def folder_owner_changed(setting):
    os.chown(setting.store.folder, 12345, 12345)


def open_to_all(setting):
    for path in setting.store.files("*.idx"):
        path.chmod(0o666)


def linked(setting):
    for path in setting.store.files("*.idx"):
        path.rename(path.with_suffix(".elsewhere"))
        path.symlink_to(path.with_suffix(".elsewhere"))


FAULTS = [
    deleted, crls_deleted, indexes_truncated, indexes_empty, indexes_garbled,
    indexes_swapped, open_to_all, linked,
    pytest.param(owner_changed, marks=ROOT),
    pytest.param(folder_owner_changed, marks=ROOT)]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f.__name__)
def test_store_breaks_while_logins_run(make_setting, fault):
    """A revoked card is never let in, a good one not without status; password
    logins go on; what refresh makes anew is believed again."""
    setting = make_setting()
    setting.issuing.revoke(setting.card)
    setting.publish()
    setting.becomes("ok", "bob")
    with logins(setting, "alice", "bob") as seen:
        fault(setting)
        assert setting.kdc.kinit_password("paul").ok
        realm.until(lambda: False in seen["bob"], "the good card is refused")
    assert seen["alice"] == {False}
    setting.becomes({"revocation-unavailable", "revocation-unknown"}, "bob")
    shutil.rmtree(setting.store.folder, ignore_errors=True)
    setting.store.folder.mkdir(mode=0o755)
    setting.publish()
    setting.becomes("ok", "bob")
    setting.becomes("revoked")
    assert setting.kdc.running()


@pytest.mark.parametrize("fault", [indexes_truncated, indexes_empty,
                                   indexes_garbled],
                         ids=lambda f: f.__name__)
def test_refresh_repairs_indexes(make_setting, fault):
    setting = make_setting()
    setting.issuing.revoke(setting.card)
    setting.publish()
    fault(setting)
    assert setting.log_in("bob").audit["reason"] != "ok"
    setting.refresh()
    setting.becomes("ok", "bob")
    setting.becomes("revoked")


@ROOT
def test_full_disk(make_kdc, world, tmp_path):
    """What is there still counts; what cannot be stored is said, and never
    half there."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs",
                       disk], check=False).returncode != 0:
        pytest.skip("this machine lets nobody mount a tmpfs")
    try:
        setting = Setting(make_kdc, world, disk / "store")
        setting.publish()
        setting.becomes("ok")
        setting.issuing.revoke(setting.card)
        setting.store.drop(issuing=setting.issuing.crl(age=HOUR / 2))
        with open(disk / "filler", "wb", buffering=0) as filler, \
                contextlib.suppress(OSError):
            while filler.write(bytes(4096)):
                pass
        assert "No space left" in setting.refresh(3)
        setting.becomes("ok")
        (disk / "filler").unlink()
        setting.refresh()
        setting.becomes("revoked")
    finally:
        subprocess.run(["umount", "-l", disk], check=True)
