"""Our KDB module between the KDC and the module that has the data."""

import os
import signal

import pytest

import accounts
import realm
import replies
import stacking
from card import Card
from stacking import ENTERPRISE, REALM, X500

CLIENT_UNKNOWN, NAME_MISMATCH = 6, 75
UPN = "a.smith@mail.test"
FRESHNESS = 150  # PA_AS_FRESHNESS (RFC 8070)
NOBODY = "X509:<SKI>" + "00" * 20


@pytest.fixture(params=stacking.INNER)
def inner(request):
    if why := stacking.missing(request.param):
        pytest.skip(why)
    return request.param


@pytest.fixture
def stack(inner, tmp_path, world):
    with stacking.Stack(tmp_path, world, inner) as made:
        yield made.furnish()


@pytest.fixture
def plain(tmp_path, world):
    """On db2: what has nothing to do with the module below."""
    with stacking.Stack(tmp_path, world, "db2") as made:
        yield made.furnish()


# The module below does what it always did.


def test_database_tools(stack, tmp_path):
    """Create, load, dump, kadmin and policies go through."""
    kdc = stack.kdc
    kdc.kadmin("addpol -minlength 12 long", "addprinc -randkey -policy long x",
               "setstr x key value", f"ktadd -k {tmp_path}/x.keytab x",
               "modprinc -maxlife 10min x", "cpw -randkey x",
               "addprinc -randkey gone", "delprinc -force gone")
    assert "Policy: long" in kdc.kadmin("getprinc x")
    assert "key: value" in kdc.kadmin("getstrs x")
    listed = kdc.kadmin("listprincs")
    assert f"x@{REALM}" in listed and "gone" not in listed
    assert "long" in kdc.kadmin("listpols")
    dump = tmp_path / "dump"
    kdc.tool("kdb5_util", "-r", REALM, "dump", dump)
    kdc.kadmin("delprinc -force x")
    kdc.tool("kdb5_util", "-r", REALM, "load", "-update", dump)
    assert "Policy: long" in kdc.kadmin("getprinc x")
    assert kdc.kinit("alice", stack.card).ok
    assert kdc.kinit_password("paul").ok


def test_load_in_place(plain, tmp_path):
    """kdb5_util load makes a database beside and promotes it."""
    kdc = plain.kdc
    dump = tmp_path / "dump"
    kdc.tool("kdb5_util", "-r", REALM, "dump", dump)
    kdc.kadmin("addprinc -randkey later")
    kdc.tool("kdb5_util", "-r", REALM, "load", dump)
    listed = kdc.kadmin("listprincs")
    assert f"alice@{REALM}" in listed and "later" not in listed
    assert kdc.kinit_password("paul").ok


def test_kadmin_sees_principals_only(stack):
    """No UPN is a principal to kadmin."""
    kdc = stack.kdc
    said = kdc.tool("kadmin.local", "-r", REALM, "-q",
                    "getprinc alice\\@corp.test")
    assert "does not exist" in said
    kdc.kadmin("addprinc -randkey alice\\@corp.test")
    assert f"alice\\@corp.test@{REALM}" in kdc.kadmin("listprincs")


def test_lockout(stack):
    """The module below counts failures, by whatever name they come."""
    kdc = stack.kdc
    kdc.kadmin("addpol -maxfailure 2 -lockoutduration 10min lock",
               "modprinc +requires_preauth -policy lock paul")
    for name, options in (("paul", ()), ("paul@corp.test", ("-E", "-C"))):
        login = kdc.kinit(name, password="wrong", options=options)
        assert not login.ok
    assert "Failed password attempts: 2" in kdc.kadmin("getprinc paul")
    login = kdc.kinit_password("paul")
    assert not login.ok and "revoked" in login.output
    kdc.kadmin("modprinc -unlock paul")
    assert kdc.kinit("paul@corp.test", password=realm.PASSWORD,
                     options=["-E", "-C"]).ok


def test_workers_and_hangup(inner, tmp_path, world):
    with stacking.Stack(tmp_path, world, inner, workers=2) as stack:
        stack.furnish()
        kdc = stack.kdc
        workers = realm.until(
            lambda: (pids := kdc.worker_pids()) and len(pids) == 2 and pids,
            "two workers")
        for _ in range(6):
            assert kdc.kinit("a.smith@mail.test", stack.card,
                             options=["-E", "-C"]).ok
        os.kill(kdc.pid, signal.SIGHUP)
        for _ in range(6):
            assert kdc.kinit("alice", stack.card).ok
            said, _ = stack.login(X500, stack.maps["ski"], stack.card)
            assert said == f"ticket alice@{REALM}"
        assert kdc.worker_pids() == workers
        assert kdc.stop() == 0


