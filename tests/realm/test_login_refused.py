"""certmap login refused by the KDC: each reason, each number, and what the
client makes of it."""

import os

import pytest

import accounts
import pki
import realm
import stacking
import test_logins
from exchanging import exchange

SEND_ERROR = f"send_error:{os.environ.get('CERTMAP_SEND_ERROR')}"
#: What certmap login calls each number of reason.h.
TOKENS = {62: "not-trusted", 66: "mismatch", 70: "path-untrusted",
          71: "certificate-invalid", 72: "revoked", 73: "status-unknown",
          74: "status-unavailable", 75: "not-mapped", 77: "key-purpose",
          24: "not-checked"}


def refused(kdc, cache, name, card, number, **words):
    """One exchange that the KDC refuses with this number."""
    done = exchange(kdc, f"principal:{name}", identity=card,
                    cache=f"FILE:{cache}", **words)
    assert (done.end, done.fault, done.number) == ("refused", "", number), done
    assert done.token == TOKENS[number]
    assert not done.principal and not done.cache and done.asked == 0
    return done


@pytest.fixture(scope="module")
def kdc(tmp_path_factory, world):
    folder = tmp_path_factory.mktemp("refused")
    with realm.Kdc(folder, world, plugins=realm.WRAP) as kdc:
        rows = test_logins.REFUSED
        kdc.add_principals(*(row.name for row in rows))
        for row in rows:
            test_logins.fill(kdc, row, test_logins.make_card(world, row))
        yield kdc


@test_logins.names(test_logins.REFUSED)
def test_reasons(kdc, world, tmp_path, row):
    """The reasons that kinit is refused for; what was there stays; and the
    help desk finds the line by what the user reads out."""
    cache = tmp_path / "cc"
    cache.write_bytes(b"what was there")
    done = refused(kdc, cache, row.name, test_logins.make_card(world, row),
                   row.number)
    audits = realm.audit_lines(done.log)
    assert [audit["reason"] for audit in audits] == [row.reason]
    assert done.reference and audits[0]["ref"] == done.reference
    assert cache.read_bytes() == b"what was there"


@pytest.mark.parametrize("relations, number, reason", [
    ({"revocation": "require"}, 73, "revocation-unknown"),
    ({"directory": "ldap", "ldap": {
        "uri": "ldap://127.0.0.1:1", "base": "dc=x", "schema": "mit"}},
     24, "directory-unavailable"),
    ({"directory": "nonsense"}, 24, "config")])
def test_reasons_of_the_realm(make_kdc, world, tmp_path, relations, number,
                              reason):
    kdc = make_kdc(plugins=realm.WRAP,
                   realms={stacking.REALM: world.certmap(**relations)})
    kdc.add_principals("alice")
    card = world.card("alice")
    kdc.set_mappings("alice", card.mappings()["ski"])
    done = refused(kdc, tmp_path / "cc", "alice", card, number)
    assert {a["reason"] for a in realm.audit_lines(done.log)} == {reason}


def test_several_accounts_look_like_none(tmp_path, world):
    """Without a name: the KDC says of both what it says of nobody."""
    with stacking.Stack(tmp_path, world, plugins=realm.WRAP) as stack:
        stack.furnish()
        ski = stack.maps["ski"]
        stack.accounts(stack.alice, accounts.account("bob", ski))
        said = [exchange(stack.kdc, f"x500:{name}", identity=stack.card,
                         cache=f"FILE:{tmp_path}/cc")
                for name in (ski, "X509:<SKI>" + "00" * 20)]
        for done in said:
            assert (done.end, done.number, done.token) == (
                "refused", 75, "not-mapped"), done
        # The hint that is asked for helps.
        done = exchange(stack.kdc, "principal:alice", identity=stack.card,
                        cache=f"FILE:{tmp_path}/cc")
        assert done.principal == f"alice@{stacking.REALM}"


# Every number, from a module that answers what it is told.


@pytest.fixture(scope="module")
def teller(tmp_path_factory, world):
    folder = tmp_path_factory.mktemp("teller")
    plugins = {"certauth": {"module": SEND_ERROR, "enable_only": "send_error"}}
    with realm.Kdc(folder, world, plugins=plugins) as kdc:
        kdc.add_principals("told")
        yield kdc


@pytest.mark.parametrize("number, seen", [
    *((number, number) for number in TOKENS),
    # What the KDC does not let a module say.
    (12, 24), (18, 24), (29, 24), (60, 24)])
def test_numbers(teller, world, tmp_path, number, seen):
    teller.kadmin(f"setstr told send_error {number}")
    done = refused(teller, tmp_path / "cc", "told",
                   world.san_card("told", stacking.REALM), seen)
    assert done.log.count("verify failure") == 1


# What the account is in the KDC's database.


@pytest.mark.parametrize("change, back, number, token", [
    ("-allow_tix", "+allow_tix", 18, "account-locked"),
    ("-expire 2001-01-01", "-expire never", 1, "account-expired"),
    ("-pwexpire 2001-01-01", "-pwexpire never", 23, "password-expired"),
    ("-requires_preauth", "+requires_preauth", 14, "encryption"),
    ("+requires_hwauth", "-requires_hwauth", 25, "more-wanted")])
def test_account(make_kdc, world, tmp_path, change, back, number, token):
    kdc = make_kdc(plugins=realm.WRAP)
    kdc.add_principals("alice")
    card = world.card("alice")
    kdc.set_mappings("alice", card.mappings()["ski"])
    for modification, end in ((change, "refused"), (back, "done")):
        kdc.kadmin(f"modprinc {modification} alice")
        done = exchange(kdc, "principal:alice", identity=card,
                        cache=f"FILE:{tmp_path}/cc")
        assert done.end == end, done
        if end == "refused":
            assert (done.number, done.token) == (number, token), done
            # libkrb5 alone would sign 16 times for a KDC that wants more.
            assert len(realm.audit_lines(done.log)) <= 2


def test_foreign_armor(make_kdc, world, tmp_path):
    """Tickets that this KDC cannot read: it says so before anything else."""
    kdc = make_kdc(plugins=realm.WRAP)
    kdc.add_principals("alice")
    kdc.add_password("host")
    card = world.card("alice")
    kdc.set_mappings("alice", card.mappings()["ski"])
    armor = kdc.kinit_password("host").cache
    words = {"identity": card, "armor": armor, "cache": f"FILE:{tmp_path}/cc"}
    assert exchange(kdc, "principal:alice", **words).end == "done"
    kdc.kadmin(f"cpw -randkey krbtgt/{stacking.REALM}")
    done = exchange(kdc, "principal:alice", **words)
    assert (done.end, done.number, done.token) == (
        "refused", 44, "armor-unknown")


def test_a_card_for_which_there_is_no_account(kdc, world, tmp_path):
    """pki's plain card, refused by name: 6 before anything was signed."""
    stranger = world.issuing.issue("CN=stranger", eku=pki.LOGON)
    done = exchange(kdc, "upn:stranger@corp.test", "principal:stranger",
                    identity=stranger, cache=f"FILE:{tmp_path}/cc")
    assert (done.end, done.number, done.token) == ("refused", 6, "no-account")
    assert done.name == 1 and not realm.audit_lines(done.log)
