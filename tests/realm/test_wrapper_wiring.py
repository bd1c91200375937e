"""The two modules in [plugins]: what each wiring means, and that `certmap
check` says so before anybody logs in."""

import json
import shutil

import pytest

import realm

REALM = "CORP.TEST"
OURS = f"certmap:{realm.MODULE}"


def checked(kdc):
    """What check finds: tokens of errors and warnings, tokens of notes."""
    found = json.loads(kdc.certmap("check", "--json")[1])
    grave = {f["token"] for f in found if f["severity"] != "note"}
    return grave, {f["token"] for f in found} - grave


def furnish(kdc, world):
    kdc.add_principals("alice", "bob")
    kdc.set_mappings("alice", world.card("alice").mappings()["ski"])
    return kdc


def logins(kdc, world):
    """alice with her card, and bob with the same."""
    return [kdc.kinit(name, world.card("alice")) for name in ("alice", "bob")]


def test_documented(make_kdc, world):
    kdc = furnish(make_kdc(plugins=realm.WRAP), world)
    accepted, refused = logins(kdc, world)
    assert accepted.ok and not refused.ok
    assert "preauth (certmap) verify failure" in refused.log
    grave, notes = checked(kdc)
    assert not grave and notes == {"summary", "revocation-off"}


def test_certauth_alone(make_kdc, world):
    kdc = furnish(make_kdc(plugins=realm.ENFORCE), world)
    accepted, refused = logins(kdc, world)
    assert accepted.ok and not refused.ok
    assert "preauth (pkinit) verify failure" in refused.log
    grave, notes = checked(kdc)
    assert not grave and "certauth-alone" in notes


def test_kdcpreauth_alone(make_kdc, world):
    kdc = furnish(make_kdc(plugins=realm.PREAUTH), world)
    login = kdc.kinit("alice", world.san_card("alice", REALM))
    assert not login.ok and login.audit["reason"] == "config", login
    assert {"certauth-missing", "module-not-listed"} <= checked(kdc)[0]


def test_two_copies_of_the_module(make_kdc, world, tmp_path):
    """Each has a record of its own: evidence does not get across."""
    copy = shutil.copy(realm.MODULE, tmp_path / "certmap.so")
    wiring = {**realm.ENFORCE, "kdcpreauth": {
        "module": f"certmap:{copy}", "disable": "pkinit"}}
    kdc = furnish(make_kdc(plugins=wiring), world)
    accepted, refused = logins(kdc, world)
    assert not accepted.ok and not refused.ok
    # The copy that certauth is in decides alone, the other sees nothing.
    assert [a["reason"] for a in accepted.audits] == ["ok", "config"]
    assert "from the same file?" in accepted.audits[1]["detail"]
    assert checked(kdc)[0] == {"module-paths"}


def test_one_module_by_two_names(make_kdc, world, tmp_path):
    link = tmp_path / "linked.so"
    link.symlink_to(realm.MODULE)
    wiring = {**realm.ENFORCE, "kdcpreauth": {
        "module": f"certmap:{link}", "disable": "pkinit"}}
    kdc = furnish(make_kdc(plugins=wiring), world)
    accepted, refused = logins(kdc, world)
    assert accepted.ok and not refused.ok
    assert "preauth (certmap) verify failure" in refused.log
    assert not checked(kdc)[0]


#: [plugins] kdcpreauth -> who is asked, what check finds
BESIDE_STOCK = {
    "not-disabled": ({"module": OURS}, "certmap", "pkinit-twice"),
    "ordered": ({"module": OURS, "enable_only": ["certmap", "pkinit"]},
                "certmap", "pkinit-twice"),
    "stock-first": ({"module": OURS, "enable_only": ["pkinit", "certmap"]},
                    "pkinit", "pkinit-first"),
}


@pytest.mark.parametrize("name", BESIDE_STOCK)
def test_stock_beside_it(make_kdc, world, name):
    """Whoever is asked, nobody gets in whom we would refuse, and there is one
    audit line."""
    section, asked, token = BESIDE_STOCK[name]
    wiring = {**realm.ENFORCE, "kdcpreauth": section}
    kdc = furnish(make_kdc(plugins=wiring), world)
    accepted, refused = logins(kdc, world)
    assert accepted.ok and accepted.audit["reason"] == "ok", accepted
    assert not refused.ok and refused.audit["reason"] == "no-mapping", refused
    assert f"preauth ({asked}) verify failure" in refused.log
    assert checked(kdc)[0] == {token}


def test_a_key_that_is_not_the_certificates(make_kdc, world):
    """Stock PKINIT would sign with it."""
    kdc = make_kdc(start=False, plugins=realm.WRAP)
    assert not checked(kdc)[0]
    other = world.root.issue("CN=Other", key_kind="ec", slot="another")
    (kdc.folder / f"{REALM}.key").write_bytes(other.key_pem)
    grave, _ = checked(kdc)
    assert grave == {"kdc-key"}


def test_anonymous_is_noted_where_it_is_possible(make_kdc, world):
    kdc = make_kdc(start=False, plugins=realm.WRAP)
    assert "anonymous" not in checked(kdc)[1]
    kdc.kadmin("addprinc -randkey WELLKNOWN/ANONYMOUS")
    assert "anonymous" in checked(kdc)[1]
    kdc.realms = {REALM: world.certmap(anonymous="refuse")}
    kdc.write_profiles()
    assert "anonymous" not in checked(kdc)[1]
