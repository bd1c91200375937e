"""Every command line that README.md and the manual pages show, as a shell
reads it, page by page and in the order of each."""

import gzip
import re
import shlex
import shutil
import subprocess

import pytest

import accounts
import keeper
import realm
import shown
from card import Card
from slapd import Slapd

REALM = "EXAMPLE.COM"
#: What the test cannot run here, with the reason.
ELSEWHERE = {
    "./examples/quickstart": "realm.quickstart runs it",
    "./tests/run": "this test is part of it",
    "cmake --preset release && cmake --build --preset release":
        "it makes what is tested here, in another preset",
    "cpack --config build/release/CPackConfig.cmake": "test_package.py",
    "apt install ./krb5-certmap_0.1.0_amd64.deb "
    "./krb5-certmap-tools_0.1.0_amd64.deb": "test_package.py",
    "apt install ./krb5-certmap-tools_0.1.0_amd64.deb": "test_package.py",
    "apt remove krb5-certmap": "test_package.py",
    "apt purge": "test_package.py",
    "systemctl enable --now certmap-refresh.timer":
        "no systemd in a test; `certmap refresh` is what the timer runs",
}
#: What a line may begin with: programs that stay in the test's folder.
PROGRAMS = ("certmap", "kadmin.local", "grep", "zcat", "tar", "ldapmodify")
#: Shown to kadmin, not to a shell: test_manual.py runs them.
KADMIN = "kadmin: "
#: Lines that answer no, and why that is right here.
NO = {
    "certmap explain --directory ldif:accounts.ldif --at 2030-01-01T00:00:00Z "
    "alice.pem alice": "the card of a test has ended by then",
    "certmap expiring --days 60": "everything of a test ends within 30 days",
    "certmap expiring --days 60 --users": "the same",
    "grep -c 'certmap: refused reason=directory-unavailable' "
    "/var/log/kdc.log": "it has not happened",
}


