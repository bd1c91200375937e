"""A realm whose KDB module is ours, on top of the one that has the data."""

from pathlib import Path

import accounts
import realm
import replies
from slapd import Slapd

REALM = "CORP.TEST"
ENTERPRISE, X500 = 10, 6
PLUGINS = [path.parent for path in
           Path("/usr/lib").glob("*/krb5/plugins/kdb/db2.so")]
INNER = ("db2", "klmdb", "kldap")


def missing(inner):
    """Why this inner module cannot be tested here, or None."""
    if inner == "kldap" and realm.PRELOAD:
        return "kdb5_ldap_util waits for ever under the sanitizer's runtime"
    if any((folder / f"{inner}.so").exists() for folder in PLUGINS):
        return None
    return f"krb5's KDB module {inner} is not installed"


class Stack:
    """One realm on one inner module, with its accounts in an LDIF file."""

    def __init__(self, folder, world, inner="db2", workers=0, plugins=None,
                 stacked=True, **relations):
        self.folder, self.world = Path(folder), world
        self.folder.mkdir(parents=True, exist_ok=True)
        self.ldif = self.folder / "accounts.ldif"
        self.ldif.write_text("")
        self._slapd = None
        modules = None
        if inner == "kldap":
            self._slapd = Slapd(self.folder / "slapd")
            self._slapd.start()
            modules = {REALM: self._kldap()}
        elif inner != "db2":
            modules = {REALM: {"db_library": inner, "database_name":
                               self.folder / "principal"}}
        given = {"directory": f"ldif:{self.ldif}", "ldap": {"schema": "mit"}}
        given.update(relations)
        self.kdc = realm.Kdc(
            self.folder / "kdc", world, workers=workers, modules=modules,
            plugins=plugins, stacked=stacked,
            realms={REALM: world.certmap(**given)})

    def _kldap(self):
        slapd = self._slapd
        stash = self.folder / "service.stash"
        secret = slapd.admin_password.encode().hex()
        stash.write_text(f"{slapd.admin_dn}#{{HEX}}{secret}\n")
        stash.chmod(0o600)
        return {
            "db_library": "kldap", "ldap_servers": slapd.ldapi,
            "ldap_kerberos_container_dn": f"cn=krb5,{accounts.SUFFIX}",
            "ldap_kdc_dn": slapd.admin_dn, "ldap_kadmind_dn": slapd.admin_dn,
            "ldap_service_password_file": stash}

    def create(self):
        if self._slapd is None:
            self.kdc.create_database()
            return
        slapd = self._slapd
        self.kdc.tool(
            "kdb5_ldap_util", "-D", slapd.admin_dn, "-w",
            slapd.admin_password, "-H", slapd.ldapi, "create", "-r", REALM,
            "-s", "-P", "master", "-subtrees", accounts.SUFFIX)

    def __enter__(self):
        try:
            self.create()
            self.kdc.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.kdc.stop()
        if self._slapd is not None:
            self._slapd.stop()

    def accounts(self, *entries):
        """What the directory holds from now on: a new file in its place."""
        new = self.ldif.with_suffix(".new")
        new.write_text("".join(entries))
        new.rename(self.ldif)

    def furnish(self):
        """Cards of alice and bob, who have accounts; paul has a password."""
        self.kdc.add_principals("alice", "bob")
        self.kdc.add_password("paul")
        self.card, self.other = self.world.card("alice"), self.world.card("bob")
        self.maps = self.card.mappings()
        self.alice = accounts.account(
            "alice", self.maps["ski"], self.maps["issuer-serial"],
            userPrincipalName="a.smith@mail.test")
        self.bob = accounts.account("bob", self.other.mappings()["ski"])
        self.accounts(self.alice, self.bob, accounts.account("paul"))
        return self

    def login(self, kind, name, identity=None, canonicalize=True):
        """name_login; returns (what it prints, the KDC's replies)."""
        return replies.login(self.kdc, name, identity, kind, canonicalize)

    def strings(self, name):
        return self.kdc.tool("kadmin.local", "-r", REALM, "-q",
                             f"getprinc {name}")
