"""certmap login's AS exchange with a real KDC: names, identities, secrets."""

import re
import subprocess

import pytest

import realm
import stacking
from card import Card
from exchanging import exchange

UPN = "upn:a.smith@mail.test"
NOBODY = "x500:X509:<SKI>" + "00" * 20
ALICE = f"alice@{stacking.REALM}"


@pytest.fixture(scope="module")
def stack(tmp_path_factory, world):
    folder = tmp_path_factory.mktemp("login")
    with stacking.Stack(folder, world, plugins=realm.WRAP) as made:
        made.furnish()
        made.kdc.kadmin(
            f'addprinc -pw "{realm.PASSWORD}" +requires_preauth both')
        yield made


@pytest.fixture(scope="module")
def armor(stack):
    """Of a host's, say: tickets of somebody with a password."""
    stack.kdc.add_password("armor")
    return stack.kdc.kinit_password("armor").cache


@pytest.fixture(params=["plain", "armored"])
def login(request, stack, armor, tmp_path):
    """exchange() with alice's card in a file, into a cache of its own."""
    def run(*names, identity=stack.card, **words):
        words.setdefault("cache", f"FILE:{tmp_path}/cc")
        if request.param == "armored":
            words["armor"] = armor
        return exchange(stack.kdc, *names, identity=identity, **words)
    return run


# Names.


@pytest.mark.parametrize("names, used", [
    (["principal:alice"], 0),
    ([f"principal:alice@{stacking.REALM}"], 0),
    ([UPN], 0),
    (["upn:ALICE@CORP.TEST"], 0),
    (["x500:SKI"], 0),
    (["x500:ISSUER-SERIAL"], 0),
    (["upn:nobody@mail.test", "x500:SKI"], 1),
    (["upn:nobody@mail.test", "principal:none", "x500:SKI"], 2)])
def test_names(stack, login, names, used):
    names = [name.replace("ISSUER-SERIAL", stack.maps["issuer-serial"])
             .replace("SKI", stack.maps["ski"])
             if name in ("x500:SKI", "x500:ISSUER-SERIAL") else name
             for name in names]
    done = login(*names)
    assert (done.end, done.fault, done.number) == ("done", "", 0), done
    assert done.principal == ALICE and done.name == used
    assert done.asked == 0 and done.errors == ""
    listed = stack.kdc.client("klist", "-c", done.cache)
    assert f"Default principal: {ALICE}" in listed
    assert f"krbtgt/{stacking.REALM}@{stacking.REALM}" in listed


@pytest.mark.parametrize("names, number, used", [
    (["principal:none"], 6, 0),
    (["upn:nobody@mail.test"], 6, 0),
    (["upn:nobody@mail.test", "principal:none"], 6, 1),
    (["principal:bob"], 75, 0),
    # Known to the KDC, as far as it tells: the next one is not asked about.
    ([NOBODY], 75, 0),
    ([NOBODY, "principal:alice"], 75, 0),
    (["principal:bob", "principal:alice"], 75, 0)])
def test_refused_names(stack, login, tmp_path, names, number, used):
    done = login(*names)
    assert (done.end, done.number, done.name) == ("refused", number, used)
    assert done.said and not done.principal and not done.cache
    assert not (tmp_path / "cc").exists()


# No password, whatever the KDC would take.


def test_account_without_preauthentication(stack, login):
    """paul has a password and no card: libkrb5 would ask for it."""
    done = login("principal:paul")
    assert (done.end, done.fault) == ("client", "no-preauth"), done


def test_account_with_password(stack, login):
    """After the card is refused nothing else is tried."""
    done = login("principal:both")
    assert (done.end, done.number) == ("refused", 75), done
    assert "encrypted_timestamp" not in done.log and done.asked == 0


# Secrets.


@pytest.fixture(scope="module")
def card(stack, tmp_path_factory):
    return Card(tmp_path_factory.mktemp("card"), stack.card)


def test_pin(stack, login, card):
    done = login("upn:nobody@mail.test", UPN, identity=card, secret=card.PIN)
    assert done.end == "done" and done.principal == ALICE, done
    assert done.asked == 1 and done.prompt == "PIN of card"


def test_card_by_its_slot(stack, login, card):
    """As a list of certificates names them: slot and CKA_ID."""
    listed = subprocess.run(
        ["pkcs11-tool", "--module", Card.LIBRARY, "--list-slots"],
        env={"PATH": realm.SBIN, **card.environment}, text=True, check=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout
    slot = int(re.search(r"Slot 0 \((0x[0-9a-f]+)\)", listed)[1], 16)
    for certificate, end in (("01", "done"), ("02", "client")):
        done = login(UPN, secret=card.PIN, environment=card.environment,
                     identity=f"PKCS11:module_name={Card.LIBRARY}:"
                              f"slotid={slot}:certid={certificate}")
        assert done.end == end, done
        assert (done.asked, done.prompt) == (1, "PIN of card")


def test_pin_is_not_asked_for_an_unknown_name(login, card):
    done = login("principal:none", identity=card, secret=card.PIN)
    assert (done.end, done.number, done.asked) == ("refused", 6, 0), done


@pytest.mark.parametrize("secret, end, fault, said", [
    ({}, "given-up", "", ""),
    ({"secret": "4321"}, "client", "identity", "pin incorrect"),
    # For a reader with a pad: no try is used up.
    ({"secret": ""}, "client", "identity", "")])
def test_pin_failures(login, card, tmp_path, secret, end, fault, said):
    done = login(UPN, identity=card, **secret)
    assert (done.end, done.fault, done.number) == (end, fault, 0), done
    assert said in done.said and done.asked == 1
    assert not (tmp_path / "cc").exists()
