"""The network child: who it is, what it holds, and what it may do wrong."""

import os
import pwd
import signal
import subprocess
import time
from pathlib import Path

import pytest

import nginx
from nginx import Nginx
from probe import PROBE, Probe
from realm import until

pytestmark = [
    pytest.mark.skipif(not nginx.PROGRAM, reason="not installed: nginx-light"),
    pytest.mark.skipif(not PROBE, reason="this build has no fetch_probe"),
]

ROOT = os.getuid() == 0
needs_root = pytest.mark.skipif(not ROOT, reason="only root can become "
                                "another user")
GRACE_SECONDS = 3


@pytest.fixture
def store(tmp_path):
    """A folder as the store is: root's alone."""
    folder = tmp_path / "store"
    folder.mkdir(0o700)
    (folder / "deny").write_text("a secret\n")
    return folder


@pytest.fixture
def child(tmp_path, store):
    with Probe(tmp_path / "body", "child", "nobody" if ROOT else "-",
               store) as one:
        yield one


@pytest.fixture
def web(tmp_path):
    with Nginx(tmp_path / "web") as one:
        (one.html / "ca.crl").write_bytes(b"a CRL")
        yield one


def status_of(pid):
    rows = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {key: value.split() for key, value in
            (row.split(":", 1) for row in rows)}


def descriptors(pid):
    folder = f"/proc/{pid}/fd"
    try:
        return {int(name): os.readlink(f"{folder}/{name}")
                for name in os.listdir(folder)}
    except PermissionError:
        pytest.skip("another process's descriptors cannot be seen here")


def gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


# ---- Who it is ----

@needs_root
def test_it_is_another_user_for_good(child):
    nobody = pwd.getpwnam("nobody")
    status = status_of(child.first["pid"])
    assert status["Uid"] == [str(nobody.pw_uid)] * 4
    assert status["Gid"] == [str(nobody.pw_gid)] * 4
    assert status["Groups"] == []
    for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
        assert int(status[name][0], 16) == 0, name
    assert status["NoNewPrivs"] == ["1"]
    found = child.special("regain")
    assert found["body"] == b"Operation not permitted"


def test_it_holds_its_socket_and_nothing_else(child, web):
    """During a request, the file of its answer besides."""
    pid = child.first["pid"]
    held = descriptors(pid)
    assert held.pop(3).startswith("socket:")
    assert held == dict.fromkeys((0, 1, 2), "/dev/null")

    child.start_special("hang", timeout=20000)
    until(lambda: len(descriptors(pid)) > 4, "the request is there")
    held = descriptors(pid)
    body = [path for number, path in held.items() if number > 3]
    assert len(body) == 1 and body[0].endswith("(deleted)")
    os.kill(pid, signal.SIGKILL)
    assert child.answer()["result"] == "failed"

    # Between requests, connections to servers may stay open, and no file.
    found = child.fetch(web.url + "/ca.crl")
    assert found["result"] == "fetched"
    assert all(path.startswith("socket:")
               for number, path in descriptors(found["pid"]).items()
               if number > 2)


def test_it_inherits_nothing(tmp_path, store):
    secret = "SSLKEYLOGFILE"
    env = {**os.environ, secret: str(tmp_path / "keys"), "http_proxy": "x"}
    inherited = os.open(store / "deny", os.O_RDONLY)
    os.set_inheritable(inherited, True)
    with Probe(tmp_path / "body", "child", "nobody" if ROOT else "-", store,
               env=env) as one:
        pid = one.first["pid"]
        try:
            assert Path(f"/proc/{pid}/environ").read_bytes() == b""
            assert os.readlink(f"/proc/{pid}/cwd") == "/"
            assert set(descriptors(pid)) == {0, 1, 2, 3}
        except PermissionError:
            pytest.skip("another process's environment cannot be seen here")
        finally:
            os.close(inherited)
        assert Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0") == [
            b"certmap", b"fetch-worker", b""]


def test_its_limits(child):
    rows = Path(f"/proc/{child.first['pid']}/limits").read_text().splitlines()
    limits = {row[:25].strip(): row[25:].split()[:2] for row in rows}
    assert limits["Max core file size"] == ["0", "0"]
    assert limits["Max open files"] == ["64", "64"]
    assert limits["Max file size"] == [str(1 << 30)] * 2


@needs_root
def test_it_opens_no_path_of_the_store(child, store):
    for path in (store, store / "deny"):
        found = child.special(f"open {path}")
        assert found["body"] == b"Permission denied"
    # The word is not in vain: what everybody may read it can open.
    assert child.special("open /etc/passwd")["body"] == b"opened"


@needs_root
@pytest.mark.parametrize("user,why", [
    ("root", "root"), ("no-such-user", "no-such-user")])
def test_users_it_cannot_be(tmp_path, user, why):
    done = subprocess.run([PROBE, "child", user, str(tmp_path)], text=True,
                          capture_output=True, timeout=30, check=False)
    assert done.returncode == 1 and why in done.stderr


