"""What the sources must look like."""

import os
import re
import shlex
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDERS = ("mapping", "ocsp", "ldap", "plugin", "tools")
MAX_LINES = 500
#: Folders each folder may include from: the arrows of the house.
ARROWS = {
    "mapping": ("mapping",),
    "ocsp": ("mapping", "ocsp"),
    "ldap": ("mapping", "ldap"),
    "plugin": ("mapping", "ocsp", "ldap", "plugin"),
    "tools": ("mapping", "ocsp", "ldap", "plugin", "tools"),
}
#: krb5 stays in the KDC's entry points, the configuration and the tools.
KRB5_FILES = re.compile(r"plugin/(certauth|config\w*|kdb_\w+|kdcpreauth\w*|realm|stock\w*)\.[ch]")

#: The KDC's database: one door for the login, and the module that is one.
KDB_FILES = re.compile(r"plugin/kdb_(entry|module\w*)\.c")


def sources(*suffixes):
    found = [path for folder in (*FOLDERS, "tests")
             for path in sorted((ROOT / folder).rglob("*"))
             if path.suffix in suffixes and "build" not in path.parts]
    assert found
    return found


def headers():
    return [path for folder in FOLDERS
            for path in sorted((ROOT / folder).glob("*.h"))]


def package_flags():
    done = subprocess.run(
        ["pkg-config", "--cflags", "krb5", "ldap", "jansson", "libcrypto"],
        check=True, text=True, stdout=subprocess.PIPE)
    return shlex.split(done.stdout)


def test_every_header_compiles_alone():
    flags = package_flags()

    def complaint(header):
        includes = [f"-I{ROOT / folder}"
                    for folder in ARROWS[header.parent.name]]
        done = subprocess.run(
            [os.environ.get("CERTMAP_CC", "cc"), "-std=c11", "-D_GNU_SOURCE",
             "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only",
             "-Wno-pragma-once-outside-header", *includes, *flags,
             "-x", "c", str(header)],
            text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            check=False)
        return done.stdout if done.returncode else ""

    with ThreadPoolExecutor() as pool:
        complaints = [text for text in pool.map(complaint, headers()) if text]
    assert not complaints, "\n".join(complaints)


def test_headers_have_guards():
    for header in headers():
        guard = f"CM_{header.stem.upper()}_H"
        text = header.read_text()
        assert f"#ifndef {guard}\n#define {guard}\n" in text, header


def test_krb5_headers_stay_where_they_belong():
    for path in sources(".c", ".h"):
        name = str(path.relative_to(ROOT))
        text = path.read_text()
        if name.startswith(("tests/", "tools/")):
            continue
        if re.search(r"#include <krb5", text):
            assert KRB5_FILES.fullmatch(name), f"{name} includes krb5"
        if re.search(r"#include <kdb\.h>", text):
            assert KDB_FILES.fullmatch(name), f"{name} includes kdb.h"


def test_libcurl_stays_in_one_file():
    files = {str(path.relative_to(ROOT)) for path in sources(".c", ".h")
             if re.search(r"#include <curl/", path.read_text())}
    assert files == {"ocsp/fetch.c"}


def test_files_are_short():
    long = {str(path.relative_to(ROOT)): count
            for path in sources(".c", ".h", ".py")
            if (count := len(path.read_text().splitlines())) > MAX_LINES}
    assert not long, f"longer than {MAX_LINES} lines: {long}"


def test_no_private_key():
    words = re.compile(rb"BEGIN [A-Z ]*PRIVATE" rb" KEY")
    listed = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-z"],
                            stdout=subprocess.PIPE, check=False).stdout
    files = [ROOT / name.decode() for name in listed.split(b"\0") if name]
    for path in files or sources(".c", ".h", ".py"):
        if path.is_file():
            assert not words.search(path.read_bytes()), path

def test_no_format_complaint():
    tool = shutil.which("clang-format-14") or shutil.which("clang-format")
    if tool is None:
        pytest.skip("clang-format is not there")
    done = subprocess.run(
        [tool, "--dry-run", "-Werror", *map(str, sources(".c", ".h"))],
        text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        check=False)
    assert done.returncode == 0, done.stdout[:4000]
