"""The real Active Directory schema: `schema = ad` before a Samba domain."""

import base64
import subprocess
import time

import pytest
from cryptography import x509

import accounts
import sambadc
from directory import Directory
from keeper import Keeper
from realm import COMMAND, SBIN
from sambadc import Samba
from slapd import Authority

pytestmark = pytest.mark.skipif(bool(sambadc.MISSING),
                                reason=str(sambadc.MISSING))

REALM, DOMAIN = Samba.realm, "ad.test"
READER = f"CN=kdc,{Samba.users}"
READER_PASSWORD = "Reader-secret1"
NTAUTH = ("CN=NTAuthCertificates,CN=Public Key Services,CN=Services,"
          + Samba.configuration)
#: NORMAL_ACCOUNT | SMARTCARD_REQUIRED, and more of [MS-ADTS] 2.2.16.
CARD_ONLY, DISABLED, COMPUTER = 0x40200, 0x2, 0x1000
#: A moment as accountExpires and lockoutTime count it.
FILETIME_1970 = 116444736000000000


def filetime(seconds):
    return FILETIME_1970 + int(seconds) * 10_000_000


def user(name, *lines, control=CARD_ONLY, kind="user"):
    return "\n".join([f"dn: CN={name},{Samba.users}", f"objectClass: {kind}",
                      f"sAMAccountName: {name}",
                      f"userAccountControl: {control}", *lines]) + "\n\n"


def people(world):
    mappings = world.card("alice").mappings()
    strong = f"altSecurityIdentities: {mappings['ski']}"
    weak = f"altSecurityIdentities: {mappings['issuer-subject']}"
    secret = base64.b64encode(
        f'"{READER_PASSWORD}"'.encode("utf-16-le")).decode()
    return "".join([
        user("kdc", f"unicodePwd:: {secret}", control=0x200),
        user("alice", strong, "altSecurityIdentities: X509:<SKI>00"),
        user("bob", "userPrincipalName: Robert@alt.test"),
        user("weak", weak),
        user("disabled", strong, control=CARD_ONLY | DISABLED),
        user("expired", strong,
             f"accountExpires: {filetime(time.time() - 3600)}"),
        user("running", strong,
             f"accountExpires: {filetime(time.time() + 3600)}"),
        user("locked", strong), user("wasLocked", strong),
        user("carded", "userCertificate:: "
             + base64.b64encode(world.card("carded").der).decode()),
        user("ws1$", "dNSHostName: ws1.ad.test", control=COMPUTER,
             kind="computer")])


@pytest.fixture(scope="module")
def server(tmp_path_factory, world):
    with Samba(tmp_path_factory.mktemp("samba"),
               Authority("Directory CA")) as one:
        one.add(people(world))
        # As a lockout leaves it: in force, and long past.
        for name, when in (("locked", time.time()), ("wasLocked", 1e9)):
            one.write(f"CN={name},{one.users}", "lockoutTime", filetime(when))
        yield one


@pytest.fixture
def settings(server, tmp_path):
    return accounts.settings(
        tmp_path, server.ldapi, bind_dn=READER, password=READER_PASSWORD,
        base=server.suffix, schema="ad")


@pytest.fixture
def kdc(world, make_kdc, settings):
    def make(**changes):
        kdc = make_kdc(realms={REALM: world.certmap(**settings, **changes)})
        kdc.add_principals("alice", "bob", "weak", "disabled", "expired",
                           "running", "locked", "wasLocked", "ws1$", "nobody")
        return kdc
    return make


@pytest.fixture
def open_directory(server, tmp_path):
    secret = tmp_path / "reader"
    secret.touch(mode=0o600)
    secret.write_text(READER_PASSWORD)
    opened = []

    def make(uri, *relations, within=()):
        directory = Directory(
            f"uri={uri}", f"base={server.suffix}", "schema=ad",
            f"bind_dn={READER}", f"password_file={secret}",
            f"dns_domain={DOMAIN}", "timeout=10000", *relations,
            within=within)
        opened.append(directory)
        return directory.__enter__()

    yield make
    for directory in opened:
        directory.__exit__()


def sid_of(server, name):
    told = server.run("ldbsearch", "-H", server.database,
                      f"(sAMAccountName={name})", "objectSid")
    return told.split("objectSid: ")[1].split()[0]


# What a login finds.


def test_state_of_accounts(kdc, world):
    kdc = kdc()
    for name, reason, why in (
            ("alice", "ok", ""), ("nobody", "account-not-found", ""),
            ("disabled", "account-disabled", "userAccountControl"),
            ("expired", "account-disabled", "accountExpires"),
            ("running", "ok", ""),
            ("locked", "account-disabled",
             "msDS-User-Account-Control-Computed"),
            ("wasLocked", "ok", "")):
        login = kdc.kinit(name, world.card("alice"))
        assert login.audit["reason"] == reason, login
        assert login.ok == (reason == "ok")
        assert why in login.audit["line"]


