"""Authentication indicators, hw-authent and observe mode."""

import re

import pytest

import pki
import realm

REALM = "CORP.TEST"
POLICY = "2.16.840.1.101.3.2.1.3.13"
OTHER_POLICY = "1.2.3.4"
ANY_POLICY = "2.5.29.32.0"
SERVICES = ("card", "strong", "level3", "corp", "foreign", "fresh")


def klist_flags(kdc, login):
    return re.search(r"Flags: (\w+)", kdc.klist(login, "-f"))[1]


class Deck:
    """Cards of two CAs: one that may assert any policy, one that may not."""

    def __init__(self, folder, world):
        self.able = world.root.authority("CN=Policy CA", policies=(ANY_POLICY,))
        self.unable = world.root.authority("CN=Plain CA")
        self.plain = self.able.issue("CN=plain")
        self.policy = self.able.issue("CN=policy",
                                      policies=(POLICY, OTHER_POLICY))
        self.claim = self.unable.issue("CN=claim", policies=(POLICY,))
        self.any = self.able.issue("CN=any", policies=(ANY_POLICY,))
        self.list = pki.bundle(folder / "cas.pem", [self.able, self.unable])


@pytest.fixture(scope="module")
def deck(tmp_path_factory, world):
    return Deck(tmp_path_factory.mktemp("deck"), world)


@pytest.fixture(scope="module")
def kdc(tmp_path_factory, world, deck):
    certmap = world.certmap(
        intermediates=f"FILE:{deck.list}", ntauth=f"FILE:{deck.list}",
        indicators={"card": "always", "strong": "strength:strong",
                    "level3": f"policy:{POLICY}",
                    "corp": f"issuer:{deck.able.spki_sha256}",
                    "foreign": "issuer:" + "00" * 32,
                    "fresh": "revocation:checked"},
        hw_authent=f"policy:{POLICY}", enforcement="disabled")
    folder = tmp_path_factory.mktemp("indicators")
    with realm.Kdc(folder, world, realms={REALM: certmap},
                   pool=deck.list) as kdc:
        for name in SERVICES:
            kdc.kadmin(f"addprinc -randkey svc/{name}",
                       f"setstr svc/{name} require_auth {name}")
        kdc.add_principals("alice", "weak")
        kdc.add_principals("hardware",
                           options="-nokey +requires_preauth +requires_hwauth")
        yield kdc


#: account, card, mapping form -> services that give a ticket
ASSERTED = {
    "strong": ("alice", "plain", "ski", {"card", "strong", "corp"}),
    "policy": ("alice", "policy", "issuer-serial",
               {"card", "strong", "corp", "level3"}),
    "weak": ("weak", "plain", "issuer-subject", {"card", "corp"}),
    # A policy counts only where the whole path allows it; anyPolicy never.
    "claimed": ("alice", "claim", "ski", {"card", "strong"}),
    "any": ("alice", "any", "ski", {"card", "strong", "corp"}),
}


@pytest.mark.parametrize("name", ASSERTED)
def test_asserted_by_rule(kdc, deck, name):
    account, card, form, expected = ASSERTED[name]
    identity = getattr(deck, card)
    kdc.set_mappings(account, identity.mappings()[form])
    login = kdc.kinit(account, identity)
    assert login.ok, login
    assert set(login.audit["indicators"].split(",")) == expected
    for service in SERVICES:
        status, output = kdc.kvno(login, f"svc/{service}")
        assert (status == 0) == (service in expected), (service, output)


def test_none_on_refusal(kdc, deck):
    kdc.add_principals("nobody")
    login = kdc.kinit("nobody", deck.policy)
    assert not login.ok
    assert login.audit["indicators"] == "-"
    assert login.audit["hw_authent"] == "false"


def test_hw_authent_by_policy(kdc, deck):
    """An account that requires hardware is open to a card of the policy."""
    for card in (deck.plain, deck.claim, deck.policy):
        kdc.set_mappings("hardware", card.mappings()["ski"])
        login = kdc.kinit("hardware", card)
        assert login.ok == (card is deck.policy), login
    assert "H" in klist_flags(kdc, login)
    assert login.audit["hw_authent"] == "true"


def test_no_hw_authent_without_the_policy(kdc, deck):
    kdc.set_mappings("alice", deck.plain.mappings()["ski"])
    login = kdc.kinit("alice", deck.plain)
    assert login.ok and "H" not in klist_flags(kdc, login)


# Observe mode.


@pytest.fixture
def observed(make_kdc, world):
    kdc = make_kdc(
        realms={REALM: world.certmap(mode="observe", indicators={
            "card": "always"})}, plugins=realm.OBSERVE)
    kdc.add_principals("alice", "bob")
    kdc.kadmin("addprinc -randkey svc/card",
               "setstr svc/card require_auth card")
    return kdc


def san_card(world, name):
    return world.issuing.issue(
        f"CN={name}", eku=(pki.PKINIT_CLIENT,),
        other_names=[(pki.PKINIT_SAN.dotted_string,
                      pki.kerberos_name(REALM, name))])


def test_observe_logs_and_stock_decides(observed, world):
    card = san_card(world, "alice")
    accepted = observed.kinit("alice", card)
    assert accepted.ok, accepted
    assert accepted.audit["reason"] == "no-mapping"
    assert accepted.audit["mode"] == "observe"
    observed.set_mappings("bob", card.mappings()["ski"])
    refused = observed.kinit("bob", card)
    assert not refused.ok, "certmap must not decide in observe mode"


def test_observe_asserts_no_indicator(observed, world):
    card = san_card(world, "alice")
    observed.set_mappings("alice", card.mappings()["ski"])
    login = observed.kinit("alice", card)
    assert login.ok and login.audit["reason"] == "ok"
    status, _ = observed.kvno(login, "svc/card")
    assert status != 0


def test_observe_certificate_without_san_is_refused(observed, world):
    """certmap would accept; stock finds no name in it, and decides."""
    card = world.card("no SAN", eku=(pki.PKINIT_CLIENT,))
    observed.set_mappings("alice", card.mappings()["ski"])
    login = observed.kinit("alice", card)
    assert not login.ok
    assert [line["reason"] for line in login.audits] in ([], ["ok"])
