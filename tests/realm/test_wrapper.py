"""The kdcpreauth module: stock PKINIT first, our verdict after it."""

import hashlib
import re

import pytest

import pki
import realm
from card import Card

REALM = "CORP.TEST"
POLICY = "1.2.3.4"


@pytest.fixture
def card(world):
    return world.card("alice")


@pytest.fixture
def kdc(make_kdc):
    return furnish(make_kdc(plugins=realm.WRAP))


def furnish(kdc):
    kdc.add_principals("alice", "bob")
    kdc.add_password("paul")
    return kdc


def with_map(kdc, card, name="alice"):
    kdc.set_mappings(name, card.mappings()["ski"])
    return kdc


def flags(kdc, login):
    return re.search(r"Flags: (\w+)", kdc.klist(login, "-f"))[1]


def test_accepted(kdc, card):
    login = with_map(kdc, card).kinit("alice", card)
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
    assert "H" not in flags(kdc, login)
    assert kdc.stop() == 0


def test_refused(kdc, card):
    login = kdc.kinit("alice", card)
    assert not login.ok and "Client name mismatch" in login.output, login
    assert login.audit["verdict"] == "refused"
    assert login.audit["reason"] == "no-mapping"
    assert login.audit["sha256"] == hashlib.sha256(card.der).hexdigest()
    assert kdc.kinit_password("paul").ok


def test_the_canonical_principal_governs(kdc, card):
    """What was typed is only logged."""
    with_map(kdc, card)
    login = kdc.kinit("bob", card)
    assert not login.ok and login.audit["principal"] == "bob@CORP.TEST"
    assert login.audit["reason"] == "no-mapping"


def test_card_in_a_token(kdc, world, tmp_path):
    identity = world.card("alice", key_kind="rsa2048")
    card = Card(tmp_path / "card", identity)
    with_map(kdc, identity)
    kdc.extra_environment = card.environment
    login = kdc.kinit("alice", card.identity, pin=Card.PIN)
    assert login.ok and login.audit["reason"] == "ok", login


@pytest.mark.parametrize("limit", ["1", "32700"], ids=["tcp", "udp"])
def test_transports(kdc, card, limit):
    with_map(kdc, card)
    kdc.tell_clients(f"udp_preference_limit = {limit}")
    login = kdc.kinit("alice", card)
    assert login.ok and login.audit["reason"] == "ok", login


def test_rsa_key_delivery(kdc, card):
    login = with_map(kdc, card).kinit(
        "alice", card, options=("-X", "flag_RSA_PROTOCOL=yes"))
    assert login.ok and login.audit["reason"] == "ok", login


def test_ec_card(kdc, world):
    card = world.issuing.issue("CN=ec", key_kind="ec")
    login = with_map(kdc, card).kinit("alice", card)
    assert login.ok and login.audit["reason"] == "ok", login


def test_freshness_tokens(make_kdc, world, card):
    text = (realm.profile({"certmap": world.certmap()}, 2) +
            "\n        pkinit_require_freshness = true")
    kdc = furnish(make_kdc(realms={REALM: text}, plugins=realm.WRAP))
    login = with_map(kdc, card).kinit("alice", card)
    assert login.ok and login.audit["reason"] == "ok", login


def test_stock_refuses(kdc, world):
    """Its own path check: one line with its code, and its words."""
    stranger = pki.root("CN=Stranger Root")
    # A client does not send a certificate whose chain it cannot build.
    anchors = pki.bundle(kdc.folder / "all.pem", [
        world.root, world.foreign, stranger])
    config = kdc.folder / "krb5-client.conf"
    config.write_text(config.read_text().replace(
        str(world.stock_roots), str(anchors)))
    login = kdc.kinit("alice", stranger.issue("CN=alice"))
    assert not login.ok, login
    audit = login.audit
    assert audit["reason"] == "pkinit" and audit["code"] == "70", login
    assert audit["verdict"] == "refused" and audit["mode"] == "enforce"
    assert audit["principal"] == "alice@CORP.TEST"
    assert "verify" in audit["detail"], audit
    assert "Failed to verify received certificate" in login.log


def test_certauth_not_registered(make_kdc, world):
    """Stock PKINIT's modules accept the card; nobody else has seen it."""
    kdc = furnish(make_kdc(plugins=realm.PREAUTH))
    login = kdc.kinit("alice", world.san_card("alice", REALM))
    assert not login.ok and login.audit["reason"] == "config", login
    assert "certauth" in login.audit["detail"]
    assert kdc.kinit_password("paul").ok


