"""certmap refresh and certmap status against a real web server."""

import datetime
import os
import pty
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

import nginx
import pki
from keeper import HOUR, USER, Keeper, crl, names_of, now, put
from nginx import Nginx
from realm import COMMAND, until
from refreshing import asked, import_crls, keeper, publish, web

pytestmark = [
    pytest.mark.skipif(not nginx.PROGRAM, reason="not installed: nginx-light"),
    pytest.mark.skipif(not COMMAND, reason="this build has no certmap"),
]


# ---- What is fetched, and what becomes of it ----


def test_published_fetched_known(keeper, world, web):
    done = keeper.refresh()
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.outcomes == {"ca.crl": "published", "root.crl": "published"}
    assert done.json["alarms"] == []
    assert keeper.verify(world.card("alice")) == "ok"

    status = keeper.status()
    assert status.returncode == 0
    by_name = {ca["subject"].split(",")[0]: ca
               for ca in status.store["cas"]}
    (entry,) = by_name["CN=Corp CA 1"]["crls"]
    assert entry["state"] == "fresh" and entry["entries"] == 0
    assert entry["source"]["url"] == f"{web.url}/ca.crl"
    assert entry["source"]["failures"] == 0
    assert 3500 < entry["age"] < 3800
    assert by_name["CN=Corp CA 1"]["logon"]
    assert not by_name["CN=Corp Root"]["logon"]


def test_not_modified(keeper, web):
    keeper.refresh()
    done = keeper.refresh()
    assert done.returncode == 0
    assert set(done.outcomes.values()) == {"unchanged"}
    assert asked(web) == [("/ca.crl", "200"), ("/root.crl", "200"),
                          ("/ca.crl", "304"), ("/root.crl", "304")]


def test_not_modified_means_nothing_without_the_crl(keeper, web, world):
    """Validators are sent only while the store has what they speak of."""
    keeper.refresh()
    shutil.rmtree(keeper.store / "crl" / world.issuing.spki_sha256)
    done = keeper.refresh()
    assert done.outcomes == {"ca.crl": "published", "root.crl": "unchanged"}
    assert asked(web, 2) == [("/ca.crl", "200"), ("/root.crl", "304")]


def test_revoked(keeper, world, web):
    card = world.card("alice")
    keeper.refresh()
    assert keeper.verify(card) == "ok"
    publish(web, world, [card.cert.serial_number], 2)
    assert keeper.refresh().outcomes["ca.crl"] == "published"
    assert keeper.verify(card) == "revoked"


def test_rollback(keeper, world, web, tmp_path):
    card = world.card("alice")
    publish(web, world, [card.cert.serial_number], 5)
    assert keeper.refresh().returncode == 0
    # An older one without the card, as an attacker would serve it.
    publish(web, world, [], 4)
    done = keeper.refresh()
    assert done.returncode == 1
    assert done.outcomes["ca.crl"] == "refused"
    assert keeper.verify(card) == "revoked"
    # Another CA's word does not help.
    done = keeper.refresh("--accept-rollback", world.root.spki_sha256)
    assert done.outcomes["ca.crl"] == "refused"
    path = tmp_path / "ca.pem"
    path.write_bytes(world.issuing.pem)
    done = keeper.refresh("--accept-rollback", path)
    assert done.returncode == 0 and done.outcomes["ca.crl"] == "published"
    assert keeper.verify(card) == "ok"
    # Once only: from there it goes forward again.
    publish(web, world, [], 3)
    assert keeper.refresh().outcomes["ca.crl"] == "refused"
    done = keeper.refresh("--accept-rollback", world.issuing.spki_sha256)
    assert done.outcomes["ca.crl"] == "published"


@pytest.mark.parametrize("content", [
    b"", b"<html>Not found</html>", b"\x30\x82\xff\xff" + b"\0" * 100],
    ids=["empty", "html", "cut"])
def test_rubbish(keeper, world, web, content):
    keeper.refresh()
    put(web.html / "ca.crl", content)
    done = keeper.refresh()
    assert done.returncode == 1 and done.outcomes["ca.crl"] == "refused"
    assert keeper.verify(world.card("alice")) == "ok"


def test_signed_by_somebody_else(keeper, world, web):
    forger = pki.root(world.issuing.subject_text, slot="forger")
    put(web.html / "ca.crl", crl(forger, number=99))
    done = keeper.refresh()
    assert done.returncode == 1 and done.outcomes["ca.crl"] == "refused"
    assert keeper.verify(world.card("alice")) == "revocation-unknown"


