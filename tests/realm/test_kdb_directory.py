"""Clients' other names, asked of an LDAP server that may fail or lie.

Whatever it does: such a name is refused or stands for the one account that is
its, and principals are as they were.
"""

import socket
import subprocess

import pytest

import accounts
import fakeldap
import realm
import replies
import stacking
from slapd import Slapd
from stacking import ENTERPRISE, REALM, X500

UNAVAILABLE, NAME_MISMATCH, UNKNOWN = "refused 60", "refused 75", "refused 6"
UPN = "a.smith@mail.test"


@pytest.fixture
def make(tmp_path, world):
    made = []

    def build(uri, **relations):
        settings = accounts.settings(tmp_path, uri)
        settings.update(relations)
        settings.setdefault("timeout", "5s")
        stack = stacking.Stack(tmp_path / "stack", world, **settings)
        made.append(stack)
        return stack.__enter__().furnish()

    yield build
    for stack in made:
        stack.__exit__()


@pytest.fixture
def slapd(tmp_path):
    with Slapd(tmp_path / "slapd", access=["to * by * read"]) as server:
        yield server


def by_upn(stack, name=UPN):
    return stack.login(ENTERPRISE, name, stack.card)[0]


def by_mapping(stack):
    return stack.login(X500, stack.maps["ski"], stack.card)[0]


def answer(ask, *arguments):
    """What is said of a name that is asked about.  After an answer that took
    longer than 100 ms the module asks nobody for three times as long."""
    return realm.until(
        lambda: (said := ask(*arguments)) != UNAVAILABLE and said, "an answer")


def principals_work(stack):
    assert stack.kdc.kinit_password("paul").ok


def test_server_comes_and_goes(slapd, make):
    stack = make(slapd.ldap, timeout="2s")
    slapd.stop()
    assert by_upn(stack) == by_mapping(stack) == UNAVAILABLE
    principals_work(stack)
    assert "directory-unavailable: client name" in stack.kdc.log()
    slapd.load(stack.alice)
    slapd.start()
    ticket = f"ticket alice@{REALM}"
    realm.until(lambda: by_upn(stack) == ticket, "the directory is back")
    realm.until(lambda: by_mapping(stack) == ticket, "the mapping is found")
    assert answer(by_upn, stack, UPN.upper()) == ticket
    assert answer(by_upn, stack, "alice@corp.test") == ticket


@pytest.mark.parametrize("unavailable", ["refuse", "discard"])
def test_another_kdc_may_know_more(make, unavailable):
    """unavailable = discard: the client asks the next one, whose part is
    played by a socket here; else it gives up."""
    with fakeldap.FakeLdap(fakeldap.hang_up) as server, \
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        other.settimeout(20)
        stack = make(server.uri, unavailable=unavailable)
        stack.kdc.servers.append(f"127.0.0.1:{other.getsockname()[1]}")
        stack.kdc.write_profiles()
        client = subprocess.Popen(
            [replies.NAME_LOGIN, str(ENTERPRISE), UPN, "-", "1",
             str(stack.folder / "reply")], text=True,
            env=stack.kdc.environment("client"), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE)
        try:
            if unavailable == "discard":
                assert b"a.smith@mail.test" in other.recv(65536)
            else:
                assert client.communicate(timeout=30)[0] == "refused 60\n"
        finally:
            client.kill()
            client.communicate()


def test_signs_of_a_filter(slapd, make):
    """The name is a value, whatever it holds."""
    stack = make(slapd.ldap, timeout="2s")
    slapd.stop()
    slapd.load(stack.alice)
    slapd.start()
    assert by_upn(stack).startswith("ticket")
    for name in ("*@mail.test", "a.smith)(uid=*@mail.test", "a\\2a@mail.test",
                 "(|(uid=*))@corp.test", "\u00e4@mail.test"):
        assert answer(by_upn, stack, name) == UNKNOWN, name
    assert answer(lambda: stack.login(
        X500, "X509:<I>CN=*<SR>01", stack.card)[0]) == NAME_MISMATCH


@pytest.mark.parametrize("script", [
    fakeldap.silence, fakeldap.garbage, fakeldap.truncated, fakeldap.hang_up,
    fakeldap.endless, fakeldap.huge, fakeldap.refused(fakeldap.BUSY)])
def test_server_out_of_its_mind(make, script):
    with fakeldap.FakeLdap(script) as server:
        stack = make(server.uri, timeout="300ms")
        assert by_upn(stack) == UNAVAILABLE
        principals_work(stack)
        said = by_mapping(stack)
        assert said == UNAVAILABLE
        principals_work(stack)


def test_slow_server(make):
    """It has a part of the KDC's time; made-up names then wait for nothing,
    and so does a password."""
    with fakeldap.FakeLdap(fakeldap.late(0.3, fakeldap.nothing)) as server:
        stack = make(server.uri, timeout="2s")
        said = [by_upn(stack, f"a{n}@mail.test") for n in range(8)]
        assert said[0] == UNKNOWN and UNAVAILABLE in said
        assert set(said) == {UNKNOWN, UNAVAILABLE}
        assert server.searches == said.count(UNKNOWN) < len(said)
        principals_work(stack)
        realm.until(lambda: by_upn(stack, "late@mail.test") == UNKNOWN,
                    "the directory is asked again")


def lie(**attributes):
    return ("uid=x,dc=example,dc=com",
            {name: [value] if isinstance(value, str) else value
             for name, value in attributes.items()})


def bob(**attributes):
    return lie(krbPrincipalName=f"bob@{REALM}", **attributes)


@pytest.mark.parametrize("found", [
    [], [bob()], [bob(userPrincipalName="b@mail.test")],
    [bob(altSecurityIdentities="X509:<SKI>00")],
    [lie(userPrincipalName=UPN)],
    [lie(userPrincipalName=UPN, krbPrincipalName="alice@OTHER.TEST")],
    [lie(userPrincipalName=UPN, krbPrincipalName=[f"alice@{REALM}",
                                                  f"bob@{REALM}"])],
    [lie(userPrincipalName=UPN, krbPrincipalName=f"nobody@{REALM}")],
    [bob(userPrincipalName=UPN), lie(userPrincipalName=UPN)]])
def test_entries_that_were_not_asked_for(make, found):
    with fakeldap.FakeLdap(fakeldap.entries(*found)) as server:
        stack = make(server.uri)
        assert by_upn(stack) == UNKNOWN
        assert answer(by_mapping, stack) == NAME_MISMATCH
        principals_work(stack)


def test_the_wrong_account(make, world):
    """The directory says that the name is bob's: then bob's it must be."""
    found = bob(userPrincipalName=UPN)
    with fakeldap.FakeLdap(fakeldap.entries(found)) as server:
        stack = make(server.uri)
        assert by_upn(stack) == NAME_MISMATCH
        audits = realm.audit_lines(stack.kdc.log())
        assert audits[-1]["principal"] == f"bob@{REALM}"
        assert audits[-1]["verdict"] == "refused"


def test_an_answer_is_kept_for_a_moment(make):
    """The same name again costs no search; a login by certificate does."""
    with fakeldap.FakeLdap(fakeldap.nothing) as server:
        stack = make(server.uri, timeout="2s")
        assert by_upn(stack) == UNKNOWN
        asked = server.searches
        for _ in range(3):
            assert by_upn(stack) == UNKNOWN
        assert server.searches == asked == 1