def test_realm_without_subsection(make_kdc, world, card):
    kdc = furnish(make_kdc(realms={REALM: None}, plugins=realm.WRAP))
    login = with_map(kdc, card).kinit("alice", card)
    assert not login.ok and login.audit["reason"] == "config", login


def anonymous(kdc):
    kdc.kadmin("addprinc -randkey WELLKNOWN/ANONYMOUS")
    return kdc.kinit(f"@{REALM}", options=("-n",))


def test_anonymous_allowed(kdc, card):
    """It has no certificate, hence no line; it serves as FAST armour."""
    login = anonymous(kdc)
    assert login.ok and not login.audits, login
    with_map(kdc, card)
    armour = ("-T", login.cache)
    armoured = kdc.kinit("alice", card, options=armour)
    assert armoured.ok and armoured.audit["reason"] == "ok", armoured
    refused = kdc.kinit("bob", card, options=armour)
    assert not refused.ok and refused.audit["reason"] == "no-mapping"
    password = kdc.kinit("paul", password=realm.PASSWORD, options=armour)
    assert password.ok, password


def test_anonymous_in_a_realm_that_is_not_ours(make_kdc, world):
    kdc = make_kdc(realms={REALM: None}, plugins=realm.WRAP)
    login = anonymous(kdc)
    assert not login.ok and login.audit["reason"] == "config", login


def test_anonymous_refused(make_kdc, world, card):
    kdc = furnish(make_kdc(realms={REALM: world.certmap(anonymous="refuse")},
                           plugins=realm.WRAP))
    login = anonymous(kdc)
    assert not login.ok and login.audit["reason"] == "no-mapping", login
    assert login.audit["detail"] == "anonymous = refuse"
    assert login.audit["principal"].startswith("WELLKNOWN/ANONYMOUS@")
    assert with_map(kdc, card).kinit("alice", card).ok


def test_off(make_kdc, world):
    """The built-in modules decide, as they would without us."""
    kdc = furnish(make_kdc(realms={REALM: {"mode": "off"}},
                           plugins=realm.WRAP_OBSERVE))
    accepted = kdc.kinit("alice", world.san_card("alice", REALM))
    assert accepted.ok and not accepted.audits, accepted
    refused = kdc.kinit("bob", world.san_card("alice", REALM))
    assert not refused.ok and not refused.audits, refused


OBSERVED = {
    # card's SAN, mapped? -> accepted, reason
    "both-yes": ("alice", True, True, "ok"),
    "stock-alone": ("alice", False, True, "no-mapping"),
    # It has no SAN: the built-in pkinit_san refuses, whatever we say.
    "without-san": (None, True, False, "ok"),
    "neither": (None, False, False, "no-mapping"),
}


@pytest.mark.parametrize("name", OBSERVED)
def test_observe(make_kdc, world, name):
    san, mapped, accepted, reason = OBSERVED[name]
    certmap = world.certmap(
        mode="observe", indicators={"card": "always"})
    kdc = furnish(make_kdc(realms={REALM: certmap},
                           plugins=realm.WRAP_OBSERVE))
    card = (world.san_card(san, REALM) if san else
            world.issuing.issue("CN=alice", eku=(pki.PKINIT_CLIENT,)))
    if mapped:
        with_map(kdc, card)
    login = kdc.kinit("alice", card)
    assert login.ok == accepted, login
    audit = login.audit
    assert (audit["reason"], audit["mode"]) == (reason, "observe"), audit
    assert audit["sha256"] == hashlib.sha256(card.der).hexdigest()
    if accepted: # ours are not asserted
        kdc.kadmin("addprinc -randkey svc/card",
                   "setstr svc/card require_auth card")
        assert kdc.kvno(login, "svc/card")[0] != 0
    else: # stock's own code and words
        assert "Client name mismatch" in login.output, login
        assert "preauth (certmap) verify failure: Client name mismatch" in (
            login.log)


