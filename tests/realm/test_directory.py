"""The ldap backend against a real slapd: what it finds."""

import base64

import pytest

from directory import LIBLDAP_LEAKS, Directory
from slapd import Authority, Slapd

BASE = "base=dc=example,dc=com"
ALICE = "alice@EXAMPLE.COM"
SID = "S-1-5-21-11-22-33-1101"
SID_BYTES = bytes.fromhex(
    "0105000000000005150000000b00000016000000210000004d040000")


def person(name, *lines, principal=True):
    kerberos = ["objectClass: krbPrincipalAux",
                "objectClass: krbTicketPolicyAux"]
    if principal:
        kerberos.append(f"krbPrincipalName: {name}@EXAMPLE.COM")
    return "\n".join([
        f"dn: uid={name},dc=example,dc=com", "objectClass: inetOrgPerson",
        "objectClass: certmapTestAccount", *kerberos,
        f"uid: {name}", f"cn: {name}", f"sn: {name}", *lines]) + "\n\n"


PEOPLE = "".join([
    person("alice", "altSecurityIdentities: X509:<SKI>00",
           "altSecurityIdentities: X509:<SKI>01",
           "userPrincipalName: Alice@example.com",
           f"objectSid:: {base64.b64encode(SID_BYTES).decode()}",
           "sAMAccountName: alice", "userAccountControl: 512",
           "whenCreated: 20240101000000.0Z",
           f"ipaNTSecurityIdentifier: {SID}"),
    person("bob", "sAMAccountName: bob", "userAccountControl: 514",
           "krbTicketFlags: 64"),
    person("carol", "userPrincipalName: boss@alt.example",
           "sAMAccountName: carol"),
    person("ws1$", "sAMAccountName: ws1$", "userAccountControl: 4096",
           principal=False),
    # What an attacker would like a filter to be.
    person("star", "krbPrincipalName: \\*)(uid=\\*@EXAMPLE.COM"),
    "dn: cn=elsewhere,dc=example,dc=com\nobjectClass: referral\n"
    "objectClass: extensibleObject\ncn: elsewhere\n"
    "ref: ldap://127.0.0.1:1/dc=elsewhere\n",
])


@pytest.fixture(scope="module")
def slapd(tmp_path_factory):
    with Slapd(tmp_path_factory.mktemp("slapd"),
               authority=Authority("Directory CA")) as server:
        server.add(PEOPLE)
        yield server


@pytest.fixture
def secret(slapd, tmp_path):
    path = tmp_path / "secret"
    path.touch(mode=0o600)
    path.write_text(slapd.reader_password + "\n")
    return path


@pytest.fixture
def reader(slapd, secret):
    """The relations of a simple bind."""
    return (BASE, f"bind_dn={slapd.reader_dn}", f"password_file={secret}")


@pytest.fixture
def open_directory(slapd):
    """Directory(...) over ldapi as the test's own user."""
    opened = []

    def make(*relations):
        directory = Directory(f"uri={slapd.ldapi}", BASE,
                              "sasl_mech=EXTERNAL", *relations)
        opened.append(directory)
        return directory.__enter__()

    yield make
    for directory in opened:
        directory.__exit__()


def names(answer):
    assert answer["reason"] == "ok", answer
    return sorted((account["id"].split(",")[0], account["named"])
                  for account in answer["accounts"])


# Every way in.

@pytest.mark.parametrize("way", ["ldap", "starttls", "ldaps", "ldapi"])
def test_simple_bind(slapd, reader, way):
    relations = {
        "ldap": [f"uri={slapd.ldap}"],
        "starttls": [f"uri={slapd.ldap}", "starttls=true",
                     f"ca_file={slapd.ca_file}"],
        "ldaps": [f"uri={slapd.ldaps}", f"ca_file={slapd.ca_file}"],
        "ldapi": [f"uri={slapd.ldapi}"],
    }[way]
    with Directory(*relations, *reader) as directory:
        assert directory.check()["reason"] == "ok"
        assert directory.probe()["reason"] == "ok"
        for _ in range(3):
            assert names(directory.find(ALICE)) == [("uid=alice", True)]


def test_external_bind(open_directory):
    directory = open_directory()
    assert directory.check()["reason"] == "ok"
    assert directory.probe()["reason"] == "ok"
    assert names(directory.find(ALICE)) == [("uid=alice", True)]


def test_ciphers(slapd, reader):
    with Directory(f"uri={slapd.ldaps}", f"ca_file={slapd.ca_file}",
                   "ciphers=NORMAL:-VERS-ALL:+VERS-TLS1.3", *reader,
                   environment=LIBLDAP_LEAKS) as directory:
        assert names(directory.find(ALICE)) == [("uid=alice", True)]
    # The server's key is below that level.
    with Directory(f"uri={slapd.ldaps}", f"ca_file={slapd.ca_file}",
                   "ciphers=SECURE256", *reader,
                   environment=LIBLDAP_LEAKS) as directory:
        assert directory.check()["reason"] == "ok"
        assert directory.find(ALICE)["reason"] == "directory-unavailable"


