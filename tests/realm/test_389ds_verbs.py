"""certmap's writing and auditing verbs on a 389 Directory Server."""

import re

import pytest

import accounts
import ds389
from administering import (PEOPLE, Administrator, ByList, Place, Verbs, issue,
                           values_of)
from ds389 import KERBEROS_SCHEMA, Ds389
from realm import COMMAND
from test_389ds import (READER, READER_PASSWORD, REALM, SUFFIX, containers,
                        dn, load_material, person)

pytestmark = [
    pytest.mark.skipif(bool(ds389.MISSING), reason=str(ds389.MISSING)),
    pytest.mark.skipif(not KERBEROS_SCHEMA.exists(),
                       reason="not installed: krb5-kdc-ldap"),
    pytest.mark.skipif(not COMMAND, reason="this build has no command")]

NTAUTH = (f"CN=NTAuthCertificates,CN=Public Key Services,CN=Services,"
          f"CN=Configuration,{SUFFIX}")

ODD = f"uid=od\\, d+cn=Jörg,{SUFFIX}"


def upn(name):
    return f"{name}@corp.test"


@pytest.fixture(scope="module")
def server(tmp_path_factory, source):
    with Ds389(tmp_path_factory.mktemp("389")) as one:
        load_material(one, source / "examples" / "389ds")
        one.modify("".join(person(name, f"userPrincipalName: {upn(name)}")
                           for name in PEOPLE)
                   + person("odd").replace(
                       f"dn: {dn('odd')}\n", f"dn: {ODD}\n").replace(
                       "uid: odd\n", "uid: od, d\ncn: Jörg\n"))
        yield one


@pytest.fixture
def place(server, world, make_kdc, tmp_path):
    def settings(name, bind_dn, password):
        (tmp_path / name).mkdir()
        return accounts.settings(tmp_path / name, server.ldapi,
                                 bind_dn=bind_dn, password=password)

    def values():
        told = server.search("(altSecurityIdentities=*)",
                             "altSecurityIdentities")
        return values_of(told, map(dn, PEOPLE))

    def odd_values():
        told = server.search("(cn=odd)", "altSecurityIdentities")
        return {line.split(": ", 1)[1] for line in told.splitlines()
                if line.startswith("altSecurityIdentities")}

    def remove_ntauth():
        told = server.search("(cn=Configuration)", "dn")
        if told.strip():
            server.tool("ldapdelete", "-r", f"CN=Configuration,{SUFFIX}")

    own = settings("reader", READER, READER_PASSWORD)
    kdc = make_kdc(realms={REALM: world.certmap(**own)})
    kdc.add_principals(*PEOPLE)

    by_list = ByList(kdc, world, tmp_path / "store", own)
    one = Place(
        admin=Administrator(tmp_path / "as-admin", world, REALM, **settings(
            "admin", server.admin_dn, server.admin_password)),
        reader=Administrator(tmp_path / "as-reader", world, REALM, **own),
        login=kdc.kinit, login_by_list=by_list, dn=dn, modify=server.modify,
        values=values, upn=upn, remove_ntauth=remove_ntauth,
        odd_dn=ODD, odd_values=odd_values,
        certificate="userCertificate;binary")
    yield one
    one.clear()


@pytest.fixture(scope="module")
def cards(world):
    return issue(world, Place(upn=upn))


# examples/389ds/README.md


@pytest.fixture
def card_office(server, source, tmp_path):
    """Its rule, and somebody who works there."""
    text = (source / "examples/389ds/README.md").read_text()
    rules = re.findall(r"^ {6}aci: .*(?:\n {7}.*)*", text, re.M)
    assert rules
    clerk, group = f"cn=clerk,{SUFFIX}", f"cn=card office,ou=groups,{SUFFIX}"
    server.modify(
        f"dn: {clerk}\nobjectClass: person\ncn: clerk\nsn: clerk\n"
        f"userPassword: clerk-secret\n\ndn: ou=groups,{SUFFIX}\n"
        f"objectClass: organizationalUnit\nou: groups\n\ndn: {group}\n"
        f"objectClass: groupOfNames\ncn: card office\nmember: {clerk}\n\n"
        f"dn: {SUFFIX}\nchangetype: modify\nadd: aci\n"
        + re.sub(r"^ {6}", "", "\n".join(rules), flags=re.M) + "\n")
    (tmp_path / "clerk").mkdir()
    return accounts.settings(tmp_path / "clerk", server.ldapi, bind_dn=clerk,
                             password="clerk-secret")


def test_card_office(place, card_office, cards, world, tmp_path):
    clerk = Administrator(tmp_path / "as-clerk", world, REALM, **card_office)
    path = cards["alice"].write(tmp_path, "card")[0]
    clerk.run("map", "add", "alice", path)
    assert place.login("alice", cards["alice"]).ok
    clerk.run("map", "remove", "alice", path)
    report, _ = clerk.apply("--csv", Verbs().csv(cards, tmp_path / "in.csv"))
    assert report["written"] == 3
    assert place.values() == place.wanted(cards)


class TestVerbs(Verbs):
    """All of them."""
