"""Accounts made card-only by command: the card opens them, a password does
not, and it can be taken back."""

import json
import re

import pytest

import accounts
from ports import free_port
from realm import COMMAND, PASSWORD, profile
from slapd import Slapd

pytestmark = pytest.mark.skipif(not COMMAND, reason="this build has no command")

POLICY = "1.3.6.1.4.1.99999.7"


def run(kdc, *arguments, status=0):
    code, output = kdc.certmap("require-card", *arguments)
    assert code == status, output
    return output


def run_json(kdc, *arguments):
    return json.loads(run(kdc, "--json", *arguments))


def entry(kdc, name):
    return kdc.kadmin(f"getprinc {name}", f"getstrs {name}")


@pytest.fixture
def kdc(make_kdc, world):
    kdc = make_kdc()
    kdc.add_password("alice", "bob")
    kdc.kadmin("modprinc -requires_preauth +needchange -pwexpire 2030-01-01 "
               "alice")
    kdc.set_mappings("alice", world.card("alice").mappings()["ski"])
    return kdc


@pytest.fixture
def card(world):
    return world.card("alice")


# Keys that no password yields.

def test_the_card_opens_and_the_password_does_not(kdc, card):
    kdc.kadmin("modprinc -needchange alice")
    assert kdc.kinit_password("alice").ok
    output = run(kdc, "alice")
    assert "by card only from now on" in output
    assert "Password incorrect" in output
    login = kdc.kinit_password("alice")
    assert not login.ok and "Password incorrect" in login.output
    assert kdc.kinit("alice", card).ok
    assert kdc.kinit_password("bob").ok


def test_what_the_entry_says(kdc):
    run(kdc, "alice")
    found = entry(kdc, "alice")
    assert "REQUIRES_PRE_AUTH" in found and "REQUIRES_PWCHANGE" not in found
    assert "Password expiration date: [never]" in found
    assert "certmap_require_card: randkey kvno=2" in found
    assert "altSecurityIdentities: X509:<SKI>" in found


def test_taken_back(kdc, card):
    run(kdc, "alice")
    output = run(kdc, "--undo", "alice")
    assert "until a new password is set" in output
    assert "kadmin.local cpw alice@CORP.TEST" in output
    assert not kdc.kinit_password("alice").ok
    kdc.kadmin(f'cpw -pw "{PASSWORD}" alice')
    assert kdc.kinit_password("alice").ok and kdc.kinit("alice", card).ok
    assert "certmap_require_card" not in entry(kdc, "alice")
    assert run_json(kdc, "--undo", "alice")["action"] == "not-restricted"


def test_twice_is_once(kdc):
    assert run_json(kdc, "alice")["action"] == "restricted"
    before = entry(kdc, "alice")
    again = run_json(kdc, "alice")
    assert again["action"] == "present" and again["change"] is None
    assert "already" in run(kdc, "alice")
    assert entry(kdc, "alice") == before


def test_a_password_that_was_set_meanwhile_is_noticed(kdc):
    run(kdc, "alice")
    kdc.kadmin(f'cpw -pw "{PASSWORD}" alice')
    assert kdc.kinit_password("alice").ok
    assert run_json(kdc, "alice")["action"] == "restricted"
    assert not kdc.kinit_password("alice").ok


def test_an_account_that_never_had_a_password(kdc, card):
    kdc.add_principals("carol", options="-nokey -requires_preauth")
    kdc.set_mappings("carol", card.mappings()["ski"])
    change = run_json(kdc, "carol")["change"]
    assert "randkey\"" not in change and "-randkey" not in change
    assert "REQUIRES_PRE_AUTH" in entry(kdc, "carol")
    assert kdc.kinit("carol", card).ok


@pytest.mark.parametrize("options", [(), ("--method", "hwauth", "--anyway")])
def test_a_dry_run_is_what_kadmin_takes(kdc, options):
    before = entry(kdc, "alice")
    commands = [line for line in run(kdc, "-n", *options, "alice").splitlines()
                if not line.startswith("certmap: warning:")]
    assert entry(kdc, "alice") == before
    assert run_json(kdc, "-n", *options, "alice")["action"] == "would-restrict"
    kdc.kadmin(*commands)
    assert run_json(kdc, *options, "alice")["action"] == "present"
    undo = run(kdc, "-n", "--undo", "alice").splitlines()
    assert run_json(kdc, "-n", "--undo", "alice")["action"] == "would-lift"
    kdc.kadmin(*undo)
    assert run_json(kdc, "--undo", "alice")["action"] == "not-restricted"


# Entries that require hardware.