# Enterprise names.


@pytest.mark.parametrize("name", [
    "alice@corp.test", "ALICE@Corp.Test", "a.smith@mail.test",
    "A.Smith@MAIL.test"])
def test_upn(stack, name):
    login = stack.kdc.kinit(name, stack.card, options=["-E", "-C"])
    assert login.ok, login
    assert login.audit["principal"] == f"alice@{REALM}"
    assert login.audit["requested"].startswith(name.split("@")[0])
    assert f"Default principal: alice@{REALM}\n" in stack.kdc.klist(login)


def test_upn_with_a_password(stack):
    login = stack.kdc.kinit("paul@corp.test", password=realm.PASSWORD,
                            options=["-E", "-C"])
    assert login.ok, login
    assert f"Default principal: paul@{REALM}\n" in stack.kdc.klist(login)


def test_upn_needs_canonicalization(stack):
    """Without it the name would come to stand in the ticket; the client is
    told what it is told about a name that nobody has."""
    kdc = stack.kdc
    login = kdc.kinit("alice@corp.test", stack.card, options=["-E"])
    assert not login.ok and "not found" in login.output
    assert "NOT_CANONICALIZED" in login.log
    nobody = kdc.kinit("alisa@corp.test", stack.card, options=["-E"])
    assert nobody.output.replace("alisa", "alice") == login.output


def test_upn_of_nobody(stack):
    for name in ("carol@corp.test", "alice@other.test", "alice"):
        login = stack.kdc.kinit(name, stack.card, options=["-E", "-C"])
        assert login.ok == (name == "alice"), login
        assert login.ok or "not found" in login.output
    for name in ("a@b@corp.test", "@corp.test", "alice@", "a" * 1100 + "@b"):
        said, _ = stack.login(ENTERPRISE, name, stack.card)
        assert said == f"refused {CLIENT_UNKNOWN}", name


def test_upn_of_two_is_nobodys(plain):
    plain.accounts(plain.alice,
                   accounts.account("bob",
                                    userPrincipalName="a.smith@mail.test"))
    login = plain.kdc.kinit("a.smith@mail.test", plain.card,
                            options=["-E", "-C"])
    assert not login.ok and "not found" in login.output
    assert "account-ambiguous: client name" in login.log
    assert "uid=alice" in login.log and "uid=bob" in login.log


def test_upn_decides_nothing(plain):
    """The certificate must be the account's, as if its name were typed."""
    login = plain.kdc.kinit("bob@corp.test", plain.card, options=["-E", "-C"])
    assert not login.ok
    assert login.audit["principal"] == f"bob@{REALM}"
    assert login.audit["reason"] == "no-mapping"


@pytest.mark.parametrize("change, words", [
    ("-allow_tix", "revoked"), ('-expire "1/1/2020 00:00:00 UTC"', "expired"),
    ('-pwexpire "1/1/2020 00:00:00 UTC"', "Password expired"),
    ("+needchange", "Password expired")])
def test_attributes_of_the_account(stack, change, words):
    """Enforced on the real entry, by each of its names; by a mapping it is
    nobody's, and only the log says why."""
    kdc = stack.kdc
    kdc.kadmin(f"modprinc {change} alice")
    for name, options in (("alice", []), ("alice@corp.test", ["-E", "-C"])):
        login = kdc.kinit(name, stack.card, options=options)
        assert not login.ok and words in login.output, login
    said, _ = stack.login(X500, stack.maps["ski"], stack.card)
    assert said == f"refused {NAME_MISMATCH}"
    assert f"certmap: client name: alice@{REALM} is disabled" in kdc.log()


def test_database_as_directory(tmp_path, world):
    """directory = kdb: implicit UPNs only, and no mapping is looked up."""
    with stacking.Stack(tmp_path, world, directory="kdb", ldap=None) as stack:
        kdc = stack.kdc
        card = world.card("alice")
        kdc.add_principals("alice", "Twin", "twin")
        kdc.set_mappings("alice", card.mappings()["ski"])
        for name in ("alice@corp.test", "ALICE@CORP.test"):
            login = kdc.kinit(name, card, options=["-E", "-C"])
            assert login.ok and login.audit["principal"] == f"alice@{REALM}"
        for name in ("Twin@corp.test", "alice@mail.test", "TWINS@corp.test"):
            login = kdc.kinit(name, card, options=["-E", "-C"])
            assert not login.ok and "not found" in login.output, login
        for name in (card.mappings()["ski"], NOBODY):
            said, _ = stack.login(X500, name, card)
            assert said == f"refused {CLIENT_UNKNOWN}"
        status, said = kdc.certmap("explain", kdc.locate(card).split(
            ":")[1].split(",")[0], f"alice@{REALM}")
        assert status == 0, said


