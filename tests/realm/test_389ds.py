"""389 Directory Server, set up as examples/389ds says, behind a real KDC."""

import base64
import gzip

import pytest

import accounts
import ds389
from ds389 import KERBEROS_SCHEMA, Ds389
from keeper import Keeper
from realm import COMMAND, until

pytestmark = [
    pytest.mark.skipif(bool(ds389.MISSING), reason=str(ds389.MISSING)),
    pytest.mark.skipif(not KERBEROS_SCHEMA.exists(),
                       reason="not installed: krb5-kdc-ldap")]

REALM = "CORP.TEST"
SUFFIX = accounts.SUFFIX
READER = f"cn=kdc,{SUFFIX}"
READER_PASSWORD = "reader-secret"
PASSWORD = "a long one"
CONTAINERS = ("CN=Configuration", "CN=Services", "CN=Public Key Services")


def dn(name):
    return f"uid={name},{SUFFIX}"


def person(name, *lines):
    return "\n".join([
        f"dn: {dn(name)}", "objectClass: inetOrgPerson",
        "objectClass: krbPrincipalAux", "objectClass: krbTicketPolicyAux",
        "objectClass: certmapAccount", f"uid: {name}", f"cn: {name}",
        f"sn: {name}", f"krbPrincipalName: {name}@{REALM}",
        f"userPassword: {PASSWORD}", *lines]) + "\n\n"


def people(world):
    mapped = f"altSecurityIdentities: {world.card('alice').mappings()['ski']}"
    return "".join([
        person("alice", mapped),
        person("bob", "userPrincipalName: Robert@corp.test"),
        person("locked", mapped, "nsAccountLock: true"),
        person("unlocked", mapped, "nsAccountLock: false"),
        person("expired", mapped, "krbPrincipalExpiration: 20200101000000Z"),
        person("noticket", mapped, "krbTicketFlags: 64")])


def load_material(server, folder):
    """The steps of examples/389ds/README.md."""
    server.modify(gzip.decompress(KERBEROS_SCHEMA.read_bytes()).decode())
    for name in ("schema", "access", "index"):
        server.modify((folder / f"{name}.ldif").read_text())
    until(lambda: "nsTaskExitCode: 0" in server.search(
        "(objectClass=*)", "nsTaskExitCode",
        base="cn=certmap,cn=index,cn=tasks,cn=config"), "the index task")
    server.tool("ldappasswd", "-s", READER_PASSWORD, READER)


@pytest.fixture(scope="module")
def server(tmp_path_factory, world, source):
    with Ds389(tmp_path_factory.mktemp("389")) as one:
        load_material(one, source / "examples" / "389ds")
        one.modify(people(world))
        yield one


@pytest.fixture
def kdc(server, world, make_kdc, tmp_path):
    settings = accounts.settings(tmp_path, server.ldap, bind_dn=READER,
                                 password=READER_PASSWORD)
    kdc = make_kdc(realms={REALM: world.certmap(**settings)})
    kdc.add_principals("alice", "bob", "locked", "unlocked", "expired",
                       "noticket", "nobody")
    return kdc


# What a login finds.


@pytest.mark.parametrize("name, reason", [
    ("alice", "ok"), ("bob", "no-mapping"), ("nobody", "account-not-found"),
    ("locked", "account-disabled"), ("unlocked", "ok"),
    ("expired", "account-disabled"), ("noticket", "account-disabled")])
def test_login(kdc, world, name, reason):
    login = kdc.kinit(name, world.card("alice"))
    assert login.ok == (reason == "ok"), login
    assert login.audit["reason"] == reason
    if reason == "ok":
        assert login.audit["account"] == dn(name)


def test_login_by_upn(kdc, world):
    """Explicit, whatever its case; and another account's is refused."""
    card = world.issuing.issue("CN=upn", upn="robert@CORP.test")
    assert kdc.kinit("bob", card).audit["mapping"] == "upn"
    assert kdc.kinit("alice", card).audit["reason"] == "name-mismatch"


def test_lock_counts_at_the_next_login(kdc, server, world):
    card = world.card("alice")
    assert kdc.kinit("unlocked", card).ok
    for value, ok in (("true", False), ("false", True)):
        server.modify(f"dn: {dn('unlocked')}\nchangetype: modify\n"
                      f"replace: nsAccountLock\nnsAccountLock: {value}\n")
        assert kdc.kinit("unlocked", card).ok == ok


def test_check_has_nothing_against_it(kdc):
    _, output = kdc.certmap("check", "--json")
    assert "directory-" not in output, output


