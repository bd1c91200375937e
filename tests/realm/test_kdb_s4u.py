"""S4U2Self by certificate: a service asks for the owner of a card."""

import subprocess

import pytest

import accounts
import pki
import stacking
from stacking import REALM

SERVICE = f"host/web.corp.test@{REALM}"


@pytest.fixture(params=stacking.INNER)
def inner(request):
    if why := stacking.missing(request.param):
        pytest.skip(why)
    return request.param


class Service:
    """host/web.corp.test, which holds a ticket."""

    def __init__(self, stack):
        self.stack, self.kdc = stack, stack.kdc
        self.keytab = stack.folder / "web.keytab"
        self.cache = stack.folder / "web.cache"
        self.kdc.kadmin(f"addprinc -randkey {SERVICE}",
                        f"ktadd -k {self.keytab} {SERVICE}")
        self.kdc.client("kinit", "-k", "-t", self.keytab, "-c", self.cache,
                        SERVICE)

    def ask(self, card, name=None):
        """Returns (for whom the ticket is or None, the audit, the text)."""
        cert = self.kdc.locate(card).split(":")[1].split(",")[0]
        before = self.kdc.log_size()
        done = subprocess.run(
            ["kvno", "-c", self.cache, "-k", self.keytab, "-F", cert,
             *(["-I", name] if name else []), SERVICE],
            env=self.kdc.environment("client"), text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, timeout=60, check=False)
        log = self.kdc.log(before)
        audits = stacking.realm.audit_lines(log)
        client = None
        if done.returncode == 0:
            client = log.split("PROTOCOL-TRANSITION s4u-client=")[1].split()[0]
        return client, audits, done.stdout


@pytest.fixture
def make(tmp_path, world):
    made = []

    def build(inner="db2", **relations):
        stack = stacking.Stack(tmp_path, world, inner, **relations)
        made.append(stack)
        return Service(stack.__enter__().furnish())

    yield build
    for stack in made:
        stack.__exit__()


def only(audits):
    assert len(audits) == 1, audits
    return audits[0]


def test_accepted(make, inner):
    service = make(inner)
    client, audits, said = service.ask(service.stack.card)
    assert client == f"alice@{REALM}", said
    audit = only(audits)
    assert audit["verdict"] == "authorized"
    assert audit["principal"] == f"alice@{REALM}"
    assert audit["requested"] == "S4U2Self"
    assert audit["mapping"] == "issuer-serial"


@pytest.mark.parametrize("change, words", [
    ("-allow_tix", "revoked"), ('-expire "1/1/2020 00:00:00 UTC"', "expired")])
def test_disabled_in_the_database(make, inner, change, words):
    service = make(inner)
    service.kdc.kadmin(f"modprinc {change} alice")
    for name in (None, "alice"):
        client, _, said = service.ask(service.stack.card, name)
        assert client is None and words in said, said


def test_disabled_in_the_directory(make):
    service = make()
    service.stack.accounts(accounts.account(
        "alice", service.stack.maps["ski"], krbTicketFlags="64"))
    refuse(service, service.stack.card, "account-disabled",
           "Client not trusted")


def test_not_in_the_database(make, inner):
    service = make(inner)
    service.kdc.kadmin("delprinc -force alice")
    client, audits, _ = service.ask(service.stack.card)
    assert client is None and only(audits)["reason"] == "account-not-found"


def refuse(service, card, reason, words):
    client, audits, said = service.ask(card)
    assert client is None and words in said, said
    assert only(audits)["reason"] == reason
    return audits[0]


def test_unlisted_ca(make, world):
    card = world.web.issue("CN=alice")
    refuse(make(), card, "ntauth-absent", "Client not trusted")


def test_foreign_ca_is_not_looked_up(make, world):
    """Its UPN is alice's: nobody is asked for it."""
    card = world.foreign.issue("CN=alice", upn="alice@corp.test")
    service = make()
    assert service.ask(service.stack.card)[0]
    service.stack.ldif.unlink()
    refuse(service, card, "path-untrusted", "Can't verify certificate")


def test_directory_is_gone(make):
    service = make()
    assert service.ask(service.stack.card)[0]
    service.stack.ldif.unlink()
    refuse(service, service.stack.card, "directory-unavailable",
           "Preauthentication failed")


def test_nobodys(make, world):
    refuse(make(), world.issuing.issue("CN=stranger"), "account-not-found",
           "Client name mismatch")


def test_two_accounts(make):
    service = make()
    service.stack.accounts(service.stack.alice, accounts.account(
        "bob", service.stack.maps["ski"]))
    audit = refuse(service, service.stack.card, "account-ambiguous",
                   "Certificate mismatch")
    assert "uid=alice" in audit["detail"] and "uid=bob" in audit["detail"]


def test_weak_mapping(make, world):
    """By its UPN alone it is found, and refused as in a login."""
    card = world.issuing.issue("CN=bob", upn="bob@corp.test")
    refuse(make(), card, "weak-mapping", "Certificate mismatch")


def test_key_purpose(make, world):
    card = world.issuing.issue("CN=alice", eku=(pki.SERVER_AUTH,),
                               upn="alice@corp.test")
    refuse(make(), card, "cert-key-purpose", "Inconsistent key purpose")


def test_named_account(make, world):
    """The service names the account: the certificate must be its."""
    service = make()
    card = service.stack.card
    client, audits, said = service.ask(card, "alice")
    assert client == f"alice@{REALM}", said
    client, audits, said = service.ask(card, "bob")
    assert client is None and only(audits)["reason"] == "no-mapping", said


def test_database_as_directory(make, world):
    """The certificate finds nobody there, the name does."""
    service = make(directory="kdb", ldap=None)
    card = service.stack.card
    service.kdc.set_mappings("alice", card.mappings()["ski"])
    audit = refuse(service, card, "account-not-found", "Client name mismatch")
    assert "directory = kdb" in audit["detail"]


@pytest.mark.parametrize("mode", ["observe", "off"])
def test_other_modes_do_without(make, mode):
    service = make(mode=mode, plugins=stacking.realm.OBSERVE)
    client, audits, _ = service.ask(service.stack.card)
    assert client is None and not audits


def test_another_name_is_no_way_in(make):
    """S4U2Self by a UPN would issue a ticket for the UPN, unproved."""
    service = make()
    done = subprocess.run(
        ["kvno", "-c", service.cache, "-k", service.keytab, "-U",
         "alice@corp.test", SERVICE],
        env=service.kdc.environment("client"), text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, timeout=60, check=False)
    assert done.returncode != 0 and "not found" in done.stdout, done.stdout
    assert "s4u-client" not in service.kdc.log()


def test_blocked_card(make, tmp_path):
    store = tmp_path / "store"
    store.mkdir(mode=0o755)
    service = make(store=store)
    cert = service.kdc.locate(service.stack.card).split(":")[1].split(",")[0]
    service.kdc.certmap("deny", "add", "--cert", cert, "--reason", "lost",
                        status=0)
    refuse(service, service.stack.card, "revoked", "Revoked certificate")


def test_no_status(make, tmp_path):
    store = tmp_path / "store"
    store.mkdir(mode=0o755)
    service = make(store=store, revocation="require")
    refuse(service, service.stack.card, "revocation-unknown",
           "Revocation status unknown")


def test_password_logins_go_on(make):
    service = make()
    service.stack.ldif.unlink()
    assert service.kdc.kinit_password("paul").ok
