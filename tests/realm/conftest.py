"""Fixtures of the realm tests; missing programs skip with a word."""

import os
import shutil
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "pki")]

import packages as debian_packages  # noqa: E402  (needs the path above)
import realm  # noqa: E402
import revocation  # noqa: E402
import stacking  # noqa: E402

NEEDED = ("krb5kdc", "kinit", "slapd", "softhsm2-util", "pkcs11-tool")
LOG_LINES = 100
MISSING = [name for name in NEEDED
           if not shutil.which(name, path=realm.SBIN)]


def pytest_collection_modifyitems(items):
    """Without the programs of a realm there is nothing to test."""
    inner = realm.KDB_INNER
    why = None
    if inner and stacking.missing(inner):
        why = f"not installed: what stacks on {inner}"
    if MISSING:
        why = f"not installed: {', '.join(MISSING)}; tests/run installs them"
    for item in items if why else ():
        item.add_marker(pytest.mark.skip(reason=why))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport():
    """A failure shows what the KDCs have logged."""
    report = (yield).get_result()
    if report.failed:
        for kdc in realm.Kdc.made:
            if kdc.log_file.exists() and (log := kdc.log()):
                lines = log.splitlines()[-LOG_LINES:]
                report.sections.append((str(kdc.log_file), "\n".join(lines)))


@pytest.fixture(scope="session")
def source():
    """The project's folder."""
    return HERE.parent.parent


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    return realm.World(tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="session")
def packages(tmp_path_factory):
    """Those of this build: that for the KDC, and the command's."""
    if why := debian_packages.missing():
        pytest.skip(why)
    return debian_packages.packed(tmp_path_factory.mktemp("packages"))


@pytest.fixture
def make_kdc(tmp_path, world):
    """Kdc(...) with the database made and started, stopped at the end."""
    running = []

    def make(start=True, replica_of=None, **options):
        folder = tmp_path / f"kdc{len(running) + 1}"
        kdc = realm.Kdc(folder, world, **options)
        running.append(kdc)
        if replica_of:
            kdc.copy_database(replica_of)
        else:
            kdc.create_database()
        return kdc.start() if start else kdc

    yield make
    for kdc in running:
        kdc.close()


@pytest.fixture
def make_setting(make_kdc, world, tmp_path):
    """A realm that requires status; relations change its subsection."""
    def make(**relations):
        return revocation.Setting(make_kdc, world, tmp_path / "store",
                                  **relations)
    return make
