"""The Debian packages of this build, and a clean Debian to install them on."""

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

import debian
import machine
import realm

CPACK = os.environ.get("CERTMAP_CPACK", "").split()
NAMES = ("krb5-certmap", "krb5-certmap-tools")


def packed(folder, *options):
    """The packages of this build: that for the KDC, and the command's."""
    done = subprocess.run(
        [*CPACK, "-B", str(folder), *options], text=True, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout
    assert len(list(folder.glob("*.deb"))) == 2
    return [next(folder.glob(f"{name}_*.deb")) for name in NAMES]


def missing():
    """Why there are none, or None."""
    if not CPACK:
        return "this build is not packaged: it holds sanitizers"
    for program in ("dpkg-shlibdeps", "file"):
        if not shutil.which(program):
            return f"not installed: {program} (dpkg-dev, file)"
    return None


# A package as a file.


def field(package, name):
    return subprocess.run(["dpkg-deb", "-f", package, name], text=True,
                          stdout=subprocess.PIPE, check=True).stdout.strip()


def needed(package):
    return [re.split(r"[ (]", item)[0]
            for item in field(package, "Depends").split(", ")]


def listed(package):
    """(mode, owner, path) of what is in it."""
    text = subprocess.run(["dpkg-deb", "-c", package], text=True,
                          stdout=subprocess.PIPE, check=True).stdout
    return [(*line.split()[:2], line.split()[5][2:])
            for line in text.splitlines()]


def files(package):
    return {path for mode, _, path in listed(package) if mode[0] == "-"}


# A host.


class Host:
    """A machine with the packages; README's words make its realm."""

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

    def install(self, packages, status=0):
        """As README has it: files beside each other."""
        names = []
        for package in packages:
            shutil.copy(package, self.box.path("/root"))
            names.append(f"./{package.name}")
        return self.apt("install", *names, status=status)

    def installed(self, *names):
        """The versions of packages; None: it is not there, or not whole."""
        found = []
        for name in names:
            done = self.box.call("dpkg-query", "-W", "-f",
                                 "${db:Status-Status} ${Version}", name)
            word, _, version = done.stdout.partition(" ")
            found.append(version if word == "installed" else None)
        return found

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


@contextlib.contextmanager
def clean(packages, folder):
    """A clean Debian with nothing of ours."""
    if why := machine.missing() or debian.missing(packages):
        pytest.skip(why)
    scratch = Path(tempfile.mkdtemp(prefix="package."))
    try:
        debian.unpack(scratch, packages)
        with machine.Machine(scratch) as box:
            yield Host(box, folder)
    finally:
        shutil.rmtree(scratch)
