"""The mappings of one account by command: in a directory and in the KDC's
database, with a login before and after."""

import json
import re

import pytest

import accounts
import ldapfaults
from ports import free_port
from realm import COMMAND, profile
from slapd import Slapd

pytestmark = pytest.mark.skipif(not COMMAND, reason="this build has no command")

TWICE = "twice"
TWO_PARTS = "host/pc1.corp.test"
CROWD = 1100  # more than two pages


def mapped(output):
    """altSecurityIdentities strings that kadmin.local shows."""
    found = re.findall(r"^(altSecurityIdentities\S*): (.*)$", output, re.M)
    return dict(found)


class Kind:
    """A realm with accounts alice and bob in one kind of directory."""

    def __init__(self, kdc, folder, *options):
        self.kdc, self.folder, self.options = kdc, folder, options

    def run(self, action, *arguments, status=0):
        code, output = self.kdc.certmap(
            "map", action, *self.options, *arguments)
        assert code == status, output
        return output

    def json(self, action, *arguments, status=0):
        return json.loads(self.run(action, "--json", *arguments,
                                   status=status))

    def values(self, principal):
        found = self.json("list", principal)["mappings"]
        return sorted(row["value"] for row in found)

    def write(self, card, name="card"):
        return card.write(self.folder, name)[0]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    slapd = Slapd(tmp_path_factory.mktemp("slapd"))
    slapd.load("".join([
        accounts.account("alice"), accounts.account("bob"),
        accounts.account("carol, the \"first\"", rdn="carol",
                         principal="carol@CORP.TEST"),
        accounts.account("pc1", principal=f"{TWO_PARTS}@CORP.TEST"),
        accounts.account(TWICE), accounts.account(TWICE, rdn="again"),
        *(accounts.account(f"crowd{i}", "X509:<RFC822>crowd@corp.test")
          for i in range(CROWD))]))
    with slapd:
        yield slapd


@pytest.fixture
def in_ldap(make_kdc, world, tmp_path, server):
    # The KDC reads as its own name; the administrator is the test's user.
    kdc = make_kdc(realms={"CORP.TEST": world.certmap(
        **accounts.reader(tmp_path, server))})
    kdc.add_principals("alice", "bob", TWO_PARTS)
    yield Kind(kdc, tmp_path, "-H", server.ldapi, "-Y", "EXTERNAL")
    for name in ("alice", "bob", "carol", "pc1"):
        server.modify(f"dn: uid={name},{server.suffix}\n"
                      "changetype: modify\nreplace: altSecurityIdentities\n")


@pytest.fixture
def in_kdb(make_kdc, tmp_path):
    kdc = make_kdc()
    kdc.add_principals("alice", "bob", TWO_PARTS)
    return Kind(kdc, tmp_path)


@pytest.fixture(params=["ldap", "kdb"])
def kind(request):
    return request.getfixturevalue(f"in_{request.param}")


# What every directory has in common.

def test_a_card_is_let_in_and_shut_out(kind, world):
    card = world.card("alice")
    path = kind.write(card)
    assert kind.kdc.kinit("alice", card).audit["reason"] == "no-mapping"
    output = kind.run("add", "alice", path)
    assert "issuer-serial" in output and "<- this certificate" in output
    assert output.index("no mapping") < output.index("after:")
    assert kind.values("alice") == [card.mappings()["issuer-serial"]]
    login = kind.kdc.kinit("alice", card)
    assert login.ok and login.audit["mapping"] == "issuer-serial"
    assert "was removed" in kind.run("remove", "alice", path)
    assert kind.values("alice") == []
    assert kind.kdc.kinit("alice", card).audit["reason"] == "no-mapping"


@pytest.mark.parametrize("form", ["issuer-serial", "ski", "sha1-pukey"])
def test_every_strong_form_lets_in(kind, world, form):
    card = world.card("alice")
    found = kind.json("add", "--form", form, "alice", kind.write(card))
    assert found["action"] == "added" and not found["warnings"]
    assert found["before"] == [] and len(found["after"]) == 1
    assert kind.kdc.kinit("alice", card).audit["mapping"] == form