def test_two_realms(make_kdc, world, card):
    """Each by its own rules, in one KDC."""
    kdc = make_kdc(plugins=realm.WRAP, realms={
        "ONE.TEST": world.certmap(mappings="ski"),
        "TWO.TEST": world.certmap(mappings="issuer-serial"),
        "BAD.TEST": world.certmap(mappings="nonsense")})
    for name in kdc.realms:
        kdc.tool("kadmin.local", "-r", name, stdin=(
            "addprinc -nokey +requires_preauth alice\n"
            f"setstr alice altSecurityIdentities {card.mappings()['ski']}\n"))
    found = {name: kdc.kinit("alice", card, realm=name)
             for name in [*kdc.realms, *kdc.realms]}
    assert {name: (login.ok, login.audit["reason"], login.audit["realm"])
            for name, login in found.items()} == {
        "ONE.TEST": (True, "ok", "ONE.TEST"),
        "TWO.TEST": (False, "no-mapping", "TWO.TEST"),
        "BAD.TEST": (False, "config", "BAD.TEST")}


def test_indicators_and_hardware(make_kdc, world):
    """Ours after our verdict, stock's own beside them."""
    authority = world.root.authority("CN=Policy CA", policies=(POLICY,))
    card = authority.issue("CN=alice", policies=(POLICY,))
    plain = authority.issue("CN=plain")
    cas = pki.bundle(world.folder / "policy.pem", [authority])
    certmap = world.certmap(
        intermediates=f"FILE:{cas}", ntauth=f"FILE:{cas}",
        indicators={"level": f"policy:{POLICY}"},
        hw_authent=f"policy:{POLICY}")
    text = (realm.profile({"certmap": certmap}, 2) +
            "\n        pkinit_indicator = stock")
    kdc = furnish(make_kdc(realms={REALM: text}, plugins=realm.WRAP, pool=cas))
    kdc.kadmin(*(command for name in ("level", "stock", "other") for command in
                 (f"addprinc -randkey svc/{name}",
                  f"setstr svc/{name} require_auth {name}")))
    kdc.set_mappings("alice", card.mappings()["ski"], plain.mappings()["ski"])
    hard, soft = kdc.kinit("alice", card), kdc.kinit("alice", plain)
    assert hard.ok and hard.audit["hw_authent"] == "true", hard
    assert soft.ok and soft.audit["hw_authent"] == "false", soft
    assert "H" in flags(kdc, hard) and "H" not in flags(kdc, soft)
    assert [kdc.kvno(login, f"svc/{name}")[0] == 0
            for login in (hard, soft)
            for name in ("level", "stock", "other")] == [
        True, True, False, False, True, False]


def test_intermediates_from_the_client(make_kdc, world):
    """They are in the request only: certauth alone does not see them."""
    middle = world.root.authority("CN=Middle CA")
    listed = middle.authority("CN=Listed CA")
    card = listed.issue("CN=alice")
    certmap = world.certmap(
        intermediates=None,
        ntauth=f"FILE:{pki.bundle(world.folder / 'listed.pem', [listed])}")
    pool = pki.bundle(world.folder / "chain.pem", [middle, listed])
    found = {}
    for name, plugins in (("alone", realm.ENFORCE), ("wrap", realm.WRAP)):
        kdc = furnish(make_kdc(realms={REALM: certmap}, plugins=plugins,
                               pool=pool))
        login = with_map(kdc, card).kinit("alice", card)
        found[name] = (login.ok, login.audit["reason"])
    assert found == {"alone": (False, "path-untrusted"), "wrap": (True, "ok")}


def test_stock_without_its_key(make_kdc, world, card):
    """No generation: PKINIT is not offered, passwords go on, and a key that
    appears needs no restart."""
    kdc = furnish(make_kdc(start=False, plugins=realm.WRAP))
    key = kdc.folder / f"{REALM}.key"
    aside = key.rename(kdc.folder / "aside.key")
    kdc.start()
    assert not with_map(kdc, card).kinit("alice", card).ok
    assert kdc.kinit_password("paul").ok
    aside.rename(key)
    realm.until(lambda: kdc.kinit("alice", card).ok, "a login with the key")


def test_workers_and_hangup(make_kdc, card):
    kdc = furnish(make_kdc(plugins=realm.WRAP, workers=2))
    with_map(kdc, card)
    for _ in range(4):
        login = kdc.kinit("alice", card)
        assert login.ok and login.audit["reason"] == "ok", login
    kdc.tool("kill", "-HUP", str(kdc.pid))
    assert kdc.kinit("alice", card).ok and kdc.kinit_password("paul").ok
    assert kdc.stop() == 0
