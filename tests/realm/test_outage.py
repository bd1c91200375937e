"""A directory that is away, hangs, lies or floods: every card login is
refused with a reason and one audit line, passwords go on, and cards work
again when the directory does."""

import os
import re
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import accounts
import fakeldap
import realm
from slapd import Slapd

#: The realm's budget for a login, and what a test allows above it.
TIMEOUT = 1.0
SLACK = 4.0
ALICE = {"krbPrincipalName": ["alice@CORP.TEST"]}
UNAVAILABLE = "directory-unavailable"


def as_alice(count, values=()):
    """Entries that all claim to be alice."""
    return fakeldap.entries(*(
        (f"cn=alice{i}", {**ALICE, "altSecurityIdentities": list(values)})
        for i in range(count)))


FAKES = {
    "nothing": (fakeldap.nothing, "account-not-found"),
    "entry-without-values": (as_alice(1), "no-mapping"),
    "two-entries": (as_alice(2), "account-ambiguous"),
    "thousand-entries": (as_alice(1000), "account-ambiguous"),
    "entry-of-another": (fakeldap.entries(
        ("cn=bob", {"krbPrincipalName": ["bob@CORP.TEST"]})),
        "account-not-found"),
    "busy": (fakeldap.refused(fakeldap.BUSY), UNAVAILABLE),
    "references": (fakeldap.references, "account-not-found"),
    "referral": (fakeldap.referral, UNAVAILABLE),
    "garbage": (fakeldap.garbage, UNAVAILABLE),
    "hang-up": (fakeldap.hang_up, UNAVAILABLE),
    "silence": (fakeldap.silence, UNAVAILABLE),
    "truncated": (fakeldap.truncated, UNAVAILABLE),
    "huge-message": (fakeldap.huge, UNAVAILABLE),
    "other-number": (fakeldap.other_number, UNAVAILABLE),
}


#: certauth alone, and inside the kdcpreauth module.
WIRINGS = pytest.mark.parametrize("plugins", [realm.ENFORCE, realm.WRAP],
                                  ids=["certauth", "kdcpreauth"])


def make(make_kdc, world, folder, directory, workers=0, plugins=None,
         **changes):
    kdc = make_kdc(realms={"CORP.TEST": world.certmap(**directory, **changes)},
                   plugins=plugins, workers=workers)
    kdc.add_principals("alice")
    kdc.add_password("paul")
    return kdc


def refused(kdc, card, reason, seconds=TIMEOUT + SLACK):
    """One refusal with one line, in time; passwords go on."""
    login = kdc.kinit("alice", card)
    assert not login.ok, login
    assert login.audit["reason"] == reason, login.audit["line"]
    assert login.seconds < seconds
    assert kdc.kinit_password("paul").ok
    assert kdc.running()
    return login


@pytest.fixture
def slapd(tmp_path, world):
    card = world.card("alice")
    with Slapd(tmp_path / "slapd") as server:
        server.add(accounts.account("alice", card.mappings()["ski"]))
        yield server


@pytest.mark.parametrize("name", FAKES)
def test_wrong_answers(make_kdc, world, tmp_path, name):
    script, reason = FAKES[name]
    with fakeldap.FakeLdap(script) as fake:
        kdc = make(make_kdc, world, tmp_path,
                   accounts.settings(tmp_path, fake.uri))
        refused(kdc, world.card("alice"), reason)
        assert fake.searches >= 1, "the directory was never asked"


def test_flood_is_cut(make_kdc, world, tmp_path):
    """Entries without end: bounded by number, bytes and time."""
    with fakeldap.FakeLdap(fakeldap.endless) as fake:
        kdc = make(make_kdc, world, tmp_path,
                   accounts.settings(tmp_path, fake.uri))
        refused(kdc, world.card("alice"), UNAVAILABLE)
        memory = re.search(r"VmRSS:\s+(\d+) kB", open(
            f"/proc/{kdc.pid}/status", encoding="ascii").read())
        assert int(memory[1]) < 100_000


