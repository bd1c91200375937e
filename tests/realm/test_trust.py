"""Trust files change under a running KDC: noticed by every worker, without a
restart.  How soon is a matter of the clock that unit.test_trust hands in: here
a busy machine may take its time."""

import os
import shutil
import signal

import pytest

import pki
import realm

@pytest.fixture
def lists(tmp_path, world):
    """Anchors, intermediates and NTAuth list of this test's own."""
    folders = {}
    for name, identity in (("anchors", world.root), ("pool", world.issuing),
                           ("ntauth", world.issuing)):
        folders[name] = tmp_path / name
        folders[name].mkdir()
        (folders[name] / "first.pem").write_bytes(identity.pem)
    (folders["pool"] / "web.pem").write_bytes(world.web.pem)
    return folders


@pytest.fixture
def kdc(make_kdc, world, lists):
    kdc = make_kdc(workers=2, realms={"CORP.TEST": world.certmap(
        anchors=f"DIR:{lists['anchors']}", ntauth=f"DIR:{lists['ntauth']}",
        intermediates=f"DIR:{lists['pool']}")})
    kdc.add_principals("alice", "wendy")
    kdc.add_password("paul")
    return kdc


def becomes(kdc, principal, card, reason):
    """Both workers answer so, six times in a row."""
    seen = []

    def answers():
        seen[:] = [kdc.kinit(principal, card).audit["reason"]
                   for _ in range(6)]
        return set(seen) == {reason}
    realm.until(answers, lambda: f"{principal}: {reason}, last {seen}")


def all_have_begun(kdc, principal, card):
    """Each worker has read its configuration.  One that reads it while a
    folder is not there refuses until it is restarted."""
    begun = [f"krb5kdc[{pid}](info): certmap: " for pid in kdc.worker_pids()]
    realm.until(lambda: kdc.kinit(principal, card) and all(
        words in kdc.log() for words in begun), "a login at each worker")


def test_listing_and_unlisting_a_ca(kdc, world, lists):
    card = world.web.issue("CN=wendy")
    kdc.set_mappings("wendy", card.mappings()["ski"])
    becomes(kdc, "wendy", card, "ntauth-absent")
    listed = lists["ntauth"] / "web.pem"
    listed.write_bytes(world.web.pem)
    becomes(kdc, "wendy", card, "ok")
    assert world.web.cert.fingerprint(
        pki.hashes.SHA256()).hex() in kdc.log().lower()
    listed.unlink()
    becomes(kdc, "wendy", card, "ntauth-absent")


def test_removing_the_anchor(kdc, world, lists):
    card = world.card("alice")
    kdc.set_mappings("alice", card.mappings()["ski"])
    becomes(kdc, "alice", card, "ok")
    (lists["anchors"] / "second.pem").write_bytes(world.foreign.pem)
    (lists["anchors"] / "first.pem").unlink()
    becomes(kdc, "alice", card, "path-untrusted")


@pytest.mark.parametrize("what", ["emptied", "deleted", "unreadable-content"])
def test_ntauth_gone(kdc, world, lists, what):
    card = world.card("alice")
    kdc.set_mappings("alice", card.mappings()["ski"])
    all_have_begun(kdc, "alice", card)
    becomes(kdc, "alice", card, "ok")
    if what == "deleted":
        shutil.rmtree(lists["ntauth"])
    elif what == "emptied":
        (lists["ntauth"] / "first.pem").unlink()
    else:
        (lists["ntauth"] / "first.pem").write_text("not a certificate\n")
    becomes(kdc, "alice", card, "config")
    assert kdc.kinit_password("paul").ok
    lists["ntauth"].mkdir(exist_ok=True)
    (lists["ntauth"] / "first.pem").write_bytes(world.issuing.pem)
    becomes(kdc, "alice", card, "ok")


def test_bad_file_beside_a_good_one(kdc, world, lists):
    """It is left out and logged; trust only shrinks."""
    card = world.card("alice")
    kdc.set_mappings("alice", card.mappings()["ski"])
    (lists["ntauth"] / "bad.pem").write_bytes(os.urandom(300))
    becomes(kdc, "alice", card, "ok")
    assert "bad.pem" in kdc.log()


def test_list_in_der(kdc, world, lists):
    card = world.card("alice")
    kdc.set_mappings("alice", card.mappings()["ski"])
    (lists["ntauth"] / "first.pem").unlink()
    (lists["ntauth"] / "first.cer").write_bytes(world.issuing.der)
    becomes(kdc, "alice", card, "ok")


def test_same_name_other_key(kdc, world, lists):
    """Listed is a CA of the same name with another key: membership is by
    key, never by name."""
    card = world.card("alice")
    kdc.set_mappings("alice", card.mappings()["ski"])
    namesake = world.root.authority(world.issuing.subject_text,
                                    slot="namesake")
    (lists["ntauth"] / "first.pem").write_bytes(namesake.pem)
    becomes(kdc, "alice", card, "ntauth-absent")


def test_reissued_ca_certificate(kdc, world, lists):
    """Listed is another certificate of the same CA key: it counts."""
    card = world.card("alice")
    kdc.set_mappings("alice", card.mappings()["ski"])
    reissued = world.root.authority(world.issuing.subject_text,
                                    slot=world.issuing.subject_text)
    (lists["ntauth"] / "first.pem").write_bytes(reissued.pem)
    becomes(kdc, "alice", card, "ok")


def test_hangup_changes_nothing(kdc, world):
    """SIGHUP reopens the KDC's log; logins go on."""
    card = world.card("alice")
    kdc.set_mappings("alice", card.mappings()["ski"])
    becomes(kdc, "alice", card, "ok")
    os.kill(kdc.pid, signal.SIGHUP)
    becomes(kdc, "alice", card, "ok")
    assert kdc.running()