@pytest.mark.parametrize("mode", ["observe", "off"])
def test_other_modes_know_principals_only(tmp_path, world, mode):
    with stacking.Stack(tmp_path, world, mode=mode,
                        plugins=realm.OBSERVE) as stack:
        stack.furnish()
        login = stack.kdc.kinit("alice@corp.test", stack.card,
                                options=["-E", "-C"])
        assert not login.ok and "not found" in login.output
        said, _ = stack.login(X500, stack.maps["ski"], stack.card)
        assert said == f"refused {CLIENT_UNKNOWN}"


def test_upn_with_a_card_in_a_reader(plain, tmp_path):
    identity = plain.world.issuing.issue("CN=alice", key_kind="rsa2048")
    card = Card(tmp_path / "card", identity)
    plain.accounts(accounts.account("alice", identity.mappings()["ski"]))
    plain.kdc.extra_environment = card.environment
    login = plain.kdc.kinit("alice@corp.test", card.identity, pin=Card.PIN,
                            options=["-E", "-C"])
    assert login.ok, login


def test_upn_with_fast(plain):
    armor = plain.kdc.kinit_password("paul")
    login = plain.kdc.kinit(UPN, plain.card,
                            options=["-E", "-C", "-T", armor.cache])
    assert login.ok, login
    login = plain.kdc.kinit("carol@corp.test", plain.card,
                            options=["-E", "-C", "-T", armor.cache])
    assert not login.ok and "not found" in login.output


def test_realm_of_a_clients_choice(plain):
    """A KDC of one realm is asked about any: of others nothing is read, said
    or kept."""
    kdc = plain.kdc
    junk = ("JUNK.TEST", "JUNK.TEST2")
    with open(kdc.folder / "krb5-client.conf", "a", encoding="ascii") as conf:
        conf.write("[realms]\n" + realm.profile(
            {other: {"kdc": kdc.servers} for other in junk}) + "\n")
    for other in junk:
        login = kdc.kinit("alice@corp.test", plain.card, realm=other,
                          options=["-E", "-C"])
        assert not login.ok and "not found" in login.output, login
        assert "CLIENT_NOT_FOUND" in login.log
        assert "certmap: " not in login.log
    assert kdc.kinit("alice@corp.test", plain.card, options=["-E", "-C"]).ok


# X.500 names.


@pytest.mark.parametrize("form", ["ski", "issuer-serial"])
def test_mapping_as_name(stack, form):
    before = stack.strings("alice")
    said, _ = stack.login(X500, stack.maps[form], stack.card)
    assert said == f"ticket alice@{REALM}"
    assert "Number of keys: 0" in before


def test_mapping_leaves_the_keys_alone(stack):
    """The entry that the KDC is given has no keys, and is not stored."""
    kdc = stack.kdc
    kdc.kadmin(f'cpw -pw "{realm.PASSWORD}" alice', "setstr alice otp []")
    keys = [line for line in stack.strings("alice").splitlines()
            if line.startswith("Key:")]
    assert keys
    said, _ = stack.login(X500, stack.maps["ski"], stack.card)
    assert said == f"ticket alice@{REALM}"
    after = stack.strings("alice")
    assert [line for line in after.splitlines()
            if line.startswith("Key:")] == keys
    assert "otp: []" in kdc.kadmin("getstrs alice")
    assert kdc.kinit_password("alice").ok


def test_mapping_needs_canonicalization(stack):
    for name in (stack.maps["ski"], NOBODY):
        said, answers = stack.login(X500, name, stack.card, False)
        assert said == f"refused {CLIENT_UNKNOWN}" and len(answers) == 1


def test_unknown_mapping_gets_no_ticket(stack):
    said, answers = stack.login(X500, NOBODY, stack.card)
    assert said == f"refused {NAME_MISMATCH}" and len(answers) == 2
    log = stack.kdc.log()
    assert "stands for nobody" in log and "ISSUE: " not in log


def test_mapping_decides_nothing(plain):
    """Another's card with alice's name."""
    said, _ = plain.login(X500, plain.maps["ski"], plain.other)
    assert said == f"refused {NAME_MISMATCH}"