def test_names_compare_without_case(kdc, world):
    """sAMAccountName is the principal; its value makes an implicit UPN."""
    kdc = kdc()
    kdc.add_principals("ALICE")
    login = kdc.kinit("ALICE", world.card("alice"))
    assert login.ok and login.audit["account"] == f"CN=alice,{Samba.users}"
    for upn, name, reason in (
            ("Robert@alt.test", "bob", "weak"),
            ("robert@ALT.test", "bob", "weak"),
            ("bob@ad.test", "bob", "weak"),
            ("BOB@AD.TEST", "bob", "weak"),
            ("bob@ad.test", "alice", "name-mismatch"),
            ("robert@alt.test", "alice", "name-mismatch"),
            ("nobody@ad.test", "bob", "name-mismatch"),
            ("robert@ad.test", "bob", "name-mismatch")):
        card = world.issuing.issue("CN=upn", upn=upn)
        login = kdc.kinit(name, card)
        assert login.audit["reason"].startswith(reason), login


def test_sid_extension(kdc, server, world):
    """The binary objectSid against the certificate's text."""
    kdc = kdc()
    for sid, reason in ((sid_of(server, "bob"), "ok"),
                        (sid_of(server, "alice"), "sid-mismatch"),
                        (sid_of(server, "bob") + "1", "sid-mismatch")):
        card = world.issuing.issue("CN=sid", upn="bob@ad.test", sid=sid)
        login = kdc.kinit("bob", card)
        assert login.audit["reason"] == reason, login
        if reason == "ok":
            assert login.audit["strength"] == "strong"


def test_computer(kdc, server, world):
    """Its DNS name maps it, strongly by its SID."""
    kdc = kdc()
    sid = sid_of(server, "ws1$")
    for name, who, reason in (("ws1.ad.test", "ws1$", "ok"),
                              ("ws2.ad.test", "ws1$", "name-mismatch"),
                              ("ws1.ad.test", "alice", "no-mapping")):
        names = x509.SubjectAlternativeName([x509.DNSName(name)])
        card = world.issuing.issue(
            "CN=ws1", sid=sid, extensions=[
                ("2.5.29.17", names.public_bytes())])
        assert kdc.kinit(who, card).audit["reason"] == reason, name


def test_certificate_before_the_account(kdc, server, world):
    kdc = kdc(enforcement="compatibility")
    card = world.card("alice")
    login = kdc.kinit("weak", card)
    assert login.audit["reason"] == "cert-predates-account", login
    server.write(f"CN=weak,{server.users}", "whenCreated",
                 "20100101000000.0Z")
    login = kdc.kinit("weak", card)
    assert login.ok and login.audit["strength"] == "weak", login


# Ways in, and what a controller answers besides.


@pytest.mark.parametrize("way", ["ldapi", "ldaps"])
def test_way(server, open_directory, way):
    if way == "ldapi":
        directory = open_directory(server.ldapi)
    else:
        directory = open_directory(
            server.ldaps, f"ca_file={server.ca_file}", within=server.enter)
    assert directory.check()["reason"] == "ok"
    assert directory.probe()["reason"] == "ok"
    (alice,) = directory.find(f"alice@{REALM}", "ALICE@ad.test")["accounts"]
    assert alice["named"] and not alice["computer"]
    assert sorted(alice["mappings"])[0] == "X509:<SKI>00"
    assert alice["sid"] == sid_of(server, "alice")
    assert abs(alice["created"] - time.time()) < 600


def test_wrong_password(server, open_directory, tmp_path):
    directory = open_directory(server.ldapi)
    (tmp_path / "reader").write_text("wrong")
    answer = directory.find(f"alice@{REALM}")
    assert answer["reason"] == "directory-unavailable"
    assert "Invalid credentials" in answer["detail"]


def test_nobody_without_a_bind(server):
    with Directory(f"uri={server.ldapi}", f"base={server.suffix}",
                   "schema=ad", "timeout=10000") as directory:
        answer = directory.find(f"alice@{REALM}")
        assert answer["reason"] == "directory-unavailable"


def test_references_are_ignored(server, open_directory):
    """A search below the domain is told where else one could ask."""
    told = server.run("ldapsearch", "-LLL", "-x", "-D", READER, "-w",
                      READER_PASSWORD, "-H", server.ldapi, "-b",
                      server.suffix, "(sAMAccountName=alice)", "cn")
    assert "# refldap://" in told
    directory = open_directory(server.ldapi)
    answer = directory.find(f"alice@{REALM}")
    assert answer["reason"] == "ok" and len(answer["accounts"]) == 1
    walked = directory.walk(100)
    assert f"CN=alice,{server.users}" in walked["names"]
    assert f"CN=bob,{server.users}" not in walked["names"]


