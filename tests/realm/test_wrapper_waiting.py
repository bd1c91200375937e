"""Card logins that wait for a directory, and a KDC that does not."""

import os
import signal
import subprocess

import pytest

import accounts
import fakeldap
import realm
from realm import audit_lines, until

REALM = "CORP.TEST"
#: Milliseconds that a login may wait: longer than any test takes, so that
#: whatever ends did not wait for it.
LONG = "60s"


class Waiting:
    """A realm whose directory takes questions and never answers."""

    def __init__(self, make_kdc, world, folder, timeout=LONG, **options):
        self.fake = fakeldap.FakeLdap(fakeldap.silence)
        self.kdc = make_kdc(plugins=realm.WRAP, realms={REALM: world.certmap(
            timeout=timeout, **accounts.settings(folder, self.fake.uri))},
            **options)
        self.kdc.add_principals("alice", "bob")
        self.kdc.add_password("paul")
        self.running = []

    def begin(self, card, name="alice"):
        """A kinit that goes on until the directory was asked."""
        asked = self.fake.searches
        process = subprocess.Popen(
            ["kinit", "-c", f"FILE:{self.kdc.folder}/w{len(self.running)}",
             "-X", f"X509_user_identity={self.kdc.locate(card)}", name],
            env=self.kdc.environment("client"), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.running.append(process)
        until(lambda: self.fake.searches > asked, "a question")
        return process

    def close(self):
        for process in self.running:
            process.kill()
            process.wait()
        self.fake.__exit__()


@pytest.fixture
def make_waiting(make_kdc, world, tmp_path):
    made = []

    def make(**options):
        made.append(Waiting(make_kdc, world, tmp_path, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_passwords_go_on(make_waiting, world):
    waiting = make_waiting()
    card = waiting.begin(world.card("alice"))
    for _ in range(3):
        assert waiting.kdc.kinit_password("paul").ok
    assert card.poll() is None # it still waits
    assert not audit_lines(waiting.kdc.log())


@pytest.mark.parametrize("workers", [0, 2])
def test_more_than_two_of_one_card(make_waiting, world, workers):
    """The third about one certificate is refused at once, whichever process
    is asked; another's is not.  By TCP: what is sent again by UDP may reach
    the other process, where it is another login."""
    waiting = make_waiting(workers=workers, udp=False)
    card = world.card("alice")
    waiting.begin(card)
    waiting.begin(card)
    for _ in range(8 if workers else 1):
        login = waiting.kdc.kinit("alice", card)
        assert not login.ok and login.audit["reason"] == "busy", login
        assert login.audit["subject"] == "CN=alice,DC=corp,DC=test"
    waiting.begin(world.card("bob"), "bob")
    assert waiting.kdc.kinit_password("paul").ok


def test_the_budget_ends_the_wait(make_waiting, world):
    waiting = make_waiting(timeout="1s")
    login = waiting.kdc.kinit("alice", world.card("alice"))
    assert not login.ok, login
    assert login.audit["reason"] == "directory-unavailable"
    assert "Preauthentication failed" in login.output


@pytest.mark.parametrize("workers", [0, 2])
def test_stops_with_logins_in_flight(make_waiting, world, workers):
    """It waits for its threads, a login's budget at most, tells nobody, and
    ends as it should."""
    # Longer than it takes to begin the second one.
    waiting = make_waiting(timeout="6s", workers=workers)
    waiting.begin(world.card("alice"))
    waiting.begin(world.card("bob"), "bob")
    assert waiting.kdc.stop() == 0
    assert not audit_lines(waiting.kdc.log())


def test_client_that_goes_away(make_waiting, world):
    waiting = make_waiting(timeout="2s")
    client = waiting.begin(world.card("alice"))
    client.kill()
    client.wait()
    audits = until(lambda: audit_lines(waiting.kdc.log()), "the audit line")
    assert [a["reason"] for a in audits] == ["directory-unavailable"]
    assert waiting.kdc.kinit_password("paul").ok
    assert waiting.kdc.stop() == 0


def test_hung_up_while_it_waits(make_waiting, world):
    """SIGHUP reopens the log that the thread's lines go to."""
    waiting = make_waiting(timeout="2s")
    waiting.begin(world.card("alice"))
    os.kill(waiting.kdc.pid, signal.SIGHUP)
    audits = until(lambda: audit_lines(waiting.kdc.log()), "the audit line")
    assert [a["reason"] for a in audits] == ["directory-unavailable"]
    assert waiting.kdc.kinit_password("paul").ok


def test_observed_and_busy(make_kdc, world, tmp_path):
    """Whatever we say, a realm that observes goes by what stock says."""
    with fakeldap.FakeLdap(fakeldap.silence) as fake:
        kdc = make_kdc(plugins=realm.WRAP_OBSERVE, realms={
            REALM: world.certmap(mode="observe", timeout="1s",
                                 **accounts.settings(tmp_path, fake.uri))})
        kdc.add_principals("alice")
        login = kdc.kinit("alice", world.san_card("alice", REALM))
        assert login.ok, login
        assert login.audit["reason"] == "directory-unavailable"
