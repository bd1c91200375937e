"""A revocation store for tests: its configuration, and the CRLs and
certificates that go with it.

    keeper = Keeper(folder, world, crl_url=f"{web.url}/ca.crl")
    done = keeper.refresh()
    assert done.returncode == 0 and done.outcomes == {"ca.crl": "published"}
"""

import datetime
import json
import os
import subprocess
import time
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import AuthorityInformationAccessOID

from realm import COMMAND, profile

REALM = "TEST.EXAMPLE"
HOUR = datetime.timedelta(hours=1)
#: Whom the network part becomes, where that can be done.
USER = ("--user", "nobody") if os.getuid() == 0 else ()


def now():
    return datetime.datetime.utcnow().replace(microsecond=0)


def crl(authority, revoked=(), number=1, this_update=None, next_update=None,
        delta_of=None, freshest=None):
    """A CRL in DER; revoked: serial numbers."""
    this_update = this_update or now() - HOUR
    builder = (x509.CertificateRevocationListBuilder()
               .issuer_name(authority.cert.subject)
               .last_update(this_update)
               .next_update(next_update or this_update + 24 * HOUR)
               .add_extension(x509.CRLNumber(number), critical=False))
    if delta_of is not None:
        builder = builder.add_extension(x509.DeltaCRLIndicator(delta_of),
                                        critical=True)
    if freshest:
        builder = builder.add_extension(
            x509.FreshestCRL(list(points(freshest))), critical=False)
    for serial in revoked:
        builder = builder.add_revoked_certificate(
            x509.RevokedCertificateBuilder().serial_number(serial)
            .revocation_date(this_update).build())
    return builder.sign(authority.key, hashes.SHA256()).public_bytes(
        serialization.Encoding.DER)


def put(path, content):
    """Writes what a web server serves.  Two versions within a second have
    different times, and so different validators."""
    path = Path(path)
    before = path.stat().st_mtime if path.exists() else time.time() - 1000
    path.write_bytes(content)
    os.utime(path, (before + 1,) * 2)


def points(*urls):
    """A CRLDistributionPoints with a point for each URL; a tuple of URLs is
    one point of several names."""
    return x509.CRLDistributionPoints([
        x509.DistributionPoint(
            [x509.UniformResourceIdentifier(u)
             for u in ([url] if isinstance(url, str) else url)],
            None, None, None) for url in urls])


def names_of(*urls):
    """For Authority.issue(extensions=...): where CRLs are."""
    return "2.5.29.31", points(*urls).public_bytes()


def responder_at(url):
    """The same for an OCSP responder."""
    access = x509.AuthorityInformationAccess([x509.AccessDescription(
        AuthorityInformationAccessOID.OCSP,
        x509.UniformResourceIdentifier(url))])
    return "1.3.6.1.5.5.7.1.1", access.public_bytes()


class Done(subprocess.CompletedProcess):
    """What a command said."""

    @property
    def json(self):
        return json.loads(self.stdout)

    @property
    def store(self):
        """The one store that it speaks about."""
        (store,) = self.json["stores"]
        return store

    @property
    def outcomes(self):
        """Of its sources, by the last part of their URLs."""
        return {source["url"].rsplit("/", 1)[-1]: source["outcome"]
                for source in self.store["sources"]}


class Keeper:
    """A store and the realm that uses it."""

    def __init__(self, folder, world, **relations):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.store = self.folder / "store"
        self.world = world
        self.conf = self.folder / "kdc.conf"
        self.realms = {REALM: {**world.certmap(
            revocation="require", store=self.store), **relations}}
        self.write()

    @property
    def relations(self):
        return self.realms[REALM]

    def write(self):
        """Writes the configuration as relations say now."""
        (self.folder / "krb5.conf").write_text(
            f"[libdefaults]\n    default_realm = {REALM}\n")
        self.conf.write_text("[realms]\n" + profile(
            {name: {"certmap": relations}
             for name, relations in self.realms.items()}) + "\n")

    @property
    def environment(self):
        return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8",
                "KRB5_CONFIG": str(self.folder / "krb5.conf"),
                **{name: value for name, value in os.environ.items()
                   if name.endswith("SAN_OPTIONS")}}

    def command(self, verb, *arguments):
        return [COMMAND, verb, "-c", str(self.conf), *map(str, arguments)]

    def run(self, verb, *arguments):
        done = subprocess.run(
            self.command(verb, *arguments), env=self.environment, text=True,
            capture_output=True, timeout=120, check=False)
        return Done(done.args, done.returncode, done.stdout, done.stderr)

    def refresh(self, *arguments):
        return self.run("refresh", "--json", *USER, *arguments)

    def imports(self, *files):
        return self.run("refresh", "--json", "--import", *files)

    def status(self, *arguments):
        return self.run("status", "--json", *arguments)

    def start(self, *arguments):
        """A refresh that is not waited for."""
        return subprocess.Popen(
            self.command("refresh", "--json", *USER, *arguments),
            env=self.environment, text=True, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)

    def verify(self, card):
        """What the store says of a card: the login's own steps."""
        path = self.folder / "card.pem"
        path.write_bytes(card.pem)
        done = self.run("explain", "--json", "--directory",
                        f"ldif:{self._accounts()}", path,
                        f"alice@{REALM}")
        steps = {step["step"]: step["outcome"]
                 for step in json.loads(done.stdout)["steps"]}
        return steps.get("revocation")

    def _accounts(self):
        path = self.folder / "accounts.ldif"
        if not path.exists():
            path.write_text("dn: cn=alice\ncn: alice\n"
                            f"krbPrincipalName: alice@{REALM}\n")
        return path

    def states(self):
        """What is remembered about URLs: a path and its lines."""
        for path in sorted((self.store / "state" / "url").iterdir()):
            yield path, dict(line.split(" ", 1)
                             for line in path.read_text().splitlines())

    def make_due(self, name):
        """The next try of a URL is now."""
        for path, lines in self.states():
            if lines["url"].endswith(name):
                lines["next-try"] = "2020-01-01T00:00:00Z"
                path.write_text("".join(f"{key} {value}\n" for key, value
                                        in lines.items()))

    def crls(self, authority):
        """The names of what is published for a CA."""
        folder = self.store / "crl" / authority.spki_sha256
        return sorted(p.name for p in folder.glob("*.crl"))

    def see(self, *cards):
        """Imports cards, as if they had logged in."""
        paths = []
        for i, card in enumerate(cards):
            paths.append(self.folder / f"seen{i}.pem")
            paths[-1].write_bytes(card.pem)
        done = self.imports(*paths)
        assert done.returncode == 0, done.stdout + done.stderr
