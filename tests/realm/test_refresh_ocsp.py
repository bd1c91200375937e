"""certmap refresh asks responders about cards and CA certificates."""

import subprocess

import pytest

import pki
from keeper import Keeper, crl, responder_at
from realm import COMMAND
from revocation import OCSP_SIGNING, Responder

pytestmark = pytest.mark.skipif(not COMMAND,
                                reason="this build has no certmap")


@pytest.fixture
def responder(tmp_path, world):
    delegate = world.issuing.issue(
        "CN=Responder", key_kind="ec", eku=(OCSP_SIGNING,),
        extensions=[("1.3.6.1.5.5.7.48.1.5", b"\x05\0")])
    one = Responder(tmp_path / "responder", world.issuing, delegate)
    yield one
    one.stop()


@pytest.fixture
def keeper(tmp_path, world, responder):
    """The issuing CA has a responder and no CRL; the root has a CRL."""
    (tmp_path / "issuing.pem").write_bytes(world.issuing.pem)
    keeper = Keeper(tmp_path / "keeper", world, issuer={"corp": {
        "certificate": tmp_path / "issuing.pem",
        "revocation_sources": "ocsp", "ocsp_responder": responder.url}})
    (tmp_path / "root.crl").write_bytes(crl(world.root))
    assert keeper.imports(tmp_path / "root.crl").returncode == 0
    return keeper


def warm(keeper, responder, *cards):
    for card in cards:
        responder.know(card)
    keeper.see(*cards)


def issuing(keeper):
    (ca,) = [ca for ca in keeper.status().store["cas"] if ca["logon"]]
    return ca


def test_cards_are_kept_warm(keeper, responder, world):
    cards = [world.card("alice"), world.card("bob")]
    assert keeper.verify(cards[0]) == "revocation-unknown"
    warm(keeper, responder, *cards)
    done = keeper.refresh()
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.store["answers"]["published"] == 2
    assert done.store["sources"] == []  # what went well is only counted
    for card in cards:
        assert keeper.verify(card) == "ok"
    ca = issuing(keeper)
    assert ca["cards"] == 2 and ca["uncovered"] == 0
    assert ca["ocsp"]["asked"] == ca["ocsp"]["current"] == 2
    assert ca["ocsp"]["soonest_end"] > ca["ocsp"]["oldest"]


def test_revoked(keeper, responder, world):
    card = world.card("alice")
    warm(keeper, responder, card)
    keeper.refresh()
    responder.know(card, revoked=True)
    assert keeper.refresh().returncode == 0
    assert keeper.verify(card) == "revoked"


def test_not_due(keeper, responder, world):
    """The moment comes from the answer itself; no state is kept for it."""
    warm(keeper, responder, world.card("alice"))
    keeper.refresh("--due")
    done = keeper.refresh("--due")
    assert done.store["not_due"] == 1 and done.store["tried"] == 0
    assert responder.asked == 1
    assert done.store["next_due"]


@pytest.mark.parametrize("fault", ["500", "flood"])
def test_failing_responder(keeper, responder, world, fault):
    """One try a run, whatever the number of cards; then it is left alone."""
    cards = [world.issuing.issue(f"CN=card {i}", key_kind="ec", slot="cards")
             for i in range(5)]
    warm(keeper, responder, *cards)
    responder.fault = fault
    done = keeper.refresh()
    assert done.returncode == 3 and done.store["failed"] == 5
    # As many as were under way at once.
    assert 1 <= responder.asked <= 4
    asked = responder.asked
    done = keeper.refresh("--due")
    assert responder.asked == asked
    # Nobody knows anything about these cards: that stays an alarm.
    assert done.returncode == 1
    assert any("nothing current" in alarm or "anything current" in alarm
               for alarm in done.json["alarms"])
    responder.fault = None
    assert keeper.refresh().returncode == 0
    assert keeper.verify(cards[4]) == "ok"


def test_answer_about_another(keeper, responder, world):
    """The responder is well, the answer of no use: only the card waits."""
    card = world.card("alice")
    warm(keeper, responder, card)
    responder.fault = "other"
    done = keeper.refresh()
    assert done.returncode == 1
    (source,) = done.store["sources"]
    assert source["outcome"] == "refused" and "alice" in source["subject"]
    assert keeper.verify(card) == "revocation-unknown"
    keeper.refresh("--due")
    assert responder.asked == 1
    # A card that is new is asked about all the same.
    responder.fault = None
    other = world.card("bob")
    warm(keeper, responder, other)
    keeper.refresh("--due")
    assert keeper.verify(other) == "ok"
    assert keeper.refresh().returncode == 0
    assert keeper.verify(card) == "ok"


def test_nothing_newer(keeper, responder, world, tmp_path):
    """A responder that gives the same answer again, past the moment."""
    card = world.card("alice")
    warm(keeper, responder, card)
    answer = _answer(responder, card, tmp_path)
    responder.answer = lambda _: answer
    assert keeper.refresh().store["answers"]["published"] == 1
    done = keeper.refresh()
    assert done.returncode == 0
    assert done.store["answers"]["unchanged"] == 1


def _answer(responder, card, folder):
    """A response of the responder about the card."""
    (folder / "card.pem").write_bytes(card.pem)
    subprocess.run(
        ["openssl", "ocsp", "-issuer", responder.folder / "ca.pem", "-cert",
         folder / "card.pem", "-no_nonce", "-reqout", folder / "request"],
        check=True, stdout=subprocess.DEVNULL)
    return responder.answer((folder / "request").read_bytes())


def test_import(keeper, responder, world, tmp_path):
    """Carried by hand: response and certificate together, in any order."""
    card = world.card("alice")
    responder.know(card)
    path = tmp_path / "alice.ors"
    path.write_bytes(_answer(responder, card, tmp_path))
    done = keeper.imports(path)
    assert done.returncode == 1 and done.outcomes["alice.ors"] == "refused"
    done = keeper.imports(path, tmp_path / "card.pem")
    assert done.returncode == 0, done.stdout
    assert done.outcomes == {"alice.ors": "published",
                             "card.pem": "published"}
    assert keeper.verify(card) == "ok"
    assert responder.asked == 0
    damaged = bytearray(path.read_bytes())
    damaged[-20] ^= 1
    path.write_bytes(damaged)
    assert keeper.imports(path).returncode == 1


def test_ca_certificate(tmp_path, world, keeper):
    """A CA certificate that names a responder is asked about, too."""
    root = pki.root("CN=OCSP Root")
    responder = Responder(tmp_path / "roots-responder", root, root)
    try:
        ca = root.authority("CN=OCSP CA",
                            extensions=[responder_at(responder.url)])
        responder.know(ca)
        for name, one in (("roots", root), ("list", ca)):
            (tmp_path / f"{name}.pem").write_bytes(one.pem)
        keeper.relations.update({
            "anchors": f"FILE:{tmp_path / 'roots.pem'}",
            "intermediates": None,
            "ntauth": f"FILE:{tmp_path / 'list.pem'}",
            "issuer": {"root": {"certificate": tmp_path / "roots.pem",
                                "allow_private_addresses": "true"}}})
        keeper.write()
        done = keeper.refresh()
        assert done.store["answers"]["published"] == 1, done.stdout
        assert responder.asked == 1
        (above,) = [ca for ca in keeper.status().store["cas"]
                    if not ca["logon"]]
        assert above["ocsp"]["current"] == 1 and above["uncovered"] == 0
    finally:
        responder.stop()
