"""The Debian package, on a clean Debian: README.md's way from there to the
first card login, followed to the letter; upgrade, removal and purge."""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

import debian
import machine
import pki
import realm
from card import Card

CPACK = os.environ.get("CERTMAP_CPACK", "").split()
MODULE = "usr/lib/*/krb5/plugins/certmap.so"
STORE = "/var/lib/krb5kdc/certmap"
MINE = "/etc/krb5kdc/certmap"
LINTIAN = shutil.which("lintian")
#: Who maintains a package is for whoever publishes it to say.
NOT_OURS = {"bogus-mail-host", "bogus-mail-host-in-debian-changelog"}


def packed(folder, *options):
    """The package of this build."""
    done = subprocess.run(
        [*CPACK, "-B", str(folder), *options], text=True, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout
    return next(folder.glob("*.deb"))


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    if not CPACK:
        pytest.skip("this build is not packaged: it holds sanitizers")
    for program in ("dpkg-shlibdeps", "file"):
        if not shutil.which(program):
            pytest.skip(f"not installed: {program} (dpkg-dev, file)")
    return packed(tmp_path_factory.mktemp("package"))


# The package as a file.


def field(package, name):
    return subprocess.run(["dpkg-deb", "-f", package, name], text=True,
                          stdout=subprocess.PIPE, check=True).stdout.strip()


def test_what_it_needs(package, source):
    version = re.search(r"project\(krb5-certmap VERSION (\S+)",
                        (source / "CMakeLists.txt").read_text())[1]
    assert field(package, "Version") == version
    needed = {re.split(r"[ (]", item)[0]
              for item in field(package, "Depends").split(", ")}
    assert {"krb5-kdc", "krb5-pkinit", "adduser"} <= needed
    # What the linker has bound: libraries, not their headers.
    assert {"libc6", "libkrb5-3", "libssl3", "libcurl4"} <= needed
    assert not any(name.endswith("-dev") for name in needed)


def test_it_ships_no_folder_of_the_kdc(package):
    """dpkg would make /var/lib/krb5kdc open, if it came before krb5-kdc."""
    listed = subprocess.run(["dpkg-deb", "-c", package], text=True,
                            stdout=subprocess.PIPE, check=True).stdout
    rows = [line.split() for line in listed.splitlines()]
    assert rows and all(row[5].startswith("./usr/") for row in rows)
    assert all(row[1] == "root/root" and row[0][8] == "-" for row in rows)


def test_cmake_installs_the_same(package, tmp_path):
    build = Path(CPACK[-1]).parent
    subprocess.run(["cmake", "--install", build, "--prefix", tmp_path / "usr"],
                   stdout=subprocess.DEVNULL, check=True)
    listed = subprocess.run(["dpkg-deb", "-c", package], text=True,
                            stdout=subprocess.PIPE, check=True).stdout
    inside = {line.split()[5][2:] for line in listed.splitlines()
              if line.startswith("-")}
    assert inside == {str(path.relative_to(tmp_path))
                      for path in tmp_path.rglob("*") if path.is_file()}


@pytest.mark.skipif(not LINTIAN, reason="lintian is not there")
def test_lintian(package):
    done = subprocess.run(
        [LINTIAN, "--allow-root", package], text=True, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    found = [line for line in done.stdout.splitlines()
             if line.split(": ")[-1].split()[0] not in NOT_OURS]
    assert not found, "\n".join(found)


# The package in a clean root.


def shell_blocks(source):
    """README's commands to the first login; "\\" joins their lines."""
    text = (source / "README.md").read_text()
    blocks = re.findall(r"^```sh\n(.*?)^```$", text, re.S | re.M)
    return [re.sub(r" \\\n\s*", " ", block).splitlines() for block in blocks]


def profile_blocks(source):
    text = (source / "README.md").read_text()
    return re.findall(r"^```ini\n(.*?)^```$", text, re.S | re.M)


class Host:
    """A machine with the package; README's words make its realm."""

    LOG = "/var/log/krb5kdc.log"
    PID = "/run/krb5-kdc.pid"

    def __init__(self, box, folder):
        self.box, self.folder = box, folder
        self._running = None
        # What krb5-config asks whoever installs it by hand.
        self.run("debconf-set-selections", text=(
            "krb5-config krb5-config/default_realm string EXAMPLE.COM\n"))

    def run(self, *command, **options):
        return self.box.run("env", "--chdir=/root", *command,
                            DEBIAN_FRONTEND="noninteractive", **options)

    def apt(self, *words, status=0):
        """apt, from kept archives: this machine reaches nobody."""
        return self.run("apt-get", "-q", "-y", *words, status=status)

    def install(self, package):
        shutil.copy(package, self.box.path("/root/krb5-certmap.deb"))
        return self.apt("install", "/root/krb5-certmap.deb")

    def listed(self, name):
        """Owner and mode of a file."""
        return self.run("stat", "-c", "%U:%G %a", name).strip()

    # Its KDC.

    def configure(self, text):
        """Adds to kdc.conf."""
        with open(self.box.path("/etc/krb5kdc/kdc.conf"), "a",
                  encoding="ascii") as profile:
            profile.write("\n" + text)

    def reconfigure(self, pattern, new):
        path = self.box.path("/etc/krb5kdc/kdc.conf")
        text, count = re.subn(pattern, new, path.read_text(), flags=re.M)
        assert count, f"{pattern} is not there"
        path.write_text(text)

    def restart(self):
        """What `systemctl restart krb5-kdc` does, by its ExecStart."""
        self.stop()
        log = self.box.path(self.LOG)
        log.write_text("")
        unit = self.box.path("/lib/systemd/system/krb5-kdc.service")
        line = re.search(r"^ExecStart=(.*)", unit.read_text(), re.M)[1]
        self.run(*line.replace("$DAEMON_ARGS", "").split())
        realm.until(lambda: "commencing operation" in log.read_text(),
                    "krb5kdc has started")
        self._running = self.box.path(self.PID).read_text().strip()

    def stop(self):
        if self._running:
            self.run("sh", "-c", f"kill {self._running}")
            there = f"/proc/{self._running}"
            realm.until(lambda: self.box.call("test", "-e", there).returncode,
                        "krb5kdc has ended")
            self._running = None

    def audits(self):
        return realm.audit_lines(self.box.path(self.LOG).read_text())

    def loaded(self):
        """What the KDC has mapped."""
        return self.run("cat", f"/proc/{self._running}/maps")

    # A client on the same loopback: this machine's own kinit.

    def kinit(self, *words, text="", **environment):
        done = subprocess.run(
            [*self.box.enter("--net"), "kinit", "-c",
             f"FILE:{self.folder}/cc", *words],
            input=text, text=True, check=False, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, start_new_session=True, timeout=60,
            env={"PATH": realm.SBIN, "LC_ALL": "C.UTF-8",
                 "KRB5_CONFIG": str(self.folder / "krb5.conf"),
                 **environment})
        return done.returncode, done.stdout

    def password(self):
        return self.kinit("paul", text=f"{realm.PASSWORD}\n")


@pytest.fixture(scope="module")
def host(package, tmp_path_factory):
    """A clean Debian that has the package, and nothing else of ours."""
    if why := machine.missing() or debian.missing(package):
        pytest.skip(why)
    scratch = Path(tempfile.mkdtemp(prefix="package."))
    try:
        debian.unpack(scratch, package)
        with machine.Machine(scratch) as box:
            made = Host(box, tmp_path_factory.mktemp("host"))
            made.output = made.install(package)
            yield made
    finally:
        shutil.rmtree(scratch)


class Story:
    """The realm of README's "To the first card login"."""

    def __init__(self, host, source, folder):
        self.host, self.folder = host, folder
        self.commands = shell_blocks(source)
        assert len(self.commands) == 5, "README has gained or lost a step"
        self.pkinit, self.certmap = profile_blocks(source)[:2]
        self.world = realm.World(folder)
        self.alice = self.world.issuing.issue("CN=alice")
        # One that PKINIT's own rules accept.
        self.stock = self.world.san_card("stock", "EXAMPLE.COM")
        self.card = Card(folder / "alice", self.alice)
        root = host.box.path("/root")
        for name, pem in {"roots.pem": self.world.root.pem,
                          "ca.pem": self.world.root.pem,
                          "ca.key": self.world.root.key_pem,
                          "card-ca.pem": self.world.issuing.pem,
                          "alice.pem": self.alice.pem}.items():
            (root / name).write_bytes(pem)

    def step(self, number, text=""):
        """One block of commands, as a shell reads them."""
        for command in self.commands[number - 1]:
            if command == "systemctl restart krb5-kdc":
                self.host.restart()
            else:
                self.host.run("sh", "-c", command, text=text)

    def client(self):
        """/etc/krb5.conf of a client, from the package's example."""
        example = self.host.box.path(
            "/usr/share/doc/krb5-certmap/examples/krb5.conf").read_text()
        for old, new in {
                "kdc1.example.com": "127.0.0.1",
                "kdc2.example.com": "127.0.0.1",
                "FILE:/etc/krb5/roots.pem": f"FILE:{self.world.roots}",
                "DIR:/etc/krb5/intermediates": f"FILE:{self.world.pool}",
                "PKCS11:opensc-pkcs11.so": f"PKCS11:{Card.LIBRARY}"}.items():
            assert old in example
            example = example.replace(old, new)
        (self.host.folder / "krb5.conf").write_text(example)

    def log_in(self):
        """README's `kinit alice`, with the card and its PIN."""
        assert self.commands[4] == ["kinit alice"]
        return self.host.kinit("alice", text=f"{Card.PIN}\n",
                               **self.card.environment)

    def log_in_stock(self):
        paths = self.stock.write(self.folder, "stock")
        return self.host.kinit(
            "-X", "X509_user_identity=FILE:{},{}".format(*paths), "stock")


@pytest.fixture(scope="module")
def story(host, source, tmp_path_factory):
    """Up to step 3: a realm with PKINIT as Debian has it."""
    told = Story(host, source, tmp_path_factory.mktemp("story"))
    told.step(1, text="master\nmaster\n")
    told.step(2)
    host.configure(told.pkinit)
    told.step(3)
    told.client()
    # There is no syslog in this root.
    host.configure(f"[logging]\n    kdc = FILE:{host.LOG}\n")
    for principal in ("-nokey +requires_preauth stock",
                      f"-pw '{realm.PASSWORD}' +requires_preauth paul"):
        host.run("sh", "-c", f"kadmin.local addprinc {principal}")
    host.restart()
    return told


# In this order: each goes on where the one before has left the host.


def test_what_is_there(host):
    box = host.box
    assert "Setting up krb5-certmap" in host.output
    assert len(list(box.root.glob(MODULE))) == 1
    assert host.listed(STORE) == "root:root 755"
    assert host.listed("/var/lib/krb5kdc") == "root:root 700"
    for folder in (MINE, f"{MINE}/ntauth", f"{MINE}/intermediates"):
        assert host.listed(folder) == "root:root 755"
    user = host.run("getent", "passwd", "certmap").strip().split(":")
    assert user[2] != "0" and user[3] != "0"
    assert user[5:] == ["/nonexistent", "/usr/sbin/nologin"]
    assert not list(box.path(STORE).iterdir())
    for name in ("share/man/man1/certmap.1.gz", "share/man/man5/certmap.5.gz",
                 "share/man/man7/certmap.7.gz",
                 "share/bash-completion/completions/certmap",
                 "lib/systemd/system/certmap-refresh.timer",
                 "share/doc/krb5-certmap/copyright",
                 "share/doc/krb5-certmap/examples/kdc.conf"):
        assert box.path(f"/usr/{name}").is_file(), name
    # Nobody has started the timers.
    assert not list(box.path("/etc/systemd/system").rglob("certmap*"))


def test_nothing_changes_until_it_is_configured(host, story):
    status, output = story.log_in_stock()
    assert status == 0, output
    assert host.password()[0] == 0
    assert "pkinit.so" in host.loaded() and "certmap" not in host.loaded()


def test_first_login(host, story):
    host.configure(story.certmap)
    story.step(4)
    assert "plugins/certmap.so" in host.loaded()
    status, output = story.log_in()
    assert status == 0, output
    audit, = host.audits()
    assert audit["verdict"] == "authorized" and audit["reason"] == "ok"
    # What PKINIT alone let in is not mapped.
    status, output = story.log_in_stock()
    assert status != 0 and host.audits()[-1]["reason"] == "no-mapping"
    assert host.password()[0] == 0


def test_upgrade_keeps_the_store(host, story, tmp_path):
    host.run("certmap", "deny", "add", "--cert", "/root/alice.pem",
             "--reason", "left in a taxi")
    before = host.run("cat", f"{STORE}/deny")
    newer = packed(tmp_path, "-D", "CPACK_PACKAGE_VERSION=99.0")
    host.run("rmdir", f"{MINE}/intermediates")
    output = host.install(newer)
    assert "restart it for the new one" in output
    assert "WARNING" not in output
    assert field(newer, "Version") == "99.0" in output
    assert host.run("cat", f"{STORE}/deny") == before
    assert not host.box.path(f"{MINE}/intermediates").exists()
    host.restart()
    assert story.log_in()[0] != 0
    assert host.audits()[-1]["reason"] == "revoked"
    host.run("certmap", "deny", "remove", "1")
    realm.until(lambda: story.log_in()[0] == 0, "the card works again")


def test_no_removal_that_stops_the_kdc(host):
    """A database module that is gone would take passwords away, too."""
    before = host.box.path("/etc/krb5kdc/kdc.conf").read_text()
    host.configure("[dbmodules]\n    own = {\n"
                   "        db_library = certmap\n    }\n")
    output = host.apt("remove", "krb5-certmap", status=100)
    assert "NOT REMOVED" in output and "/etc/krb5kdc/kdc.conf" in output
    assert len(list(host.box.root.glob(MODULE))) == 1
    assert "install ok installed" in host.run(
        "dpkg-query", "-W", "-f", "${Status}", "krb5-certmap")
    host.box.path("/etc/krb5kdc/kdc.conf").write_text(before)


def test_removal_keeps_passwords(host, story):
    output = host.apt("remove", "krb5-certmap")
    assert "WARNING: the module is still loaded by /etc/krb5kdc/kdc.conf" in output
    assert not list(host.box.root.glob(MODULE))
    assert host.box.path(f"{STORE}/deny").exists()
    # A KDC that runs goes on as it was.
    assert host.password()[0] == 0 and story.log_in()[0] == 0
    host.restart()
    assert host.password()[0] == 0
    for status, output in (story.log_in(), story.log_in_stock()):
        assert status != 0, output
    # Without the kdcpreauth module, too: enable_only leaves nobody.
    host.reconfigure(r"^    kdcpreauth = \{[^}]*\}\n", "")
    host.restart()
    assert host.password()[0] == 0 and "pkinit.so" in host.loaded()
    for status, output in (story.log_in(), story.log_in_stock()):
        assert status != 0, output
    # What the message says brings PKINIT's own rules back.
    host.reconfigure(r"^        (module = certmap|enable_only).*\n", "")
    host.restart()
    assert host.password()[0] == 0 and story.log_in()[0] != 0
    status, output = story.log_in_stock()
    assert status == 0, output


def test_purge_says_what_it_takes(host):
    output = host.apt("purge", "krb5-certmap")
    assert f"removing the revocation store {STORE}" in output
    assert f"keeping {MINE}" in output
    assert not host.box.path(STORE).exists()
    assert host.box.path(f"{MINE}/roots.pem").exists()
    assert host.box.path("/var/lib/krb5kdc/principal").exists()
    assert host.password()[0] == 0
