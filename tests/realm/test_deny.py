"""Blocking cards by command: effective at the next login, with revocation off,
for as long as the entry says."""

import json

import pytest

from realm import COMMAND, until

pytestmark = pytest.mark.skipif(not COMMAND, reason="this build has no command")


@pytest.fixture
def store(tmp_path):
    folder = tmp_path / "store"
    folder.mkdir(mode=0o755)
    return folder


@pytest.fixture
def kdc(make_kdc, world, store):
    kdc = make_kdc(workers=2, realms={"CORP.TEST": world.certmap(store=store)})
    kdc.add_principals("alice", "bob")
    kdc.add_password("paul")
    return kdc


@pytest.fixture
def card(kdc, world):
    card = world.card("alice")
    kdc.set_mappings("alice", card.mappings()["ski"])
    return card


def deny(kdc, *arguments, status=0):
    code, output = kdc.certmap("deny", *arguments)
    assert code == status, output
    return output


def selectors(kdc, card, world, tmp_path):
    """Every way to name the card."""
    path, _ = card.write(tmp_path, "card")
    issuer = tmp_path / "issuer.pem"
    issuer.write_bytes(world.issuing.pem)
    serial = f"{card.cert.serial_number:x}"
    shown = json.loads(kdc.certmap("show", "--json", path, status=0)[1])
    return {
        "cert": ("--cert", path),
        "serial and CA's certificate": ("--serial", serial,
                                        "--issuer", issuer),
        "serial and CA's name": ("--serial", serial,
                                 "--issuer", shown["issuer"]),
        "key identifier": ("--ski", shown["ski"]),
        "SHA-256": ("--fingerprint", shown["sha256"]),
        "SHA-1": ("--fingerprint", shown["sha1"].upper())}


def test_every_way_to_name_a_card(kdc, world, card, tmp_path):
    other = world.card("bob")
    kdc.set_mappings("bob", other.mappings()["ski"])
    assert kdc.kinit("alice", card).ok
    for how, names in selectors(kdc, card, world, tmp_path).items():
        deny(kdc, "add", *names, "--reason", "lost on a train")
        for _ in range(4):  # both workers
            login = kdc.kinit("alice", card)
            assert not login.ok, how
            assert login.audit["reason"] == "revoked", how
            assert "lost on a train" in login.audit["line"], how
            assert "lost on a train" not in login.output
        assert kdc.kinit("bob", other).ok, how
        deny(kdc, "remove", *names)
        assert kdc.kinit("alice", card).ok, how


def test_a_denied_ca_blocks_its_cards(kdc, world, card, tmp_path):
    path = tmp_path / "ca.pem"
    path.write_bytes(world.issuing.pem)
    deny(kdc, "add", "--cert", path, "--reason", "key compromise")
    login = kdc.kinit("alice", card)
    assert login.audit["reason"] == "revoked"
    assert kdc.kinit_password("paul").ok


def test_an_entry_ends_by_itself(kdc, world, card, tmp_path, store):
    path, _ = card.write(tmp_path, "card")
    deny(kdc, "add", "--cert", path, "--reason", "x", "--expires", "1d")
    assert kdc.kinit("alice", card).audit["reason"] == "revoked"
    text = (store / "deny").read_text()
    line = text.splitlines()[-1]
    words = line.split('" ')[1].split(" ")
    (store / "deny").write_text(
        text.replace(words[0], "2020-01-01T00:00:00Z"))
    assert kdc.kinit("alice", card).ok
    assert "(expired)" in deny(kdc, "list")


