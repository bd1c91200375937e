"""The directory below the KDB module kldap: the database of a KDC's realms."""

import accounts
from slapd import Slapd


class Kldap:
    """A slapd for one KDC, one of its own unless it is given, and what the
    KDC's configuration says of it."""

    def __init__(self, folder, slapd=None):
        self.slapd = slapd
        if slapd is None:
            self.slapd = Slapd(folder / "slapd")
            self.slapd.start()
        self._stash = folder / "service.stash"
        secret = self.slapd.admin_password.encode().hex()
        self._stash.write_text(f"{self.slapd.admin_dn}#{{HEX}}{secret}\n")
        self._stash.chmod(0o600)

    def relations(self):
        """Of each realm's subsection of [dbmodules]."""
        return {
            "db_library": "kldap", "ldap_servers": self.slapd.ldapi,
            "ldap_kerberos_container_dn": f"cn=krb5,{accounts.SUFFIX}",
            "ldap_kdc_dn": self.slapd.admin_dn,
            "ldap_kadmind_dn": self.slapd.admin_dn,
            "ldap_service_password_file": self._stash}

    def create(self, kdc, name):
        """The database of one realm."""
        kdc.tool(
            "kdb5_ldap_util", "-D", self.slapd.admin_dn, "-w",
            self.slapd.admin_password, "-H", self.slapd.ldapi, "create", "-r",
            name, "-s", "-P", "master", "-subtrees", accounts.SUFFIX)

    def stop(self):
        self.slapd.stop()
