"""A directory of many accounts, their certificates, and certmap populate."""

import base64
import json
import os
import subprocess
from pathlib import Path

import realm
from realm import COMMAND

NAME = "altSecurityIdentities"


class People:
    """Accounts u0, u1, ... of a slapd, each with a certificate."""

    def __init__(self, slapd, authority, count):
        self.slapd, self.authority, self.count = slapd, authority, count
        self.cards = [self.issue(f"u{i}") for i in range(count)]

    def issue(self, who, **options):
        options.setdefault("upn", f"{who}@corp.test")
        options.setdefault("rfc822", f"{who}@mail.corp.test")
        return self.authority.issue(
            f"DC=test,DC=corp,CN={who}", key_kind="ec", slot="people",
            **options)

    def dn(self, i):
        who = i if isinstance(i, str) else f"u{i}"
        return f"uid={who},{self.slapd.suffix}"

    def ldif(self, extra=lambda i: ""):
        """extra(i) gives further lines for an account."""
        return "\n".join(self.entry(f"u{i}", extra(i))
                         for i in range(self.count))

    def entry(self, who, extra=""):
        return (f"dn: uid={who},{self.slapd.suffix}\n"
                "objectClass: inetOrgPerson\nobjectClass: krbPrincipalAux\n"
                f"objectClass: certmapTestAccount\nuid: {who}\ncn: {who}\n"
                f"sn: {who}\nmail: {who}@mail.corp.test\n"
                f"krbPrincipalName: {who}@CORP.TEST\n"
                f"userPrincipalName: {who}@corp.test\n{extra}")

    def values(self):
        """DN -> set of values, of everything that holds one."""
        done = subprocess.run(
            ["ldapsearch", "-LLL", "-Q", "-Y", "EXTERNAL", "-o",
             "ldif-wrap=no", "-H", self.slapd.ldapi, "-b", self.slapd.suffix,
             f"({NAME}=*)", NAME], check=True, capture_output=True,
            text=True, timeout=60, env=dict(os.environ, LDAPNOINIT="1"))
        found = {}
        for record in done.stdout.split("\n\n"):
            dn = None
            for line in record.splitlines():
                key, _, value = line.partition(":")
                value = (base64.b64decode(value[1:].strip()).decode()
                         if value.startswith(":") else value.strip())
                if key == "dn":
                    dn = value
                elif key == NAME:
                    found.setdefault(dn, set()).add(value)
        return found

    def wanted(self, form="issuer-serial"):
        return {self.dn(i): {card.mappings()[form]}
                for i, card in enumerate(self.cards)}

    def csv(self, path, rows=None):
        """principal,certificate of every account, or the given rows."""
        if rows is None:
            rows = [(f"u{i}", encode(card))
                    for i, card in enumerate(self.cards)]
        lines = ["principal,certificate", *(",".join(row) for row in rows)]
        Path(path).write_text("\n".join(lines) + "\n")
        return path


def encode(card):
    return base64.b64encode(card.der).decode()


class Populate:
    """certmap populate, with a kdc.conf that names the directory."""

    def __init__(self, folder, world, slapd, uri=None, **relations):
        self.folder = Path(folder)
        ldap = {"uri": uri or slapd.ldapi, "base": slapd.suffix,
                "schema": "mit"}
        if uri:
            secret = self.folder / "admin.secret"
            secret.touch(mode=0o600)
            secret.write_text(slapd.admin_password)
            ldap.update(bind_dn=slapd.admin_dn, password_file=secret)
        else:
            ldap.update(sasl_mech="EXTERNAL")
        settings = {"directory": "ldap", "ldap": ldap, **relations}
        self.kdc = realm.Kdc(self.folder / "kdc", world, realms={
            "CORP.TEST": world.certmap(**settings)})
        self._reports = 0

    def command(self, *arguments):
        return [COMMAND, "populate", "-c", str(self.kdc.kdc_conf),
                *map(str, arguments)]

    def environment(self):
        return self.kdc.environment()

    def start(self, *arguments, **options):
        return subprocess.Popen(
            self.command(*arguments), env=self.environment(), text=True,
            cwd=self.folder, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)

    def run(self, *arguments, status=0, **options):
        """Returns standard output; status is what it ends with, or what it
        may end with."""
        done = subprocess.run(
            self.command(*arguments), env=self.environment(), text=True,
            cwd=self.folder, stdin=subprocess.DEVNULL, capture_output=True,
            timeout=120, check=False, **options)
        assert done.returncode in (
            status if isinstance(status, tuple) else (status,)), (
            f"{done.returncode}: {done.stdout}{done.stderr}")
        self.errors = done.stderr
        return done.stdout

    def report(self, *arguments, status=0):
        """The JSON report of a run."""
        return json.loads(self.run("--json", *arguments, status=status))

    def apply(self, *arguments, status=0):
        self._reports += 1
        undo = self.folder / f"undo{self._reports}.ldif"
        return self.report("--apply", "--undo", undo, *arguments,
                           status=status)


def problems(report):
    """kind -> list of what."""
    found = {}
    for one in report["problems"]:
        found.setdefault(one["problem"], []).append(one["what"])
    assert {k: len(v) for k, v in found.items()} == {
        k: n for k, n in report["counts"].items() if n}
    return found