def test_stopped_and_back(make_kdc, world, tmp_path, slapd):
    card = world.card("alice")
    kdc = make(make_kdc, world, tmp_path, accounts.reader(tmp_path, slapd),
               workers=2)
    assert kdc.kinit("alice", card).ok
    slapd.stop()
    for _ in range(3):
        refused(kdc, card, UNAVAILABLE)
    slapd.start()
    realm.until(lambda: kdc.kinit("alice", card).ok,
                "logins with the directory back", seconds=30)


def test_hung_and_back(make_kdc, world, tmp_path, slapd):
    card = world.card("alice")
    kdc = make(make_kdc, world, tmp_path, accounts.reader(tmp_path, slapd))
    assert kdc.kinit("alice", card).ok
    slapd.pause()
    refused(kdc, card, UNAVAILABLE)
    slapd.resume()
    realm.until(lambda: kdc.kinit("alice", card).ok,
                "logins with the directory back", seconds=30)


def unread_bytes(port):
    """Bytes that wait on connections to the port."""
    total = 0
    with open("/proc/net/tcp", encoding="ascii") as table:
        for line in list(table)[1:]:
            fields = line.split()
            if fields[1].endswith(f":{port:04X}"):
                total += int(fields[4].split(":")[1], 16)
    return total


def test_killed_in_a_search(make_kdc, world, tmp_path, slapd):
    card = world.card("alice")
    kdc = make(make_kdc, world, tmp_path, accounts.reader(tmp_path, slapd),
               timeout="20s")
    assert kdc.kinit("alice", card).ok
    slapd.pause()
    found = []
    client = threading.Thread(
        target=lambda: found.append(kdc.kinit("alice", card)))
    client.start()
    realm.until(lambda: unread_bytes(slapd.port) > 0, "the search sent")
    started = time.monotonic()
    os.kill(slapd.pid, signal.SIGKILL)  # before it could answer
    client.join()
    assert not found[0].ok and found[0].audit["reason"] == UNAVAILABLE
    assert time.monotonic() - started < 10, "it waited for the dead"
    slapd.stop()
    slapd.start()
    realm.until(lambda: kdc.kinit("alice", card).ok,
                "logins with the directory back", seconds=30)


def test_second_server_answers_when_the_first_is_away(
        make_kdc, world, tmp_path, slapd):
    card = world.card("alice")
    dead = f"ldap://127.0.0.1:{realm.free_port()}"
    directory = accounts.reader(tmp_path, slapd)
    directory["ldap"]["uri"] = f"{dead} {slapd.ldap}"
    kdc = make(make_kdc, world, tmp_path, directory)
    assert kdc.kinit("alice", card).ok


def test_failover_while_running(make_kdc, world, tmp_path, slapd):
    card = world.card("alice")
    with Slapd(tmp_path / "second") as second:
        second.add(accounts.account("alice", card.mappings()["ski"]))
        kdc = make(make_kdc, world, tmp_path,
                   accounts.reader(tmp_path, slapd, second))
        assert kdc.kinit("alice", card).ok
        slapd.stop()
        assert kdc.kinit("alice", card).ok, "the second server was not asked"
        second.stop()
        refused(kdc, card, UNAVAILABLE)


def connections(port):
    """Connections to the port that a server has, or has yet to take."""
    with open("/proc/net/tcp", encoding="ascii") as table:
        rows = [line.split() for line in list(table)[1:]]
    return sum(row[1].endswith(f":{port:04X}") and row[3] != "0A"
               for row in rows)


@WIRINGS
def test_first_of_two_servers_hangs(make_kdc, world, tmp_path, slapd,
                                    plugins):
    """It costs one login its share; the others turn to the second."""
    card = world.card("alice")
    with Slapd(tmp_path / "second") as second:
        second.add(accounts.account("alice", card.mappings()["ski"]))
        slapd.pause()
        kdc = make(make_kdc, world, tmp_path,
                   accounts.reader(tmp_path, slapd, second), plugins=plugins)
        assert kdc.kinit("alice", card).ok
        tried = connections(slapd.port)
        for _ in range(5):
            assert kdc.kinit("alice", card).ok
        assert connections(slapd.port) == tried, "it was asked again"
        warnings = [line for line in kdc.log().splitlines()
                    if "no answer in time" in line]
        assert len(warnings) == 1, warnings


