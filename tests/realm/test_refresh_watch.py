"""certmap refresh --watch, and the process that touches the network."""

import os
import pwd
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

import nginx
from keeper import Keeper, crl
from nginx import Nginx
from realm import COMMAND, until

pytestmark = [
    pytest.mark.skipif(not nginx.PROGRAM, reason="not installed: nginx-light"),
    pytest.mark.skipif(not COMMAND, reason="this build has no certmap"),
]
needs_root = pytest.mark.skipif(os.getuid() != 0,
                                reason="only root can become somebody else")


@pytest.fixture
def web(tmp_path, world):
    with Nginx(tmp_path / "web") as one:
        (one.html / "ca.crl").write_bytes(crl(world.issuing))
        (one.html / "root.crl").write_bytes(crl(world.root))
        yield one


@pytest.fixture
def keeper(tmp_path, world, web):
    return Keeper(tmp_path / "keeper", world,
                  crl_url=f"{web.url}/ca.crl {web.url}/root.crl")


@pytest.fixture
def watch(keeper):
    """Starts one; it is ended by its process id."""
    started = []

    def start(*arguments):
        started.append(keeper.start("--watch", *arguments))
        return started[-1]

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def hears(process, words):
    """Waits until it has said so on its standard error."""
    assert any(words in line for line in process.stderr), words


def end(process):
    process.send_signal(signal.SIGTERM)
    return process.communicate(timeout=20)


def test_watch(keeper, watch, web, world):
    """Asks once, rests, and ends when it is told to."""
    process = watch()
    until(lambda: len(web.requests()) >= 2, "both CRLs are fetched")
    until(lambda: keeper.crls(world.root), "both are published")
    # Nothing is due for hours: it neither asks nor computes.
    before = _cpu(process)
    until(lambda: _sleeps(process), "it rests")
    out, err = end(process)
    assert process.returncode == 0, out + err
    assert _cpu_is_small(before) and err == ""
    assert len(web.requests()) == 2
    assert keeper.verify(world.card("alice")) == "ok"


def _cpu(process):
    fields = Path(f"/proc/{process.pid}/stat").read_text().split(")")[1]
    return sum(map(int, fields.split()[11:13]))


def _cpu_is_small(ticks):
    return ticks < 5 * os.sysconf("SC_CLK_TCK")


def _sleeps(process):
    path = Path(f"/proc/{process.pid}/wchan")
    state = Path(f"/proc/{process.pid}/stat").read_text().split(")")[1]
    return state.split()[0] == "S" and path.exists() and not _children(process)


def _children(process):
    pid = process.pid
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def test_what_is_due(keeper, watch, web, world):
    """Of two, the one whose time has come."""
    process = watch()
    until(lambda: keeper.crls(world.root), "all are published")
    until(lambda: _sleeps(process), "it rests")
    keeper.make_due("ca.crl")
    process.send_signal(signal.SIGHUP)
    until(lambda: len(web.requests()) == 3, "one is asked again")
    assert web.requests()[2]["uri"] == "/ca.crl"
    assert process.poll() is None


def test_reads_the_configuration_again(keeper, watch, web, world):
    process = watch()
    until(lambda: keeper.crls(world.root), "all are published")
    (web.html / "other.crl").write_bytes(crl(world.issuing, number=3))
    keeper.relations["crl_url"] = f"{web.url}/other.crl {web.url}/root.crl"
    keeper.write()
    process.send_signal(signal.SIGHUP)
    until(lambda: any(row["uri"] == "/other.crl" for row in web.requests()),
          "the new URL is asked")
    hears(process, "the configuration was read again")
    # One that cannot be read changes nothing.
    keeper.relations["mode"] = "enforc"
    good = keeper.conf.read_text()
    keeper.write()
    keeper.conf.write_text("[realms\n" + good)
    process.send_signal(signal.SIGHUP)
    hears(process, "the configuration in force stays as it was")
    end(process)
    assert process.returncode == 0


def test_stops_while_it_waits(keeper, watch, web):
    """A source that hangs holds nobody up."""
    web.reload("location / { root html; limit_rate 1; }")
    process = watch()
    until(lambda: len(_children(process)) >= 1, "a child asks")
    end(process)
    assert process.returncode == 0


# ---- Who touches the network ----


@needs_root
def test_child(keeper, watch, web, tmp_path):
    """The child is somebody else, and holds nothing of the store; the parent
    has no connection."""
    web.reload("location / { root html; limit_rate 1; }")
    process = watch()
    pids = until(lambda: [pid for pid in _children(process)
                          if _sockets(pid, "tcp", web.port)],
                 "a child is connected")
    nobody = pwd.getpwnam("nobody")
    for pid in pids:
        status = Path(f"/proc/{pid}/status").read_text()
        uids = re.search(r"^Uid:\t(.*)$", status, re.M).group(1).split()
        assert set(uids) == {str(nobody.pw_uid)}
        assert re.search(r"^CapEff:\t0+$", status, re.M)
        for fd in Path(f"/proc/{pid}/fd").iterdir():
            target = os.readlink(fd)
            # One file of the store's file system: unlinked, for the answer.
            assert not target.startswith(str(keeper.store)) or (
                target.endswith("(deleted)")), target
    assert not _sockets(process.pid, "tcp", web.port)
    environment = Path(f"/proc/{pids[0]}/environ").read_bytes()
    assert b"KRB5" not in environment
    end(process)


def _sockets(pid, kind, port):
    """Connections of a process to a port."""
    inodes = set()
    for fd in Path(f"/proc/{pid}/fd").iterdir():
        try:
            found = re.fullmatch(r"socket:\[(\d+)\]", os.readlink(fd))
        except OSError:
            continue
        if found:
            inodes.add(found.group(1))
    rows = Path(f"/proc/net/{kind}").read_text().splitlines()[1:]
    return [row for row in map(str.split, rows)
            if row[9] in inodes and row[2].endswith(f":{port:04X}")]


@needs_root
@pytest.mark.skipif(not shutil.which("setpriv"),
                    reason="not installed: util-linux")
def test_capabilities_of_the_service(keeper, web, source):
    """The service's capabilities are enough."""
    unit = (source / "examples/systemd/certmap-refresh.service").read_text()
    words = re.search(r"^CapabilityBoundingSet=(.*)$", unit, re.M).group(1)
    bounding = ",".join("+" + word[4:].lower() for word in words.split())
    done = subprocess.run(
        ["setpriv", "--bounding-set", f"-all,{bounding}", "--no-new-privs",
         *keeper.command("refresh", "--user", "nobody")],
        env=keeper.environment, text=True, capture_output=True, timeout=60,
        check=False)
    assert done.returncode == 0, done.stdout + done.stderr


# ---- The units ----

@pytest.fixture
def units(source, tmp_path):
    folder = tmp_path / "units"
    shutil.copytree(source / "examples" / "systemd", folder)
    service = folder / "certmap-refresh.service"
    # Where this build has it.
    service.write_text(service.read_text().replace("/usr/bin/certmap",
                                                   COMMAND))
    return folder


def test_service_runs_what_there_is(units):
    """Its command line is understood: -h after it prints help."""
    unit = (units / "certmap-refresh.service").read_text()
    words = re.search(r"^ExecStart=(.*)$", unit, re.M).group(1).split()
    done = subprocess.run([*words, "--help"], text=True, capture_output=True,
                          check=False)
    assert done.returncode == 0, done.stderr