# What is found.

@pytest.mark.parametrize("schema", ["ad", "mit", "ipa", "posix"])
def test_schema(open_directory, schema):
    directory = open_directory(f"schema={schema}")
    answer = directory.find(ALICE)
    assert names(answer) == [("uid=alice", True)]
    alice = answer["accounts"][0]
    assert alice["mappings"] == ["X509:<SKI>00", "X509:<SKI>01"]
    assert alice["upn"] == "Alice@example.com"
    assert alice["account_name"] == "alice"
    assert alice["created_state"] == 1 and not alice["disabled"]
    assert alice["has_sid_attribute"] == (schema in ("ad", "ipa"))
    assert alice["sid"] == (SID if schema in ("ad", "ipa") else None)
    if schema == "ad":
        assert alice["created"] == 1704067200


@pytest.mark.parametrize("schema, disabled", [
    ("ad", True), ("mit", True), ("ipa", True), ("posix", False)])
def test_disabled(open_directory, schema, disabled):
    answer = open_directory(f"schema={schema}").find("bob@EXAMPLE.COM")
    assert names(answer) == [("uid=bob", True)]
    assert answer["accounts"][0]["disabled"] == disabled


@pytest.mark.parametrize("schema", ["ad", "mit", "ipa", "posix"])
def test_nobody(open_directory, schema):
    directory = open_directory(f"schema={schema}")
    assert names(directory.find("nobody@EXAMPLE.COM")) == []
    assert names(directory.find("alice/admin@EXAMPLE.COM")) == []


def test_computer(open_directory):
    directory = open_directory("schema=ad")
    answer = directory.find("WS1$@EXAMPLE.COM")
    assert names(answer) == [("uid=ws1$", True)]
    assert answer["accounts"][0]["computer"]
    assert names(directory.find("WS1@EXAMPLE.COM")) == []


@pytest.mark.parametrize("schema", ["ad", "mit", "ipa", "posix"])
def test_account_of_the_upn(open_directory, schema):
    directory = open_directory(f"schema={schema}")
    both = [("uid=alice", False), ("uid=bob", True)]
    bob = "bob@EXAMPLE.COM"
    assert names(directory.find(bob, "ALICE@example.com")) == both
    assert names(directory.find(bob, "boss@alt.example")) == [
        ("uid=bob", True), ("uid=carol", False)]
    # carol has an explicit UPN, and her implicit one all the same.
    assert names(directory.find(bob, "carol@example.com")) == [
        ("uid=bob", True), ("uid=carol", False)]
    assert names(directory.find(bob, "bob@example.com")) == [
        ("uid=bob", True)]
    assert names(directory.find(bob, "nobody@example.com")) == [
        ("uid=bob", True)]


def test_filter_is_escaped(open_directory):
    for schema in ("ad", "mit", "ipa", "posix"):
        directory = open_directory(f"schema={schema}")
        for principal in ("*@EXAMPLE.COM", "ali*@EXAMPLE.COM",
                          "*)(uid=*@EXAMPLE.COM", "a)(|(uid=*)@EXAMPLE.COM"):
            assert names(directory.find(principal)) == []
        assert names(directory.find(ALICE, "*@example.com")) == [
            ("uid=alice", True)]


def test_object_filter(open_directory):
    within = open_directory("object_filter=(objectClass=inetOrgPerson)")
    assert names(within.find(ALICE)) == [("uid=alice", True)]
    without = open_directory("object_filter=(objectClass=device)")
    assert names(without.find(ALICE)) == []


def test_referrals_are_ignored(open_directory):
    """A search over the whole base meets the referral entry."""
    directory = open_directory("object_filter=(objectClass=*)")
    assert names(directory.find(ALICE)) == [("uid=alice", True)]
    assert "uid=alice,dc=example,dc=com" in directory.walk(10)["names"]


def test_attribute_of_ones_own(open_directory, slapd):
    slapd.modify("dn: uid=carol,dc=example,dc=com\nchangetype: modify\n"
                 "replace: description\ndescription: X509:<SKI>42\n")
    directory = open_directory("mapping_attribute=description")
    answer = directory.find("carol@EXAMPLE.COM")
    assert answer["accounts"][0]["mappings"] == ["X509:<SKI>42"]


def test_no_leave_to_wait(open_directory):
    answer = open_directory().call("nowait", ALICE)
    assert answer["reason"] == "directory-unavailable"
    assert "certauth_wait" in answer["detail"]


# Limits.

def test_more_entries_than_one_login_needs(tmp_path):
    with Slapd(tmp_path / "slapd") as slapd:
        for number in range(8):
            slapd.add(person(f"u{number}", "krbPrincipalName: " + ALICE))
        with Directory(f"uri={slapd.ldapi}", BASE,
                       "sasl_mech=EXTERNAL") as directory:
            assert len(directory.find(ALICE)["accounts"]) == 8
            slapd.add(person("u8", "krbPrincipalName: " + ALICE))
            answer = directory.find(ALICE)
            assert answer["reason"] == "account-ambiguous"
            assert answer["accounts"] == []
            slapd.delete("uid=u8,dc=example,dc=com")
            assert len(directory.find(ALICE)["accounts"]) == 8