def test_mapping_of_two_is_nobodys(plain):
    plain.accounts(plain.alice, accounts.account("bob", plain.maps["ski"]))
    said, _ = plain.login(X500, plain.maps["ski"], plain.card)
    assert said == f"refused {NAME_MISMATCH}"
    log = plain.kdc.log()
    assert "uid=alice" in log and "uid=bob" in log


@pytest.mark.parametrize("name", [
    "X509:<SKI>00AA", "X509: <SKI>00aa", "X509:<S>CN=alice", "CN=alice",
    "X509:<SKI>" + "0" * 2000, "X509:<I>CN=\"<SR>01"])
def test_other_x500_names(plain, name):
    said, _ = plain.login(X500, name, plain.card)
    assert said == f"refused {CLIENT_UNKNOWN}"


#: A freshness token begins with the time and ends with a checksum over it;
#: a reference is drawn anew.
CHANGING = (FRESHNESS, replies.REFERENCE)


def without_time(reply):
    """The fields of a KRB-ERROR and its e-data but for the KDC's time; of
    what changes each time only the size."""
    content, data = replies.error_fields(reply)
    return content, [(kind, len(value) if kind in CHANGING else value)
                     for kind, value in data]


def refuses_by_reference(kdc, reply):
    """The e-data hold a reference, which one line of the log has, and
    nothing else but a cookie."""
    told = dict(replies.e_data(reply))
    assert list(told) == [replies.REFERENCE, replies.COOKIE]
    [line] = [line for line in realm.audit_lines(kdc.log())
              if line["ref"] == told[replies.REFERENCE].decode()]
    return line["verdict"] == "refused"


#: What an account may be like, how it becomes that and is so no more, and
#: whether its card works then.
STATES = [
    ("a password", [f'cpw -pw "{realm.PASSWORD}" alice'], [], True),
    ("no wish for preauthentication", ["modprinc -requires_preauth alice"],
     ["modprinc +requires_preauth alice"], True),
    ("one-time passwords", ["setstr alice otp []"], ["delstr alice otp"],
     True),
    ("disabled", ["modprinc -allow_tix alice"], ["modprinc +allow_tix alice"],
     False),
    ("expired", ['modprinc -expire "1/1/2020 00:00:00 UTC" alice'],
     ["modprinc -expire never alice"], False),
    ("its password expired", ['modprinc -pwexpire "1/1/2020 00:00:00 UTC" alice'],
     ["modprinc -pwexpire never alice"], False),
    ("its password to be changed", ["modprinc +needchange alice"],
     ["modprinc -needchange alice"], False),
    ("locked", ["modprinc -policy lock alice"], ["modprinc -unlock alice"],
     False)]


@pytest.mark.parametrize("wiring", ["ENFORCE", "WRAP"])
def test_known_or_not_looks_alike(inner, tmp_path, world, wiring):
    """One name, first nobody's and then an account's, whatever state that is
    in: the KDC's answers, to nobody and to a card that is not its own, are the
    same but for the time and the reference."""
    with stacking.Stack(tmp_path, world, inner,
                        plugins=getattr(realm, wiring)) as stack:
        kdc = stack.furnish().kdc
        kdc.kadmin("addpol -maxfailure 2 -lockoutduration 10min lock")
        name = stack.maps["ski"]

        def seen():
            kdc.restart()  # nothing is remembered
            said, first = stack.login(X500, name)
            assert said.startswith("refused ") and len(first) == 1
            said, answers = stack.login(X500, name, stack.other)
            assert said == f"refused {NAME_MISMATCH}" and len(answers) == 2
            assert wiring == "ENFORCE" or refuses_by_reference(
                kdc, answers[1])
            return [without_time(each) for each in first + answers]

        stack.accounts(stack.bob)
        nobodys = seen()
        assert nobodys[0][1] and bool(nobodys[2][1]) == (wiring == "WRAP")
        stack.accounts(stack.alice, stack.bob)
        for state, begin, end, works in STATES:
            kdc.kadmin(*begin)
            for _ in range(2 if state == "locked" else 0):
                assert not kdc.kinit("alice", password="wrong").ok
            assert seen() == nobodys, state
            said, _ = stack.login(X500, name, stack.card)
            assert said == (f"ticket alice@{REALM}" if works else
                            f"refused {NAME_MISMATCH}"), state
            assert works or not kdc.kinit("alice", stack.card).ok, state
            if end:
                kdc.kadmin(*end)
        assert stack.login(X500, name, stack.card)[0] == (
            f"ticket alice@{REALM}")
