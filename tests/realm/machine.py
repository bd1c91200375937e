"""Processes with mounts, process ids and a network of their own, such as
those of another machine, in a root folder of their own or in this one's.

    with Machine(folder) as machine:
        done = machine.run("dpkg", "-i", "/a.deb")

One process holds it all together: when that is ended, by its process id, the
kernel ends the others and takes the mounts away.
"""

import os
import shutil
import signal
import subprocess
from pathlib import Path

from realm import SBIN, START_SECONDS, until

NEEDED = ("unshare", "nsenter", "setpriv", "chroot")

#: Brings the loopback up, as sambadc.py does, says so, and stays, to bury
#: daemons.
HOLD = """\
import fcntl, os, signal, socket, struct
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
if os.environ.get("OWN_NETWORK"):
    with socket.socket() as s:
        fcntl.ioctl(s, 0x8914, struct.pack("16sh22x", b"lo", 0x49))
print("ready", flush=True)
while True:
    signal.pause()
"""


def missing():
    """Why there can be no machine here, or None."""
    for program in NEEDED:
        if not shutil.which(program, path=SBIN):
            return f"not installed: {program} (util-linux, coreutils)"
    if os.geteuid() != 0:
        return "only root can make a machine"
    done = subprocess.run(["/usr/bin/unshare", "-m", "-n", "-p", "-f", "true"],
                          check=False, stderr=subprocess.DEVNULL)
    return "no namespaces here" if done.returncode else None


class Machine:
    """root: its root folder.

    mounts_only: processes and network are this machine's; who starts a
    process in it ends it."""

    def __init__(self, root="/", mounts_only=False):
        self.root, self.mounts_only = Path(root), mounts_only
        self._holder = None
        self._pid = None

    def __enter__(self):
        command = ["/usr/bin/unshare", "--mount", "--fork", "--kill-child"]
        environment = {"PATH": SBIN}
        if not self.mounts_only:
            command += ["--pid", f"--mount-proc={self.root / 'proc'}", "--net"]
            environment["OWN_NETWORK"] = "1"
        self._holder = subprocess.Popen(
            [*command, "/usr/bin/python3", "-c", HOLD], env=environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        try:
            assert self._holder.stdout.readline() == "ready\n"
            pid = self._holder.pid
            children = Path(f"/proc/{pid}/task/{pid}/children")
            self._pid = int(until(children.read_text, "the machine's first"))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        # The first process takes all others with it; unshare buries it.
        os.kill(self._pid or self._holder.pid, signal.SIGKILL)
        self._holder.wait(START_SECONDS)
        self._holder.stdout.close()

    def enter(self, *spaces):
        """Words before a command that shall run in some of its spaces."""
        return ["nsenter", f"--target={self._pid}", *spaces]

    def words(self, *command):
        """The command as one of the machine."""
        spaces = [] if self.mounts_only else ["--pid", "--net"]
        into = self.enter("--mount", *spaces)
        root = [] if self.root == Path("/") else ["chroot", str(self.root)]
        return [*into, *root, *map(str, command)]

    def call(self, *command, text="", seconds=300, **environment):
        """Runs a program in it; returns what subprocess.run does."""
        return subprocess.run(
            self.words(*command), input=text, text=True, check=False,
            env={"PATH": SBIN, "HOME": "/root", "LC_ALL": "C.UTF-8",
                 **environment}, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, timeout=seconds)

    def run(self, *command, text="", status=0, **environment):
        """The same, which must end with status; returns its output."""
        done = self.call(*command, text=text, **environment)
        assert done.returncode == status, (
            f"{' '.join(map(str, command))}: exit {done.returncode}\n"
            f"{done.stdout}")
        return done.stdout

    def path(self, name):
        """A file of the root folder, as this machine sees it."""
        return self.root / str(name).lstrip("/")
