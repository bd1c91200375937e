"""certmap login with cards: which certificate, and the PIN."""

import hashlib
import os
import re

import pytest

from card import Card
from office import ABSENT, DONE, MEND, REFUSED, Office
from realm import COMMAND
from stacking import REALM

PIN_MODULE = os.environ.get("CERTMAP_PIN_MODULE")

pytestmark = pytest.mark.skipif(not COMMAND, reason="this build has no command")

TICKET = f"Ticket for alice@{REALM} until "


@pytest.fixture(scope="module", name="office")
def open_office(tmp_path_factory, world):
    office = Office(tmp_path_factory.mktemp("office"), world)
    with office.stack:
        yield office.open()


@pytest.fixture(scope="module", name="card")
def make_card(office, tmp_path_factory):
    """One certificate that can be used, and one that has ended."""
    card = Card(tmp_path_factory.mktemp("card"), office.cards["alice"])
    card.add_certificate(office.cards["old"], "old", 9)
    return card


@pytest.fixture(scope="module", name="two")
def make_card_of_two(office, tmp_path_factory):
    """Keys of alice and of bob in one card."""
    folder = tmp_path_factory.mktemp("two")
    card = Card(folder, office.cards["alice"])
    cert, key = office.cards["suffix"].write(folder, "suffix")
    card._run("softhsm2-util", "--import", str(key), "--token", card.label,
              "--label", "bob", "--id", "02", "--pin", card.PIN)
    card.add_certificate(office.cards["suffix"], "bob", 2)
    assert cert.exists()
    return card


def test_card_and_pin(office, card):
    """The card is enough."""
    status, text = office.at_terminal(card=card, answers=[Card.PIN])
    assert status == DONE and TICKET in text, text
    assert "PIN of the card card: " in text and Card.PIN not in text


def test_card_with_armor_and_name(office, card):
    for arguments in (["-T", office.armor], ["alice"]):
        status, text = office.at_terminal(*arguments, card=card,
                                          answers=[Card.PIN])
        assert status == DONE and TICKET in text, text


def test_list(office, card):
    before = office.kdc.log_size()
    status, listed, = office.login("--list", card=card)[:2]
    assert status == DONE and len(listed) == 2
    usable = {row["where"]: row["usable"] for row in listed}
    assert usable == {"card/card": True, "card/old": False}
    assert "expired" in [row["why"] for row in listed]
    assert office.kdc.log_size() == before
    # Each is named so that it can be given back.
    for row in listed:
        again = office.login("--list", "-I", row["identity"], card=card)[1]
        assert [one["sha256"] for one in again] == [row["sha256"]]


def test_several(office, two):
    """A number, a digest or a URI chooses; without a terminal nobody does."""
    status, text = office.at_terminal(card=two, answers=[
        lambda text: re.search(r"(\d)  b\.jones", text)[1], Card.PIN])
    assert status == DONE and f"bob@{REALM}" in text, text
    assert "Which one? (1-2, empty to give up): " in text
    status, text = office.at_terminal(card=two, answers=[""])
    assert status == REFUSED and "PIN" not in text.split("Which one?")[1]
    digest = hashlib.sha256(office.cards["suffix"].der).hexdigest()
    status, answer, _ = office.login(card=two)
    assert (status, answer["token"]) == (MEND, "several")
    rows = {row["sha256"]: row for row in answer["certificates"]}
    assert len(rows) == 2 and rows[digest]["who"] == "b.jones@mail.test"
    for arguments in (["--sha256", digest[:8]],
                      ["-I", rows[digest]["identity"]]):
        status, text = office.at_terminal(*arguments, card=two,
                                          answers=[Card.PIN])
        assert status == DONE and f"bob@{REALM}" in text, text


def test_pin_from_a_file(office, card, tmp_path):
    secret = tmp_path / "pin"
    secret.touch(mode=0o600)
    for pin, wanted, token in ((Card.PIN, DONE, "ok"),
                               ("9999", REFUSED, "pin-few-tries")):
        secret.write_text(pin + "\n")
        before = office.kdc.log_size()
        status, answer, _ = office.login(
            "-I", f"pkcs11:token=card;id=%01?pin-source=file:{secret}",
            card=card)
        assert (status, answer["token"]) == (wanted, token), answer
        assert (office.kdc.log_size() == before) == (wanted != DONE)
    assert office.at_terminal(card=card, answers=[Card.PIN])[0] == DONE


