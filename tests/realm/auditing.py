"""A directory full of mistakes, and certmap audit."""

import base64
import json
import subprocess
from pathlib import Path

import pki
import realm
from realm import COMMAND

SERIAL_CARDS = ("good", "gone", "revoked", "turned", "seen")


def turned(value):
    """X509:<I>...<SR>... with its octets the other way round."""
    head, serial = value.rsplit(">", 1)
    return f"{head}>{bytes.fromhex(serial)[::-1].hex()}"


def backwards(name):
    return ",".join(reversed(name.split(",")))


class Accounts:
    """Accounts of each kind of trouble, as LDIF.

    expected  token -> accounts that the finding is about
    """

    def __init__(self, world, suffix="dc=example,dc=com"):
        self.world, self.suffix = world, suffix
        self.cards = {
            who: world.issuing.issue(f"DC=test,DC=corp,CN={who}",
                                     key_kind="ec")
            for who in SERIAL_CARDS if who != "gone"}
        self.cards["gone"] = world.issuing.issue(
            "DC=test,DC=corp,CN=gone", key_kind="ec",
            not_before=pki.now(-20), not_after=pki.now(-10))
        self.expected = {
            "reversed-order": {"turned", "backwards"},
            "malformed": {"broken"},
            "revoked": {"revoked"},
            "upn-conflict": {"claims"},
            "weak-only": {"weak"},
            "shared": {"good"},
            "duplicate": {"twice"},
            "expired": {"gone"},
            "unknown-issuer": {"stranger"},
            "issuer-not-ntauth": {"web"},
            "not-accepted": {"mail"},
            "no-mapping": {"bare", "claimed"},
            "disabled": {"left"},
        }

    def value(self, who, form="issuer-serial"):
        return self.cards[who].mappings()[form]

    def mappings(self):
        """account -> values"""
        issuer = "DC=test,DC=corp,CN=Corp CA 1"
        good = self.value("good")
        return {
            "good": [good], "again": [good], "seen": [self.value("seen")],
            "gone": [self.value("gone")], "revoked": [self.value("revoked")],
            "turned": [turned(self.value("turned"))],
            "backwards": [f"X509:<I>{backwards(issuer)}<SR>0102"],
            "broken": ["X509:<SR>0102"],
            "weak": [f"X509:<I>{issuer}<S>CN=weak"],
            "twice": [f"X509:<I>{issuer}<SR>0303",
                      f"X509:<I>{issuer.lower()}<SR>0303"],
            "stranger": ["X509:<I>CN=Nobody<SR>01"],
            "web": ["X509:<I>DC=test,DC=corp,CN=Corp Web CA<SR>01"],
            "mail": ["X509:<RFC822>mail@corp.test"],
            "bare": [], "claimed": [],
            "claims": [f"X509:<I>{issuer}<SR>0505"],
            "left": [f"X509:<I>{issuer}<SR>0404"],
        }

    def entry(self, who, values):
        lines = [f"dn: uid={who},{self.suffix}",
                 "objectClass: inetOrgPerson", "objectClass: krbPrincipalAux",
                 "objectClass: certmapTestAccount", f"uid: {who}",
                 f"cn: {who}", f"sn: {who}",
                 f"krbPrincipalName: {who}@CORP.TEST"]
        lines += [f"altSecurityIdentities: {value}" for value in values]
        if who in self.cards and who != "seen":
            der = base64.b64encode(self.cards[who].der).decode()
            lines.append(f"userCertificate;binary:: {der}")
        if who == "claims":
            lines.append("userPrincipalName: Claimed@corp.test")
        if who == "left":
            lines.append("nsAccountLock: TRUE")
        return "\n".join(lines) + "\n\n"

    def ldif(self):
        return "".join(self.entry(who, values)
                       for who, values in self.mappings().items())


class Audit:
    """certmap audit in a realm whose directory is as the relations say."""

    def __init__(self, folder, world, **relations):
        self.folder = Path(folder)
        self.kdc = realm.Kdc(self.folder / "kdc", world, realms={
            "CORP.TEST": world.certmap(**relations)})
        self.errors = ""

    def run(self, *arguments, status=1):
        done = subprocess.run(
            [COMMAND, "audit", "-c", str(self.kdc.kdc_conf),
             *map(str, arguments)], env=self.kdc.environment(), text=True,
            cwd=self.folder, stdin=subprocess.DEVNULL, capture_output=True,
            timeout=300, check=False)
        assert done.returncode == status, (
            f"{done.returncode}: {done.stdout}{done.stderr}")
        self.errors = done.stderr
        return done.stdout

    def json(self, *arguments, status=1):
        return json.loads(self.run("--json", *arguments, status=status))


def found(report):
    """kind -> names of accounts"""
    kinds = {}
    for one in report["findings"]:
        name = one["account"].split(",")[0].removeprefix("uid=")
        kinds.setdefault(one["kind"], set()).add(name.split("@")[0])
    return kinds
