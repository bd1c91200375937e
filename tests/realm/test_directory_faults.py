"""The ldap backend and servers that fail, hang, lie or die in the middle."""

import os
import socket
import threading
import time

import pytest

import fakeldap
from directory import LIBLDAP_LEAKS, Directory
from ldapfaults import Answering, Deaf, Proxy
from realm import until
from slapd import Authority, Slapd, free_port
from test_directory import ALICE, BASE, PEOPLE, names

#: Milliseconds of each call: half of them are enough for a server that answers.
BUDGET = 1000
#: What a call may take beyond its budget on a busy machine: less than for ever.
SLACK = 3000
REFUSED = "directory-unavailable"
FOUND = [("uid=alice", True)]


@pytest.fixture
def slapd(tmp_path):
    server = Slapd(tmp_path / "slapd", authority=Authority("Directory CA"),
                   access=["to * by * read"])
    server.load(PEOPLE)
    with server:
        yield server


def directory(*uris, relations=(), budget=BUDGET, environment=None):
    return Directory(*(f"uri={uri}" for uri in uris), BASE,
                     f"timeout={budget}", *relations, environment=environment)


def refused(answer, budget=BUDGET):
    assert answer["reason"] == REFUSED, answer
    assert answer["accounts"] == []
    assert answer["ms"] <= budget + SLACK, answer


def nowhere():
    """The URI of a server that is not there."""
    return f"ldap://127.0.0.1:{free_port()}"


# Servers that fail, and come back.

def test_server_down(slapd):
    with directory(slapd.ldap) as d:
        assert names(d.find(ALICE)) == FOUND
        slapd.stop()
        refused(d.find(ALICE))
        refused(d.find(ALICE))
        slapd.start()
        answer = d.find(ALICE)
        assert names(answer) == FOUND
        assert "answers again" in answer["log"][-1]


def test_server_restarted(slapd):
    """A kept connection that turns out dead is replaced in the same call."""
    with directory(slapd.ldap) as d:
        for end in (slapd.stop, slapd.kill):
            assert names(d.find(ALICE)) == FOUND
            end()
            slapd.start()
            answer = d.find(ALICE)
            assert names(answer) == FOUND
            assert answer["log"] == []


def test_server_that_hangs(slapd):
    with directory(slapd.ldap) as d:
        assert names(d.find(ALICE)) == FOUND
        slapd.pause()
        answer = d.find(ALICE)
        refused(answer)
        assert answer["ms"] >= BUDGET - 10
        refused(d.find(ALICE))
        slapd.resume()
        assert names(d.find(ALICE)) == FOUND


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_server_ends_during_a_search(slapd, end):
    with directory(slapd.ldap, budget=20_000) as d:
        assert names(d.find(ALICE)) == FOUND
        slapd.pause()
        d.send("find", ALICE)
        getattr(slapd, end)()
        answer = d.receive()
        # A polite end answers what was asked before.
        if answer["reason"] != "ok":
            refused(answer, 20_000)
        slapd.start()
        assert names(d.find(ALICE)) == FOUND


def test_second_server_when_the_first_is_down(slapd):
    with directory(nowhere(), slapd.ldap) as d:
        answer = d.find(ALICE)
        assert names(answer) == FOUND
        assert "Connection refused" in answer["log"][0]
        assert d.find(ALICE)["log"] == []


def test_second_server_when_the_first_hangs(slapd, tmp_path):
    """It costs its share once; then it is left alone."""
    with Deaf() as deaf, directory(deaf.uri, slapd.ldap) as d:
        answer = d.find(ALICE)
        assert names(answer) == FOUND
        assert BUDGET / 2 - 10 <= answer["ms"] <= BUDGET
        slapd.kill()
        slapd.start()
        answer = d.find(ALICE)
        assert names(answer) == FOUND
        assert answer["ms"] < BUDGET / 2


def test_handles_share_what_they_know_about_a_server_that_hangs(slapd):
    """The first handle pays its share; the second asks the second server at
    once, and so does the first with the connection that it has."""
    with Deaf() as deaf, directory(deaf.uri, slapd.ldap,
                                   relations=["shared=true"]) as d:
        assert names(d.find(ALICE)) == FOUND
        assert deaf.connections == 1
        for _ in range(3):
            answer = d.find_by_other(ALICE)
            assert names(answer) == FOUND and answer["log"] == []
            assert names(d.find(ALICE)) == FOUND
        assert deaf.connections == 1