def many_values(count, size):
    return [f"altSecurityIdentities: {number:06}{'x' * (size - 6)}"
            for number in range(count)]


@pytest.mark.parametrize("count, size, reason", [
    (10_000, 60, "ok"),
    (20_001, 20, "directory-unavailable"),
    (1, 64 * 1024, "ok"),
    (100, 64 * 1024, "ok"),
    (400, 64 * 1024, "directory-unavailable"),
])
def test_values_in_bulk(tmp_path, count, size, reason):
    """Works, or refuses; and serves the next one."""
    with Slapd(tmp_path / "slapd", indexes=("krbPrincipalName eq",)) as slapd:
        slapd.stop()
        slapd.load(person("alice", *many_values(count, size))
                   + person("bob"))
        slapd.start()
        with Directory(f"uri={slapd.ldapi}", BASE, "sasl_mech=EXTERNAL",
                       "timeout=10000") as directory:
            answer = directory.find(ALICE)
            assert answer["reason"] == reason, answer["detail"]
            if reason == "ok":
                assert answer["accounts"][0]["mapping_count"] == count
            assert names(directory.find("bob@EXAMPLE.COM")) == [
                ("uid=bob", True)]


def test_walk_in_pages(tmp_path):
    with Slapd(tmp_path / "slapd") as slapd:
        slapd.stop()
        slapd.load("".join(
            person(f"u{n}", "altSecurityIdentities: x") for n in range(1200))
            + person("unmapped"))
        slapd.start()
        with Directory(f"uri={slapd.ldapi}", BASE, "sasl_mech=EXTERNAL",
                       "timeout=10000") as directory:
            answer = directory.walk(2000)
            assert len(set(answer["names"])) == 1200
            assert not answer["truncated"]
            answer = directory.walk(700)
            assert len(set(answer["names"])) == 700
            assert answer["truncated"]
            answer = directory.walk(1200)
            assert len(answer["names"]) == 1200 and not answer["truncated"]
            assert names(directory.find("u1@EXAMPLE.COM")) == [
                ("uid=u1", True)]


# What the directory's own rules hide.

def test_unreadable_base(slapd):
    """Anonymous may read nothing here: that is no empty success."""
    with Directory(f"uri={slapd.ldapi}", BASE) as directory:
        answer = directory.probe()
        assert answer["reason"] == "directory-unavailable"
        assert directory.find(ALICE)["reason"] == "directory-unavailable"


def test_base_that_is_not_there(slapd, open_directory):
    directory = open_directory("base=ou=none,dc=example,dc=com")
    answer = directory.find(ALICE)
    assert answer["reason"] == "directory-unavailable"
    assert "No such object" in answer["detail"]
    assert directory.probe()["reason"] == "directory-unavailable"


def test_attributes_that_cannot_be_searched(tmp_path):
    """OpenLDAP's msuser schema as it is shipped has no matching rules."""
    with Slapd(tmp_path / "slapd", msuser_rules={},
               indexes=("krbPrincipalName eq",)) as slapd:
        slapd.add(person("alice", "userPrincipalName: Alice@example.com"))
        for schema, attribute in (("ad", "sAMAccountName"),
                                  ("mit", "userPrincipalName")):
            with Directory(f"uri={slapd.ldapi}", BASE, f"schema={schema}",
                           "sasl_mech=EXTERNAL") as directory:
                answer = directory.probe()
                assert answer["reason"] == "directory-unavailable"
                assert f"{attribute}: " in answer["detail"]
                assert "no EQUALITY rule" in answer["detail"]
                # The login itself is not refused for it.
                assert directory.find(ALICE)["reason"] == "ok"


def test_wrong_password(slapd, reader, secret):
    secret.write_text("wrong\n")
    with Directory(f"uri={slapd.ldapi}", *reader) as directory:
        answer = directory.find(ALICE)
        assert answer["reason"] == "directory-unavailable"
        assert "Invalid credentials" in answer["detail"]
        # The file is read at each bind.
        secret.write_text(slapd.reader_password + "\n")
        assert names(directory.find(ALICE)) == [("uid=alice", True)]


def test_empty_password_is_no_bind(slapd, reader, secret):
    secret.write_text("\n")
    with Directory(f"uri={slapd.ldapi}", *reader) as directory:
        assert directory.check()["reason"] == "config"
        answer = directory.find(ALICE)
        assert answer["reason"] == "directory-unavailable"
        assert "one line" in answer["detail"]


def test_password_file_that_others_read(slapd, reader, secret):
    secret.chmod(0o640)
    with Directory(f"uri={slapd.ldapi}", *reader) as directory:
        answer = directory.find(ALICE)
        assert answer["reason"] == "directory-unavailable"
        assert "group and others" in answer["detail"]