def test_twice_is_once(kind, world):
    path = kind.write(world.card("alice"))
    kind.run("add", "alice", path)
    again = kind.json("add", "alice", path)
    assert again["action"] == "present" and again["change"] is None
    assert "already" in kind.run("add", "alice", path)
    assert len(kind.values("alice")) == 1
    kind.run("remove", "alice", path)
    assert kind.json("remove", "alice", path)["action"] == "absent"
    assert "no such mapping" in kind.run("remove", "alice", path)


def test_a_dry_run_writes_nothing(kind, world):
    path = kind.write(world.card("alice"))
    output = kind.run("add", "-n", "alice", path)
    assert "altSecurityIdentities" in output and "X509:<I>" in output
    assert kind.json("add", "-n", "alice", path)["action"] == "would-add"
    assert kind.values("alice") == []
    kind.run("add", "alice", path)
    assert kind.json("remove", "-n", "alice",
                     path)["action"] == "would-remove"
    assert len(kind.values("alice")) == 1


def test_a_value_of_another_account_is_refused(kind, world):
    path = kind.write(world.card("alice"))
    kind.run("add", "bob", path)
    output = kind.run("add", "alice", path, status=1)
    assert "bob" in output and "--shared" in output
    assert kind.values("alice") == []
    found = kind.json("add", "--shared", "alice", path)
    assert found["action"] == "added"
    assert any("bob" in name for name in found["shared_with"])
    for name in ("alice", "bob"):
        assert kind.kdc.kinit(name, world.card("alice")).ok


def test_removing_by_value_and_all_that_is_weak(kind, world):
    card = world.card("alice")
    path = kind.write(card)
    for form in ("ski", "sha1-pukey", "issuer-subject", "subject"):
        kind.run("add", "--form", form, "alice", path)
    assert len(kind.values("alice")) == 4
    kind.run("remove", "--all-weak", "alice")
    assert kind.values("alice") == sorted(
        [card.mappings()["ski"], card.mappings()["sha1-pukey"]])
    kind.run("remove", "--value", card.mappings()["ski"], "alice")
    assert kind.values("alice") == [card.mappings()["sha1-pukey"]]
    found = kind.json("remove", "alice", path)
    assert found["warnings"] == ["no-strong-mapping"]


def test_weak_forms_are_warned_of(kind, world):
    path = kind.write(world.card("alice"))
    found = kind.json("add", "--form", "subject", "alice", path)
    assert found["warnings"] == ["weak", "not-accepted"]
    output = kind.run("add", "--form", "issuer-subject", "alice", path)
    assert "warning: this form is weak" in output
    assert "not-accepted" not in output


def test_what_each_value_says(kind, world):
    card = world.card("alice")
    other = world.card("bob")
    kind.run("add", "alice", kind.write(card))
    kind.run("add", "alice", "--form", "ski", kind.write(other, "other"))
    output = kind.run("list", "alice", kind.write(card))
    serial = f"{card.cert.serial_number:x}"
    serial = serial if len(serial) % 2 == 0 else "0" + serial
    assert f"serial number {serial}" in output
    assert output.count("<- this certificate") == 1
    rows = kind.json("list", "alice", kind.write(card))["mappings"]
    assert sorted((row["form"], row["matches"]) for row in rows) == [
        ("issuer-serial", True), ("ski", False)]
    assert all(row["accepted"] and row["strength"] == "strong"
               for row in rows)


def test_names_of_several_components(kind, world):
    path = kind.write(world.card("pc1"))
    kind.run("add", TWO_PARTS, path)
    assert len(kind.values(f"{TWO_PARTS}@CORP.TEST")) == 1


def test_nobody(kind, world):
    path = kind.write(world.card("alice"))
    output = kind.run("add", "nobody", path, status=1)
    assert "nobody@CORP.TEST" in output
    assert "OTHER.TEST" in kind.run("list", "alice@OTHER.TEST", status=2)


# Certificates that must not be written.

