"""The list of what is on the cards, and PINs that are tried: SoftHSM2."""

import os
import subprocess
from collections import namedtuple

import pytest

import realm
from card import Card

PROBE = os.environ.get("CERTMAP_CARD_PROBE", "")
PIN_MODULE = os.environ.get("CERTMAP_PIN_MODULE", "")
pytestmark = pytest.mark.skipif(not PROBE, reason="this build has no probe")

Object = namedtuple("Object", "slot token serial label id pin module der")
FEW, LAST, LOCKED, PAD, NONE, UNSET, EXPIRED = (1 << n for n in range(7))


def make_cards(world, folder):
    """Two cards: of alice, where bob's is too, and of carol."""
    first = Card(folder, world.card("alice"))
    first.add_certificate(world.card("bob"), "bob", 2)
    first.add_certificate(world.card("dave"), "dave", 3, private=True)
    Card(folder, world.card("carol"), label="other")
    return first


@pytest.fixture(scope="module")
def cards(world, tmp_path_factory):
    """No test offers them a wrong PIN."""
    return make_cards(world, tmp_path_factory.mktemp("cards"))


@pytest.fixture
def own_cards(world, tmp_path):
    return make_cards(world, tmp_path)


def run(card, *arguments, **environment):
    done = subprocess.run(
        [PROBE, *arguments], env={"PATH": realm.SBIN, **realm.SANITIZER,
                                  **card.environment, **environment},
        text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, timeout=60, check=False)
    return done.returncode, done.stdout.rstrip("\n")


def listed(card, *uri, **environment):
    status, output = run(card, "list", *uri, **environment)
    assert status == 0, output
    rows = [Object(*line.split("\t")[:8]) for line in output.splitlines()]
    return {(row.token, row.label): row for row in rows}


def tried(card, pin, uri="pkcs11:token=card", **environment):
    """(answer, bits before, bits after, why)"""
    status, output = run(card, "pin", pin, uri, **environment)
    assert status == 0 and pin not in output, output
    answer, before, after, why = output.split("\t")
    return answer, int(before), int(after), why


def slots_of(card):
    """Of the module alone, as libkrb5 loads it: {label: slot}."""
    program = (
        "import ctypes\n"
        f"lib, ulong = ctypes.CDLL({Card.LIBRARY!r}), ctypes.c_ulong\n"
        "assert lib.C_Initialize(None) == 0\n"
        "count, slots = ulong(16), (ulong * 16)()\n"
        "lib.C_GetSlotList(ctypes.c_ubyte(1), slots, ctypes.byref(count))\n"
        "info = ctypes.create_string_buffer(512)\n"
        "for slot in slots[:count.value]:\n"
        "    lib.C_GetTokenInfo(ulong(slot), info)\n"
        "    print(slot, info.raw[:32].decode().strip())\n")
    done = subprocess.run(["/usr/bin/python3", "-c", program], text=True,
                          env=card.environment, stdout=subprocess.PIPE,
                          check=True)
    rows = (line.split() for line in done.stdout.splitlines())
    return {row[1]: row[0] for row in rows if len(row) == 2}


@pytest.mark.parametrize("uri", [
    (), ("pkcs11:",), ("pkcs11:type=cert?module-name=softhsm2",),
    (f"pkcs11:?module-path={Card.LIBRARY}",)])
def test_all_cards(cards, world, uri):
    rows = listed(cards, *uri)
    assert set(rows) == {("card", "card"), ("card", "bob"), ("other", "other")}
    row = rows["card", "bob"]
    assert row.der == world.card("bob").der.hex() and row.id == "02"
    assert row.pin == "0" and row.serial
    slots = slots_of(cards)
    for (token, _), row in rows.items():
        assert row.slot == slots[token]
        assert os.path.samefile(row.module, Card.LIBRARY)


@pytest.mark.parametrize("uri, labels", [
    ("pkcs11:token=other", {"other"}),
    ("pkcs11:object=bob", {"bob"}),
    ("pkcs11:id=%01", {"card", "other"}),
    ("pkcs11:object=dave", set()),  # behind the PIN
])
def test_some(cards, uri, labels):
    assert {label for _, label in listed(cards, uri)} == labels


@pytest.mark.parametrize("uri, fault", [
    ("pkcs11:token=none", "is the card inserted?"),
    ("pkcs11:?module-path=/etc/passwd", "cannot be loaded"),
    ("pkcs11:type=private", "another kind of object"),
])
def test_no_list(cards, uri, fault):
    status, output = run(cards, "list", uri)
    assert status == 1 and fault in output, output


def test_softhsm_says_that_a_pin_was_wrong(own_cards):
    """And nothing more."""
    assert tried(own_cards, "9876")[:3] == ("wrong", 0, FEW)
    assert tried(own_cards, "9876")[:3] == ("wrong", FEW, FEW)
    assert listed(own_cards)["card", "bob"].pin == str(FEW)
    assert listed(own_cards)["other", "other"].pin == "0"
    assert tried(own_cards, Card.PIN) == ("right", FEW, 0, "")


@pytest.mark.parametrize("pin", ["", "1" * 256])
def test_pins_that_are_none(cards, pin):
    status, output = run(cards, "pin", pin, "pkcs11:token=card")
    assert status == 0 and output.startswith("refused\t0\t0\t"), output


def test_card_that_counts(own_cards, tmp_path):
    """The module of the tests counts as cards do."""
    tries = tmp_path / "tries"
    tries.write_text("3\n")
    uri = f"pkcs11:token=card?module-path={PIN_MODULE}"
    counting = {"CERTMAP_PIN_TRIES": str(tries)}
    answers = [tried(own_cards, pin, uri, **counting)[:3] for pin in (
        "9876", "9876", Card.PIN, "9876", "9876", "9876", Card.PIN)]
    low, last, locked = FEW, FEW | LAST, FEW | LOCKED
    assert answers == [
        ("wrong", 0, low), ("wrong", low, last), ("right", last, 0),
        ("wrong", 0, low), ("wrong", low, last), ("blocked", last, locked),
        ("blocked", locked, locked)]


@pytest.mark.parametrize("says, pin, end", [
    ("low", Card.PIN, ("right", FEW, FEW)),
    ("final", Card.PIN, ("right", LAST, LAST)),
    ("low,locked", Card.PIN, ("right", FEW | LOCKED, FEW | LOCKED)),
    ("blocked", Card.PIN, ("blocked", 0, LOCKED)),
    ("pad", Card.PIN, ("failed", PAD, PAD)),
    ("expired", Card.PIN, ("right", EXPIRED, EXPIRED)),
])
def test_flags(cards, says, pin, end):
    uri = f"pkcs11:token=card?module-path={PIN_MODULE}"
    words = {"CERTMAP_PIN_SAYS": says}
    assert tried(cards, pin, uri, **words)[:3] == end
