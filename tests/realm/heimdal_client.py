"""Heimdal's kinit as a client of a realm.Kdc.

Debian's heimdal-clients would take kinit's place on this machine: it is run
from a folder in the build folder, into which its packages are unpacked."""

import fcntl
import os
import platform
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import debian
import realm
import terminal

PACKAGE = "heimdal-clients"
#: What the unpacked folder's name ends with; another one starts anew.
FORM = 1


def library_path(root):
    """LD_LIBRARY_PATH of programs that were unpacked into root."""
    folders = sorted(Path(root).glob("usr/lib/*-linux-gnu*"))
    return ":".join(str(path) for folder in folders
                    for path in (folder, folder / "heimdal"))


def packages():
    """The package and those of its libraries that come with Heimdal."""
    done = subprocess.run(
        ["apt-cache", "depends", "--recurse", "--important", PACKAGE],
        env=debian.environment(), text=True, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, check=False)
    return sorted({name for name in re.findall(r"^\S+$", done.stdout, re.M)
                   if name == PACKAGE or name.endswith("-heimdal")})


def root():
    """The folder with usr/bin/kinit.heimdal, or (None, why there is none)."""
    if not debian.CACHE:
        return None, "no folder to keep Heimdal's programs in"
    cache = Path(debian.CACHE)
    cache.mkdir(parents=True, exist_ok=True)
    kept = cache / f"heimdal-{platform.machine()}-{FORM}"
    with open(cache / "heimdal.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        why = None if kept.exists() else make(kept)
    return (None, why) if why else (kept, unable(kept))


def make(kept):
    """Downloads and unpacks; returns why it cannot, or None."""
    for program in ("apt-get", "dpkg"):
        if not shutil.which(program, path=realm.SBIN):
            return f"not installed: {program}"
    names = packages()
    if PACKAGE not in names:
        return f"apt knows no {PACKAGE} here"
    with tempfile.TemporaryDirectory(dir=kept.parent) as scratch:
        done = subprocess.run(
            ["apt-get", "-q", "download", *names], cwd=scratch, text=True,
            env=debian.environment(), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if done.returncode != 0:
            return f"no network: {done.stdout[-400:]}"
        for archive in Path(scratch).glob("*.deb"):
            debian.call("dpkg", "-x", archive, Path(scratch) / "root")
        (Path(scratch) / "root").rename(kept)
    return None


def unable(kept):
    """Why the unpacked kinit does not run, or None."""
    done = subprocess.run(
        ["ldd", kept / "usr/bin/kinit.heimdal"], text=True,
        env={"PATH": realm.SBIN, "LD_LIBRARY_PATH": library_path(kept)},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    absent = re.findall(r"(\S+) => not found", done.stdout)
    return f"not installed: {', '.join(absent)}" if absent else None


class Client:
    """Logs in to one realm.Kdc."""

    #: What it says when the two vendors' Diffie-Hellman results differ.
    DISAGREED = "Password incorrect"
    PROMPT = b"PIN"

    def __init__(self, folder, kdc):
        self.folder, self.kdc = folder, kdc
        self.conf = kdc.folder / "krb5-heimdal.conf"
        #: Logins that failed between the vendors, and were made again.
        self.repeated = 0
        self._caches = 0
        self._write()

    def _write(self):
        world = self.kdc.world
        pkinit = {"pkinit_anchors": f"FILE:{world.stock_roots}"}
        self.conf.write_text("".join(
            f"[{title}]\n{realm.profile(body)}\n" for title, body in {
                # Without the bits it offers a group that MIT's KDC refuses,
                # and with 2048 it finds none.
                "libdefaults": {"default_realm": self.kdc.realm,
                                "dns_lookup_kdc": "false",
                                "pkinit_dh_min_bits": 1024},
                "appdefaults": pkinit,
                "realms": {self.kdc.realm: {
                    "kdc": f"tcp/127.0.0.1:{self.kdc.port}",
                    **pkinit}}}.items()))

    def environment(self):
        return {**self.kdc.environment("client"),
                "KRB5_CONFIG": str(self.conf),
                "LD_LIBRARY_PATH": library_path(self.folder)}

    def kinit(self, principal, identity, pin=None):
        """A file identity, or a card's "PKCS11:..." with its PIN.

        About one exchange in 256 that the KDC grants is not understood by the
        client, without us too: it is made again, once."""
        login = self._kinit(principal, identity, pin)
        if (not login.ok and self.DISAGREED in login.output
                and login.audit["verdict"] == "authorized"):
            self.repeated += 1
            print("Heimdal and MIT disagreed on a key; once more")
            login = self._kinit(principal, identity, pin)
        return login

    def _kinit(self, principal, identity, pin):
        self._caches += 1
        cache = f"FILE:{self.kdc.folder}/heimdal{self._caches}"
        before, started = self.kdc.log_size(), time.monotonic()
        # It asks for a PIN on a terminal only.
        status, output = terminal.run(
            [str(self.folder / "usr/bin/kinit.heimdal"), "-c", cache,
             f"--pk-user={self.kdc.locate(identity)}", principal],
            self.environment(), pin and f"{pin}\n".encode(), self.PROMPT)
        log = self.kdc.log(before)
        return realm.Login(status, output, realm.audit_lines(log), log, cache,
                           time.monotonic() - started)
