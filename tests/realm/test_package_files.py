"""The Debian packages as files, and the command's on a host without a KDC."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from packages import (CPACK, NAMES, clean, field, files, listed, needed)

STORE = "/var/lib/krb5kdc/certmap"
LINTIAN = shutil.which("lintian")
#: Who maintains a package is for whoever publishes it to say.
NOT_OURS = {"bogus-mail-host", "bogus-mail-host-in-debian-changelog"}


def test_what_they_need(packages, source):
    version = re.search(r"project\(krb5-certmap VERSION (\S+)",
                        (source / "CMakeLists.txt").read_text())[1]
    for package in packages:
        assert field(package, "Version") == version
        # What the linker has bound: libraries, not their headers.
        assert {"libc6", "libkrb5-3", "libssl3",
                "libcurl4"} <= set(needed(package))
        assert not any(name.endswith("-dev") for name in needed(package))
    kdc, tools = packages
    assert {"krb5-kdc", "krb5-pkinit", "adduser"} <= set(needed(kdc))
    assert f"krb5-certmap-tools (= {version})" in field(kdc, "Depends")
    assert "krb5-pkinit" in needed(tools)
    assert not {"krb5-kdc", "krb5-admin-server",
                "krb5-certmap"} & set(needed(tools))


def test_which_has_what(packages):
    kdc, tools = map(files, packages)
    assert not kdc & tools
    own = {path for path in tools if "/doc/" not in path}
    assert own == {"usr/bin/certmap", "usr/share/man/man1/certmap.1.gz",
                   "usr/share/bash-completion/completions/certmap"}
    assert {"certmap.so"} == {Path(path).name for path in kdc
                              if path.endswith(".so")}


def test_no_folder_of_the_kdc_is_in_them(packages):
    """dpkg would make /var/lib/krb5kdc open, if it came before krb5-kdc."""
    for mode, owner, path in listed(packages[0]) + listed(packages[1]):
        assert owner == "root/root" and mode[8] == "-"
        assert path == "" or path.startswith("usr/")


def test_cmake_installs_the_same(packages, tmp_path):
    build = Path(CPACK[-1]).parent
    subprocess.run(["cmake", "--install", build, "--prefix", tmp_path / "usr"],
                   stdout=subprocess.DEVNULL, check=True)
    assert files(packages[0]) | files(packages[1]) == {
        str(path.relative_to(tmp_path))
        for path in tmp_path.rglob("*") if path.is_file()}


@pytest.mark.skipif(not LINTIAN, reason="lintian is not there")
def test_lintian(packages):
    done = subprocess.run(
        [LINTIAN, "--allow-root", *packages], text=True, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    found = [line for line in done.stdout.splitlines()
             if line.split(": ")[-1].split()[0] not in NOT_OURS]
    assert not found, "\n".join(found)


# A host without a KDC.


@pytest.fixture(scope="module")
def desk(packages, tmp_path_factory):
    """It has the command's package alone."""
    with clean(packages, tmp_path_factory.mktemp("desk")) as made:
        made.install(packages[1:])
        yield made


def test_command_without_a_kdc(desk, world):
    assert desk.installed("krb5-kdc", "krb5-certmap") == [None, None]
    assert not desk.box.path("/etc/krb5kdc").exists()
    card = world.issuing.issue("CN=alice")
    desk.box.path("/root/alice.pem").write_bytes(card.pem)
    assert "X509:<SKI>" in desk.run("certmap", "show", "alice.pem")
    verbs = set(re.findall(r"^  ([a-z-]+) ", desk.run("certmap", "--help"),
                           re.M)) - {"certmap"}
    assert {"show", "refresh"} <= verbs
    for verb in verbs:
        assert f"certmap {verb}" in desk.run("certmap", verb, "--help")


def whole(packages, folder, version):
    """Both as the one package that they were."""
    tree = folder / "tree"
    subprocess.run(["dpkg-deb", "-R", packages[0], tree], check=True)
    subprocess.run(["dpkg-deb", "-x", packages[1], tree], check=True)
    control = tree / "DEBIAN/control"
    text = re.sub(r"krb5-certmap-tools \(= \S+\),? ?", "",
                  control.read_text())
    control.write_text(re.sub(r"(?m)^Version: .*", f"Version: {version}",
                              text))
    out = folder / f"krb5-certmap_{version}_old.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "-b", tree, out],
                   stdout=subprocess.DEVNULL, check=True)
    return out


@pytest.mark.parametrize("version", ["0.0.1", None])
def test_from_one_package_to_two(desk, packages, tmp_path, version):
    """None: the one package was of this version."""
    desk.apt("purge", *(name for name in NAMES if desk.installed(name)[0]))
    new = field(packages[0], "Version")
    old = whole(packages, tmp_path, version or new)
    desk.install([old])
    assert desk.installed(*NAMES) == [version or new, None]
    desk.box.path(f"{STORE}/kept").write_text("")
    if version:
        desk.install(packages)
    else:
        desk.install(packages[1:])
        desk.apt("install", "--reinstall", f"./{packages[0].name}")
    assert desk.installed(*NAMES) == [new, new]
    owner = desk.run("dpkg", "-S", "/usr/bin/certmap")
    assert owner.split(":")[0] == "krb5-certmap-tools"
    assert desk.box.path(f"{STORE}/kept").exists()
    assert "certmap" in desk.run("certmap", "--version")
