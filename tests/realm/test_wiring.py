"""[plugins]: who decides when our module is there, missing or broken.

The facts that decide the documented configuration, with a certificate whose
id-pkinit-san is right, so that the built-in modules would let it in.
"""

import pytest

import pki
import realm

REALM = "CORP.TEST"


def wiring(module, only):
    certauth = {"module": f"certmap:{module}"}
    if only:
        certauth["enable_only"] = only
    return {"certauth": certauth}


@pytest.fixture
def card(world):
    name = pki.kerberos_name(REALM, "alice")
    return world.issuing.issue(
        "CN=alice", eku=(pki.PKINIT_CLIENT,),
        other_names=[(pki.PKINIT_SAN.dotted_string, name)])


MISSING = "/nonexistent/certmap.so"
#: enable_only, module, certmap subsection -> accepted?, audit reason
FACTS = {
    "certmap-alone-good": ("certmap", "good", "good", True, "ok"),
    "certmap-alone-missing": ("certmap", "missing", "good", False, None),
    "certmap-alone-broken": ("certmap", "good", "broken", False, "config"),
    "certmap-alone-absent": ("certmap", "good", None, False, "config"),
    "with-eku-good": (["pkinit_eku", "certmap"], "good", "good", True, "ok"),
    "with-eku-missing":
        (["pkinit_eku", "certmap"], "missing", "good", False, None),
    "with-eku-broken":
        (["pkinit_eku", "certmap"], "good", "broken", False, "config"),
    "not-set-broken": (None, "good", "broken", False, "config"),
    "not-set-absent": (None, "good", None, False, "config"),
    # The one that enable_only exists for: without it, and without the module,
    # the built-in module lets the card in.
    "not-set-missing": (None, "missing", "good", True, None),
}


@pytest.mark.parametrize("name", FACTS)
def test_who_decides(make_kdc, world, card, name):
    only, module, subsection, accepted, reason = FACTS[name]
    certmap = {"good": world.certmap(), None: None,
               "broken": world.certmap(timeout="soon")}[subsection]
    path = realm.MODULE if module == "good" else MISSING
    kdc = make_kdc(realms={REALM: certmap}, plugins=wiring(path, only))
    kdc.add_principals("alice")
    kdc.set_mappings("alice", card.mappings()["ski"])
    login = kdc.kinit("alice", card)
    assert login.ok == accepted, login
    assert [line["reason"] for line in login.audits] == (
        [reason] if reason else [])


def test_off_leaves_the_realm_to_the_built_in_modules(make_kdc, world, card):
    kdc = make_kdc(realms={REALM: {"mode": "off"}}, plugins=realm.OBSERVE)
    kdc.add_principals("alice", "bob")
    assert kdc.kinit("alice", card).ok
    refused = kdc.kinit("bob", card)
    assert not refused.ok and not refused.audits


def test_one_line_subsection_loads_no_module(make_kdc, world, card):
    """The trap that `certmap check` names: the built-in modules decide."""
    kdc = make_kdc(realms={REALM: world.certmap()}, plugins=(
        f"    certauth = {{ module = certmap:{realm.MODULE} "
        "enable_only = certmap }"))
    kdc.add_principals("alice")
    login = kdc.kinit("alice", card)
    assert login.ok and not login.audits
    status, output = kdc.certmap("check")
    assert status == 1 and "certauth" in output, output


BROKEN = {
    "unknown-relation": {"anchor": "FILE:/x"},
    "unknown-word": {"mode": "enforced"},
    "number-with-tail": {"min_rsa_bits": "2048bits"},
    "trailing-comment": {"enforcement": "full   # strict"},
    "twice": {"mode": ["enforce", "enforce"]},
    "plain-for-subsection": {"ldap": "yes"},
    "missing-file": {"anchors": "FILE:/nonexistent/roots.pem"},
    "no-location-kind": {"ntauth": "/etc/ntauth"},
    "one-line-subsection": {"ldap": "{ uri = ldap://127.0.0.1 }"},
    "no-anchors": {"anchors": None},
    "no-ntauth": {"ntauth": None},
    "plain-ldap-elsewhere": {"ldap": {
        "uri": "ldap://192.0.2.1", "base": "dc=x", "schema": "mit"},
        "directory": "ldap"},
    "waits-for-no-directory": {"certauth_wait": "none", "directory": "ldap",
        "ldap": {"uri": "ldap://127.0.0.1", "base": "dc=x",
                 "schema": "mit"}},
    "unknown-mapping": {"mappings": "ski serial"},
    "bare-number": {"backdating": "600"},
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_configuration_refuses_and_check_says_so(
        make_kdc, world, card, name):
    kdc = make_kdc(realms={REALM: world.certmap(**BROKEN[name])})
    kdc.add_principals("alice")
    kdc.set_mappings("alice", card.mappings()["ski"])
    kdc.add_password("paul")
    login = kdc.kinit("alice", card)
    assert not login.ok and login.audit["reason"] == "config", login
    assert kdc.kinit_password("paul").ok
    status, output = kdc.certmap("check")
    relation = next(iter(BROKEN[name]))
    assert status == 1 and relation in output, output


def test_subsection_twice(make_kdc, world, card):
    """The profile library would merge them; we refuse."""
    text = realm.profile({"certmap": world.certmap()}, 2)
    kdc = make_kdc(realms={REALM: f"{text}\n{text}"})
    kdc.add_principals("alice")
    kdc.set_mappings("alice", card.mappings()["ski"])
    login = kdc.kinit("alice", card)
    assert not login.ok and login.audit["reason"] == "config"


def test_subsection_in_krb5_conf_too(make_kdc, world, card):
    kdc = make_kdc(start=False)
    config = kdc.folder / "krb5-kdc.conf"
    config.write_text(config.read_text() + "[realms]\n" + realm.profile(
        {REALM: {"certmap": {"enforcement": "disabled"}}}) + "\n")
    kdc.start()
    kdc.add_principals("alice")
    kdc.set_mappings("alice", card.mappings()["ski"])
    login = kdc.kinit("alice", card)
    assert not login.ok and login.audit["reason"] == "config"


def test_a_bad_realm_does_not_touch_a_good_one(make_kdc, world, card):
    good, bad = "GOOD.TEST", "BAD.TEST"
    kdc = make_kdc(realms={good: world.certmap(),
                           bad: world.certmap(revocation="never")})
    for name in (good, bad):
        kdc.tool("kadmin.local", "-r", name, stdin=(
            "addprinc -nokey +requires_preauth alice\n"
            f"setstr alice altSecurityIdentities {card.mappings()['ski']}\n"))
    assert kdc.kinit("alice", card, realm=good).ok
    login = kdc.kinit("alice", card, realm=bad)
    assert not login.ok and login.audit["reason"] == "config"
    assert login.audit["realm"] == bad
    assert kdc.kinit("alice", card, realm=good).ok


@pytest.mark.parametrize("workers", [0, 2])
def test_stops_cleanly(make_kdc, world, card, workers):
    """With open connections and after logins: no crash on the way out."""
    kdc = make_kdc(workers=workers)
    kdc.add_principals("alice")
    kdc.set_mappings("alice", card.mappings()["ski"])
    assert kdc.kinit("alice", card).ok
    assert kdc.stop() == 0
