"""examples/ssh: a ticket obtained with a card opens an SSH session.

sshd runs on loopback as the test's user, whose name is the principal's."""

import os
import pwd
import re
import shutil
import subprocess

import pytest

import realm
from ports import free_port

REALM, SERVER = "EXAMPLE.COM", "server.example.com"
MISSING = [name for name in ("sshd", "ssh", "scp", "ssh-keygen", "unshare")
           if not shutil.which(name, path=realm.SBIN)]
ME = pwd.getpwuid(os.getuid())


def locked():
    """sshd lets nobody in whose password begins so."""
    done = subprocess.run(["getent", "shadow", ME.pw_name], text=True,
                          stdout=subprocess.PIPE, check=False)
    return ":!" in done.stdout


def confined():
    """Root's sshd needs a /run of its own here."""
    return os.getuid() == 0 and not MISSING and subprocess.run(
        ["unshare", "-m", "true"], check=False,
        stderr=subprocess.DEVNULL).returncode != 0


pytestmark = [
    pytest.mark.skipif(bool(MISSING),
                       reason=f"not installed: {', '.join(MISSING)}"),
    pytest.mark.skipif(ME.pw_shell.endswith(("nologin", "false")),
                       reason=f"{ME.pw_name} has no shell to log in with"),
    pytest.mark.skipif(locked(), reason=f"{ME.pw_name} is locked"),
    pytest.mark.skipif(confined(), reason="no mount namespaces here"),
]


class Sshd:
    """The example's sshd_config on a port of its own."""

    def __init__(self, folder, kdc, example):
        self.folder, self.kdc = folder, kdc
        folder.mkdir()
        self.port = free_port()
        self.log_file = folder / "sshd.log"
        self.log_file.touch()
        (folder / "k5login").mkdir()
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f",
                        folder / "host"], check=True)
        (folder / "sshd_config").write_text("\n".join([
            # What the machine itself would be called, and its sshd_config.
            "GSSAPIStrictAcceptorCheck no", "UsePAM no", f"Port {self.port}",
            "ListenAddress 127.0.0.1", f"HostKey {folder}/host",
            f"PidFile {folder}/pid", "StrictModes yes",
            "Subsystem sftp internal-sftp",
            f"Include {example / 'sshd_config'}", ""]))
        self._process = None

    def environment(self):
        return {**self.kdc.environment(),
                "KRB5_CONFIG": str(self.folder / "krb5.conf"),
                "KRB5_KTNAME": f"FILE:{self.folder}/server.keytab",
                "KRB5RCACHENAME": f"file2:{self.folder}/rcache"}

    def __enter__(self):
        # A ~/.k5login of this machine is none of the test's business.
        own = (self.kdc.folder / "krb5-client.conf").read_text()
        (self.folder / "krb5.conf").write_text(
            f"{own}\n[libdefaults]\n"
            f"    k5login_directory = {self.folder}/k5login\n")
        command = [shutil.which("sshd", path=realm.SBIN), "-D", "-e", "-f",
                   str(self.folder / "sshd_config")]
        if os.getuid() == 0:
            # It wants an empty /run/sshd, which its service would make.
            command = ["unshare", "-m", "sh", "-c",
                       "mount -t tmpfs none /run && mkdir /run/sshd && "
                       'exec "$@"', "sh", *command]
        with open(self.log_file, "wb") as log:
            self._process = subprocess.Popen(
                command, env=self.environment(), stdin=subprocess.DEVNULL,
                stdout=log, stderr=log)
        realm.until(lambda: self._process.poll() is not None
                    or "Server listening" in self.log(), "sshd")
        assert self._process.poll() is None, self.log()
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait(realm.START_SECONDS)

    def log(self):
        return self.log_file.read_text(errors="replace")


