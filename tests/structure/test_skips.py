"""When ctest may call a pytest file skipped: only if nothing of it ran."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

RUNNER = Path(__file__).resolve().parent.parent / "run_pytest.py"
PASSED, FAILED, INTERRUPTED, NOTHING, SKIPPED = 0, 1, 2, 5, 77

GOOD = "def test_good(): pass\n"
BAD = "def test_bad(): assert False\n"
SKIP = "def test_skip(): pytest.skip('not installed: teapot')\n"
MARKED = "@pytest.mark.skip(reason='not installed: cup')\ndef test_m(): pass\n"
WHOLE = "pytest.skip('no test data', allow_module_level=True)\n"
SETUP = """
@pytest.fixture
def broken(): raise OSError
def test_setup(broken): pass
"""
TEARDOWN = """
@pytest.fixture
def broken():
    yield
    raise OSError
def test_teardown(broken): pytest.skip('not installed: saucer')
"""
WITHOUT = """
@pytest.fixture
def absent(): pytest.skip('not installed: spoon')
def test_without(absent): pass
"""


@pytest.mark.parametrize("text, status", [
    (GOOD, PASSED),
    (GOOD + SKIP, PASSED),
    (SKIP, SKIPPED),
    (MARKED, SKIPPED),
    (MARKED + SKIP + WITHOUT, SKIPPED),
    (WITHOUT + GOOD, PASSED),
    (WHOLE + GOOD, SKIPPED),
    (BAD, FAILED),
    (SKIP + BAD, FAILED),
    (BAD + MARKED, FAILED),
    (SETUP + SKIP, FAILED),
    (TEARDOWN, FAILED),
    (SKIP + "import no_such_module\n", INTERRUPTED),
    (SKIP + "raise OSError('not installed: kettle')\n", INTERRUPTED),
    ("", NOTHING),
], ids=range(15))
def test_exit_status(tmp_path, text, status):
    file = tmp_path / "test_it.py"
    file.write_text("import pytest\n" + text)
    assert run(file).returncode == status


def run(file, **environment):
    return subprocess.run([sys.executable, RUNNER, file], check=False,
                          text=True, stdout=subprocess.PIPE,
                          env={**os.environ, **environment})


def test_a_skip_says_why(tmp_path):
    file = tmp_path / "test_it.py"
    file.write_text("import pytest\n" + GOOD + SKIP)
    assert "not installed: teapot" in run(file).stdout


@pytest.mark.parametrize("name, status", [("pytest", SKIPPED),
                                          ("pluggy", FAILED)])
def test_without_pytest(tmp_path, name, status):
    """A module that is missing looks like this to what imports it."""
    (tmp_path / f"{name}.py").write_text(
        f"raise ModuleNotFoundError('none', name={name!r})\n")
    assert run("test_it.py", PYTHONPATH=str(tmp_path)).returncode == status
