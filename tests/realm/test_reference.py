"""The reference of a refusal: what the client is told, and where the KDC's
log has it."""

import re

import pytest

import pki
import realm
import replies
import stacking
from exchanging import exchange

REALM = "CORP.TEST"
REFERENCE = re.compile(r"[0-9A-HJKMNP-TV-Z]{10}")
FAILED, NAME_MISMATCH, CANT_VERIFY, KEY_PURPOSE = 24, 75, 70, 77
TRUSTED_CERTIFIERS, FX_ERROR = 104, "137"
#: Nobody listens there.
NO_DIRECTORY = {"directory": "ldap", "ldap": {
    "uri": "ldap://127.0.0.1:1", "base": "dc=x", "schema": "mit"}}
AS_KEPT = (replies.COOKIE, b"MIT")


def make(make_kdc, world, plugins=None, **relations):
    kdc = make_kdc(plugins=realm.WRAP if plugins is None else plugins,
                   realms={REALM: world.certmap(**relations)})
    kdc.add_principals("alice", "bob")
    kdc.add_password("paul")
    return kdc


@pytest.fixture
def kdc(make_kdc, world):
    return make(make_kdc, world)


def trust_stranger(kdc):
    """A card of a CA that the client trusts, and the KDC does not: a client
    does not send a certificate whose chain it cannot build."""
    stranger = pki.root("CN=Stranger Root")
    anchors = pki.bundle(kdc.folder / "all.pem", [
        kdc.world.root, kdc.world.foreign, stranger])
    config = kdc.folder / "krb5-client.conf"
    config.write_text(config.read_text().replace(
        str(kdc.world.stock_roots), str(anchors)))
    return stranger.issue("CN=alice")


def refused(kdc, name, card, number):
    """The e-data of the refusal, and its audit line."""
    before = kdc.log_size()
    said, answers = replies.login(kdc, name, card)
    assert said == f"refused {number}" and len(answers) == 2, said
    assert replies.REFERENCE not in dict(replies.e_data(answers[0]))
    [line] = realm.audit_lines(kdc.log(before))
    return replies.e_data(answers[1]), line


def element(line):
    """What the client must have been told."""
    assert REFERENCE.fullmatch(line["ref"]), line["line"]
    return replies.REFERENCE, line["ref"].encode()


@pytest.mark.parametrize("limit", ["1", "32700"], ids=["tcp", "udp"])
def test_our_refusal(kdc, world, limit):
    kdc.tell_clients(f"udp_preference_limit = {limit}")
    data, line = refused(kdc, "alice", world.card("alice"), NAME_MISMATCH)
    assert line["verdict"] == "refused" and line["reason"] == "no-mapping"
    assert data == [element(line), AS_KEPT]
    again, other = refused(kdc, "bob", world.card("alice"), NAME_MISMATCH)
    assert again == [element(other), AS_KEPT]
    assert other["ref"] != line["ref"]


def test_stock_refusal(kdc, make_kdc, world):
    """What stock PKINIT tells a client stays, and comes first."""
    data, line = refused(kdc, "alice", trust_stranger(kdc), CANT_VERIFY)
    assert line["reason"] == "pkinit" and line["code"] == str(CANT_VERIFY)
    plain = make(make_kdc, world, plugins={})
    said, answers = replies.login(plain, "alice", trust_stranger(plain))
    assert said == f"refused {CANT_VERIFY}"
    stock = replies.e_data(answers[1])
    assert [kind for kind, _ in stock] == [TRUSTED_CERTIFIERS, replies.COOKIE]
    assert data == [stock[0], element(line), stock[1]]


@pytest.mark.parametrize("relations, reason", [
    (NO_DIRECTORY, "directory-unavailable"), ({"enforcement": "some"}, "config"),
])
def test_codes_with_which_the_kdc_sends_hints(make_kdc, world, relations,
                                              reason):
    """The reference is one more of them, for that answer alone."""
    kdc = make(make_kdc, world, **relations)
    offered = replies.e_data(replies.login(kdc, "alice")[1][0])
    for _ in range(2):
        data, line = refused(kdc, "alice", world.card("alice"), FAILED)
        assert line["reason"] == reason
        assert data.count(element(line)) == 1
        data.remove(element(line))
        assert [kind for kind, _ in data] == [kind for kind, _ in offered]


def test_accepted(kdc, world):
    kdc.set_mappings("alice", world.card("alice").mappings()["ski"])
    login = kdc.kinit("alice", world.card("alice"))
    assert login.ok and login.audit["ref"] == "-", login
    said, answers = replies.login(kdc, "alice", world.card("alice"))
    assert said == f"ticket alice@{REALM}"
    assert all(b"ref" not in each for each in answers)


