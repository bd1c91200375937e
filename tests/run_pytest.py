"""Runs one pytest file for ctest: run_pytest.py FILE

The exit status is pytest's, but SKIPPED where every test of the file was
skipped, or pytest is not there.  A file of which one test was skipped and
another failed has failed.
"""

import sys

SKIPPED = 77


class Counter:
    """Of what pytest reports: how much was skipped, and what passed."""

    def __init__(self):
        self.skipped = self.passed = 0

    def pytest_collectreport(self, report):
        """A file can skip itself before it has tests."""
        self.skipped += report.skipped

    def pytest_runtest_logreport(self, report):
        """A test's setup, its call and its teardown come one by one."""
        self.skipped += report.skipped
        self.passed += report.when == "call" and report.passed


def main(path):
    try:
        import pytest
    except ModuleNotFoundError as missing:
        if missing.name != "pytest":
            raise
        print("skipped: python3-pytest is not installed")
        return SKIPPED
    counter = Counter()
    status = pytest.main(["-q", "-rs", "-p", "no:cacheprovider", path],
                         plugins=[counter])
    nothing_failed = status in (pytest.ExitCode.OK,
                                pytest.ExitCode.NO_TESTS_COLLECTED)
    if nothing_failed and counter.skipped and not counter.passed:
        return SKIPPED
    return int(status)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
