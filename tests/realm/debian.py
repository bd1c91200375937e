"""A clean Debian root for tests, of this host's release, from the mirrors that
apt uses here.  It is made once, with the archives that the packages need, and
kept as a tar file in the build folder: anew when they need others."""

import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
import urllib.request
from pathlib import Path

from realm import SBIN

CACHE = os.environ.get("CERTMAP_CACHE")
#: What says that the kept root is of another kind than this file makes.
FORM = 1


def sources():
    """(URI, release, component) of Debian's own archives in apt's lists."""
    done = subprocess.run(
        ["apt-get", "indextargets", "--format",
         "$(REPO_URI) $(RELEASE) $(COMPONENT) $(ORIGIN) $(CODENAME)",
         "Created-By: Packages"], env={"PATH": SBIN}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    rows = [line.split() for line in done.stdout.splitlines()]
    return [tuple(row[:3]) for row in rows
            if len(row) == 5 and row[3] == "Debian"
            and row[4].split("-")[0] == suite() and row[2] == "main"]


def suite():
    return platform.freedesktop_os_release().get("VERSION_CODENAME", "")


def environment():
    """That of apt and debootstrap, with the proxy that apt has here."""
    done = subprocess.run(
        ["apt-config", "shell", "proxy", "Acquire::http::Proxy"],
        env={"PATH": SBIN}, text=True, stdout=subprocess.PIPE, check=False)
    proxy = done.stdout.strip().removeprefix("proxy=").strip("'")
    return {"PATH": SBIN, "LC_ALL": "C.UTF-8", "HOME": "/root",
            "DEBIAN_FRONTEND": "noninteractive",
            **({"http_proxy": proxy} if proxy else {})}


def missing(packages):
    """Why there can be no root here, or None."""
    if not CACHE or kept(packages).exists():
        return None if CACHE else "no folder to keep a root in"
    for program in ("debootstrap", "apt-get"):
        if not shutil.which(program, path=SBIN):
            return f"not installed: {program}"
    base = [row for row in sources() if row[1] == suite()]
    if not base:
        return "apt has no list of a Debian release here"
    try:
        urllib.request.urlopen(f"{base[0][0]}dists/{suite()}/Release",
                               timeout=20).close()
    except OSError as error:
        return f"no network: {error}"
    return None


def kept(packages):
    needs = b"".join(subprocess.run(
        ["dpkg-deb", "-f", package, "Depends", "Recommends"],
        stdout=subprocess.PIPE, check=True).stdout for package in packages)
    word = hashlib.sha256(needs).hexdigest()[:12]
    return Path(CACHE) / f"{suite()}-{FORM}-{word}.tar"


def call(*command, **options):
    """Runs it, quietly unless it fails."""
    done = subprocess.run(
        [str(word) for word in command], env=environment(), text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, check=False, **options)
    assert done.returncode == 0, f"{command[0]}: {done.stdout[-4000:]}"


def unpack(folder, packages):
    """Unpacks the root into an empty folder, made before if need be."""
    Path(CACHE).mkdir(parents=True, exist_ok=True)
    with open(Path(CACHE) / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept(packages).exists():
            make(packages)
    call("tar", "-C", folder, "-xpf", kept(packages))


def make(packages):
    """debootstrap, apt's lists, and the archives that the packages need."""
    rows = sources()
    uri = next(row[0] for row in rows if row[1] == suite())
    with tempfile.TemporaryDirectory(prefix="debian.") as scratch:
        root = Path(scratch) / "root"
        call("debootstrap", "--variant=minbase", suite(), root, uri)
        prepare(root, rows)
        wanted = [f"/wanted{n}.deb" for n, _ in enumerate(packages)]
        for package, name in zip(packages, wanted):
            shutil.copy(package, f"{root}{name}")
        call("chroot", root, "apt-get", "clean")
        call("chroot", root, "apt-get", "-q", "update")
        call("chroot", root, "apt-get", "-q", "-y", "--download-only",
             "install", *wanted)
        for name in wanted:
            os.unlink(f"{root}{name}")
        draft = Path(CACHE) / "new"
        call("tar", "-C", root, "-cf", draft, ".")
        for old in Path(CACHE).glob("*.tar"):
            old.unlink()
        draft.rename(kept(packages))


def prepare(root, rows):
    etc = root / "etc"
    (etc / "apt/sources.list").write_text(
        "".join(f"deb {' '.join(row)}\n" for row in rows))
    shutil.copy("/etc/resolv.conf", etc / "resolv.conf")
    # Kept archives serve the next run; what crashes is thrown away.
    (etc / "apt/apt.conf.d/keep").write_text(
        'Binary::apt::APT::Keep-Downloaded-Packages "true";\n'
        'APT::Sandbox::User "root";\n')
    (etc / "dpkg/dpkg.cfg.d/fast").write_text("force-unsafe-io\n")
    policy = root / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
