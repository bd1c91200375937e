"""Requests with several preauthentications side by side: what was refused
leaves nothing behind for what comes next, and nobody chooses among cards."""

import os
import subprocess

import pytest

import pki
import realm
from realm import audit_lines

AS_SEND = os.environ.get("CERTMAP_AS_SEND")
REALM = "CORP.TEST"
POLICY = "1.2.3.4"
SERVED = "as-rep"


class Setting:
    """alice has a password and a soft card that is mapped; her hardware card
    is not, any more."""

    def __init__(self, make_kdc, world, plugins=realm.WRAP, **changes):
        authority = world.root.authority("CN=Policy CA", policies=(POLICY,))
        self.hard = authority.issue("CN=hard", policies=(POLICY,))
        self.soft = world.issuing.issue("CN=soft")
        cas = pki.bundle(world.folder / "both.pem",
                         [world.issuing, authority])
        self.kdc = make_kdc(plugins=plugins, pool=cas, realms={
            REALM: world.certmap(
                intermediates=f"FILE:{cas}", ntauth=f"FILE:{cas}",
                indicators={"card": "always"}, hw_authent=f"policy:{POLICY}",
                **changes)})
        self.kdc.add_password("alice")
        self.kdc.kadmin("modprinc +requires_preauth alice")
        self.kdc.set_mappings("alice", self.soft.mappings()["ski"])

    def send(self, *parts):
        """What the KDC answers, and its audit lines."""
        kdc, before = self.kdc, self.kdc.log_size()
        done = subprocess.run(
            [AS_SEND, str(kdc.port), f"alice@{REALM}", realm.PASSWORD,
             kdc.locate(self.hard), kdc.locate(self.soft), "--", *parts],
            env=kdc.environment("client"), text=True, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert done.returncode == 0, done.stdout
        return done.stdout.strip(), audit_lines(kdc.log(before))


HARD, SOFT, PASSWORD = "card1", "card2", "password"


@pytest.fixture
def setting(make_kdc, world):
    return Setting(make_kdc, world)


def test_each_alone(setting):
    """The control: these are the requests that others are made of."""
    answer, audits = setting.send(SOFT)
    assert answer == SERVED and [a["reason"] for a in audits] == ["ok"]
    answer, audits = setting.send(PASSWORD)
    assert answer == SERVED and not audits
    answer, audits = setting.send(HARD)
    assert answer == "error 75"
    assert [a["reason"] for a in audits] == ["no-mapping"]


@pytest.mark.parametrize("parts", [(HARD, PASSWORD), (PASSWORD, HARD)],
                         ids=["card-first", "password-first"])
def test_refused_card_and_correct_password(setting, parts):
    answer, audits = setting.send(*parts)
    assert answer != SERVED, answer
    assert [a["reason"] for a in audits] == ["no-mapping"]


#: Two PKINIT requests, or one beside its old draft.
AMBIGUOUS = {
    "refused-then-good": (HARD, SOFT),
    "good-then-refused": (SOFT, HARD),
    "one-twice": (SOFT, SOFT),
    "with-a-password": (HARD, SOFT, PASSWORD),
    "draft-before": ("type15", SOFT),
    "draft-behind": (SOFT, "type15"),
    "draft-reply": (SOFT, "type14"),
}


@pytest.mark.parametrize("name", AMBIGUOUS)
def test_ambiguous(setting, name):
    answer, audits = setting.send(*AMBIGUOUS[name])
    assert answer != SERVED, answer
    assert audits and {a["reason"] for a in audits} == {"cert-malformed"}
    assert all("more than one PKINIT" in a["detail"] for a in audits)


def test_captured_request_behind_a_refused_card(setting):
    """A request that was answered once, sent along with another."""
    assert setting.send(SOFT)[0] == SERVED
    answer, audits = setting.send(HARD, SOFT)
    assert answer != SERVED and audits


def test_draft_alone_is_nothing(setting):
    """No module is asked; the password counts."""
    answer, audits = setting.send(PASSWORD, "type15")
    assert answer == SERVED and not audits


def test_ambiguous_in_a_realm_that_observes(make_kdc, world):
    """Stock PKINIT is not asked either: a refusal it would not repeat."""
    setting = Setting(make_kdc, world, realm.WRAP_OBSERVE, mode="observe")
    answer, audits = setting.send(SOFT, SOFT)
    assert answer != SERVED
    assert {a["reason"] for a in audits} == {"cert-malformed"}
