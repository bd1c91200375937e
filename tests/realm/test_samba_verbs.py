"""certmap's writing and auditing verbs on the real Active Directory schema."""

import base64

import pytest

import accounts
import sambadc
from administering import (PEOPLE, Administrator, ByList, Place, Verbs, issue,
                           values_of)
from keeper import USER
from realm import COMMAND
from sambadc import Samba
from slapd import Authority
from test_samba import NTAUTH, READER, READER_PASSWORD, REALM, user

pytestmark = [
    pytest.mark.skipif(bool(sambadc.MISSING), reason=str(sambadc.MISSING)),
    pytest.mark.skipif(not COMMAND, reason="this build has no command")]

ODD = f"CN=Mü\\, \\\"odd\\\",{Samba.users}"


def upn(name):
    return f"{name}@ad.test"


def dn(name):
    return f"CN={name},{Samba.users}"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    secret = base64.b64encode(
        f'"{READER_PASSWORD}"'.encode("utf-16-le")).decode()
    with Samba(tmp_path_factory.mktemp("samba"),
               Authority("Directory CA")) as one:
        one.add(user("kdc", f"unicodePwd:: {secret}", control=0x200)
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
        odd_dn=ODD, odd_values=odd_values)
    yield one
    one.clear()


@pytest.fixture(scope="module")
def cards(world):
    return issue(world, Place(upn=upn))


class TestVerbs(Verbs):
    """All of them."""
