"""Certificates on a card, in place of a file: SoftHSM2 through p11-kit."""

import json
import re
import subprocess

import pytest

import realm
import terminal
from card import Card
from realm import COMMAND

pytestmark = pytest.mark.skipif(not COMMAND, reason="this build has no command")


@pytest.fixture(scope="module")
def card(world, tmp_path_factory):
    """alice, bob for all to see, and carol behind the PIN."""
    card = Card(tmp_path_factory.mktemp("card"), world.card("alice"))
    card.add_certificate(world.card("bob"), "bob", 2)
    card.add_certificate(world.card("carol"), "carol", 3, private=True)
    return card


def run(card, *arguments, environment=None):
    """(status, output); without a terminal nobody is asked anything."""
    command = [COMMAND, *map(str, arguments)]
    environment = {"PATH": realm.SBIN, "LC_ALL": "C.UTF-8",
                   **card.environment, **(environment or {})}
    done = subprocess.run(
        command, env=environment, text=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60,
        check=False, start_new_session=True)
    return done.returncode, done.stdout


def subject(card, uri):
    status, output = run(card, "show", "--json", uri)
    assert status == 0, output
    return json.loads(output)["subject"].split(",")[0]


@pytest.mark.parametrize("uri, name", [
    ("pkcs11:object=bob", "bob"),
    ("pkcs11:token=card;id=%02", "bob"),
    ("pkcs11:token=card;object=card;type=cert", "alice"),
    (f"pkcs11:object=bob?module-path={Card.LIBRARY}", "bob"),
    ("pkcs11:object=bob?module-name=softhsm2", "bob"),
    ("pkcs11:object=bob?pin-value=wrong", "bob"),  # nobody needs it
    (f"pkcs11:object=carol?pin-value={Card.PIN}", "carol"),
])
def test_show(card, uri, name):
    assert subject(card, uri) == f"CN={name}"


@pytest.mark.parametrize("uri, fault", [
    ("pkcs11:token=card", "matches 2 certificates; add id= or object="),
    ("pkcs11:token=card", "pkcs11:token=card;id=%02;object=bob"),
    ("pkcs11:object=nobody?pin-value=" + Card.PIN, "no certificate matches"),
    ("pkcs11:token=other", "is the card inserted?"),
    ("pkcs11:object=carol", "there is no terminal to ask on"),
    ("pkcs11:object=bob?module-path=/etc/passwd", "cannot be loaded"),
    ("pkcs11:object=bob?module-name=none", "has no module none"),
    ("pkcs11:type=private;id=%01", "another kind of object"),
])
def test_refused(card, uri, fault):
    status, output = run(card, "show", uri)
    assert status == 2 and fault in output, output
    assert Card.PIN not in output


def test_pin_source(card, tmp_path):
    pin = tmp_path / "pin"
    pin.touch(mode=0o600)
    pin.write_text(Card.PIN + "\n")
    uri = f"pkcs11:object=carol?pin-source=file:{pin}"
    assert subject(card, uri) == "CN=carol"
    pin.chmod(0o644)
    status, output = run(card, "show", uri)
    assert status == 2 and "group and others" in output


def test_wrong_pin_is_offered_once(world, tmp_path):
    """And never where it would be the last one."""
    card = Card(tmp_path, world.card("alice"))
    card.add_certificate(world.card("carol"), "carol", 3, private=True)
    status, output = run(card, "show", "pkcs11:object=carol?pin-value=9876")
    assert status == 2 and "does not take the PIN" in output
    assert "9876" not in output
    assert subject(
        card, f"pkcs11:object=carol?pin-value={Card.PIN}") == "CN=carol"


def test_pin_of_several_tokens(world, tmp_path):
    """A PIN is not tried on one card after the other."""
    card = Card(tmp_path, world.card("alice"))
    other = Card(tmp_path, world.card("bob"), label="other")
    assert other.environment == card.environment
    uri = "pkcs11:object=nobody{}?pin-value=" + Card.PIN
    assert "add token=" in run(card, "show", uri.format(""))[1]
    assert "no certificate matches" in run(
        card, "show", uri.format(";token=other"))[1]


def ask(card, answer, *arguments):
    """Runs the command on a terminal of its own; (status, what it showed)."""
    return terminal.run(
        [COMMAND, *arguments], {"TERM": "dumb", "LC_ALL": "C.UTF-8",
                                **card.environment}, answer)


def test_pin_on_the_terminal(card):
    status, text = ask(card, f"{Card.PIN}\n".encode(), "show",
                       "pkcs11:object=carol")
    assert status == 0 and "CN=carol" in text
    assert "PIN of the token card: " in text
    assert Card.PIN not in text
    # What is public is shown without asking.
    status, text = ask(card, None, "show", "pkcs11:object=bob")
    assert status == 0 and "PIN" not in text


def test_other_verbs(card, world, make_kdc):
    """They take a URI where they take a file."""
    kdc = make_kdc(start=False)
    kdc.add_principals("alice", "bob")
    uri = "pkcs11:object=bob"
    code, output = run(card, "map", "add", "-c", kdc.kdc_conf, "bob", uri,
                       environment=kdc.environment())
    assert code == 0, output
    for name, status in (("bob", 0), ("alice", 1)):
        code, output = run(card, "explain", "-c", kdc.kdc_conf, uri, name,
                           environment=kdc.environment())
        assert code == status, output
    assert run(card, "verify", "--anchor", world.roots, "--intermediate",
               world.pool, uri)[0] == 0
    code, output = run(card, "deny", "add", "--cert", uri, "--reason", "lost",
                       "--store", world.store, "-c", kdc.kdc_conf,
                       environment=kdc.environment())
    assert code == 0, output
    number = format(world.card("bob").cert.serial_number, "x")
    code, output = run(card, "deny", "list", "--store", world.store)
    assert re.search(number, output, re.I), output
    code, output = run(card, "deny", "remove", "--cert", uri, "--store",
                       world.store)
    assert code == 0, output