def test_certificates_of_no_use(in_kdb, world, tmp_path):
    ca = tmp_path / "ca.pem"
    ca.write_bytes(world.issuing.pem)
    assert "CA certificate" in in_kdb.run("add", "alice", ca, status=1)
    junk = tmp_path / "junk"
    junk.write_bytes(b"junk")
    in_kdb.run("add", "alice", junk, status=2)
    in_kdb.run("add", "alice", tmp_path / "missing", status=2)
    assert in_kdb.values("alice") == []


def test_an_expired_certificate_is_warned_of(in_kdb, world):
    path = in_kdb.write(world.card("alice"))
    found = in_kdb.json("add", "--at", "2090-01-01T00:00:00Z", "alice", path)
    assert found["warnings"] == ["expired"] and found["action"] == "added"


def test_forms_that_the_certificate_has_not(in_kdb, world):
    path = in_kdb.write(world.card("alice"))
    for form, why in (("rfc822", "no mail address"), ("issuer-sid", "SID")):
        assert why in in_kdb.run("add", "--form", form, "alice", path,
                                 status=1)
    in_kdb.run("add", "--form", "upn", "alice", path, status=2)


# The KDC's database.

def test_every_value_has_a_string_of_its_own(in_kdb, world):
    kdc = in_kdb.kdc
    paths = [in_kdb.write(world.card(f"card{i}"), f"c{i}") for i in range(4)]
    for path in paths[:3]:
        in_kdb.run("add", "alice", path)
    assert list(mapped(kdc.kadmin("getstrs alice"))) == [
        "altSecurityIdentities", "altSecurityIdentities.2",
        "altSecurityIdentities.3"]
    in_kdb.run("remove", "alice", paths[1])
    kdc.kadmin("setstr alice unrelated kept")
    in_kdb.run("add", "alice", paths[3])
    strings = kdc.kadmin("getstrs alice")
    assert set(mapped(strings)) == {
        "altSecurityIdentities", "altSecurityIdentities.2",
        "altSecurityIdentities.3"}
    assert "unrelated: kept" in strings
    for i in (0, 2, 3):
        assert kdc.kinit("alice", world.card(f"card{i}")).ok
    assert not kdc.kinit("alice", world.card("card1")).ok


def test_a_dry_run_is_what_kadmin_takes(in_kdb, world):
    card = world.card("alice")
    plan = in_kdb.run("add", "-n", "alice", in_kdb.write(card))
    in_kdb.kdc.kadmin(*plan.splitlines())
    assert in_kdb.kdc.kinit("alice", card).ok


def test_an_entry_that_is_full(in_kdb, world):
    for i in range(4):
        in_kdb.kdc.kadmin(f"setstr alice filler{i} {'x' * 16000}")
    in_kdb.kdc.kadmin(f"setstr alice filler5 {'x' * 1430}")
    output = in_kdb.run("add", "alice", in_kdb.write(world.card("alice")),
                        status=1)
    assert "65535 bytes" in output and "nothing was changed" in output
    assert in_kdb.values("alice") == []


def test_replicas_hear_of_it(make_kdc, world, tmp_path):
    kdc = make_kdc(start=False, realms={"CORP.TEST": profile({
        "iprop_enable": "true", "iprop_port": free_port(),
        "certmap": world.certmap()}, 2)})
    kdc.add_principals("alice")
    kind = Kind(kdc, tmp_path)
    last = re.compile(r"Last serial # : (\d+)")
    before = int(last.search(kdc.tool("kproplog", "-h"))[1])
    kind.run("add", "alice", kind.write(world.card("alice")))
    assert int(last.search(kdc.tool("kproplog", "-h"))[1]) == before + 1
    entry = kdc.tool("kproplog", "-v", "-e", "1")
    assert "Update principal : alice@CORP.TEST" in entry
    assert "String attributes" in entry or "TL data" in entry


# A directory.

def test_a_value_that_a_crowd_holds(in_ldap, world, server):
    card = world.issuing.issue("CN=crowd", rfc822="crowd@corp.test")
    path = in_ldap.write(card)
    output = in_ldap.run("add", "--form", "rfc822", "alice", path, status=1)
    assert output.count("crowd") >= 20 and "and more" in output


def test_two_entries_for_one_principal(in_ldap, world):
    path = in_ldap.write(world.card("alice"))
    output = in_ldap.run("add", TWICE, path, status=1)
    assert "uid=twice," in output and "uid=again," in output