class Site:
    """The realm, the server, and a client of both."""

    def __init__(self, folder, kdc, example):
        self.kdc, self.example = kdc, example
        self.sshd = Sshd(folder / "server", kdc, example)
        self.client = folder / "client"
        self.client.mkdir()
        (self.client / "uploads").mkdir()
        key = (self.sshd.folder / "host.pub").read_text()
        (self.client / "known_hosts").write_text(f"{SERVER} {key}")
        (self.client / "ssh_config").write_text("\n".join([
            f"Host {SERVER}", "HostName 127.0.0.1", f"Port {self.sshd.port}",
            f"HostKeyAlias {SERVER}", f"GSSAPIServerIdentity {SERVER}",
            f"UserKnownHostsFile {self.client}/known_hosts",
            "GlobalKnownHostsFile /dev/null", "StrictHostKeyChecking yes",
            "BatchMode yes", "", "Match all",
            f"Include {example / 'ssh_config'}", ""]))

    def commands(self, program):
        """What the README says, with the test's names and paths."""
        found = re.findall(rf"^    ({program} .*)$",
                           (self.example / "README.md").read_text(), re.M)
        assert found, program
        return [line.replace("alice", ME.pw_name)
                .replace("server.keytab", f"{self.sshd.folder}/server.keytab")
                .replace(":/tmp/", f":{self.client}/uploads/")
                for line in found]

    def run(self, line, login):
        """One such line with the login's tickets; (status, output)."""
        program, rest = line.split(" ", 1)
        done = subprocess.run(
            ["sh", "-c", f"{program} -v -F {self.client}/ssh_config {rest}"],
            env={**self.kdc.environment("client"), "KRB5CCNAME": login.cache},
            cwd=self.client, text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60,
            check=False)
        return done.returncode, done.stdout, done.stderr


@pytest.fixture
def site(make_kdc, world, source, tmp_path):
    kdc = make_kdc(plugins=realm.WRAP, realms={REALM: world.certmap(
        indicators={"smartcard": "strength:strong"})})
    one = Site(tmp_path, kdc, source / "examples" / "ssh")
    for line in one.commands("kadmin.local"):
        kdc.tool(*line.split())
    kdc.kadmin("addprinc -randkey svc/anybody")
    with one.sshd:
        yield one


def test_card_opens_a_session_and_copies(site, world):
    card = world.card("alice")
    site.kdc.add_principals(ME.pw_name)
    site.kdc.set_mappings(ME.pw_name, card.mappings()["ski"])
    login = site.kdc.kinit(ME.pw_name, card)
    assert login.ok and login.audit["indicators"] == "smartcard", login
    (ssh,), (scp,) = site.commands("ssh"), site.commands("scp")
    status, output, details = site.run(ssh, login)
    assert (status, output) == (0, f"{ME.pw_name}\n"), (
        details + site.sshd.log())
    assert "gssapi-with-mic" in details
    (site.client / "report.txt").write_text("by card\n")
    status, _, details = site.run(scp, login)
    assert status == 0, details
    copied = site.client / "uploads" / "report.txt"
    assert copied.read_text() == "by card\n"
    assert f"host/{SERVER}@{REALM}" in site.kdc.klist(login)
    assert f"Accepted gssapi-with-mic for {ME.pw_name}" in site.sshd.log()


def test_password_does_not(site):
    """The same account, the same server: the ticket is what differs."""
    site.kdc.add_password(ME.pw_name)
    login = site.kdc.kinit_password(ME.pw_name)
    assert login.ok and site.kdc.kvno(login, "svc/anybody")[0] == 0
    status, output = site.kdc.kvno(login, f"host/{SERVER}")
    assert status != 0 and "KDC policy rejects request" in output
    (ssh,), (scp,) = site.commands("ssh"), site.commands("scp")
    status, output, details = site.run(ssh, login)
    assert (status, output) == (255, ""), details
    assert "KDC policy rejects request" in details
    assert "Permission denied (gssapi-with-mic)" in details
    (site.client / "report.txt").write_text("by password\n")
    assert site.run(scp, login)[0] != 0
    assert not list((site.client / "uploads").iterdir())
    assert "Accepted" not in site.sshd.log()
