"""certmap populate where something breaks: what was done, what was not, and
how to go on."""

import contextlib
import json
import os
import resource
import signal
import subprocess
import threading

import ldapfaults
import pytest
from populating import NAME, People, Populate, encode, problems
from realm import COMMAND, until
from slapd import Slapd

pytestmark = pytest.mark.skipif(not COMMAND, reason="this build has no command")
COUNT = 1100  # one alone, one transaction, and a part of a second
WINDOW = 4 * 16


@pytest.fixture(scope="module")
def prepared(world, tmp_path_factory):
    """Certificates are made once."""
    slapd = Slapd(tmp_path_factory.mktemp("slapd"))
    return People(slapd, world.issuing, COUNT)


class Place:
    """A fresh slapd with the accounts, and a CSV of all certificates."""

    def __init__(self, folder, world, prepared, uri=None, **options):
        self.slapd = Slapd(folder / "slapd", **options)
        self.people = People(self.slapd, world.issuing, 0)
        self.people.count, self.people.cards = COUNT, prepared.cards
        self.slapd.load(self.people.ldif())
        self.slapd.start()
        self.csv = self.people.csv(folder / "in.csv")
        self.populate = Populate(folder, world, self.slapd, uri)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.slapd.__exit__()

    def mapped(self):
        return len(self.people.values())

    def finish(self):
        """Runs the same command again: everything is written in the end."""
        report = self.populate.apply("--csv", self.csv)
        assert self.people.values() == self.people.wanted()
        return report


@pytest.fixture
def make_place(tmp_path, world, prepared):
    with contextlib.ExitStack() as stack:
        yield lambda **options: stack.enter_context(
            Place(tmp_path, world, prepared, **options))


@pytest.fixture
def place(make_place):
    return make_place()


# The source.

@pytest.mark.parametrize("text, word", [
    ("", "empty"),
    ("principal\nu0\n", "header"),
    ("certificate,name\nAAAA,u0\n", "header"),
    ("principal,dn,certificate\nu0,x,AAAA\n", "header"),
    ("principal,certificate,file\nu0,AAAA,x\n", "header"),
    ("principal,Principal,file\nu0,u0,x\n", "header"),
    ('principal,certificate\nu0,"AAAA\n', "no end")])
def test_a_csv_that_cannot_be_used(place, tmp_path, text, word):
    path = tmp_path / "bad.csv"
    path.write_text(text)
    place.populate.run("--csv", path, "--apply", status=3)
    assert word in place.populate.errors
    assert place.mapped() == 0 and not list(tmp_path.glob("certmap-undo*"))


def test_damage_in_the_middle_of_many(place, tmp_path):
    lines = place.csv.read_text().splitlines()
    lines[100] = "u99," + lines[100].split(",")[1][:400]
    lines[200] += ",one more"
    lines[300] = 'u299,a"b'
    lines[400] = "@,AAAA"
    lines[500] = "u499,%%%"
    place.csv.write_text("\n".join(lines))
    report = place.populate.apply("--csv", place.csv, status=1)
    assert report["written"] == COUNT - 5
    assert len(problems(report)["unreadable"]) == 5
    wanted = place.people.wanted()
    for i in (99, 199, 299, 399, 499):
        del wanted[place.people.dn(i)]
        assert f"line {i + 2}" in json.dumps(report["problems"])
    assert place.people.values() == wanted


def test_a_broken_file_in_a_folder(place, tmp_path):
    folder = tmp_path / "certs"
    folder.mkdir()
    for i in range(20):
        (folder / f"{i}.der").write_bytes(place.people.cards[i].der)
    (folder / "7.der").write_bytes(b"\x30\x82\xff\xff")
    (folder / "8.der").write_bytes(b"")
    os.mkfifo(folder / "pipe")
    report = place.populate.apply("--folder", folder, "--match", "upn",
                                  status=1)
    assert sorted(problems(report)["unreadable"]) == [
        str(folder / name) for name in ("7.der", "8.der", "pipe")]
    assert report["written"] == 18


# The disk.

def small_disk(size):
    """Runs before the program: a file may not grow beyond size."""
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    return limit


