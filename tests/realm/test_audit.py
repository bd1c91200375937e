"""certmap audit of real directories: slapd, LDIF, and the KDC's database."""

import hashlib
import json
import os
import stat

import ldapfaults
import pytest
from auditing import Accounts, Audit, found, turned
from realm import COMMAND
from revocation import Publisher, refresh
from slapd import Slapd

pytestmark = pytest.mark.skipif(not COMMAND, reason="this build has no command")
CROWD = 1230  # two pages and a part of a third


@pytest.fixture(scope="module")
def accounts(world):
    return Accounts(world)


@pytest.fixture(scope="module")
def server(tmp_path_factory, accounts):
    slapd = Slapd(tmp_path_factory.mktemp("slapd"))
    slapd.load(accounts.ldif())
    with slapd:
        yield slapd


def ldap(slapd, uri=None, folder=None):
    settings = {"uri": uri or slapd.ldapi, "base": slapd.suffix,
                "schema": "mit"}
    if folder is None:
        settings["sasl_mech"] = "EXTERNAL"
    else:
        secret = folder / "reader.secret"
        secret.touch(mode=0o600)
        secret.write_text(slapd.reader_password)
        settings.update(bind_dn=slapd.reader_dn, password_file=secret)
    return {"directory": "ldap", "ldap": settings}


@pytest.fixture
def store(tmp_path, world, accounts):
    """A store that knows a revocation, and a card that logged in."""
    folder = tmp_path / "store"
    folder.mkdir(mode=0o755)
    publisher = Publisher(world.issuing)
    publisher.revoke(accounts.cards["revoked"])
    incoming = folder / "incoming"
    incoming.mkdir(mode=0o755)
    (incoming / "a.crl").write_bytes(publisher.crl())
    return folder


def see(folder, card):
    name = hashlib.sha256(card.der).hexdigest()
    place = folder / "seen" / name[:2]
    place.mkdir(mode=0o755, parents=True)
    (place / f"{name}.der").write_bytes(card.der)


@pytest.fixture(params=["ldap", "ldif"])
def audit(request, tmp_path, world, accounts, server, store):
    if request.param == "ldap":
        relations = ldap(server)
    else:
        (tmp_path / "all.ldif").write_text(accounts.ldif())
        relations = {"directory": f"ldif:{tmp_path / 'all.ldif'}",
                     "ldap": {"schema": "mit"}}
    made = Audit(tmp_path, world, revocation="soft", store=store, **relations)
    refresh(made.kdc)
    return made


def test_every_kind_is_found(audit, accounts):
    report = audit.json()
    assert found(report) == accounts.expected
    assert report["complete"] and report["incomplete_why"] is None
    assert not audit.errors
    for one in report["findings"]:
        if "uid=turned" in one["account"]:
            assert one["meant"] == accounts.value("turned")
        if one["kind"] == "shared":
            assert "uid=again" in one["detail"]


def test_counts_add_up(audit, accounts):
    report = audit.json()
    values = sum(map(len, accounts.mappings().values()))
    assert report["values"]["certificate"] == values
    assert sum(report["values"]["forms"].values()) == values
    listed = {}
    for one in report["findings"]:
        listed[one["kind"]] = listed.get(one["kind"], 0) + 1
    assert {kind: count for kind, count in report["counts"].items()
            if count} == listed
    people = report["accounts"]
    assert people["strong"] + people["weak"] + people["none"] + people[
        "disabled"] == len(accounts.mappings())
    ends = report["certificates"]
    assert sum(ends["end"].values()) + ends["later"] + ends[
        "expired"] == ends["known"] == 3


def test_a_card_that_logged_in_is_known(audit, accounts, store):
    before = audit.json()["certificates"]["known"]
    see(store, accounts.cards["seen"])
    report = audit.json()
    assert report["certificates"]["known"] == before + 1
    assert "seen" not in found(report).get("reversed-order", ())


def test_what_a_card_that_logged_in_tells_of_a_mistake(
        tmp_path, world, accounts, store):
    see(store, accounts.cards["seen"])
    text = accounts.entry("seen", [turned(accounts.value("seen"))])
    (tmp_path / "one.ldif").write_text(text)
    made = Audit(tmp_path, world, store=store, ldap={"schema": "mit"},
                 directory=f"ldif:{tmp_path / 'one.ldif'}")
    one, = made.json()["findings"]
    assert (one["kind"], one["meant"]) == (
        "reversed-order", accounts.value("seen"))


def test_people_read_it(audit):
    text = audit.run()
    assert "17 accounts, 16 mapping values" in text
    assert "uid=turned,dc=example,dc=com" in text and "meant: X509:" in text
    assert "INCOMPLETE" not in text
    assert "Corp CA 1" in text and "ntauth" in text


def test_the_page_is_its_owners(audit):
    page = audit.folder / "page.html"
    audit.run("--html", page)
    assert stat.S_IMODE(os.stat(page).st_mode) == 0o600
    assert not [name for name in os.listdir(audit.folder)
                if name.startswith(".certmap")]