def test_server_hangs_while_many_log_in(make_kdc, world, tmp_path, slapd):
    """With threads: each of those under way turns to the second server, it is
    news once, and passwords go on meanwhile."""
    names = [f"user{i}" for i in range(6)]
    cards = [world.card(name) for name in names]
    entries = [accounts.account(name, card.mappings()["ski"])
               for name, card in zip(names, cards)]
    with Slapd(tmp_path / "second") as second:
        for server in (slapd, second):
            for entry in entries:
                server.add(entry)
        kdc = make(make_kdc, world, tmp_path,
                   accounts.reader(tmp_path, slapd, second),
                   plugins=realm.WRAP, timeout="8s")
        kdc.add_principals(*names)
        cards = [kdc.locate(card) for card in cards]
        assert kdc.kinit(names[0], cards[0]).ok
        slapd.pause()
        with ThreadPoolExecutor(len(names)) as pool:
            found = [pool.submit(kdc.kinit, name, card)
                     for name, card in zip(names, cards)]
            realm.until(lambda: unread_bytes(slapd.port) > 0,
                        "a question to the server that hangs")
            assert kdc.kinit_password("paul").ok
            assert not all(login.done() for login in found), \
                "the password waited for the cards"
            assert all(login.result().ok for login in found)
        assert kdc.log().count("no answer in time") == 1
        assert kdc.kinit(names[0], cards[0]).ok


@WIRINGS
def test_all_servers_hang(make_kdc, world, tmp_path, slapd, plugins):
    """One login waits; the next are refused without waiting, for a while."""
    card = world.card("alice")
    slapd.pause()
    kdc = make(make_kdc, world, tmp_path, accounts.reader(tmp_path, slapd),
               plugins=plugins, timeout="2s")
    refused(kdc, card, UNAVAILABLE, seconds=2 + SLACK)
    tried = connections(slapd.port)
    login = refused(kdc, card, UNAVAILABLE)
    assert "every server failed lately" in login.audit["line"]
    assert connections(slapd.port) == tried, "it was asked again"


def test_unavailable_discard_sends_the_client_elsewhere(
        make_kdc, world, tmp_path, slapd):
    """`unavailable = discard`: no answer, so the client asks the next KDC."""
    card = world.card("alice")
    away = accounts.settings(
        tmp_path, f"ldap://127.0.0.1:{realm.free_port()}")
    first = make(make_kdc, world, tmp_path, away, unavailable="discard")
    second = make_kdc(replica_of=first, realms={"CORP.TEST": world.certmap(
        **accounts.reader(tmp_path, slapd))})
    second.ask_first(first)
    login = second.kinit("alice", card)
    assert login.ok, login
    lines = realm.audit_lines(first.log())
    assert {line["reason"] for line in lines} == {UNAVAILABLE}


def test_many_values(make_kdc, world, tmp_path, slapd):
    """10,000 values, and one of 64 KiB: the right one is found."""
    card, noise = world.card("many"), "X509:<I>CN=x<SR>{:08x}"
    values = [noise.format(i) for i in range(10_000)]
    values.insert(5_000, card.mappings()["issuer-serial"])
    values.append("X509:<SKI>" + "ab" * 32 * 1024)
    slapd.add(accounts.account("many", *values))
    kdc = make(make_kdc, world, tmp_path, accounts.reader(tmp_path, slapd))
    kdc.add_principals("many")
    login = kdc.kinit("many", card)
    assert login.ok and login.audit["mapping"] == "issuer-serial"
    other = kdc.kinit("many", world.card("alice"))
    assert not other.ok and other.audit["reason"] == "no-mapping"