# ---- Certificates that say where ----


def test_urls_of_certificates(tmp_path, world, web):
    """A card names its CRL; that of a stranger names nothing, and a private
    address takes leave."""
    put(web.html / "card.crl", crl(world.issuing))
    card = world.issuing.issue(
        "CN=carol", extensions=[names_of(
            ("ldap://ldap.example/x", f"{web.url}/card.crl"))])
    foreign = world.web.issue(
        "CN=mallory", extensions=[names_of(f"{web.url}/mallory.crl")])
    tmp_path.chmod(0o755)
    keeper = Keeper(tmp_path / "keeper", world, issuer={
        "one": {"certificate": _write(tmp_path, world.issuing),
                "allow_private_addresses": "true"}})
    keeper.see(card)
    done = keeper.imports(_write(tmp_path, foreign, "mallory.pem"))
    assert done.returncode == 1
    done = keeper.refresh()
    assert done.outcomes == {"card.crl": "published"}
    assert asked(web) == [("/card.crl", "200")]
    # There is no CRL of the root, and nobody knows where it could be.
    assert done.returncode == 1
    assert any("Corp Root" in alarm for alarm in done.json["alarms"])
    (ca,) = [ca for ca in keeper.status().store["cas"] if ca["logon"]]
    assert ca["cards"] == 1 and ca["skipped_urls"] == 1


def test_private_address(tmp_path, world, web):
    card = world.issuing.issue(
        "CN=dave", extensions=[names_of(f"{web.url}/card.crl")])
    tmp_path.chmod(0o755)
    keeper = Keeper(tmp_path / "keeper", world)
    keeper.see(card)
    done = keeper.refresh()
    assert done.outcomes == {"card.crl": "failed"}
    assert asked(web) == []


def test_alternatives(tmp_path, world, web):
    """Names of one distribution point: one that answers is enough."""
    put(web.html / "b.crl", crl(world.issuing))
    card = world.issuing.issue("CN=erin", extensions=[names_of(
        (f"{web.url}/a.crl", f"{web.url}/b.crl", f"{web.url}/c.crl"))])
    tmp_path.chmod(0o755)
    keeper = Keeper(tmp_path / "keeper", world, issuer={
        "one": {"certificate": _write(tmp_path, world.issuing),
                "allow_private_addresses": "true"}})
    keeper.see(card)
    done = keeper.refresh()
    assert done.outcomes == {"a.crl": "failed", "b.crl": "published"}
    assert done.store["failed"] == 0


def test_deltas(keeper, world, web):
    """A complete CRL says where its delta is."""
    card = world.card("alice")
    publish(web, world, number=7, freshest=f"{web.url}/delta.crl")
    put(web.html / "delta.crl", crl(
        world.issuing, [card.cert.serial_number], 8, delta_of=7))
    # URLs in a CRL are screened like those in a certificate.
    assert keeper.refresh().outcomes["delta.crl"] == "failed"
    keeper.relations["issuer"] = {
        "one": {"certificate": _write(keeper.folder, world.issuing),
                "allow_private_addresses": "true"}}
    keeper.write()
    done = keeper.refresh()
    assert done.outcomes["delta.crl"] == "published"
    assert keeper.verify(card) == "revoked"
    # Known from the state, also where the base has not changed.
    done = keeper.refresh()
    assert done.outcomes["ca.crl"] == "unchanged"
    assert done.outcomes["delta.crl"] == "unchanged"


def _write(folder, identity, name="ca.pem"):
    path = Path(folder) / name
    path.write_bytes(identity.pem)
    return path


# ---- Failing, and backing off ----


def test_one_server_down(tmp_path, keeper, world, web):
    with Nginx(tmp_path / "other") as other:
        put(other.html / "root.crl", crl(world.root))
        keeper.relations["crl_url"] = (f"{web.url}/ca.crl "
                                       f"{other.url}/root.crl")
        keeper.write()
        assert keeper.refresh().returncode == 0
        publish(web, world, number=2)
    # It is down now.
    started = time.time()
    done = keeper.refresh()
    ended = time.time()
    assert done.returncode == 1
    assert done.outcomes == {"ca.crl": "published", "root.crl": "failed"}
    # What it gave is still good.
    assert done.json["alarms"] == []
    assert keeper.verify(world.card("alice")) == "ok"
    source = _source(keeper, "root.crl")
    assert source["failures"] == 1 and source["error"]
    assert started + 55 <= _seconds(source["next_try"]) <= ended + 70
    # Not before that, where only what is due is asked.
    done = keeper.refresh("--due")
    assert done.returncode == 0 and done.store["tried"] == 0
    assert done.store["not_due"] == 2
    started = time.time()
    done = keeper.refresh()
    ended = time.time()
    assert done.returncode == 1
    source = _source(keeper, "root.crl")
    assert source["failures"] == 2
    assert started + 115 <= _seconds(source["next_try"]) <= ended + 140


