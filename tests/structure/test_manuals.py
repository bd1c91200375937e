"""The manual pages say everything that the code knows."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
CONFIGURATION = ROOT / "plugin" / "certmap.5"
COMMAND = ROOT / "tools" / "certmap.1"
PAGES = (CONFIGURATION, COMMAND)

pytestmark = pytest.mark.skipif(not shutil.which("mandoc"),
                                reason="not installed: mandoc")


def plain(page):
    """The page as a reader sees it, on long lines."""
    done = subprocess.run(
        ["mandoc", "-T", "utf8", "-O", "width=500", str(page)], check=True,
        stdout=subprocess.PIPE)
    return re.sub(".\b", "", done.stdout.decode())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_page_passes_lint(page):
    done = subprocess.run(
        ["mandoc", "-T", "lint", "-W", "warning", str(page)], text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    assert done.returncode == 0, done.stdout


def test_every_reason_is_explained():
    text = plain(CONFIGURATION)
    header = (ROOT / "mapping" / "reason.h").read_text()
    tokens = re.findall(r'X\(CM_\w+, "([a-z-]+)"', header)
    assert len(tokens) > 20
    missing = [token for token in tokens
               if not re.search(rf"(?<![\w-]){token}(?![\w-])", text)]
    assert not missing


@pytest.mark.skipif(not os.environ.get("CERTMAP_RELATIONS"),
                    reason="this build has no configuration reader")
def test_every_relation_is_explained():
    text = plain(CONFIGURATION)
    listed = subprocess.run([os.environ["CERTMAP_RELATIONS"]], check=True,
                            text=True, stdout=subprocess.PIPE)
    relations = listed.stdout.split()
    assert len(relations) > 20
    missing = [name for name in relations
               if not re.search(rf"(?<![\w]){name.split('.')[-1]}(?![\w])",
                                text)]
    assert not missing