def test_names_that_need_escaping(in_ldap, world, server):
    path = in_ldap.write(world.card("carol"))
    in_ldap.run("add", "carol", path)
    assert len(in_ldap.values("carol")) == 1
    in_ldap.run("list", "*", status=1)
    in_ldap.run("list", "a)(uid=*", status=1)


def test_a_bind_name_that_may_only_read(in_ldap, world, server):
    path = in_ldap.write(world.card("alice"))
    reader = Kind(in_ldap.kdc, in_ldap.folder)
    output = reader.run("add", "alice", path, status=1)
    assert "refuses" in output and "--bind-dn" in output
    assert reader.values("alice") == []


def test_an_entry_whose_classes_do_not_allow_it(in_ldap, world, server):
    server.add(f"dn: uid=plain,{server.suffix}\nobjectClass: account\n"
               "objectClass: krbPrincipalAux\nuid: plain\n"
               "krbPrincipalName: plain@CORP.TEST\n")
    path = in_ldap.write(world.card("alice"))
    output = in_ldap.run("add", "plain", path, status=1)
    assert "object classes do not allow" in output
    server.delete(f"uid=plain,{server.suffix}")


def test_a_server_that_is_down(in_ldap, world):
    path = in_ldap.write(world.card("alice"))
    with ldapfaults.Answering(b"") as gone:
        dead = gone.uri
    down = Kind(in_ldap.kdc, in_ldap.folder, "-H", dead)
    assert "directory-unavailable" in down.run("add", "alice", path, status=3)


class Cut(ldapfaults.Proxy):
    """Loses the connection when a change has been passed on."""

    MODIFY = b"altSecurityIdentities1"  # the name, then a set of values

    def goes_on(self, data, by_client):
        return not (by_client and self.MODIFY in data)


def test_a_connection_lost_while_writing(in_ldap, world, server, tmp_path):
    path = in_ldap.write(world.card("alice"))
    secret = tmp_path / "admin.secret"
    secret.write_text(server.admin_password)
    secret.chmod(0o600)
    with Cut(server.ldap) as proxy:
        cut = Kind(in_ldap.kdc, in_ldap.folder, "-H", proxy.uri,
                   "-D", server.admin_dn, "-y", secret)
        output = cut.run("add", "alice", path, status=3)
    assert "not known whether" in output and "map list" in output
    # It is as good as its word: asking again writes nothing twice.
    in_ldap.run("add", "alice", path)
    assert len(in_ldap.values("alice")) == 1


def test_a_schema_that_cannot_be_searched(make_kdc, world, tmp_path):
    """OpenLDAP's own msuser schema has no rules: every entry is looked at."""
    with Slapd(tmp_path / "bare", msuser_rules={},
               indexes=("objectClass eq",)) as bare:
        card = world.card("alice")
        bare.add("".join([
            accounts.account("alice"),
            *(accounts.account(f"u{i}", f"X509:<SKI>{i:08x}")
              for i in range(CROWD)),
            accounts.account("bob", card.mappings()["issuer-serial"])]))
        kdc = make_kdc(start=False, realms={"CORP.TEST": world.certmap(
            **accounts.reader(tmp_path, bare))})
        kind = Kind(kdc, tmp_path, "-H", bare.ldapi, "-Y", "EXTERNAL")
        output = kind.run("add", "alice", kind.write(card), status=1)
        assert f"uid=bob,{bare.suffix}" in output


# An LDIF file.

def test_a_file_is_only_read(make_kdc, world, tmp_path):
    ldif = tmp_path / "accounts.ldif"
    text = accounts.account("alice") + accounts.account("bob")
    ldif.write_text(text)
    kdc = make_kdc(start=False, realms={"CORP.TEST": world.certmap(
        directory=f"ldif:{ldif}", ldap={"schema": "mit"})})
    kind = Kind(kdc, tmp_path)
    path = kind.write(world.card("alice"))
    assert "only read" in kind.run("add", "alice", path, status=2)
    assert "changetype: modify" in kind.run("add", "-n", "alice", path)
    assert ldif.read_text() == text