def _source(keeper, name):
    (source,) = [source for source in keeper.status().store["sources"]
                 if source["url"].endswith(name)]
    return source


def _seconds(text):
    return datetime.datetime.fromisoformat(
        text.replace("Z", "+00:00")).timestamp()


def test_nobody_answers(tmp_path, world):
    keeper = Keeper(tmp_path / "keeper", world,
                    crl_url="http://127.0.0.1:1/ca.crl")
    done = keeper.refresh()
    assert done.returncode == 3
    assert done.outcomes == {"ca.crl": "failed"}
    assert keeper.status().returncode == 1


def test_runs_out(tmp_path, world):
    """In its last quarter while the source fails, and past its end."""
    keeper = Keeper(tmp_path / "keeper", world)
    made = now() - 10 * HOUR
    ends = {"good": made + 20 * HOUR, "ending": made + 12 * HOUR}
    keeper.relations["crl_url"] = "http://127.0.0.1:1/ca.crl"
    keeper.write()
    import_crls(keeper, world, this_update=made, next_update=ends["good"])
    assert keeper.refresh().returncode == 3  # nobody answers
    assert keeper.status().returncode == 0
    # Some hours on, as monitoring would see it.
    later = (made + 16 * HOUR).isoformat() + "Z"
    status = keeper.status("--at", later)
    # By hand, so nothing says that its source fails.
    assert status.returncode == 0
    status = keeper.status("--at", (made + 21 * HOUR).isoformat() + "Z")
    assert status.returncode == 1
    assert any("has run out" in alarm for alarm in status.json["alarms"])


def test_last_quarter(keeper, world, web):
    made = now() - 10 * HOUR
    publish(web, world, this_update=made, next_update=made + 12 * HOUR)
    put(web.html / "root.crl", crl(
        world.root, this_update=made, next_update=made + 90 * HOUR))
    assert keeper.refresh().returncode == 0
    web.reload("location / { return 503; }")
    done = keeper.refresh()
    assert done.returncode == 3
    (alarm,) = done.json["alarms"]
    assert "runs out" in alarm and "Corp CA 1" in alarm and "ca.crl" in alarm
    status = keeper.status()
    assert status.returncode == 1 and status.json["alarms"] == [alarm]
    states = {entry["issuer"].split(",")[0]: entry["state"]
              for ca in status.store["cas"] for entry in ca["crls"]}
    assert states == {"CN=Corp CA 1": "ending", "CN=Corp Root": "fresh"}


# ---- When ----


def test_due_at_a_random_moment(keeper, world, web):
    """Between half and nine tenths; before that --due asks nobody."""
    made = now()
    publish(web, world, this_update=made, next_update=made + 100 * HOUR)
    assert keeper.refresh("--due").store["tried"] == 2
    due = _seconds(_source(keeper, "ca.crl")["next_try"])
    start = made.replace(tzinfo=datetime.timezone.utc).timestamp()
    assert 50 * 3600 <= due - start <= 90 * 3600
    done = keeper.refresh("--due")
    assert done.store["tried"] == 0 and done.store["not_due"] == 2
    assert len(web.requests()) == 2


def test_poll(keeper):
    keeper.refresh()
    # Both were asked a moment ago; a poll of a minute is not over.
    done = keeper.refresh("--due", "--poll", "1m")
    assert done.store["tried"] == 0
    _age(keeper, 61)
    done = keeper.refresh("--due", "--poll", "1m")
    assert done.outcomes == {"ca.crl": "unchanged", "root.crl": "unchanged"}


def _age(keeper, seconds):
    """Makes every state older."""
    for path, lines in keeper.states():
        for name in ("last-try", "last-success"):
            moment = datetime.datetime.utcfromtimestamp(
                _seconds(lines[name]) - seconds)
            lines[name] = moment.isoformat() + "Z"
        path.write_text("".join(f"{name} {value}\n"
                                for name, value in lines.items()))