def test_key_that_libkrb5_may_not_know(office, tmp_path):
    """Its version 1.20 knows RSA keys in cards alone; the PIN is right."""
    curve = office.world.issuing.issue("CN=curve", key_kind="ec")
    office.write_accounts(curve)
    card = Card(tmp_path, curve)
    status, text = office.at_terminal("alice", card=card, answers=[Card.PIN])
    if status != DONE:
        assert status == MEND and "The PIN is right" in text, text
        assert "may be wrong" not in text
    else:
        assert TICKET in text


def test_nobody_to_ask(office, card):
    status, answer, _ = office.login(card=card)
    assert (status, answer["token"]) == (MEND, "no-terminal")
    assert "pin-source" in answer["next"]


def test_no_card(office, tmp_path):
    class Empty:
        environment = {"SOFTHSM2_CONF": str(tmp_path / "softhsm2.conf")}

    (tmp_path / "tokens").mkdir()
    (tmp_path / "softhsm2.conf").write_text(
        f"directories.tokendir = {tmp_path}/tokens\n")
    status, answer, _ = office.login(card=Empty)
    assert (status, answer["token"]) == (ABSENT, "no-card"), answer
    assert "Insert" in answer["next"]


# Tries.


class Counted:
    """The card by a module that counts wrong PINs, and locks it."""

    def __init__(self, office, card, folder):
        self.office, self.card = office, card
        self.file = folder / "tries"
        self.uri = f"pkcs11:token=card;id=%01?module-path={PIN_MODULE}"

    def log_in(self, tries, *answers, says=""):
        """(status, text, what is left)."""
        self.file.write_text(f"{tries}\n")
        before = self.office.kdc.log_size()
        status, text = self.office.at_terminal(
            "-I", self.uri, card=self.card, answers=answers,
            environment={"CERTMAP_PIN_TRIES": str(self.file),
                         "CERTMAP_PIN_SAYS": says})
        asked = self.office.kdc.log_size() != before
        assert asked == (status == DONE), text
        return status, text, int(self.file.read_text())


@pytest.fixture(name="counted")
def make_counted(office, card, tmp_path):
    if not PIN_MODULE:
        pytest.skip("this build has no module that counts PINs")
    return Counted(office, card, tmp_path)


WRONG = "9876"


@pytest.mark.parametrize("tries, answers, status, left, said", [
    (3, [Card.PIN], DONE, 3, []),
    (3, [WRONG, Card.PIN], DONE, 3, ["wrong"]),
    (3, [WRONG, WRONG, Card.PIN], DONE, 3, ["wrong", "one try"]),
    (3, [WRONG, WRONG, ""], REFUSED, 1, ["locks the card"]),
    (3, [WRONG, WRONG, WRONG], REFUSED, 0, ["locks the card", "locked"]),
    (2, [Card.PIN], DONE, 3, []),
    (1, [Card.PIN], DONE, 3, ["locks the card"]),
    (1, [""], REFUSED, 1, ["locks the card"]),
    (1, [WRONG], REFUSED, 0, ["locks the card", "locked"]),
    (0, [], REFUSED, 0, ["locked"])])
def test_tries(counted, tries, answers, status, left, said):
    """What is left is said before it is used; nothing wrong reaches a KDC."""
    got, text, remain = counted.log_in(tries, *answers)
    assert (got, remain) == (status, left), text
    assert not [word for word in said if word not in text], text
    assert text.count("PIN of the card card: ") == len(answers)
    assert WRONG not in text and Card.PIN not in text


def test_last_try_is_no_files(counted, tmp_path):
    secret = tmp_path / "pin"
    secret.touch(mode=0o600)
    secret.write_text(Card.PIN)
    counted.uri += f"&pin-source=file:{secret}"
    status, text, left = counted.log_in(1)
    assert (status, left) == (REFUSED, 1) and "try" in text, text
    assert counted.log_in(2)[0] == DONE


@pytest.mark.parametrize("says", ["locked", "expired"])
def test_hopeless(counted, says):
    """Nothing is asked where nothing would help."""
    status, text, _ = counted.log_in(3, says=says)
    assert status == REFUSED and "PIN of the card" not in text, text


def test_pin_pad(counted):
    """The PIN is not asked for here; SoftHSM2 has no pad to ask on."""
    counted.file.write_text("3\n")
    status, text = counted.office.at_terminal(
        "-I", counted.uri, card=counted.card,
        environment={"CERTMAP_PIN_TRIES": str(counted.file),
                     "CERTMAP_PIN_SAYS": "pad"})
    assert status != DONE and "PIN of" not in text, text
    assert counted.file.read_text() == "3\n"
