"""What happens around a card login that waits, and what the KDC makes of our
answers: retransmits, signals, hardware logins, answers that are none."""

import os
import re
import signal
import subprocess
import threading

import accounts
import fakeldap
import pki
import realm
import relay
from realm import audit_lines, until

REALM = "CORP.TEST"
POLICY = "1.2.3.4"
REPEATED = "during request processing, dropping repeated request"


class Slow:
    """A realm whose directory answers once it is let."""

    def __init__(self, folder, world, **options):
        self.gate = threading.Event()
        self.card = world.card("alice")
        self.fake = fakeldap.FakeLdap(self._answer)
        self.kdc = realm.Kdc(
            folder / "kdc", world, plugins=realm.WRAP, realms={
                REALM: world.certmap(timeout="60s", **accounts.settings(
                    folder, self.fake.uri))}, **options)
        self.clients = []

    def _answer(self, number):
        self.gate.wait(60)
        yield from fakeldap.entries(("uid=alice", {
            "krbPrincipalName": [f"alice@{REALM}"],
            "altSecurityIdentities": [self.card.mappings()["ski"]]}))(number)

    def begin(self):
        """A kinit; it waits for the directory when this returns."""
        asked = self.fake.searches
        client = subprocess.Popen(
            ["kinit", "-c", f"FILE:{self.kdc.folder}/c{len(self.clients)}",
             "-X", f"X509_user_identity={self.kdc.locate(self.card)}",
             "alice"],
            env=self.kdc.environment("client"), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.clients.append(client)
        until(lambda: self.fake.searches > asked, "a question")
        return client

    def __enter__(self):
        self.kdc.create_database()
        self.kdc.start()
        self.kdc.add_principals("alice")
        self.kdc.add_password("paul")
        return self

    def __exit__(self, *_):
        self.gate.set()
        for client in self.clients:
            client.kill()
            client.wait()
        self.kdc.stop()
        self.fake.__exit__()


def ended(client):
    output, _ = client.communicate(timeout=40)
    return client.returncode, output


def test_sent_again_while_it_waits(tmp_path, world):
    """One login, one question, one line, one answer; and who asks once more
    afterwards is given the same answer, without another login."""
    with Slow(tmp_path, world) as slow:
        kdc = slow.kdc
        with relay.Repeating(kdc.port) as between:
            kdc.servers = [f"127.0.0.1:{between.port}"]
            kdc.write_profiles()
            kdc.tell_clients("udp_preference_limit = 32700")
            client = slow.begin()
            login = between.requests[-1]
            between.repeat(login)
            until(lambda: kdc.log().count(REPEATED) >= 2, "it is dropped")
            assert slow.fake.searches == 1
            assert not audit_lines(kdc.log())
            before = len(between.replies)
            slow.gate.set()
            assert ended(client) == (0, "")
            until(lambda: len(between.replies) > before, "the answer")
            answer = between.replies[-1]
            between.repeat(login)
            until(lambda: len(between.replies) > before + 1, "it again")
            assert set(between.replies[before:]) == {answer}
        assert slow.fake.searches == 1
        assert [a["reason"] for a in audit_lines(kdc.log())] == ["ok"]


def test_sent_again_to_another_worker(tmp_path, world):
    """Each worker knows only what it was sent itself.  One of them judges the
    request, the others keep silent about it."""
    with Slow(tmp_path, world, workers=3) as slow:
        kdc = slow.kdc
        with relay.Repeating(kdc.port, copies=1) as between:
            kdc.servers = [f"127.0.0.1:{between.port}"]
            kdc.write_profiles()
            kdc.tell_clients("udp_preference_limit = 32700")
            client = slow.begin()
            login, before = between.requests[-1], len(between.replies)

            sent = []

            def elsewhere():
                for _ in range(16): # not all of them reach one worker
                    between.repeat(login)
                    sent.append(login)
                return audit_lines(kdc.log())

            until(elsewhere, "another worker is asked")
            # One that is read after the end would be another login.
            until(lambda: kdc.log().count(REPEATED) + len(
                audit_lines(kdc.log())) >= len(sent), "all are read")
            assert len(between.replies) == before and slow.fake.searches == 1
            slow.gate.set()
            assert ended(client) == (0, "")
        audits = audit_lines(kdc.log())
        assert slow.fake.searches == 1
        assert [a["reason"] for a in audits].count("ok") == 1
        assert {(a["reason"], a["detail"]) for a in audits
                if a["reason"] != "ok"} == {
            ("busy", "sent again; another process judges this request")}


def test_workers_hung_up(tmp_path, world):
    """SIGHUP to the supervisor: it and its workers live on, the login that
    waits ends as it would have, and others begin."""
    with Slow(tmp_path, world, workers=2, udp=False) as slow:
        kdc = slow.kdc
        pids = kdc.worker_pids()
        client = slow.begin()
        for _ in range(3):
            os.kill(kdc.pid, signal.SIGHUP)
            assert kdc.kinit_password("paul").ok
        assert client.poll() is None
        slow.gate.set()
        assert ended(client) == (0, "")
        for _ in range(4):
            assert kdc.kinit("alice", slow.card).ok
        assert len(pids) == 2 and kdc.worker_pids() == pids
        assert [a["reason"] for a in audit_lines(kdc.log())] == ["ok"] * 5
        assert kdc.stop() == 0


def test_client_killed_with_others_in_flight(tmp_path, world):
    """Its answer has nowhere to go; the other's arrives."""
    with Slow(tmp_path, world) as slow:
        first, second = slow.begin(), slow.begin()
        first.kill()
        first.wait()
        assert slow.kdc.kinit_password("paul").ok
        slow.gate.set()
        assert ended(second) == (0, "")
        until(lambda: len(audit_lines(slow.kdc.log())) == 2, "two lines")
        assert slow.kdc.kinit("alice", slow.card).ok
        assert slow.kdc.stop() == 0


def test_requires_hwauth(make_kdc, world):
    """Only the card that is hardware gets in; the answer about the other is
    ours, and no loop of the client's."""
    authority = world.root.authority("CN=Hardware CA", policies=(POLICY,))
    hard = authority.issue("CN=alice", policies=(POLICY,))
    soft = authority.issue("CN=soft")
    cas = pki.bundle(world.folder / "hardware.pem", [authority])
    kdc = make_kdc(plugins=realm.WRAP, pool=cas, realms={
        REALM: world.certmap(intermediates=f"FILE:{cas}",
                             ntauth=f"FILE:{cas}",
                             hw_authent=f"policy:{POLICY}")})
    kdc.add_principals(
        "alice", options="-nokey +requires_preauth +requires_hwauth")
    kdc.set_mappings("alice", hard.mappings()["ski"], soft.mappings()["ski"])
    assert kdc.kinit("alice", hard).ok
    login = kdc.kinit("alice", soft)
    assert not login.ok, login
    assert all(a["hw_authent"] == "false" for a in login.audits)
    assert "ISSUE" not in login.log


def discarding(make_kdc, world, folder, fake, timeout):
    """A KDC that waits for a directory which never answers, and another that
    needs none; clients of the second ask the first one first."""
    first = make_kdc(plugins=realm.WRAP, udp=False, realms={
        REALM: world.certmap(unavailable="discard", timeout=timeout,
                             **accounts.settings(folder, fake.uri))})
    first.add_principals("alice")
    first.set_mappings("alice", world.card("alice").mappings()["ski"])
    second = make_kdc(plugins=realm.WRAP, replica_of=first, udp=False)
    second.ask_first(first)
    return first, second


def goes_elsewhere(first, second, card, reason):
    login = second.kinit("alice", card)
    assert login.ok and login.audit["reason"] == "ok", login
    log = first.log()
    assert [a["reason"] for a in audit_lines(log)] == [reason]
    # What the KDC writes where it sends no answer.
    assert re.search(rf"certmap: {reason}: .* - while dispatching \(tcp\)",
                     log), log


def test_discarded(make_kdc, world, tmp_path):
    """No answer from the KDC that cannot say: the client asks another."""
    with fakeldap.FakeLdap(fakeldap.silence) as fake:
        first, second = discarding(make_kdc, world, tmp_path, fake, "1s")
        goes_elsewhere(first, second, world.card("alice"),
                       "directory-unavailable")


def test_discarded_as_busy(make_kdc, world, tmp_path):
    card = world.card("alice")
    with fakeldap.FakeLdap(fakeldap.silence) as fake:
        first, second = discarding(make_kdc, world, tmp_path, fake, "60s")
        waiting = []
        try:
            for number in range(2):
                waiting.append(subprocess.Popen(
                    ["kinit", "-c", f"FILE:{first.folder}/w{number}", "-X",
                     f"X509_user_identity={first.locate(card)}", "alice"],
                    env=first.environment("client"),
                    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL))
                until(lambda asked=number: fake.searches > asked, "a question")
            goes_elsewhere(first, second, card, "busy")
        finally:
            for process in waiting:
                process.kill()
                process.wait()