# ---- Several at once ----


SLOW = """
location / { root html; limit_rate 400; }
"""


def test_single_flight(keeper, world, web):
    """Two refreshers: one asks, the other waits and asks nobody."""
    serials = range(1000, 1040)
    publish(web, world, serials)
    put(web.html / "root.crl", crl(world.root, serials))
    web.reload(SLOW)
    both = [keeper.start(), keeper.start()]
    done = [process.communicate(timeout=60) for process in both]
    assert [process.returncode for process in both] == [0, 0], done
    assert sorted(asked(web)) == [("/ca.crl", "200"), ("/root.crl", "200")]
    assert keeper.verify(world.card("alice")) == "ok"


def test_deny_does_not_wait_for_the_network(keeper, world, web):
    """The store's lock is not held while somebody is asked."""
    publish(web, world, range(1000, 1200))
    web.reload(SLOW)
    process = keeper.start()
    until(lambda: web.workers() and _connected(web), "a request is there")
    start = time.monotonic()
    done = keeper.run("deny", "add", "--fingerprint", "ab" * 32, "--reason",
                      "lost")
    assert done.returncode == 0, done.stderr
    assert process.poll() is None
    assert time.monotonic() - start < 5
    process.send_signal(signal.SIGKILL)
    process.communicate()


def _connected(web):
    port = f":{web.port:04X}"
    return any(fields[1].endswith(port) and fields[3] == "01"
               for fields in map(str.split,
                                 open("/proc/net/tcp", encoding="ascii")))


def test_killed_in_the_middle(keeper, world, web):
    """Whenever it is killed, the store stays whole."""
    keeper.refresh()
    card = world.card("alice")
    for round_number in range(12):
        publish(web, world, range(1000, 1000 + 3000), 2 + round_number)
        process = keeper.start()
        time.sleep(0.01 * round_number)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert keeper.verify(card) == "ok"
    done = keeper.refresh()
    assert done.returncode == 0, done.stdout
    left = [path for path in keeper.store.rglob(".new-*")]
    assert left == []


# ---- Usage ----


@pytest.mark.parametrize("arguments", [
    ("--at", "2026-01-01T00:00:00Z"), ("file",), ("--import",),
    ("--import", "--watch", "x"), ("--import", "--due", "x"),
    ("--poll", "59s"), ("--poll", "often"), ("--poll", "15"),
    ("--accept-rollback", "xyz"), ("--accept-rollback", "ab" * 31),
    ("--watch", "--accept-rollback", "ab" * 32), ("-r", "NO.EXAMPLE"),
    ("--frobnicate",)])
def test_usage(keeper, arguments, web):
    done = keeper.refresh(*arguments)
    assert done.returncode == 2 and done.stderr
    assert asked(web) == []


@pytest.mark.skipif(os.getuid() != 0, reason="only root becomes others")
def test_no_such_user(keeper):
    done = keeper.run("refresh", "--user", "nobody-at-all")
    assert done.returncode == 2 and "useradd" in done.stderr
    done = keeper.run("refresh", "--user", "root")
    assert done.returncode == 3


def test_refused_is_an_answer(keeper, world, web):
    """Exit status 3 is for sources that nobody reaches."""
    keeper.relations["crl_url"] = f"{web.url}/ca.crl"
    keeper.write()
    put(web.html / "ca.crl", b"rubbish")
    assert keeper.refresh().returncode == 1


def all_of(terminal):
    """What was written to a terminal that nobody holds open any more: it comes
    in pieces, and after the last one reading is an error."""
    text = b""
    try:
        while piece := terminal.read(4096):
            text += piece
    except OSError:
        pass
    return text


def test_progress_on_a_terminal(keeper, world, web):
    """Long work shows how far it is; what it did comes after it."""
    publish(web, world, range(1000, 3000))
    web.reload("location / { root html; limit_rate 20000; }")
    terminal, its_end = pty.openpty()
    with open(terminal, "rb", buffering=0) as shown:
        done = subprocess.run(
            keeper.command("refresh", *USER), env=keeper.environment,
            stdout=subprocess.PIPE, stderr=its_end, timeout=60, check=False)
        os.close(its_end)
        text = all_of(shown).decode()
    assert done.returncode == 0
    assert re.search(r"\r\x1b\[Kanswers: \d, [0-9.]+ kB, [0-9.]+ kB/s", text)
    assert text.endswith("\r\x1b[K")
    assert b"answers:" not in done.stdout