def test_many_values(server, open_directory):
    """More than the 1500 that Active Directory gives at once."""
    server.add(user("many", *(f"altSecurityIdentities: X509:<SKI>{i:08x}"
                              for i in range(3000))))
    answer = open_directory(server.ldapi).find(f"many@{REALM}")
    assert answer["reason"] == "ok", answer
    assert answer["accounts"][0]["mapping_count"] == 3000


# The NTAuth list.


def publish_ntauth(server, world):
    """As certutil -dspublish leaves it."""
    if server.search(NTAUTH):
        return
    value = base64.b64encode(world.issuing.der).decode()
    server.add(f"dn: {NTAUTH}\nobjectClass: certificationAuthority\n"
               f"cACertificate:: {value}\nauthorityRevocationList:: AA==\n"
               "certificateRevocationList:: AA==\n")


@pytest.mark.skipif(not COMMAND, reason="this build has no certmap")
def test_ntauth_object(server, settings, world, tmp_path):
    publish_ntauth(server, world)
    keeper = Keeper(tmp_path / "keeper", world, ntauth="ldap", **settings)
    done = keeper.refresh()
    (row,) = [row for row in done.store["sources"] if row["kind"] == "ntauth"]
    assert row["outcome"] == "mirrored", done.stdout + done.stderr
    mirror = keeper.store / "ntauth" / "NTAuthCertificates.pem"
    assert mirror.read_bytes().count(b"BEGIN CERTIFICATE") == 1


@pytest.mark.skipif(not COMMAND, reason="this build has no certmap")
def test_check_has_nothing_against_it(kdc):
    _, output = kdc().certmap("check", "--json")
    assert "directory-" not in output, output


# examples/active-directory


@pytest.fixture
def example(server, world, source, tmp_path):
    """Its kdc.conf, with paths and names of the test in place of its own."""
    (tmp_path / "ldap.secret").write_text(READER_PASSWORD)
    (tmp_path / "ldap.secret").chmod(0o600)
    (tmp_path / "pool").mkdir()
    (tmp_path / "pool" / "cas.pem").write_bytes(world.pool.read_bytes())
    text = (source / "examples/active-directory/kdc.conf").read_text()
    for old, new in {
            "/etc/krb5kdc/certmap/roots.pem": world.roots,
            "/etc/krb5kdc/certmap/intermediates": tmp_path / "pool",
            "/etc/krb5kdc/certmap/ad-ca.pem": server.ca_file,
            "/etc/krb5kdc/certmap/ldap.secret": tmp_path / "ldap.secret",
            "ldaps://dc1.ad.example.com ldaps://dc2.ad.example.com":
                server.ldaps,
            "CN=svc-certmap,": "CN=kdc,",
            "DC=ad,DC=example,DC=com": server.suffix,
            "ad.example.com": DOMAIN,
            "EXAMPLE.COM": REALM,
            # The CRLs of the world are another test's matter.
            "enforcement = full": "enforcement = full\n revocation = off\n"
                                  f"store = {tmp_path / 'store'}"}.items():
        assert old in text, old
        text = text.replace(old, str(new))
    relations = [line for line in text.splitlines()
                 if not line.lstrip().startswith("#")]
    assert not any("/etc/" in line for line in relations)
    (tmp_path / "kdc.conf").write_text(text)
    (tmp_path / "krb5.conf").write_text(
        f"[libdefaults]\ndefault_realm = {REALM}\n")
    return tmp_path


def in_network(server, folder, *words):
    return subprocess.run(
        [*server.enter, COMMAND, words[0], "-c", folder / "kdc.conf",
         *words[1:]], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env={"PATH": SBIN, "KRB5_CONFIG": str(folder / "krb5.conf")},
        text=True, timeout=120, check=False)


@pytest.mark.skipif(not COMMAND, reason="this build has no certmap")
def test_example(server, world, example):
    """Over LDAPS: the list is mirrored, the login finds the account."""
    (example / "store").mkdir(mode=0o755)
    publish_ntauth(server, world)
    done = in_network(server, example, "refresh", "--user", "nobody")
    assert "mirrored" in done.stdout, done.stdout
    path, _ = world.card("alice").write(example, "alice")
    for name, status in (("alice", 0), ("bob", 1), ("disabled", 1)):
        done = in_network(server, example, "explain", path, name)
        assert done.returncode == status, done.stdout


# Populating.


@pytest.mark.skipif(not COMMAND, reason="this build has no command")
def test_certificates_without_binary(kdc, world, server):
    kdc = kdc()
    done = subprocess.run(
        [COMMAND, "populate", "-c", kdc.kdc_conf, "-n", "--from-directory"],
        env=kdc.environment(), capture_output=True, text=True, timeout=120,
        check=False)
    assert done.returncode == 0, done.stderr
    names = [line for line in done.stdout.splitlines()
             if line.startswith("dn:")]
    assert names == [f"dn: CN=carded,{server.users}"]
    value = world.card("carded").mappings()["issuer-serial"]
    assert (f"altSecurityIdentities: {value}"
            in done.stdout.replace("\n ", ""))