def test_a_full_disk_under_the_undo_file(place, tmp_path):
    """The undo file alone is on the small disk; nothing is changed."""
    small = tmp_path / "small"
    small.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16k", "none", small],
        capture_output=True, check=False)
    if done.returncode != 0:
        pytest.skip("needs leave to mount")
    try:
        report = place.populate.report("--csv", place.csv, "--apply",
                                       "--undo", small / "undo.ldif",
                                       status=3)
        assert "nothing was changed" in report["error"]
        assert "No space left" in report["error"]
        assert not list(small.iterdir())
    finally:
        subprocess.run(["umount", small], check=True)
    assert (report["written"], place.mapped()) == (0, 0)
    place.finish()


def test_a_full_disk_under_the_temporary_files(place, tmp_path):
    place.populate.run("--csv", place.csv, "--apply", status=3,
                       preexec_fn=small_disk(4096))
    assert "TMPDIR" in place.populate.errors and place.mapped() == 0
    assert not list(tmp_path.glob("certmap-undo*"))


# The directory.

def access_but(slapd_dn, peer):
    return (f'to dn.base="{slapd_dn}" by dn.base="{peer}" read by * none',
            f'to * by dn.base="{peer}" write by * none')


@pytest.fixture
def refusing(make_place):
    """One entry may be read, and not written."""
    peer = (f"gidNumber={os.getgid()}+uidNumber={os.getuid()},"
            "cn=peercred,cn=external,cn=auth")
    return make_place(access=access_but("uid=u300,dc=example,dc=com", peer))


def test_one_write_is_refused(refusing):
    report = refusing.populate.apply("--csv", refusing.csv, status=1)
    assert report["transactions"] and report["written"] == COUNT - 1
    assert problems(report) == {"refused": [refusing.people.dn(300)]}
    assert "access" in report["problems"][0]["detail"].lower()
    wanted = refusing.people.wanted()
    del wanted[refusing.people.dn(300)]
    assert refusing.people.values() == wanted


def test_every_write_is_refused(make_place):
    peer = (f"gidNumber={os.getgid()}+uidNumber={os.getuid()},"
            "cn=peercred,cn=external,cn=auth")
    place = make_place(access=(f'to * by dn.base="{peer}" read by * none',))
    report = place.populate.apply("--csv", place.csv, status=1)
    assert (report["written"], report["counts"]["refused"]) == (0, COUNT)


class Meddler(ldapfaults.Proxy):
    """Lets someone else edit an entry at the first write that comes by."""

    def __init__(self, target, meddle):
        super().__init__(target)
        self._meddle, self._done_once = meddle, threading.Lock()

    def pass_on(self, data, by_client):
        if by_client and NAME.encode() in data and b"\x66" in data and (
                self._done_once.acquire(blocking=False)):
            self._meddle()
        return data


def through(place, proxy):
    """The same realm, reached through the proxy, as the administrator."""
    folder = place.populate.folder / "through"
    folder.mkdir()
    return Populate(folder, place.populate.kdc.world, place.slapd, proxy.uri)


def test_someone_else_edits_an_entry_meanwhile(place):
    value = place.people.wanted()[place.people.dn(400)].pop()
    weak = place.people.cards[500].mappings()["subject"]
    place.slapd.modify(f"dn: {place.people.dn(500)}\nchangetype: modify\n"
                       f"add: {NAME}\n{NAME}: {weak}\n")

    def meddle():
        place.slapd.modify(
            f"dn: {place.people.dn(400)}\nchangetype: modify\nadd: {NAME}\n"
            f"{NAME}: {value}\n\n"
            f"dn: {place.people.dn(500)}\nchangetype: modify\n"
            f"replace: {NAME}\n{NAME}: X509:<SKI>00\n\n"
            f"dn: {place.people.dn(600)}\nchangetype: delete\n")

    # The plan is made from what the sweep saw; the sweep asks for the
    # attribute by name too, so the first modify is told by its tag.
    with Meddler(place.slapd.ldap, meddle) as proxy:
        report = through(place, proxy).apply(
            "--csv", place.csv, "--replace-weak", status=1)
    assert sorted(problems(report)["conflict"]) == [
        place.people.dn(i) for i in (400, 500, 600)]
    assert report["written"] == COUNT - 3
    values = place.people.values()
    assert values[place.people.dn(500)] == {"X509:<SKI>00"}
    assert values[place.people.dn(400)] == {value}


# The connection.

class Cutting(ldapfaults.Proxy):
    """Cuts the connection after a number of bytes from the client, once."""

    def __init__(self, target, after):
        super().__init__(target)
        self.left, self.cuts = after, 0

    def goes_on(self, data, by_client):
        if not by_client or self.left is None:
            return True
        self.left -= len(data)
        if self.left > 0:
            return True
        self.left, self.cuts = None, self.cuts + 1
        return False


