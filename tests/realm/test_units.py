"""The systemd units, as systemd-analyze sees them; none is started."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from realm import COMMAND

ANALYZE = shutil.which("systemd-analyze")
STOCK = Path("/lib/systemd/system/krb5-kdc.service")
#: What each may be exposed at most, wherever the KDC's own stands.  The hook
#: of certmap-expiring is the administrator's, and may write below /var.
SERVICES = {"certmap-refresh.service": 3.0, "certmap-expiring.service": 6.0}

pytestmark = pytest.mark.skipif(not ANALYZE,
                                reason="not installed: systemd-analyze")


@pytest.fixture
def units(source, tmp_path):
    """The units, with the command where this build has it."""
    folder = tmp_path / "units"
    shutil.copytree(source / "examples" / "systemd", folder)
    for name in SERVICES:
        text = (folder / name).read_text()
        assert "/usr/bin/certmap" in text
        (folder / name).write_text(text.replace("/usr/bin/certmap", COMMAND))
    return folder


def exposure(unit):
    done = subprocess.run(
        [ANALYZE, "security", "--offline=true", unit], text=True,
        capture_output=True, check=True)
    level = re.search(r"exposure level for \S+: ([0-9.]+)", done.stdout)
    return float(level[1])


def test_units_are_well_formed(units):
    files = sorted(units.glob("certmap-*"))
    assert len(files) == 4
    done = subprocess.run(
        [ANALYZE, "verify", "--man=no", *files], text=True, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0 and done.stdout == "", done.stdout


@pytest.mark.parametrize("name", SERVICES)
@pytest.mark.skipif(not STOCK.exists(), reason=f"{STOCK} is not there")
def test_less_exposed_than_the_kdc(units, name):
    assert exposure(units / name) < min(SERVICES[name], exposure(STOCK))