def test_staying_the_same_user_is_said(tmp_path):
    with Probe(tmp_path / "body", "child", "-", "-") as one:
        status = status_of(one.first["pid"])
        assert status["Uid"][0] == str(os.getuid())
        assert status["NoNewPrivs"] == ["1"]
        assert "the same user" in one.close()


def test_typing_its_argument_does_nothing():
    done = subprocess.run([PROBE, "fetch-worker"], timeout=30, check=False,
                          stdin=subprocess.DEVNULL, capture_output=True)
    assert done.returncode == 2


# ---- What it does ----

def test_it_fetches(child, web, store):
    url = web.url + "/ca.crl"
    found = child.fetch(url)
    assert found["result"] == "fetched" and found["body"] == b"a CRL"
    again = child.fetch(url, etag=found["etag"])
    assert again["result"] == "not-modified" and again["status"] == 304
    assert child.fetch(web.url + "/none")["result"] == "failed"
    assert child.fetch(url, max=3)["result"] == "too-large"
    assert child.fetch(url, certificate=True)["result"] == "forbidden"
    assert child.fetch("ftp://ca.test/")["result"] == "forbidden"
    posted = child.fetch(url, body="x" * 8000, type="a/b")
    assert posted["result"] == "failed" and "405" in posted["detail"]
    # All by one process, and no file is left behind.
    assert posted["pid"] == child.first["pid"]
    assert {path.name for path in store.iterdir()} == {"deny"}


def test_a_large_body(child, web):
    body = os.urandom(3_000_001)
    (web.html / "large").write_bytes(body)
    found = child.fetch(web.url + "/large", max=len(body))
    assert found["result"] == "fetched" and found["body"] == body


def test_bodies_may_stay_in_memory(tmp_path, web):
    with Probe(tmp_path / "body", "child", "-", "-") as one:
        assert one.fetch(web.url + "/ca.crl")["body"] == b"a CRL"


@pytest.mark.parametrize("words", [
    {"timeout": 0}, {"timeout": -1}, {"timeout": 4_000_000},
    {"max": 2_000_000_000}, {"url": "http://ca.test/" + "x" * 3000},
    {"host": [f"h{n}" for n in range(65)]}, {"host": ["x" * 300]},
    {"etag": "x" * 300},
], ids=["no time", "less", "too much time", "too large", "long URL",
        "many hosts", "long host", "long ETag"])
def test_requests_out_of_bounds(child, web, words):
    found = child.fetch(**{"url": web.url + "/ca.crl", **words})
    assert found["result"] == "failed"
    assert "out of bounds" in found["detail"]
    assert found["pid"] == child.first["pid"]
    assert child.fetch(web.url + "/ca.crl")["result"] == "fetched"


# ---- What it may do wrong ----

@pytest.mark.parametrize("payload,expected", [
    ("hang", "timed-out"), ("die", "failed"), ("junk", "failed"),
    ("long", "failed"), ("unmodified", "failed")])
def test_a_child_that_fails_is_replaced(child, web, payload, expected):
    first = child.first["pid"]
    started = time.monotonic()
    found = child.special(payload, timeout=300)
    assert found["result"] == expected and found["body"] == b""
    assert time.monotonic() - started < GRACE_SECONDS + 10
    assert gone(first)
    after = child.fetch(web.url + "/ca.crl")
    assert after["result"] == "fetched" and after["pid"] != first
    assert f"the network process {first} was ended" in child.close()


def test_a_child_that_died_meanwhile_is_replaced(child, web):
    first = child.first["pid"]
    os.kill(first, signal.SIGKILL)
    until(lambda: status_of(first)["State"][0] == "Z", "it died")
    found = child.fetch(web.url + "/ca.crl")
    assert found["result"] == "fetched" and found["pid"] != first


def test_a_child_that_stopped_is_replaced(child, web):
    first = child.first["pid"]
    os.kill(first, signal.SIGSTOP)
    found = child.fetch(web.url + "/ca.crl", timeout=200)
    assert found["result"] == "timed-out" and gone(first)
    assert child.fetch(web.url + "/ca.crl")["result"] == "fetched"


def test_a_child_that_goes_on_writing_changes_nothing(child, tmp_path):
    found = child.special("scribble", timeout=2000)
    copy = found["body"]
    assert found["result"] == "fetched" and len(copy) == len("scribble")
    assert child.special("next")["body"] == b"next"
    assert (tmp_path / "body").read_bytes() == b"next"


@pytest.mark.parametrize("how", ["end", "kill"])
def test_it_ends_with_its_parent(tmp_path, how):
    one = Probe(tmp_path / "body", "child", "-", "-")
    pid = one.first["pid"]
    if how == "kill":
        os.kill(one.pid, signal.SIGKILL)
        one._process.communicate()
    else:
        one.close()
    until(lambda: gone(pid), "the child has ended")
