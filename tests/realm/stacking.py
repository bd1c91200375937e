"""A realm whose KDB module is ours, on top of the one that has the data."""

from pathlib import Path

import accounts
import realm
import replies

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
        given = {"directory": f"ldif:{self.ldif}", "ldap": {"schema": "mit"}}
        given.update(relations)
        self.kdc = realm.Kdc(
            self.folder / "kdc", world, workers=workers, inner=inner,
            plugins=plugins, stacked=stacked,
            realms={REALM: world.certmap(**given)})

    def __enter__(self):
        try:
            self.kdc.create_database()
            self.kdc.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.kdc.close()

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

    def login(self, kind, name, identity=None, canonicalize=True, pin="-",
              armor=None):
        """name_login; returns (what it prints, the KDC's replies)."""
        return replies.login(self.kdc, name, identity, kind, canonicalize,
                             pin, armor)

    def strings(self, name):
        return self.kdc.tool("kadmin.local", "-r", REALM, "-q",
                             f"getprinc {name}")
