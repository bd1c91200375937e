"""Heimdal's kinit, by file and by card, through the whole plugin.

RSA throughout: neither Heimdal 7.8 nor its way to a card knows EC keys."""

import re
import subprocess

import pytest

import heimdal_client
import realm
import revocation
from card import Card

REALM = "CORP.TEST"


@pytest.fixture(scope="module")
def programs():
    folder, why = heimdal_client.root()
    if why:
        pytest.skip(why)
    return folder


@pytest.fixture(scope="module")
def rsa_world(tmp_path_factory):
    return realm.World(tmp_path_factory.mktemp("rsa"), "rsa2048")


@pytest.fixture(scope="module")
def setting(tmp_path_factory, rsa_world):
    """A realm that requires status, wrapped; bob's card is revoked."""
    folder = tmp_path_factory.mktemp("heimdal")
    pool = folder / "pool"
    pool.mkdir()
    (pool / "cas.pem").write_bytes(rsa_world.pool.read_bytes())
    kdcs = []

    def make_kdc(**options):
        kdcs.append(realm.Kdc(folder / "kdc", rsa_world, **options))
        kdcs[0].create_database()
        return kdcs[0].start()

    try:
        one = revocation.Setting(make_kdc, rsa_world, folder / "store",
                                 plugins=realm.WRAP)
        # A client of Heimdal sends what is in the identity, no pool of its
        # own: PKINIT must know the CAs between.
        one.kdc.realms[REALM] = "\n".join([
            f"pkinit_pool = DIR:{pool}", "certmap = {",
            realm.profile(one.kdc.realms[REALM], 2), "}"])
        one.kdc.restart()
        one.kdc.add_principals("stranger", "visitor")
        one.visitor = rsa_world.web.issue("CN=visitor")
        one.kdc.set_mappings("visitor", one.visitor.mappings()["ski"])
        one.kdc.kadmin("addprinc -randkey svc/fresh",
                       "setstr svc/fresh require_auth fresh")
        one.issuing.revoke(rsa_world.card("bob"))
        one.publish()
        one.becomes("ok")
        one.becomes("revoked", "bob")
        yield one
    finally:
        for kdc in kdcs:
            kdc.stop()


@pytest.fixture
def client(programs, setting):
    return heimdal_client.Client(programs, setting.kdc)


def slot(card):
    """The token's slot as Heimdal counts: from one."""
    done = subprocess.run(
        ["softhsm2-util", "--show-slots"], text=True, check=True,
        env={"PATH": realm.SBIN, **card.environment}, stdout=subprocess.PIPE)
    for block in re.split(r"^Slot ", done.stdout, flags=re.M)[1:]:
        if re.search(rf"^ +Label: +{card.label} *$", block, re.M):
            return int(block.split()[0]) + 1
    raise AssertionError(done.stdout)


@pytest.fixture(params=["file", "softhsm"])
def log_in(request, client, setting, tmp_path):
    """kinit with the identity in a file or on a card."""
    if request.param == "file":
        yield client.kinit
        return

    def by_card(principal, identity):
        card = Card(tmp_path, identity)
        setting.kdc.extra_environment = card.environment
        return client.kinit(
            principal, f"PKCS11:{card.LIBRARY},slot={slot(card)}", card.PIN)
    yield by_card
    setting.kdc.extra_environment = {}


def test_accepted(log_in, setting):
    login = log_in("alice", setting.card)
    assert login.ok, login
    audit = login.audit
    assert (audit["reason"], audit["mapping"], audit["indicators"],
            audit["revocation"]) == ("ok", "ski", "fresh", "checked")
    # MIT's programs use the ticket, and what we asserted is in it.
    assert f"alice@{REALM}" in setting.kdc.klist(login)
    assert setting.kdc.kvno(login, "svc/fresh")[0] == 0


#: principal, whose card -> reason
REFUSED = {
    "bob": ("bob", "revoked"),
    "visitor": ("visitor", "ntauth-absent"),
    "stranger": ("alice", "no-mapping"),
}


@pytest.mark.parametrize("principal", REFUSED)
def test_refused(log_in, setting, principal):
    owner, reason = REFUSED[principal]
    card = (setting.visitor if owner == "visitor"
            else setting.world.card(owner))
    login = log_in(principal, card)
    assert not login.ok, login
    assert login.audit["verdict"] == "refused"
    assert login.audit["reason"] == reason
    assert login.audit["principal"] == f"{principal}@{REALM}"