def test_certauth_alone_has_none(make_kdc, world):
    kdc = make(make_kdc, world, plugins=realm.ENFORCE)
    data, line = refused(kdc, "alice", world.card("alice"), NAME_MISMATCH)
    assert data == [] and line["ref"] == "-"


def test_observed(make_kdc, world):
    """What is let through has none; what stock refuses has."""
    kdc = make(make_kdc, world, plugins=realm.WRAP_OBSERVE, mode="observe")
    login = kdc.kinit("alice", world.san_card("alice", REALM))
    assert login.ok and login.audit["verdict"] == "refused", login
    assert login.audit["ref"] == "-"
    data, line = refused(kdc, "alice", world.card("alice"), KEY_PURPOSE)
    assert line["mode"] == "observe" and data == [element(line), AS_KEPT]


def test_off(make_kdc, world):
    """A realm that leaves the decision to others writes no line."""
    kdc = make(make_kdc, world, plugins=realm.WRAP_OBSERVE, mode="off")
    said, answers = replies.login(kdc, "alice", world.card("alice"))
    assert said == f"refused {KEY_PURPOSE}"
    assert replies.e_data(answers[1]) == []
    assert realm.audit_lines(kdc.log()) == []


@pytest.mark.parametrize("armored", [False, True], ids=["plain", "fast"])
def test_kinit_takes_no_notice(kdc, world, make_kdc, armored):
    """It says what it said, asks once, and does not turn to a password."""
    plain = make(make_kdc, world, plugins=realm.ENFORCE)
    outputs = []
    for each in (plain, kdc):
        each.add_password("carol")
        each.kadmin("modprinc +requires_preauth carol")
        options = (("-T", each.kinit_password("paul").cache) if armored
                   else ())
        trace = each.folder / "trace"
        each.extra_environment = {"KRB5_TRACE": str(trace)}
        login = each.kinit("carol", world.card("carol"), options=options)
        assert not login.ok and login.audit["reason"] == "no-mapping", login
        outputs.append(login.output)
    assert outputs[0] == outputs[1]
    assert "Client name mismatch" in outputs[1]
    assert "Password" not in outputs[1]
    # Under FAST the element stands among the encrypted padata.
    tried = re.search(r"tryagain input types \(16\): (.*)", trace.read_text())
    types = re.findall(r"-?\d+(?=\)|,|$)", tried[1])
    assert types == [str(replies.REFERENCE), str(replies.COOKIE)] + (
        [FX_ERROR] if armored else [])


def test_names_by_certificate(tmp_path, world):
    """An account's name and nobody's: each refusal has its line."""
    with stacking.Stack(tmp_path, world, plugins=realm.WRAP) as stack:
        stack.furnish()
        for name in (stack.maps["ski"], "X509:<SKI>" + "00" * 20):
            before = stack.kdc.log_size()
            said, answers = stack.login(stacking.X500, name, stack.other)
            assert said == f"refused {NAME_MISMATCH}"
            [line] = realm.audit_lines(stack.kdc.log(before))
            assert replies.e_data(answers[1]) == [element(line), AS_KEPT]


def test_report_finds_it(kdc, world):
    """What the user reads out leads to the line, and to no other."""
    login = kdc.kinit("alice", world.card("alice"))
    kdc.kinit("bob", world.card("alice"))
    reference = login.audit["ref"]
    status, said = kdc.certmap("report", "--ref", reference.lower(),
                               kdc.log_file)
    assert status == 0, said
    line = login.audit["line"]
    assert said.endswith(line[line.index("certmap: "):] + "\n"), said
    assert said.count("\n") == 1


@pytest.mark.parametrize("relations, number", [
    ({}, NAME_MISMATCH), (NO_DIRECTORY, FAILED)], ids=["data", "hint"])
def test_login_shows_it(make_kdc, world, relations, number):
    """certmap login finds what the line of the last refusal has."""
    kdc = make(make_kdc, world, **relations)
    done = exchange(kdc, "principal:alice", identity=world.card("alice"),
                    cache=f"FILE:{kdc.folder}/cc")
    assert (done.end, done.number) == ("refused", number), done
    last = realm.audit_lines(done.log)[-1]
    assert REFERENCE.fullmatch(done.reference), done
    assert last["ref"] == done.reference


def test_login_does_not_see_it_under_fast(kdc, world):
    armor = kdc.kinit_password("paul").cache
    done = exchange(kdc, "principal:alice", identity=world.card("alice"),
                    armor=armor, cache=f"FILE:{kdc.folder}/cc")
    assert (done.end, done.number) == ("refused", NAME_MISMATCH), done
    [line] = realm.audit_lines(done.log)
    assert REFERENCE.fullmatch(line["ref"]) and done.reference == ""