class Setting:
    """A folder that has what the lines name, and two realms of one name: with
    accounts in the KDC's database, and in a directory."""

    def __init__(self, folder, world, make_kdc, slapd):
        self.folder, self.world = folder, world
        # Of a kind of key that libkrb5 1.20 uses in cards.
        self.alice = world.issuing.issue("CN=alice", key_kind="rsa2048",
                                         upn="alice@example.com")
        for name in ("store", "bin", "cards", "usb", "intermediates", "ntauth",
                     "log"):
            (folder / name).mkdir(mode=0o755)
        relations = world.certmap(
            store=folder / "store", anchors=f"FILE:{world.roots}")
        self.kdb = make_kdc(realms={REALM: relations}, plugins=realm.WRAP,
                            stacked=True)
        self.ldap = make_kdc(start=False, plugins=realm.WRAP, realms={
            REALM: {**relations, **accounts.reader(folder, slapd)}})
        for name in ("alice", "bob"):
            slapd.add(accounts.account(
                name, realm=REALM, userPrincipalName=f"{name}@example.com"))
        for kdc in (self.kdb, self.ldap):
            kdc.add_principals("alice")
        self.kdb.set_mappings("alice", self.alice.mappings()["ski"])
        self.files(slapd)
        self.logins()

    def files(self, slapd):
        folder, world = self.folder, self.world
        self.alice.write(folder, "alice")
        bob = world.issuing.issue("CN=bob", upn="bob@example.com")
        for name, card in (("alice", self.alice), ("bob", bob)):
            (folder / "cards" / f"{name}.pem").write_bytes(card.pem)
        self.bind = f"-y {folder}/admin.secret"
        self.undo = f"-x -H {slapd.ldap} -D {slapd.admin_dn} {self.bind}"
        (folder / "accounts.ldif").write_text(accounts.account(
            "alice", self.alice.mappings()["ski"], realm=REALM))
        shutil.copy(world.roots, folder / "roots.pem")
        shutil.copy(world.pool, folder / "intermediates")
        shutil.copy(world.ntauth, folder / "ntauth")
        (folder / "admin.secret").write_text(slapd.admin_password)
        (folder / "admin.secret").chmod(0o600)
        (folder / "pin").write_text(Card.PIN)
        (folder / "pin").chmod(0o600)
        (folder / "bin" / "certmap").symlink_to(realm.COMMAND)
        for name in ("issuing", "root"):
            (folder / "usb" / f"{name}.crl").write_bytes(
                keeper.crl(getattr(world, name)))
        subprocess.run(["openssl", "crl2pkcs7", "-nocrl", "-certfile",
                        world.ntauth, "-out", folder / "issuing.p7b"],
                       check=True)

    def logins(self):
        """A log with a login of alice, and one with a card of nobody."""
        assert self.kdb.kinit("alice", self.alice).ok
        refused = self.kdb.kinit("alice", self.world.card("nobody"))
        assert not refused.ok
        self.reference = refused.audit["ref"]
        log = self.kdb.log_file.read_bytes()
        (self.folder / "log" / "kdc.log").write_bytes(log)
        (self.folder / "kdc.log.2.gz").write_bytes(gzip.compress(log))

    @property
    def card(self):
        """The card, with the PIN that there is nobody to type."""
        return f"pkcs11:token=card;id=%01?pin-source=file:{self.folder}/pin"

    def adapted(self, line):
        """The line with this folder's paths, and answers instead of prompts:
        whoever binds by name is asked for a password, whoever logs in for a
        PIN."""
        for old, new in {
                "/var/lib/krb5kdc certmap": f"{self.folder} store",
                "/var/log/": f"{self.folder}/log/",
                "/media/usb/": f"{self.folder}/usb/",
                "/srv/cards": f"{self.folder}/cards",
                "certmap login -I 'pkcs11:token=Alice;id=%01'":
                    "certmap login",
                "token=Alice": "token=card",
                "7K3M9QX2TD": self.reference,
                "X509:<I>...<SR>...": self.alice.mappings()["issuer-serial"],
                }.items():
            line = line.replace(old, new)
        line = re.sub(r"(-D \S+)", rf"\1 {self.bind}", line)
        line = line.replace("ldapmodify", f"ldapmodify {self.undo}")
        if re.match(r"certmap login(?! --list)", line):
            line += f" -I {shlex.quote(self.card)}"
        if re.match(r"certmap refresh(?! --import)", line):
            line += " " + shlex.join(keeper.USER)
        return line

    def run(self, line, **environment):
        where = (self.ldap if " -D " in line
                 or line.startswith("certmap populate") else self.kdb)
        own = where.environment("client" if line.startswith("certmap login")
                                else "kdc")
        own["PATH"] = f"{self.folder}/bin:{own['PATH']}"
        return subprocess.run(
            ["bash", "-o", "pipefail", "-c", self.adapted(line)],
            env={**own, **environment}, cwd=self.folder, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, timeout=120, check=False)


@pytest.fixture(name="setting")
def make_setting_of_a_page(tmp_path, world, make_kdc):
    tmp_path.chmod(0o755)  # the network part of refresh is another user
    with Slapd(tmp_path / "slapd") as slapd:
        yield Setting(tmp_path, world, make_kdc, slapd)


@pytest.mark.parametrize("page", shown.PAGES)
def test_page(page, source, setting):
    card = Card(setting.folder / "token", setting.alice)
    failed = []
    for line in shown.lines(source, page):
        if line in ELSEWHERE or line.startswith(KADMIN):
            continue
        assert line.split()[0] in PROGRAMS, f"not known here: {line}"
        done = setting.run(line, **(card.environment
                                    if "pkcs11:" in line
                                    or "certmap login" in line else {}))
        if done.returncode != (line in NO):
            failed.append(f"{line}: {done.returncode}\n{done.stdout}")
    assert not failed, "\n".join(failed)


def test_tables_have_no_line_that_is_not_shown(source):
    everything = [line for page in shown.PAGES
                  for line in shown.lines(source, page)]
    assert len(everything) > 60
    assert not {*ELSEWHERE, *NO} - set(everything)