# Who may read and write.


def replace(name, attribute, value):
    return (f"dn: {dn(name)}\nchangetype: modify\n"
            f"replace: {attribute}\n{attribute}: {value}\n")


@pytest.fixture
def generous(server):
    """A rule that many sites have: people edit their own entries."""
    rule = (f'dn: {SUFFIX}\nchangetype: modify\n%s: aci\naci: (targetattr = '
            '"*")(version 3.0; acl "self"; allow (write, read, search) '
            'userdn = "ldap:///self";)\n')
    server.modify(rule % "add")
    yield
    server.modify(rule % "delete")


@pytest.mark.parametrize("attribute, value", [
    ("altSecurityIdentities", "X509:<SKI>00"),
    ("userPrincipalName", "boss@corp.test"), ("objectSid", "S-1-5-21-1-2-3"),
    ("krbPrincipalName", f"boss@{REALM}"), ("uid", "boss"),
    ("krbTicketFlags", "0"), ("nsAccountLock", "false")])
@pytest.mark.parametrize("who", ["alice", "locked"])
def test_nobody_edits_their_own(server, generous, who, attribute, value):
    alice = (dn("alice"), PASSWORD)
    server.tool("ldapmodify", text=replace("alice", "description", "me"),
                bind=alice)
    server.tool("ldapmodify", text=replace(who, attribute, value),
                bind=alice, status=50)


def test_the_kdc_reads_what_it_needs_and_no_more(server):
    told = server.tool("ldapsearch", "-LLL", "-b", SUFFIX, "(uid=alice)",
                       "*", "+", bind=(READER, READER_PASSWORD))
    assert "altSecurityIdentities:" in told and "createTimestamp:" in told
    assert "userPassword" not in told and "sn:" not in told
    server.tool("ldapmodify", text=replace("alice", "description", "x"),
                bind=(READER, READER_PASSWORD), status=50)
    # Neither does a stranger learn which card is whose.
    told = server.tool("ldapsearch", "-LLL", "-b", SUFFIX, "(uid=alice)",
                       bind=(dn("bob"), PASSWORD))
    assert "altSecurityIdentities" not in told


# How it is found.


def unindexed(server, action):
    """Does the server's log note a search without an index?"""
    server.modify("dn: cn=config\nchangetype: modify\nreplace: "
                  "nsslapd-accesslog-logbuffering\n"
                  "nsslapd-accesslog-logbuffering: off\n")
    before = len(server.access_log())
    action()

    def answered():
        """The log so far, once it has an answer for every search: the server
        writes it after the client has it."""
        log = server.access_log()[before:]
        return log if 0 < log.count(" SRCH ") == log.count(" tag=101 ") else ""

    return "notes=" in until(answered, "the answers in the access log")


def test_searches_are_indexed(kdc, server, world):
    assert unindexed(server, lambda: server.search("(description=none)"))
    card = world.issuing.issue("CN=upn", upn="robert@corp.test")
    assert not unindexed(server, lambda: kdc.kinit("bob", card))
    assert not unindexed(server, lambda: server.search(
        "(altSecurityIdentities=x509:<ski>00)"))


# The NTAuth list.


def containers():
    parts = [f"dn: {','.join(reversed(CONTAINERS[:i + 1]))},{SUFFIX}\n"
             f"objectClass: nsContainer\ncn: {name[3:]}\n\n"
             for i, name in enumerate(CONTAINERS)]
    return "".join(parts)


@pytest.mark.skipif(not COMMAND, reason="this build has no certmap")
def test_ntauth_object(server, world, tmp_path):
    value = base64.b64encode(world.issuing.der).decode()
    server.modify(containers() + (
        f"dn: CN=NTAuthCertificates,{','.join(reversed(CONTAINERS))},{SUFFIX}"
        "\nobjectClass: applicationProcess\nobjectClass: pkiCA\n"
        f"cn: NTAuthCertificates\ncACertificate;binary:: {value}\n"))
    settings = accounts.settings(tmp_path, server.ldapi, bind_dn=READER,
                                 password=READER_PASSWORD)
    keeper = Keeper(tmp_path / "keeper", world, ntauth="ldap", **settings)
    done = keeper.refresh()
    (row,) = [row for row in done.store["sources"] if row["kind"] == "ntauth"]
    assert row["outcome"] == "mirrored", done.stdout + done.stderr
    mirror = keeper.store / "ntauth" / "NTAuthCertificates.pem"
    assert mirror.read_bytes().count(b"BEGIN CERTIFICATE") == 1