def test_the_list_is_shown(kdc, card, tmp_path):
    path, _ = card.write(tmp_path, "card")
    assert deny(kdc, "list") == "Nobody is blocked.\n"
    assert json.loads(deny(kdc, "list", "--json")) == []
    deny(kdc, "add", "--ski", "01:02:0A", "--reason", "spare \N{KEY}",
         "--expires", "2099-01-01T00:00:00Z")
    added = json.loads(deny(kdc, "add", "--cert", path, "--reason", "lost",
                            "--json"))
    assert added["action"] == "added" and added["number"] == 2
    again = json.loads(deny(kdc, "add", "--cert", path, "--reason", "stolen",
                            "--json"))
    assert again["action"] == "replaced" and again["number"] == 2
    listed = json.loads(deny(kdc, "list", "--json"))
    assert [(entry["kind"], entry["reason"], entry["in_force"])
            for entry in listed] == [
                ("ski", "spare \N{KEY}", True), ("serial", "stolen", True)]
    assert listed[0]["value"] == "01020a"
    assert listed[0]["expires"] == "2099-01-01T00:00:00Z"
    deny(kdc, "remove", "1")
    assert "stolen" in deny(kdc, "list")
    deny(kdc, "remove", "2", status=1)
    deny(kdc, "remove", "1")
    assert deny(kdc, "list") == "Nobody is blocked.\n"


@pytest.mark.parametrize("arguments, said", [
    (("add",), "name one certificate"),
    (("add", "--ski", "0102"), "--reason"),
    (("add", "--ski", "0102", "--reason", "a\nb"), "one line"),
    (("add", "--ski", "xyz", "--reason", "x"), "key identifier"),
    (("add", "--ski", "0102", "--fingerprint", "00", "--reason", "x"),
     "name one certificate"),
    (("add", "--fingerprint", "0102", "--reason", "x"), "SHA-256"),
    (("add", "--serial", "01", "--reason", "x"), "--issuer"),
    (("add", "--serial", "zz", "--issuer", "CN=x", "--reason", "x"),
     "serial number"),
    (("add", "--serial", "01", "--issuer", "CN=Misspelt", "--reason", "x"),
     "no CA of the realm"),
    (("add", "--issuer", "CN=x", "--reason", "x"), "name one certificate"),
    (("add", "--ski", "0102", "--reason", "x", "--expires", "soon"),
     "neither a time"),
    (("add", "--ski", "0102", "--reason", "x", "--expires",
      "2020-01-01T00:00:00Z"), "neither a time"),
    (("add", "--ski", "0102", "--reason", "x", "--at",
      "2020-01-01T00:00:00Z"), "--at"),
    (("add", "--cert", "nowhere.pem", "--reason", "x"), "cannot open"),
    (("forget",), "usage: certmap deny"),
    (("list", "1"), "usage: certmap deny"),
    ((), "usage: certmap deny")])
def test_what_is_not_understood(kdc, store, arguments, said):
    assert said in deny(kdc, *arguments, status=2)
    assert not (store / "deny").exists()


def test_a_list_that_cannot_be_read_refuses_everybody(kdc, card, store):
    deny(kdc, "add", "--ski", "0102", "--reason", "x")
    text = (store / "deny").read_text()
    with open(store / "deny", "a", encoding="utf-8") as stream:
        stream.write("and the one of Bob too\n")
    login = kdc.kinit("alice", card)
    assert login.audit["reason"] == "revocation-unavailable"
    assert "line 4" in login.audit["line"]
    for arguments in (("list",), ("remove", "1"),
                      ("add", "--ski", "03", "--reason", "x")):
        assert "line 4" in deny(kdc, *arguments, status=2)
    (store / "deny").write_text(text)
    assert kdc.kinit("alice", card).ok
    # A list that was there and is gone.
    (store / "deny").rename(store / "aside")
    login = until(  # the worker that has seen it
        lambda: not (one := kdc.kinit("alice", card)).ok and one, "a refusal")
    assert login.audit["reason"] == "revocation-unavailable"
    assert kdc.kinit_password("paul").ok
    (store / "aside").rename(store / "deny")
    assert kdc.kinit("alice", card).ok
    # One that others may write to.
    (store / "deny").chmod(0o666)
    assert kdc.kinit("alice", card).audit["reason"] == "revocation-unavailable"