@pytest.mark.parametrize("after", [8000, 50000, 90000])
def test_a_lost_connection_is_opened_again(place, after):
    with Cutting(place.slapd.ldap, after) as proxy:
        report = through(place, proxy).apply("--csv", place.csv,
                                             status=(0, 3))
        assert proxy.cuts == 1
    # slapd 2.5 has a fault of its own where a transaction loses its
    # connection: now and then nobody is there to be reached again.
    if place.slapd.crashed():
        assert "cannot be reached again" in report["error"]
        place.slapd.start()
        place.finish()
        return
    assert report["written"] == COUNT
    assert place.people.values() == place.people.wanted()


def test_a_killed_server(place):
    """It does not come back: the run says what it does not know."""
    def kill():
        place.slapd.kill()

    with Meddler(place.slapd.ldap, kill) as proxy:
        report = through(place, proxy).apply("--csv", place.csv, status=3)
    assert "cannot be reached again" in report["error"]
    assert "the same command writes what is left" in report["error"]
    assert "--no-transactions" in report["error"]
    assert report["written"] < COUNT and report["not_tried"] > 0
    assert report["counts"]["unknown"] <= 1000
    place.slapd.start()
    assert place.mapped() >= report["written"]
    place.finish()


# Ctrl-C.

class Pausing(ldapfaults.Proxy):
    """Keeps an answer in the middle of the changes until it may go on."""

    MODIFIED = 0x67

    def __init__(self, target):
        super().__init__(target)
        self.answers = 0
        self.reached, self.go_on = threading.Event(), threading.Event()

    def pass_on(self, data, by_client):
        if not by_client and ldapfaults.operation(data) == self.MODIFIED:
            self.answers += 1
            if self.answers == 100:
                self.reached.set()
                self.go_on.wait(60)
        return data


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_goes_on(place, number):
    undo = place.populate.folder / "undo-int.ldif"
    with Pausing(place.slapd.ldap) as proxy:
        process = through(place, proxy).start(
            "--json", "--csv", place.csv, "--apply", "--undo", undo)
        assert proxy.reached.wait(60)
        process.send_signal(number)
        proxy.go_on.set()
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 3, output
    report = json.loads(output[:output.rindex("}") + 1])
    assert report["interrupted"]
    assert 0 < report["written"] < COUNT
    assert report["written"] + report["not_tried"] == COUNT
    # What the report says is what there is.
    assert place.mapped() == report["written"]
    place.finish()
    assert os.path.getsize(undo) > 0


# Servers without transactions.

class Plain(ldapfaults.Proxy):
    """Hides the transactions that the server offers."""

    def pass_on(self, data, by_client):
        return data if by_client else data.replace(b"1.3.6.1.1.21.1",
                                                   b"1.3.6.1.1.99.1")


def test_a_window_where_there_are_no_transactions(refusing):
    refusing.slapd.modify(
        f"dn: {refusing.people.dn(1)}\nchangetype: modify\n"
        f"add: description\ndescription: x\n")
    with Plain(refusing.slapd.ldap) as proxy:
        report = through(refusing, proxy).apply("--csv", refusing.csv)
    assert not report["transactions"] and report["written"] == COUNT
    assert refusing.people.values() == refusing.people.wanted()


@pytest.mark.parametrize("after", [40000, 60000])
def test_a_window_whose_connection_is_cut(place, after):
    with Plain(place.slapd.ldap) as plain, \
            Cutting(plain.uri, after) as proxy:
        report = through(place, proxy).apply("--csv", place.csv)
        assert proxy.cuts == 1
    assert report["written"] == COUNT and not report["transactions"]
    assert place.people.values() == place.people.wanted()


def test_no_server_at_all(place):
    place.slapd.stop()
    place.populate.run("--csv", place.csv, "--apply", status=3)
    assert "could not be read as a whole" in place.populate.errors


def test_a_servers_limit_stops_before_any_write(make_place, tmp_path):
    place = make_place(limits="size=100 size.prtotal=100")
    secret = tmp_path / "reader.secret"
    secret.touch(mode=0o600)
    secret.write_text(place.slapd.reader_password)
    place.populate.run("-D", place.slapd.reader_dn, "-y", secret, "-H",
                       place.slapd.ldap, "--csv", place.csv, "--apply",
                       status=3)
    assert "raise its limits" in place.populate.errors
    assert until(lambda: place.mapped() == 0, "nothing written")
