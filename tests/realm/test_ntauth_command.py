"""certmap ntauth: the list of CAs in files and in the directory."""

import base64

import pytest

from keeper import Keeper
from ldapfaults import Proxy, operation
from realm import COMMAND
from slapd import Authority, Slapd

pytestmark = pytest.mark.skipif(not COMMAND,
                                reason="this build has no certmap")

SUFFIX = "dc=example,dc=com"
PARENTS = "CN=Public Key Services,CN=Services,CN=Configuration"
OBJECT = f"CN=NTAuthCertificates,{PARENTS},{SUFFIX}"


class Forgetful(Proxy):
    """Passes everything on until a change is asked for.  Then it lets
    `before` happen first; without one, the answer never comes."""

    MODIFY = 0x66

    def __init__(self, target, before=None):
        super().__init__(target)
        self.before = before

    def pass_on(self, data, by_client):
        if (by_client and self.before is not None
                and operation(data) == self.MODIFY):
            self.before()
        return data

    def goes_on(self, data, by_client):
        return self.before is not None or not (
            by_client and operation(data) == self.MODIFY)


@pytest.fixture
def slapd(tmp_path):
    with Slapd(tmp_path / "slapd", Authority("Directory CA")) as one:
        yield one


@pytest.fixture
def files(tmp_path, world):
    folder = tmp_path / "ntauth"
    folder.mkdir()
    (folder / "issuing.pem").write_bytes(world.issuing.pem)
    return folder


@pytest.fixture
def keeper(tmp_path, world, slapd, files):
    """The realm reads by the KDC's own account; administrators write as
    themselves, over ldapi."""
    secret = tmp_path / "secret"
    secret.write_text(slapd.reader_password)
    secret.chmod(0o600)
    return Keeper(tmp_path / "keeper", world, ntauth=f"DIR:{files}",
                  directory="ldap", ldap={
                      "uri": slapd.ldaps, "base": SUFFIX, "schema": "mit",
                      "bind_dn": slapd.reader_dn, "password_file": secret,
                      "ca_file": slapd.ca_file})


@pytest.fixture
def ntauth(keeper, slapd):
    def run(action, *arguments, status=0, reader=False, json_wanted=True):
        own = () if reader else ("-H", slapd.ldapi, "-Y", "EXTERNAL")
        done = keeper.run("ntauth", action, *arguments, *own,
                          *(("--json",) if json_wanted else ()))
        assert done.returncode == status, done.stdout + done.stderr
        return done
    return run


@pytest.fixture
def pem(tmp_path):
    def write(identity):
        path = tmp_path / f"{identity.spki_sha256[:8]}.pem"
        path.write_bytes(identity.pem)
        return path
    return write


def listed(ntauth, status=0):
    done = ntauth("list", "--directory", status=status)
    return {row["spki_sha256"] for row in done.json["certificates"]}


def test_files_of_the_realm(ntauth, keeper, world, pem, files):
    done = ntauth("add", pem(world.web), reader=True)
    assert [row["spki_sha256"] for row in done.json["added"]] == [
        world.web.spki_sha256]
    assert len(list(files.iterdir())) == 2
    assert done.json["place"] == f"DIR:{files}"
    done = ntauth("remove", pem(world.issuing), reader=True)
    assert done.json["applied"] and not (files / "issuing.pem").exists()
    # What the KDC reads is what was written.
    done = keeper.run("check", "--json")
    assert not [row for row in done.json
                if row["token"] == "ntauth-unusable"], done.stdout


def test_object_is_made_with_what_is_above_it(ntauth, world, pem):
    done = ntauth("list", "--directory", status=1)
    assert done.json["certificates"] == []
    done = ntauth("add", "--directory", "-n", pem(world.issuing))
    parents = PARENTS.split(",")
    assert done.json["created"] == [
        ",".join((*parents[-depth:], SUFFIX)) for depth in (1, 2, 3)
    ] + [OBJECT]
    assert not done.json["applied"] and listed(ntauth, 1) == set()
    done = ntauth("add", "--directory", pem(world.issuing))
    assert done.json["applied"] and len(done.json["created"]) == 4
    assert listed(ntauth) == {world.issuing.spki_sha256}
    # Once more: nothing to do.
    done = ntauth("add", "--directory", pem(world.issuing))
    assert not done.json["added"] and len(done.json["kept"]) == 1


def test_mirrored_afterwards(ntauth, keeper, world, pem):
    """What this command writes is what refresh reads."""
    ntauth("add", "--directory", pem(world.issuing))
    keeper.relations["ntauth"] = "ldap"
    keeper.write()
    keeper.refresh()
    path = keeper.store / "ntauth" / "NTAuthCertificates.pem"
    assert path.read_bytes().count(b"BEGIN CERTIFICATE") == 1