def test_connected_handles_turn_from_a_server_that_hangs(slapd, tmp_path):
    """What one handle finds out, the other knows before it asks."""
    second = Slapd(tmp_path / "second", access=["to * by * read"])
    second.load(PEOPLE)
    with second, directory(slapd.ldap, second.ldap,
                           relations=["shared=true"]) as d:
        assert names(d.find(ALICE)) == FOUND
        assert names(d.find_by_other(ALICE)) == FOUND
        slapd.pause()
        answer = d.find(ALICE)
        assert names(answer) == FOUND
        assert answer["ms"] >= BUDGET / 2 - 10
        assert "no answer in time" in answer["log"][0]
        answer = d.find_by_other(ALICE)
        assert names(answer) == FOUND and answer["log"] == []


def test_shared_and_all_out(slapd):
    """One pays; the others are refused at once; it is noticed when the server
    is back."""
    with directory(slapd.ldap, relations=["shared=true"]) as d:
        assert names(d.find(ALICE)) == FOUND
        slapd.pause()
        refused(d.find(ALICE))
        assert "failed lately" in d.find_by_other(ALICE)["detail"]
        slapd.resume()
        until(lambda: d.find_by_other(ALICE)["accounts"], "the server back",
              seconds=30)
        assert names(d.find(ALICE)) == FOUND


def test_an_answer_of_no_use_blames_no_server(slapd):
    """What the directory says about one account keeps nobody else out."""
    script = fakeldap.entries(("uid=alice", {
        "krbPrincipalName": [ALICE],
        "altSecurityIdentities;range=0-1499": ["x"]}))
    with fakeldap.FakeLdap(script) as server, \
            directory(server.uri, relations=["shared=true"]) as d:
        for find in (d.find, d.find_by_other, d.find):
            answer = find(ALICE)
            refused(answer)
            assert "some of altSecurityIdentities" in answer["detail"]
        assert server.searches == 3


def test_three_servers_hang_and_the_fourth_answers(slapd):
    with Deaf() as a, Deaf() as b, Deaf() as c, \
            directory(a.uri, b.uri, c.uri, slapd.ldap) as d:
        answer = d.find(ALICE)
        assert names(answer) == FOUND
        assert answer["ms"] <= BUDGET


def test_all_servers_are_asked_again_when_all_failed(slapd):
    slapd.stop()
    with directory(nowhere(), slapd.ldap) as d:
        refused(d.find(ALICE))
        slapd.start()
        assert names(d.find(ALICE)) == FOUND


def test_all_servers_hang():
    with Deaf() as a, Deaf() as b, directory(a.uri, b.uri) as d:
        refused(d.find(ALICE))
        refused(d.find(ALICE))
        answer = d.probe()
        assert answer["reason"] == REFUSED and answer["ms"] <= BUDGET + SLACK
        answer = d.walk(5)
        assert answer["reason"] == REFUSED and answer["ms"] <= BUDGET + SLACK