def test_severity_decides_the_exit_status(tmp_path, world):
    path = tmp_path / "one.ldif"
    path.write_text("dn: uid=a\nkrbPrincipalName: a@CORP.TEST\n")
    made = Audit(tmp_path, world, directory=f"ldif:{path}",
                 ldap={"schema": "mit"})
    made.run(status=0)
    made.run("--severity", "note", status=1)


@pytest.mark.parametrize("entry,kinds", [
    ("\n".join(f"altSecurityIdentities: X509:<SKI>{i:08x}"
               for i in range(20001)), {"unreadable": 1}),
    ("altSecurityIdentities: X509:<SKI>" + "0" * 1000000 + "\n"
     "altSecurityIdentities: X509:<SKI>" + "0" * 2000000, {"malformed": 2}),
    ("altSecurityIdentities: X509:<SKI>00\n"
     "userPrincipalName: " + "a" * 2000000 + "@b", {"upn-faulty": 1}),
    ("altSecurityIdentities: X509:<SKI>00\n"
     "userCertificate;binary:: AAAA", {}),
    ("altSecurityIdentities:: " + "/w" * 3000, {"no-mapping": 1}),
])
def test_what_is_too_large_or_no_certificate(tmp_path, world, entry, kinds):
    path = tmp_path / "one.ldif"
    path.write_text(f"dn: uid=a\nkrbPrincipalName: a@CORP.TEST\n{entry}\n")
    made = Audit(tmp_path, world, directory=f"ldif:{path}",
                 ldap={"schema": "mit"})
    report = made.json("--html", tmp_path / "page.html", status=int(
        any(kind != "no-mapping" for kind in kinds)))
    assert {kind: count for kind, count in report["counts"].items()
            if count} == kinds
    assert (tmp_path / "page.html").stat().st_size < 100000


def test_an_account_whose_name_is_too_long(tmp_path, world):
    path = tmp_path / "one.ldif"
    path.write_text(f"dn: uid={'a' * 1500000}\n"
                    "krbPrincipalName: a@CORP.TEST\n"
                    "altSecurityIdentities: X509:<SKI>00\n")
    made = Audit(tmp_path, world, directory=f"ldif:{path}",
                 ldap={"schema": "mit"})
    one, = made.json()["findings"]
    assert one["kind"] == "unreadable" and len(one["account"]) < 5000


# A sweep that was cut short.

def crowd(slapd):
    return "\n".join(
        f"dn: uid=u{i},{slapd.suffix}\nobjectClass: account\n"
        f"objectClass: certmapTestAccount\nuid: u{i}\n"
        f"altSecurityIdentities: X509:<SKI>{i:08x}\n" for i in range(CROWD))


def test_a_servers_limit_never_looks_whole(tmp_path, world):
    slapd = Slapd(tmp_path / "limited",
                  limits="size.pr=unlimited size.prtotal=700")
    slapd.load(crowd(slapd))
    with slapd:
        relations = ldap(slapd, slapd.ldap, tmp_path)
        relations["ldap"]["schema"] = "posix"
        made = Audit(tmp_path, world, **relations)
        report = made.json("--html", tmp_path / "page.html", status=3)
    assert not report["complete"] and "limits" in report["incomplete_why"]
    assert report["accounts"]["read"] <= 700
    assert "not all accounts could be read" in made.errors
    assert "Incomplete: not all" in (tmp_path / "page.html").read_text()


def test_a_lost_connection_never_looks_whole(tmp_path, world):
    slapd = Slapd(tmp_path / "slapd")
    slapd.load(crowd(slapd))
    with slapd, ldapfaults.Proxy(slapd.ldap) as proxy:
        proxy.limit = 60000
        relations = ldap(slapd, proxy.uri, tmp_path)
        relations["ldap"]["schema"] = "posix"
        made = Audit(tmp_path, world, **relations)
        text = made.run(status=3)
    assert text.splitlines()[1].startswith("INCOMPLETE: ")


# The KDC's database.

def test_the_kdcs_database(make_kdc, world, accounts):
    kdc = make_kdc()
    kdc.add_principals("alice", "bob", "carol", "eve", "host/pc")
    card = world.card("alice")
    kdc.set_mappings("alice", card.mappings()["issuer-serial"], "X509:<SR>01")
    kdc.set_mappings("bob", card.mappings()["issuer-serial"])
    kdc.set_mappings("eve", card.mappings()["ski"])
    kdc.kadmin("modprinc -allow_tix eve",
               "setstr bob userPrincipalName carol@corp.test")
    code, output = kdc.certmap("audit", "--json")
    assert code == 1, output
    report = json.loads(output)
    kinds = found(report)
    assert kinds["malformed"] == {"alice"}
    assert kinds["shared"] == {"alice"} or kinds["shared"] == {"bob"}
    assert kinds["disabled"] == {"eve"}
    assert kinds["upn-conflict"] == {"bob"}
    assert "carol" in kinds["no-mapping"]
    assert not any(name.startswith(("host", "krbtgt", "kadmin"))
                   for name in kinds["no-mapping"])
