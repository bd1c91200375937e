"""The database entry's canonical principal governs, whatever was typed.

The KDC's database is in slapd (krb5-kdc-ldap), where an entry can have
aliases: krbPrincipalName several times, krbCanonicalName once.
"""

from pathlib import Path

import pytest

import accounts
import realm
from kldap import Kldap
from slapd import Slapd

REALM = "CORP.TEST"
KLDAP = list(Path("/usr/lib").glob("*/krb5/plugins/kdb/kldap.so"))

pytestmark = [
    pytest.mark.skipif(not KLDAP, reason="not installed: krb5-kdc-ldap"),
    pytest.mark.skipif(
        bool(realm.PRELOAD and realm.KDB_INNER),
        reason="kdb5_ldap_util waits for ever under the sanitizer's runtime"),
]


@pytest.fixture
def slapd(tmp_path):
    with Slapd(tmp_path / "slapd") as server:
        yield server


@pytest.fixture
def kdc(make_kdc, world, slapd, tmp_path):
    """A KDC whose database is in slapd; so are its accounts."""
    below = Kldap(tmp_path, slapd)
    directory = accounts.reader(tmp_path, slapd)
    kdc = realm.Kdc(tmp_path / "kdc", world, modules={REALM: below.relations()},
                    realms={REALM: world.certmap(**directory)})
    below.create(kdc, REALM)
    kdc.start()
    yield kdc
    kdc.stop()


def person(kdc, slapd, name, *mappings):
    """An account that is also a principal of the database."""
    slapd.add(accounts.account(name, *mappings, principal=False))
    kdc.kadmin(f'addprinc -nokey +requires_preauth -x '
               f'dn=uid={name},{accounts.SUFFIX} {name}')


def give_alias(slapd, name, alias):
    slapd.modify(f"dn: uid={name},{accounts.SUFFIX}\nchangetype: modify\n"
                 f"replace: krbCanonicalName\n"
                 f"krbCanonicalName: {name}@{REALM}\n-\n"
                 f"add: krbPrincipalName\n"
                 f"krbPrincipalName: {alias}\n")


def test_alias_is_decided_as_the_account(kdc, slapd, world):
    """Typed: an alias.  Decided and issued: the canonical principal."""
    card = world.card("alice")
    person(kdc, slapd, "alice", card.mappings()["ski"])
    give_alias(slapd, "alice", f"nickname@{REALM}")
    login = kdc.kinit("nickname", card, options=["-C"])
    assert login.ok, login
    assert login.audit["principal"] == f"alice@{REALM}"
    assert login.audit["requested"] == f"nickname@{REALM}"
    assert f"Default principal: alice@{REALM}" in kdc.klist(login)


def test_alias_named_as_another_account_gains_nothing(kdc, slapd, world):
    """bob's entry has the alias "boss"; the card is mapped to an account
    boss that only the directory knows.  bob's entry is what a ticket would be
    for, so bob's mappings decide."""
    card = world.card("boss")
    person(kdc, slapd, "bob")
    give_alias(slapd, "bob", f"boss@{REALM}")
    login = kdc.kinit("boss", card, options=["-C"])
    assert not login.ok and login.audit["principal"] == f"bob@{REALM}"
    assert login.audit["reason"] == "no-mapping"


def test_alias_of_two_entries_is_refused(kdc, slapd, world):
    """The canonical principal stands on two accounts of the directory."""
    card = world.card("alice")
    person(kdc, slapd, "alice", card.mappings()["ski"])
    slapd.add(accounts.account("twin", card.mappings()["ski"],
                               principal=f"alice@{REALM}"))
    login = kdc.kinit("alice", card)
    assert not login.ok


def test_enterprise_name(kdc, slapd, world):
    """kinit -E: the name is one component; the entry it finds governs."""
    card = world.card("alice")
    person(kdc, slapd, "alice", card.mappings()["ski"])
    give_alias(slapd, "alice", f"alice@mail.test@{REALM}")
    login = kdc.kinit("alice@mail.test", card, options=["-E", "-C"])
    assert login.ok, login
    assert login.audit["principal"] == f"alice@{REALM}"
    assert "mail.test" in login.audit["requested"]


def test_name_of_a_foreign_realm(kdc, slapd, world):
    """An entry whose canonical principal is of another realm: the KDC refers
    the client there and asks nobody; no ticket of this realm comes of it.
    (A module that is asked nevertheless refuses: unit test "module".)"""
    card = world.card("guest")
    person(kdc, slapd, "guest", card.mappings()["ski"])
    assert kdc.kinit("guest", card).ok
    slapd.modify(f"dn: uid=guest,{accounts.SUFFIX}\nchangetype: modify\n"
                 "add: krbPrincipalName\nkrbPrincipalName: guest@ELSEWHERE\n"
                 "-\nreplace: krbCanonicalName\n"
                 "krbCanonicalName: guest@ELSEWHERE\n")
    login = kdc.kinit("guest", card, options=["-C"])
    assert not login.ok and not login.audits, login
    assert "ELSEWHERE" in login.output


def test_accounts_are_written_where_the_database_has_no_lock(
        kdc, slapd, world, tmp_path):
    """map and require-card, with the KDC's own database in LDAP."""
    card = world.card("alice")
    path, _ = card.write(tmp_path, "card")
    person(kdc, slapd, "alice")
    kdc.kadmin(f'cpw -pw "{realm.PASSWORD}" alice')
    assert kdc.kinit_password("alice").ok
    kdc.certmap("map", "add", "-H", slapd.ldapi, "-Y", "EXTERNAL", "alice",
                path, status=0)
    kdc.certmap("require-card", "alice", status=0)
    assert kdc.kinit("alice", card).ok
    assert not kdc.kinit_password("alice").ok
    kdc.certmap("require-card", "--undo", "alice", status=0)