def test_server_that_takes_no_connections():
    """Its queue is full: the connect itself hangs."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        port = full.getsockname()[1]
        waiting = []
        try:
            for _ in range(4):
                one = socket.socket()
                one.setblocking(False)
                one.connect_ex(("127.0.0.1", port))
                waiting.append(one)
            with directory(f"ldap://127.0.0.1:{port}") as d:
                refused(d.find(ALICE))
        finally:
            for one in waiting:
                one.close()


def test_host_name_that_nobody_knows():
    """However long the resolver takes."""
    with Directory("uri=ldap://directory.invalid", BASE,
                   f"timeout={BUDGET}") as d:
        refused(d.find(ALICE))
        refused(d.find(ALICE))


def test_no_time_left(slapd):
    with directory(slapd.ldap, budget=0) as d:
        refused(d.find(ALICE), 0)


# A stream that is cut anywhere.

def test_answer_cut_at_every_byte(slapd):
    with Proxy(slapd.ldap) as proxy, directory(proxy.uri) as d:
        assert names(d.find(ALICE)) == FOUND
        whole = proxy.passed
        assert whole > 100
        for proxy.limit in range(whole):
            proxy.drop()
            refused(d.find(ALICE))
        proxy.limit = None
        assert names(d.find(ALICE)) == FOUND


@pytest.mark.parametrize("way", ["ldap", "starttls", "ldaps"])
def test_answer_that_stops_anywhere(slapd, way):
    """The connection stays open and nothing more comes, inside a TLS
    handshake or record too."""
    relations = [] if way == "ldap" else [f"ca_file={slapd.ca_file}"]
    if way == "starttls":
        relations.append("starttls=true")
    budget = 100
    target = slapd.ldaps if way == "ldaps" else slapd.ldap
    with Proxy(target) as proxy:
        with directory(proxy.uri, relations=relations) as d:
            assert names(d.find(ALICE)) == FOUND
            whole = proxy.passed
        proxy.then = "hold"
        # Every part of the conversation, and each byte of its end.  (The
        # signature in a handshake is not always of the same length.)
        end = whole if way == "ldap" else whole - 8
        stops = [*range(1, end, end // 12 + 1), *range(end - 4, end)]
        with directory(proxy.uri, relations=relations, budget=budget) as d:
            for proxy.limit in stops:
                refused(d.find(ALICE), budget)
        proxy.limit = None
        with directory(proxy.uri, relations=relations) as d:
            assert names(d.find(ALICE)) == FOUND


# What is no LDAP at all.

@pytest.mark.parametrize("then", ["close", "hold", "repeat"])
@pytest.mark.parametrize("data", [
    b"\0", b"\x30", b"\x30\x80", b"\x30\x84\xff\xff\xff\xff",
    b"\x30\x0c\x02\x01\x01\x65\x07\x0a\x01\x00\x04\x00\x04\x01",
    b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x15\x03\x01\x00\x02\x02\x46",
    bytes(range(256)), b"\xff" * 4096, b"\x30\x00" * 512,
], ids=range(10))
def test_garbage(slapd, data, then):
    with Answering(data, then) as server, \
            directory(server.uri, slapd.ldap) as d:
        answer = d.find(ALICE)
        assert names(answer) == FOUND
        assert answer["ms"] <= BUDGET + SLACK


def test_random_garbage():
    for size in (1, 7, 100, 5000):
        with Answering(os.urandom(size)) as server, \
                directory(server.uri) as d:
            refused(d.find(ALICE))


# LDAP that is not what was asked for.

def wrong_operation(number):
    """A bind's answer to a search."""
    yield fakeldap.message(number, fakeldap.result(0x61))
    yield from fakeldap.silence(number)


def entry_then_silence(number):
    yield fakeldap.message(number, fakeldap.entry(
        "uid=alice", {"krbPrincipalName": [ALICE]}))


def notice_of_disconnection(number):
    yield fakeldap.message(0, fakeldap.result(
        0x78, 52, fakeldap.tlv(0x8A, b"1.3.6.1.4.1.1466.20036")))


@pytest.mark.parametrize("script", [
    fakeldap.garbage, fakeldap.hang_up, fakeldap.silence, fakeldap.truncated,
    fakeldap.huge, fakeldap.endless, fakeldap.other_number, fakeldap.referral,
    fakeldap.refused(1), fakeldap.refused(3), fakeldap.refused(32),
    fakeldap.refused(50), fakeldap.refused(51), fakeldap.refused(52),
    fakeldap.refused(80), wrong_operation, entry_then_silence])
def test_answers_of_no_use(slapd, script):
    with fakeldap.FakeLdap(script) as server, directory(server.uri) as d:
        refused(d.find(ALICE))
        refused(d.find(ALICE))
    with fakeldap.FakeLdap(script) as server, \
            directory(server.uri, slapd.ldap) as d:
        assert names(d.find(ALICE)) == FOUND


def test_notice_of_disconnection(slapd):
    with fakeldap.FakeLdap(notice_of_disconnection) as server, \
            directory(server.uri, slapd.ldap,
                      environment=LIBLDAP_LEAKS) as d:
        assert names(d.find(ALICE)) == FOUND


@pytest.mark.parametrize("script, expected", [
    (fakeldap.nothing, []),
    (fakeldap.references, []),
    # More than was asked for, and something else.
    (fakeldap.entries(("uid=bob", {"krbPrincipalName": ["bob@EXAMPLE.COM"]}),
                      ("uid=alice", {"KRBPRINCIPALNAME": [ALICE],
                                     "userPassword": ["x"]}),
                      ("cn=x", {})), FOUND),
    (fakeldap.entries(("uid=alice", {"krbPrincipalName": [ALICE]}),
                      ("uid=al", {"krbPrincipalName": [ALICE]})),
     [("uid=al", True), ("uid=alice", True)]),
    # A principal that only looks the same.
    (fakeldap.entries(("uid=alice", {"krbPrincipalName": [
        "Alice@EXAMPLE.COM", "alice@EXAMPLE.COM\0", " " + ALICE]})), []),
])
def test_answers_are_compared_again(script, expected):
    with fakeldap.FakeLdap(script) as server, directory(server.uri) as d:
        assert names(d.find(ALICE)) == expected