def test_hardware_where_the_realm_knows_it(make_kdc, world, tmp_path):
    able = world.root.authority("CN=Able", policies=(POLICY,))
    cas = tmp_path / "able.pem"
    cas.write_bytes(able.pem)
    hard = able.issue("CN=hard", policies=(POLICY,))
    soft = able.issue("CN=soft")
    kdc = make_kdc(pool=cas, realms={"CORP.TEST": world.certmap(
        intermediates=f"FILE:{cas}", ntauth=f"FILE:{cas}",
        hw_authent=f"policy:{POLICY}")})
    kdc.add_password("alice")
    kdc.kadmin("modprinc +requires_preauth alice")
    kdc.set_mappings("alice", hard.mappings()["ski"], soft.mappings()["ski"])
    assert kdc.kinit_password("alice").ok and kdc.kinit("alice", soft).ok
    found = run_json(kdc, "alice")
    assert found["method"] == "hwauth" and not found["warnings"]
    flags = entry(kdc, "alice")
    assert "REQUIRES_HW_AUTH" in flags and "REQUIRES_PRE_AUTH" in flags
    assert kdc.kinit("alice", hard).ok
    assert not kdc.kinit("alice", soft).ok
    login = kdc.kinit_password("alice")
    assert not login.ok and "Pre-authentication failed" in login.output
    assert run_json(kdc, "alice")["action"] == "present"
    output = run(kdc, "--undo", "alice")
    assert "old password works again" in output and "cpw" in output
    assert kdc.kinit_password("alice").ok and kdc.kinit("alice", soft).ok


def test_hardware_where_no_card_counts_as_such(kdc):
    output = run(kdc, "--method", "hwauth", "alice", status=1)
    assert "hw_authent is never" in output and "--anyway" in output
    assert "HW_AUTH" not in entry(kdc, "alice")


# Who may not.

@pytest.mark.parametrize("name", [
    "krbtgt/CORP.TEST", "kadmin/admin", "kadmin/changepw", "kiprop/kdc1",
    "K/M", "WELLKNOWN/ANONYMOUS", "host/pc1", "HTTP/www.corp.test",
    "whatever/www.corp.test", "a/b/c"])
def test_principals_of_kdc_and_services(kdc, name):
    before = kdc.kadmin("listprincs")
    output = run(kdc, "--anyway", name, status=1)
    assert "KDC itself" in output or "it is a service" in output
    assert kdc.kadmin("listprincs") == before


def test_an_administrator_is_somebody(kdc, card):
    kdc.add_password("alice/admin")
    kdc.set_mappings("alice/admin", card.mappings()["ski"])
    run(kdc, "alice/admin")
    assert not kdc.kinit_password("alice/admin").ok


@pytest.mark.parametrize("values", [
    (), ("X509:<S>CN=alice",), ("X509:<RFC822>a@corp.test",), ("junk",)])
def test_nobody_is_locked_out_by_a_slip(kdc, values):
    kdc.set_mappings("bob", *values)
    output = run(kdc, "bob", status=1)
    assert "no mapping that would let a card in" in output
    assert kdc.kinit_password("bob").ok
    found = run_json(kdc, "--anyway", "bob")
    assert found["warnings"] == ["no-mapping"]
    assert not kdc.kinit_password("bob").ok


@pytest.mark.parametrize("change", ["-allow_tix", "-expire 2020-01-01"])
def test_disabled_accounts(kdc, change):
    kdc.kadmin(f"modprinc {change} alice")
    assert "disabled" in run(kdc, "--anyway", "alice", status=1)


def test_nobody(kdc):
    assert "no entry nobody@CORP.TEST" in run(kdc, "nobody", status=1)
    run(kdc, "--undo", "nobody", status=1)


def test_options_that_do_not_fit(kdc):
    for words in (("--method", "magic", "alice"), ("--undo", "--anyway", "a"),
                  (), ("alice", "bob")):
        run(kdc, *words, status=2)


# Where else the account may be.

def test_mappings_in_a_directory(make_kdc, world, card, tmp_path):
    with Slapd(tmp_path / "slapd") as slapd:
        slapd.add(accounts.account("alice", card.mappings()["ski"])
                  + accounts.account("bob"))
        kdc = make_kdc(realms={"CORP.TEST": world.certmap(
            **accounts.reader(tmp_path, slapd))})
        kdc.add_password("alice", "bob", "carol")
        run(kdc, "alice")
        assert kdc.kinit("alice", card).ok
        assert not kdc.kinit_password("alice").ok
        run(kdc, "bob", status=1)
        assert "no account" in run(kdc, "carol", status=1)
        assert kdc.kinit_password("carol").ok
    run(kdc, "alice", status=3)  # the directory is down
    run(kdc, "--undo", "alice")  # which lifting does not need


def test_replicas_hear_of_it(make_kdc, world, card):
    kdc = make_kdc(start=False, realms={"CORP.TEST": profile({
        "iprop_enable": "true", "iprop_port": free_port(),
        "certmap": world.certmap()}, 2)})
    kdc.add_password("alice")
    kdc.set_mappings("alice", card.mappings()["ski"])
    last = re.compile(r"Last serial # : (\d+)")
    before = int(last.search(kdc.tool("kproplog", "-h"))[1])
    run(kdc, "alice")
    added = int(last.search(kdc.tool("kproplog", "-h"))[1]) - before
    assert added == 3  # keys, flags, string
    updates = kdc.tool("kproplog", "-v", "-e", str(added))
    assert updates.count("Update principal : alice@CORP.TEST") == added
    assert "Key data" in updates
