"""The kdcpreauth module: stock PKINIT first, our verdict after it."""

import hashlib

import pytest

import pki
import realm

REALM = "CORP.TEST"


@pytest.fixture
def card(world):
    return world.card("alice")


@pytest.fixture
def kdc(make_kdc):
    kdc = make_kdc(plugins=realm.WRAP)
    kdc.add_principals("alice", "bob")
    kdc.add_password("paul")
    return kdc


def san_card(world, name):
    """What the built-in modules accept, too."""
    return world.issuing.issue(
        f"CN={name}", eku=(pki.PKINIT_CLIENT,),
        other_names=[(pki.PKINIT_SAN.dotted_string,
                      pki.kerberos_name(REALM, name))])


def test_accepted(kdc, world, card):
    kdc.set_mappings("alice", card.mappings()["ski"])
    login = kdc.kinit("alice", card)
    assert login.ok, login
    audit = login.audit
    expected = {
        "verdict": "authorized", "reason": "ok", "realm": REALM,
        "mode": "enforce", "principal": "alice@CORP.TEST",
        "requested": "alice@CORP.TEST", "account": "alice@CORP.TEST",
        "mapping": "ski", "strength": "strong", "revocation": "off",
        "choices": "revocation=off", "hw_authent": "false",
        "sha256": hashlib.sha256(card.der).hexdigest(),
        "subject": "CN=alice,DC=corp,DC=test", "detail": "-"}
    assert {key: audit.get(key) for key in expected} == expected, audit
    assert int(audit["ms"]) >= 0


def test_refused(kdc, world, card):
    login = kdc.kinit("alice", card)
    assert not login.ok and "Client name mismatch" in login.output, login
    assert login.audit["verdict"] == "refused"
    assert login.audit["reason"] == "no-mapping"
    assert login.audit["sha256"] != "-"
    assert kdc.kinit_password("paul").ok
