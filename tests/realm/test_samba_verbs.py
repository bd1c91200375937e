"""certmap's writing and auditing verbs on the real Active Directory schema."""

import base64

import pytest

import accounts
import sambadc
from administering import (PEOPLE, Administrator, ByList, Place, Verbs, issue,
                           values_of)
from realm import COMMAND
from sambadc import Samba
from slapd import Authority
from test_samba import (COMPUTER, NTAUTH, READER, READER_PASSWORD, REALM,
                        user)

pytestmark = [
    pytest.mark.skipif(bool(sambadc.MISSING), reason=str(sambadc.MISSING)),
    pytest.mark.skipif(not COMMAND, reason="this build has no command")]

ODD = f"CN=Mü\\, \\\"odd\\\",{Samba.users}"

SECRET = base64.b64encode(
    f'"{READER_PASSWORD}"'.encode("utf-16-le")).decode()
#: schemaIDGUID of altSecurityIdentities, [MS-ADA1] 2.61.
MAPPINGS_GUID = "00fbf30c-91fe-11d1-aebc-0000f80367c1"
CROWD = 510  # more than a page


def upn(name):
    return f"{name}@ad.test"


def dn(name):
    return f"CN={name},{Samba.users}"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Samba(tmp_path_factory.mktemp("samba"),
               Authority("Directory CA")) as one:
        one.add(user("kdc", f"unicodePwd:: {SECRET}", control=0x200)
                + "".join(user(name, f"userPrincipalName: {upn(name)}")
                          for name in PEOPLE)
                + user("odd").replace(f"dn: {dn('odd')}\n", f"dn: {ODD}\n"))
        yield one


@pytest.fixture
def place(server, world, make_kdc, tmp_path):
    def settings(name, bind_dn, password):
        (tmp_path / name).mkdir()
        return accounts.settings(
            tmp_path / name, server.ldapi, bind_dn=bind_dn,
            password=password, base=server.suffix, schema="ad")

    def values():
        told = "".join(server.search(
            dn(name), "-o", "ldif-wrap=no", "(objectClass=*)",
            "altSecurityIdentities") for name in PEOPLE)
        return values_of(told, map(dn, PEOPLE))

    def odd_values():
        told = server.search(ODD, "-o", "ldif-wrap=no", "(objectClass=*)",
                             "altSecurityIdentities")
        return {line.split(": ", 1)[1] for line in told.splitlines()
                if line.startswith("altSecurityIdentities")}

    def remove_ntauth():
        if server.search(NTAUTH):
            server.modify(f"dn: {NTAUTH}\nchangetype: delete\n")

    own = settings("reader", READER, READER_PASSWORD)
    kdc = make_kdc(realms={REALM: world.certmap(**own)})
    kdc.add_principals(*PEOPLE)

    by_list = ByList(kdc, world, tmp_path / "store", own)
    one = Place(
        admin=Administrator(tmp_path / "as-admin", world, REALM, **settings(
            "admin", server.admin_dn, server.admin_password)),
        reader=Administrator(tmp_path / "as-reader", world, REALM, **own),
        kdc=kdc, login=kdc.kinit, login_by_list=by_list, dn=dn, modify=server.modify,
        values=values, upn=upn, remove_ntauth=remove_ntauth,
        odd_dn=ODD, odd_values=odd_values)
    yield one
    one.clear()


@pytest.fixture(scope="module")
def cards(world):
    return issue(world, Place(upn=upn))


# What only Active Directory has.


def test_computer(place, world, server, tmp_path):
    """Its account is named with a $, and it maps like any other."""
    server.add(user("ws1$", control=COMPUTER, kind="computer"))
    card = world.issuing.issue("CN=ws1", key_kind="ec")
    path = card.write(tmp_path, "card")[0]
    place.admin.run("map", "add", "ws1", path, status=1)
    found = place.admin.json("map", "add", "ws1$", path)
    assert found["after"] == [card.mappings()["issuer-serial"]]
    place.kdc.add_principals("ws1$")
    assert place.login("ws1$", card).ok
    place.admin.run("map", "remove", "ws1$", path)


def test_delegated(place, cards, world, server, tmp_path):
    """Who is given this one attribute of one container's users, no more."""
    server.add(user("clerk", f"unicodePwd:: {SECRET}", control=0x200))
    sid = server.run("ldbsearch", "-H", server.database,
                     "(sAMAccountName=clerk)", "objectSid").split(
                         "objectSid: ")[1].split()[0]
    server.run("samba-tool", "dsacl", "set", "-H", server.ldapi,
               f"--simple-bind-dn={server.admin_dn}",
               f"--password={server.admin_password}",
               f"--objectdn={dn('alice')}", "--action=allow",
               f"--sddl=(OA;;WP;{MAPPINGS_GUID};;{sid})")
    (tmp_path / "clerk").mkdir()
    clerk = Administrator(
        tmp_path / "as-clerk", world, REALM, **accounts.settings(
            tmp_path / "clerk", server.ldapi, bind_dn=dn("clerk"),
            password=READER_PASSWORD, base=server.suffix, schema="ad"))
    report, _ = clerk.apply("--csv", Verbs().csv(cards, tmp_path / "in.csv"),
                            status=1)
    assert report["written"] == 1
    assert sorted(one["what"] for one in report["problems"]) == [
        dn("bob"), dn("carol")]
    assert place.login("alice", cards["alice"]).ok


def test_pages_and_references(place, world, server, tmp_path):
    """Each page ends with references to other partitions."""
    names = [f"crowd{i}" for i in range(CROWD)]
    server.add("".join(map(user, names)))
    crowd = {name: world.issuing.issue(f"CN={name}", key_kind="ec",
                                       slot="crowd") for name in names}
    path = Verbs().csv(crowd, tmp_path / "in.csv")
    report, undo = place.admin.apply("--csv", path)
    assert report["written"] == CROWD, report["counts"]
    audit = place.admin.json("audit", status=0)
    assert audit["complete"] and audit["accounts"]["strong"] == CROWD
    place.modify(undo.read_text())
    plan = place.admin.json("populate", "--csv", path)
    assert (plan["planned"], plan["unchanged"]) == (CROWD, 0)


class TestVerbs(Verbs):
    """All of them."""
