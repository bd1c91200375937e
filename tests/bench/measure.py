"""What the benchmarks of the KDC share: where things are, processor time,
the load program, and limits."""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent


def use(build):
    """The module and command of a build folder, and the tests' helpers."""
    build = build.resolve()
    os.environ.update(CERTMAP_MODULE=str(build / "plugin" / "certmap.so"),
                      CERTMAP_COMMAND=str(build / "tools" / "certmap"))
    sys.path[:0] = [str(HERE.parent / "realm"), str(HERE.parent / "pki")]
    return build / "tests" / "bench"


def say(text):
    print(text, file=sys.stderr, flush=True)


def cpu_clock(pid):
    """Seconds that a process has used; clock_getcpuclockid(3) in Python."""
    return time.clock_gettime_ns(~pid << 3 | 2) / 1e9


def idle_share(seconds=0.5):
    """How much of the processors nobody uses."""
    def times():
        fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
        values = list(map(int, fields))
        return values[3] + values[4], sum(values)

    idle, total = times()
    time.sleep(seconds)
    later_idle, later_total = times()
    return (later_idle - idle) / max(1, later_total - total)


def wait_for_quiet(seconds):
    """Until other programs pause, that long at most."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and idle_share() < 0.9:
        pass


def scratch(prefix):
    """A folder in memory: each login makes the KDC wait until the account's
    entry is on the disk, and how long that takes is none of our business."""
    return tempfile.TemporaryDirectory(
        prefix=prefix, dir="/dev/shm" if os.path.isdir("/dev/shm") else None)


def median(values):
    values = sorted(values)
    return (values[(len(values) - 1) // 2] + values[len(values) // 2]) / 2


def keeps(what, value, relation="", limit=None):
    """Prints one figure; is it within its limit?"""
    if limit is None:
        print(f"{what}: {value:.2f}")
        return True
    good = value >= limit if relation == ">=" else value <= limit
    print(f"{what}: {value:.2f} (limit {relation} {limit:g})"
          f"{'' if good else '  EXCEEDED'}", flush=True)
    return good


def load(program, kdc, *arguments, attempts=1):
    """A load program whose requests are ready."""
    for _ in range(attempts):
        made = Load(program, kdc, *arguments)
        if made.ready:
            return made
    raise SystemExit(f"load: {kdc.log()[-2000:]}")


class Load:
    """The load program; see load()."""

    def __init__(self, program, kdc, *arguments):
        self.kdc = kdc
        self._process = subprocess.Popen(
            [program, "--port", str(kdc.port), "--wait", "--json",
             *map(str, arguments)], env=kdc.environment("client"), text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.ready = self._process.stdout.readline() == "ready\n"

    def begin(self):
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return self

    def running(self):
        return self._process.poll() is None

    def result(self, may_fail=False):
        """What it says at its end."""
        output = self._process.communicate()[0]
        if self._process.returncode != 0 and not may_fail:
            raise SystemExit(f"load: {output} {self.kdc.log()[-3000:]}")
        return json.loads(output)