@pytest.mark.parametrize("script, reason", [
    (fakeldap.entries(*((f"uid={n}", {"krbPrincipalName": [ALICE]})
                        for n in range(1000))), "account-ambiguous"),
    (fakeldap.refused(4), "account-ambiguous"),
    (fakeldap.entries(("uid=\x1b[2J", {"krbPrincipalName": [ALICE]})),
     REFUSED),
    (fakeldap.entries((b"uid=\xff", {"krbPrincipalName": [ALICE]})), REFUSED),
    (fakeldap.entries((b"uid=a\0b", {"krbPrincipalName": [ALICE]})), REFUSED),
    (fakeldap.entries(("uid=alice", {
        "krbPrincipalName": [ALICE],
        "altSecurityIdentities;range=0-1499": ["x"]})), REFUSED),
    (fakeldap.entries(("uid=alice", {
        "krbPrincipalName": [ALICE],
        "altSecurityIdentities": [f"{n}" for n in range(20_001)]})), REFUSED),
])
def test_answers_that_refuse(script, reason):
    with fakeldap.FakeLdap(script) as server, \
            directory(server.uri, budget=5000) as d:
        for _ in range(2):
            answer = d.find(ALICE)
            assert answer["reason"] == reason, answer
            assert answer["accounts"] == []


def test_sasl_bind_that_never_ends(tmp_path):
    """A challenge is no success."""
    challenge = fakeldap.message(1, fakeldap.result(0x61, 14))
    with Answering(challenge, "repeat") as server:
        secret = tmp_path / "secret"
        secret.touch(mode=0o600)
        secret.write_text("secret\n")
        with directory(server.uri, relations=(
                "bind_dn=cn=kdc", f"password_file={secret}")) as d:
            refused(d.find(ALICE))


def test_a_lost_connection_is_not_replaced_in_clear_text(slapd, tmp_path):
    """libldap's own reconnect would have neither TLS nor the bind."""
    seen = []

    class Spy(Proxy):
        def serve(self, connection):
            seen.append(connection.recv(16, socket.MSG_PEEK))
            super().serve(connection)

    with Spy(slapd.ldap) as proxy, directory(
            proxy.uri, relations=("starttls=true",
                                  f"ca_file={slapd.ca_file}")) as d:
        for _ in range(3):
            assert names(d.find(ALICE)) == FOUND
            proxy.drop()
    assert len(seen) == 3
    for first in seen:
        assert first[5:6] == b"\x77", "an extended request: StartTLS"


# Processes and memory.

def test_child_leaves_the_parents_connection_alone(slapd):
    for uri, relations in ((slapd.ldap, ()),
                           (slapd.ldaps, (f"ca_file={slapd.ca_file}",))):
        with directory(uri, relations=relations) as d:
            for _ in range(3):
                assert names(d.find(ALICE)) == FOUND
                assert names(d.find_in_child(ALICE)) == FOUND
                answer = d.find(ALICE)
                assert names(answer) == FOUND
                assert answer["log"] == []


def open_files(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def test_failures_leave_nothing_open(slapd):
    with fakeldap.FakeLdap(fakeldap.garbage) as liar, \
            directory(nowhere(), liar.uri, slapd.ldaps) as d:
        refused(d.find(ALICE))
        before = open_files(d.pid)
        for _ in range(20):
            refused(d.find(ALICE))
        assert open_files(d.pid) == before


def test_endless_answer_is_bounded_in_memory():
    with fakeldap.FakeLdap(fakeldap.endless) as server, \
            directory(server.uri, budget=2000) as d:
        refused(d.find(ALICE), 2000)
        status = open(f"/proc/{d.pid}/status", encoding="ascii").read()
        peak = int(status.split("VmHWM:")[1].split()[0])
        assert peak < 200 * 1024, f"{peak} kB"


def test_many_at_once(slapd):
    """One directory a thread or process; none disturbs another."""
    answers = []

    def work():
        with directory(slapd.ldap, budget=5000) as d:
            answers.extend(names(d.find(ALICE)) for _ in range(50))

    threads = [threading.Thread(target=work) for _ in range(8)]
    start = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [FOUND] * 400
    assert time.monotonic() - start < 60