def test_remove(ntauth, world, pem):
    ntauth("add", "--directory", pem(world.issuing), pem(world.web))
    ntauth("remove", "--directory", "--fingerprint", world.web.spki_sha256)
    assert listed(ntauth) == {world.issuing.spki_sha256}
    done = ntauth("remove", "--directory", pem(world.issuing), status=1)
    assert "EVERY smart-card login" in done.stderr
    assert listed(ntauth) == {world.issuing.spki_sha256}
    ntauth("remove", "--directory", pem(world.issuing), "--yes")
    assert listed(ntauth, 1) == set()
    # The object stays, and takes values again.
    done = ntauth("add", "--directory", pem(world.web))
    assert done.json["created"] == []


def test_publish(ntauth, world, pem):
    ntauth("add", "--directory", pem(world.web))
    done = ntauth("publish", "-n")
    assert [row["spki_sha256"] for row in done.json["added"]] == [
        world.issuing.spki_sha256]
    assert "--prune removes it" in done.stderr
    ntauth("publish")
    assert listed(ntauth) == {world.issuing.spki_sha256,
                              world.web.spki_sha256}
    done = ntauth("publish", "--prune")
    assert len(done.json["removed"]) == 1
    assert listed(ntauth) == {world.issuing.spki_sha256}
    shown = ntauth("publish", json_wanted=False).stdout
    assert "Nothing is to be changed" in shown


def test_publish_needs_files(ntauth, keeper, files):
    keeper.relations["ntauth"] = "ldap"
    keeper.write()
    assert "--list" in ntauth("publish", status=2).stderr
    ntauth("publish", "--list", files)
    assert len(listed(ntauth)) == 1


def test_no_rights(ntauth, world, pem):
    """The KDC's own account reads, and writes nothing."""
    done = ntauth("add", "--directory", pem(world.issuing), reader=True,
                  status=1)
    assert "nsufficient access" in done.stderr
    assert not done.json["applied"]
    assert listed(ntauth, 1) == set()


def test_no_such_place(ntauth, keeper, world, pem):
    """Only what is named by cn or ou is made."""
    keeper.relations["ntauth"] = "ldap"
    keeper.relations["ldap"]["ntauth_dn"] = f"cn=list,o=other,{SUFFIX}"
    keeper.write()
    done = ntauth("add", "--directory", pem(world.issuing), status=1)
    assert "create it first" in done.stderr


def test_unreachable(ntauth, slapd, world, pem):
    slapd.stop()
    done = ntauth("add", "--directory", pem(world.issuing), status=3)
    assert "ldapi" in done.stderr
    slapd.start()
    assert listed(ntauth, 1) == set()


def test_answer_is_lost(ntauth, keeper, slapd, world, pem):
    """Whether it was written is not known, and that is said."""
    ntauth("add", "--directory", pem(world.web))
    with Forgetful(slapd.ldap) as proxy:
        done = keeper.run("ntauth", "add", "--directory", "--json",
                          pem(world.issuing), "-H", proxy.uri, "-D",
                          slapd.admin_dn, "-y", admin_secret(keeper, slapd))
    assert done.returncode == 3, done.stdout + done.stderr
    assert "may have been written or not" in done.stderr
    assert not done.json["applied"]
    assert listed(ntauth) >= {world.web.spki_sha256}


def admin_secret(keeper, slapd):
    path = keeper.folder / "admin"
    path.write_text(slapd.admin_password)
    path.chmod(0o600)
    return path


def test_edited_meanwhile(ntauth, keeper, slapd, world, pem):
    """Somebody else adds the same value between the look and the change."""
    ntauth("add", "--directory", pem(world.web))
    value = base64.b64encode(world.issuing.der).decode()
    change = (f"dn: {OBJECT}\nchangetype: modify\n"
              f"add: cACertificate;binary\ncACertificate;binary:: {value}\n")
    with Forgetful(slapd.ldap, before=lambda: slapd.modify(change)) as proxy:
        done = keeper.run("ntauth", "add", "--directory", "--json",
                          pem(world.issuing), "-H", proxy.uri, "-D",
                          slapd.admin_dn, "-y", admin_secret(keeper, slapd))
    assert done.returncode == 1, done.stdout + done.stderr
    assert "meanwhile" in done.stderr and not done.json["applied"]
    assert len(listed(ntauth)) == 2


def test_needs_a_directory(keeper, ntauth):
    keeper.relations.update(directory="kdb", ldap=None)
    keeper.write()
    done = ntauth("list", "--directory", status=2, reader=True)
    assert "directory = ldap" in done.stderr


def test_certificate_that_fits_not(ntauth, world, pem):
    done = ntauth("add", "--directory", pem(world.card("alice")), status=1)
    assert "not a CA certificate" in done.stderr
    assert listed(ntauth, 1) == set()
