"""A card that says who its holder is: one account, two, or none, in a reader
or a file, inside FAST or not; and names that must not become a client."""

import pytest

import accounts
import realm
import stacking
from card import Card
from stacking import ENTERPRISE, REALM, X500

UNKNOWN, NAME_MISMATCH = "refused 6", "refused 75"
ALICE = f"ticket alice@{REALM}"
UPN = "a.smith@mail.test"


@pytest.fixture(params=stacking.INNER)
def stack(request, tmp_path, world):
    if why := stacking.missing(request.param):
        pytest.skip(why)
    with stacking.Stack(tmp_path, world, request.param) as made:
        yield made.furnish()


@pytest.fixture
def plain(tmp_path, world):
    with stacking.Stack(tmp_path, world, "db2") as made:
        yield made.furnish()


@pytest.fixture
def reader(plain, tmp_path):
    """alice's card in a reader."""
    identity = plain.world.issuing.issue("CN=alice", key_kind="rsa2048")
    card = Card(tmp_path / "card", identity)
    card.maps = identity.mappings()
    plain.accounts(accounts.account("alice", *map(
        card.maps.get, ("ski", "issuer-serial")), userPrincipalName=UPN))
    plain.kdc.extra_environment = card.environment
    return card


def names(maps):
    return [(ENTERPRISE, UPN), (X500, maps["ski"]),
            (X500, maps["issuer-serial"])]


@pytest.mark.parametrize("fast", [False, True])
def test_card_in_a_reader(plain, reader, fast):
    armor = plain.kdc.kinit_password("paul").cache if fast else None
    for kind, name in names(reader.maps):
        said, _ = plain.login(kind, name, reader.identity, pin=Card.PIN,
                              armor=armor)
        assert said == ALICE, name
    audit = realm.audit_lines(plain.kdc.log())[-1]
    assert audit["principal"] == f"alice@{REALM}"


def test_mapping_with_fast(stack):
    """The name is inside; what is nobody's looks as it does outside."""
    armor = stack.kdc.kinit_password("paul").cache
    for kind, name in names(stack.maps):
        assert stack.login(kind, name, stack.card, armor=armor)[0] == ALICE
    nobody = "X509:<SKI>" + "00" * 20
    said, _ = stack.login(X500, nobody, stack.card, armor=armor)
    assert said == NAME_MISMATCH
    known, _ = stack.login(X500, stack.maps["ski"], armor=armor)
    unknown, _ = stack.login(X500, nobody, armor=armor)
    assert known == unknown and known.startswith("refused ")


def test_one_card_of_two_accounts(stack):
    """The card alone names nobody; with a hint it is either's."""
    ski = stack.maps["ski"]
    stack.accounts(
        accounts.account("alice", ski, userPrincipalName=UPN),
        accounts.account("bob", ski))
    assert stack.login(X500, ski, stack.card)[0] == NAME_MISMATCH
    for who, hint, options in (("alice", "alice", ()), ("bob", "bob", ()),
                               ("alice", UPN, ("-E", "-C")),
                               ("bob", "BOB@corp.test", ("-E", "-C"))):
        login = stack.kdc.kinit(hint, stack.card, options=options)
        assert login.ok, login
        assert login.audit["principal"] == f"{who}@{REALM}"


def test_card_of_nobody(plain):
    stranger = plain.world.card("stranger")
    for name in stranger.mappings().values():
        said, _ = plain.login(X500, name, stranger)
        assert said in (NAME_MISMATCH, UNKNOWN)  # weak ones are no names
    said, _ = plain.login(ENTERPRISE, "stranger@corp.test", stranger)
    assert said == UNKNOWN


def test_what_is_kept_decides_nothing(plain):
    """A name that was asked for a moment ago still names the account; what
    became of account and mapping counts at once."""
    ski = plain.maps["ski"]
    assert plain.login(X500, ski, plain.card)[0] == ALICE
    plain.kdc.kadmin("modprinc -allow_tix alice")
    assert plain.login(X500, ski, plain.card)[0] == NAME_MISMATCH
    plain.kdc.kadmin("modprinc +allow_tix alice")
    assert plain.login(X500, ski, plain.card)[0] == ALICE
    plain.accounts(accounts.account("alice"), accounts.account("bob", ski))
    before = plain.kdc.log_size()
    assert plain.login(X500, ski, plain.card)[0] == NAME_MISMATCH
    audit, = realm.audit_lines(plain.kdc.log(before))
    assert audit["principal"] == f"alice@{REALM}"
    assert audit["reason"] == "no-mapping"
    # In the directory, by what krbTicketFlags says there.
    plain.accounts(accounts.account("alice", ski, krbTicketFlags="64"))
    before = plain.kdc.log_size()
    assert plain.login(X500, ski, plain.card)[0] == "refused 62"
    audit, = realm.audit_lines(plain.kdc.log(before))
    assert audit["reason"] == "account-disabled"


def test_hardware_is_asked_of_the_account(plain):
    """A file is none, by whatever name."""
    assert plain.login(X500, plain.maps["ski"], plain.card)[0] == ALICE
    plain.kdc.kadmin("modprinc +requires_hwauth alice")
    for kind, name in [*names(plain.maps), (1, "alice")]:
        said, _ = plain.login(kind, name, plain.card)
        assert said.startswith("refused "), name
    assert "ISSUE: authtime" in plain.kdc.log()  # the first


def test_ticket_to_change_a_password(plain):
    """For the account, by its canonical name."""
    login = plain.kdc.kinit(UPN, plain.card, options=[
        "-E", "-C", "-S", f"kadmin/changepw@{REALM}"])
    assert login.ok, login
    shown = plain.kdc.klist(login)
    assert f"Default principal: alice@{REALM}\n" in shown
    assert "kadmin/changepw" in shown


def test_stand_in_is_no_principal(plain):
    """Not as a client, and not as a service."""
    kdc = plain.kdc
    login = kdc.kinit("WELLKNOWN/CERTMAP-NOBODY", plain.card)
    assert not login.ok and "not found" in login.output
    login = kdc.kinit_password("paul")
    assert login.ok
    for service in ("WELLKNOWN/CERTMAP-NOBODY", "alice\\@corp.test",
                    plain.maps["ski"].replace("/", "\\/")):
        status, said = kdc.kvno(login, service)
        assert status != 0 and "not found" in said, said


def test_principal_that_looks_like_a_upn(plain):
    """What is in the database comes first, and its own keys count."""
    plain.kdc.kadmin('addprinc -pw "other word" alice\\@corp.test')
    login = plain.kdc.kinit("alice@corp.test", password="other word",
                            options=["-E", "-C"])
    assert login.ok
    assert f"alice\\@corp.test@{REALM}" in plain.kdc.klist(login)
    login = plain.kdc.kinit("alice@corp.test", plain.card,
                            options=["-E", "-C"])
    assert not login.ok
