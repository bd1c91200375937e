"""certmap's writing and auditing verbs on a 389 Directory Server."""

import pytest

import accounts
import ds389
from administering import (PEOPLE, Administrator, ByList, Place, Verbs, issue,
                           values_of)
from ds389 import KERBEROS_SCHEMA, Ds389
from keeper import USER
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


def upn(name):
    return f"{name}@corp.test"


@pytest.fixture(scope="module")
def server(tmp_path_factory, source):
    with Ds389(tmp_path_factory.mktemp("389")) as one:
        load_material(one, source / "examples" / "389ds")
        one.modify("".join(person(name, f"userPrincipalName: {upn(name)}")
                           for name in PEOPLE))
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

    def remove_ntauth():
        told = server.search("(cn=Configuration)", "dn")
        if told.strip():
            server.tool("ldapdelete", "-r", f"CN=Configuration,{SUFFIX}")

    own = settings("reader", READER, READER_PASSWORD)
    kdc = make_kdc(realms={REALM: world.certmap(**own)})
    kdc.add_principals(*PEOPLE)

    def by_list(name, card):
        (tmp_path / "store").mkdir(mode=0o755, exist_ok=True)
        kdc.realms[REALM] = world.certmap(
            **own, ntauth="ldap", store=tmp_path / "store")
        kdc.restart()
        return ByList(kdc, USER)(name, card)

    one = Place(
        admin=Administrator(tmp_path / "as-admin", world, REALM, **settings(
            "admin", server.admin_dn, server.admin_password)),
        reader=Administrator(tmp_path / "as-reader", world, REALM, **own),
        login=kdc.kinit, login_by_list=by_list, dn=dn, modify=server.modify,
        values=values, upn=upn, remove_ntauth=remove_ntauth,
        certificate="userCertificate;binary")
    yield one
    one.clear()


@pytest.fixture(scope="module")
def cards(world):
    return issue(world, Place(upn=upn))


class TestVerbs(Verbs):
    """All of them."""
