"""Sweeps of a real directory: all pages, or a word that it was not all."""

import ldapfaults
import pytest
from directory import Directory
from slapd import Slapd

WHOLE, STOPPED, TRUNCATED, FAILED = range(4)
PEOPLE = 1230  # two pages and a part of a third


def people(count, suffix):
    return "\n".join(
        f"dn: uid=u{i},{suffix}\nobjectClass: account\n"
        f"objectClass: certmapTestAccount\nuid: u{i}\n"
        f"altSecurityIdentities: X509:<SKI>{i:08x}\n"
        f"altSecurityIdentities: X509:<SKI>{i:08x}ff\n"
        for i in range(count))


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    slapd = Slapd(tmp_path_factory.mktemp("sweep"))
    slapd.load(people(PEOPLE, slapd.suffix))
    with slapd:
        yield slapd


@pytest.fixture
def ask(server, tmp_path):
    """Opens a Directory on a URI; the reader binds."""
    secret = tmp_path / "secret"
    secret.touch(mode=0o600)
    secret.write_text(server.reader_password)
    opened = []

    def make(*uris, timeout=20000, dn=server.reader_dn):
        directory = Directory(
            "schema=posix", *(f"uri={uri}" for uri in uris),
            f"base={server.suffix}", f"bind_dn={dn}",
            f"password_file={secret}", f"timeout={timeout}")
        opened.append(directory)
        return directory.__enter__()

    yield make
    for directory in opened:
        directory.__exit__()


def test_every_page(server, ask):
    answer = ask(server.ldap).sweep("(uid=*)")
    assert answer["end"] == WHOLE, answer
    assert (answer["seen"], answer["values"]) == (PEOPLE, 2 * PEOPLE)


def test_nothing_found_is_an_answer(server, ask):
    answer = ask(server.ldap).sweep("(uid=nobody)")
    assert (answer["end"], answer["seen"]) == (WHOLE, 0)


@pytest.mark.parametrize("stop", [1, 500, 501])
def test_stopped_by_its_visitor(server, ask, stop):
    answer = ask(server.ldap).sweep("(uid=*)", stop)
    assert (answer["end"], answer["seen"]) == (STOPPED, stop)


def test_the_next_server_is_asked_where_one_is_dead(server, ask):
    with ldapfaults.Answering(b"") as gone:
        dead = gone.uri
    answer = ask(dead, server.ldap).sweep("(uid=*)")
    assert (answer["end"], answer["seen"]) == (WHOLE, PEOPLE)


def test_a_filter_that_is_none_fails(server, ask):
    answer = ask(server.ldap).sweep("(uid=")
    assert answer["end"] == FAILED and answer["detail"]


@pytest.mark.parametrize("bytes_passed", [2000, 60000])
def test_a_lost_connection_is_no_end(server, ask, bytes_passed):
    with ldapfaults.Proxy(server.ldap) as proxy:
        proxy.limit = bytes_passed
        answer = ask(proxy.uri).sweep("(uid=*)")
    assert answer["end"] == FAILED and answer["detail"]
    assert 0 < answer["seen"] < PEOPLE


def test_a_server_that_falls_silent_runs_out_of_time(server, ask):
    with ldapfaults.Proxy(server.ldap) as proxy:
        proxy.limit, proxy.then = 60000, "hold"
        answer = ask(proxy.uri, timeout=500).sweep("(uid=*)")
    assert answer["end"] == FAILED and answer["detail"] == "no answer in time"


@pytest.mark.parametrize("limit", [
    "size.pr=unlimited size.prtotal=700", "size=700 size.prtotal=700"])
def test_a_servers_limit_is_no_end(tmp_path, ask, limit):
    slapd = Slapd(tmp_path / "limited", limits=limit)
    slapd.load(people(PEOPLE, slapd.suffix))
    with slapd:
        answer = ask(slapd.ldap).sweep("(uid=*)")
    assert answer["end"] == TRUNCATED, answer
    assert answer["seen"] <= 700 and "raise its limits" in answer["detail"]
