"""The KDC's own PKINIT files change while it runs.

Certificate authorities of clients come and go, the KDC's certificate is
renewed; nobody restarts anything, and no login on its way is hurt.
"""

import itertools
import os
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import accounts
import fakeldap
import pki
import realm

REALM = "CORP.TEST"
#: Longer than two looks of the module (CM_STOCK_LOOK_MS): the first sees the
#: change, the second sees that it is over.
STILL_SECONDS = 1.2
CHANGES, LOGINS = 6, 20  # at least, side by side
IN_A_ROW = 8  # logins, so that each of two workers has its share


class Place:
    """A world whose files may be changed, with a second family of CAs."""

    def __init__(self, folder):
        folder.mkdir()
        self.world = world = realm.World(folder)
        self.second = pki.root("O=Second,CN=Second Root")
        self.issuing = self.second.authority("O=Second,CN=Second CA")
        # Who signs the KDC's certificate, before and after.
        self.old = pki.root("O=KDCs,CN=Old Root")
        self.new = pki.root("O=KDCs,CN=New Root")
        pki.bundle(world.roots, [world.root, self.second])
        pki.bundle(world.pool, [world.issuing, self.issuing])
        pki.bundle(world.ntauth, [world.issuing, self.issuing])
        self.stock_anchors(world.root)
        self.kdc = folder.parent / "kdc"
        self.kdc.mkdir()
        self.renew(self.old)

    def stock_anchors(self, *roots):
        """Whose cards the KDC's own PKINIT believes; replaced as a whole."""
        fresh = pki.bundle(self.world.folder / "fresh.pem",
                           [*roots, self.old, self.new])
        os.replace(fresh, self.world.stock_roots)

    def renew(self, root):
        """A KDC certificate of that root; returns what was written."""
        return root.kdc(REALM).write(self.kdc, REALM)


def believe(kdc, place, *roots):
    """Whose KDC certificates clients believe, beside their own CAs."""
    path = pki.bundle(kdc.folder / "client-roots.pem",
                      [place.world.root, place.second, *roots])
    kdc._krb5_conf("krb5-client.conf", {
        "pkinit_anchors": f"FILE:{path}", "pkinit_pool": f"FILE:{kdc.pool}"})


def lies_still(*paths):
    newest = max(os.stat(path).st_ctime for path in paths)
    realm.until(lambda: time.time() > newest + STILL_SECONDS, "time passes")


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path / "place")


@pytest.fixture
def make(place):
    """A realm around the place: alice of its first CA, bob of the second."""
    running = []

    def start(workers=2, **relations):
        kdc = realm.Kdc(place.kdc, place.world, plugins=realm.WRAP,
                        realms={REALM: place.world.certmap(**relations)},
                        workers=workers)
        running.append(kdc)
        believe(kdc, place, place.old)
        kdc.create_database()
        kdc.start()
        kdc.add_principals("alice", "bob")
        kdc.alice = place.world.card("alice")
        kdc.bob = place.issuing.issue("O=Second,CN=bob")
        kdc.set_mappings("alice", kdc.alice.mappings()["ski"])
        kdc.set_mappings("bob", kdc.bob.mappings()["ski"])
        return kdc

    yield start
    for kdc in running:
        assert kdc.stop() == 0


def statuses(kdc, name, card, times=IN_A_ROW):
    return {kdc.kinit(name, card).ok for _ in range(times)}


def test_client_ca_added_and_removed(make, place):
    kdc, world = make(), place.world
    pids = kdc.worker_pids()
    for roots, bob_too in [((world.root,), False),
                           ((world.root, place.second), True),
                           ((world.root,), False),
                           ((world.root, place.second), True)]:
        place.stock_anchors(*roots)
        lies_still(world.stock_roots)
        assert statuses(kdc, "bob", kdc.bob) == {bob_too}
        assert statuses(kdc, "alice", kdc.alice) == {True}
    assert kdc.worker_pids() == pids


def test_broken_anchors_keep_the_old(make, place):
    kdc, world = make(), place.world
    world.stock_roots.write_text("-----BEGIN CERTIFICATE-----\nMIIB\n")
    lies_still(world.stock_roots)
    assert statuses(kdc, "alice", kdc.alice) == {True}
    assert statuses(kdc, "bob", kdc.bob) == {False}
    realm.until(lambda: "goes on with what it had" in kdc.log(), "a line")
    # Once for each process, not once for each login.
    assert kdc.log().count("goes on with what it had") <= 2
    place.stock_anchors(world.root, place.second)
    lies_still(world.stock_roots)
    assert statuses(kdc, "bob", kdc.bob) == {True}


def test_certificate_renewed(make, place):
    kdc = make()
    assert statuses(kdc, "alice", kdc.alice) == {True}
    paths = place.renew(place.new)
    lies_still(*paths)
    assert statuses(kdc, "alice", kdc.alice) == {False}
    believe(kdc, place, place.new)
    assert statuses(kdc, "alice", kdc.alice) == {True}


def test_certificate_without_its_key_yet(make, place):
    """Between the two writes nothing is loaded."""
    kdc = make()
    fresh = place.new.issue(
        f"CN=KDC of {REALM}", slot="fresh", key_kind="ec",
        eku=(pki.PKINIT_KDC,), other_names=[
            (pki.PKINIT_SAN.dotted_string,
             pki.kerberos_name(REALM, "krbtgt", REALM))])
    certificate, key = (kdc.folder / f"{REALM}.{end}"
                        for end in ("pem", "key"))
    certificate.write_bytes(fresh.pem)
    lies_still(certificate)
    assert statuses(kdc, "alice", kdc.alice) == {True}
    key.write_bytes(fresh.key_pem)
    lies_still(key)
    assert statuses(kdc, "alice", kdc.alice) == {False}
    believe(kdc, place, place.new)
    assert statuses(kdc, "alice", kdc.alice) == {True}
    realm.until(lambda: "do not belong together" in kdc.log(), "a line")


def test_key_appears(make, place):
    """A KDC that started without its key serves cards once it is there."""
    kdc = make()
    key = kdc.folder / f"{REALM}.key"
    hidden = key.rename(kdc.folder / "hidden")
    kdc.stop()
    kdc.log_file.write_text("")
    kdc.start()
    assert statuses(kdc, "alice", kdc.alice, 2) == {False}
    hidden.rename(key)
    lies_still(key)
    assert statuses(kdc, "alice", kdc.alice) == {True}


def test_under_way_while_files_change(make, place):
    """Logins without a pause, through many changes: not one is hurt."""
    kdc, world = make(), place.world
    believe(kdc, place, place.old, place.new)
    # Each with a card of its own: of one card only two are served at once.
    names = ("anna", "ben", "carl")
    kdc.add_principals(*names)
    for name in names:
        kdc.set_mappings(name, world.card(name).mappings()["ski"])
    stop, ends = threading.Event(), []

    def log_in(name, identity):
        while not stop.is_set():
            done = subprocess.run(
                ["kinit", "-c", f"FILE:{kdc.folder}/{name}.cc", "-X",
                 f"X509_user_identity={identity}", name],
                env=kdc.environment("client"), stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                timeout=40, check=False)
            ends.append((done.returncode, done.stdout))

    with ThreadPoolExecutor(3) as pool:
        clients = [pool.submit(log_in, name, kdc.locate(world.card(name)))
                   for name in names]
        try:
            for i in itertools.count():
                if any(client.done() for client in clients) or (
                        i >= CHANGES and len(ends) > LOGINS):
                    break
                place.stock_anchors(world.root, *[place.second] * (i % 2))
                lies_still(*place.renew((place.new, place.old)[i % 2]))
        finally:
            stop.set()
        for client in clients:
            client.result()
    assert [end for end in ends if end != (0, b"")] == []
    assert "has loaded its files anew" in kdc.log()


def test_a_login_ends_with_what_it_began(make, place, tmp_path):
    """Its reply is signed with the certificate of its own generation, though
    that one went out of force while the directory was thinking."""
    gate = threading.Event()
    card = place.world.card("alice")

    def script(number):
        gate.wait(30)
        yield from fakeldap.entries(("uid=alice", {
            "krbPrincipalName": [f"alice@{REALM}"],
            "altSecurityIdentities": [card.mappings()["ski"]]}))(number)

    with fakeldap.FakeLdap(script) as fake:
        kdc = make(workers=0, timeout="30s",
                   **accounts.settings(tmp_path, fake.uri))
        kdc.locate(card)
        with ThreadPoolExecutor(1) as pool:
            early = pool.submit(kdc.kinit, "alice", card)
            realm.until(lambda: fake.searches, "the directory is asked")
            lies_still(*place.renew(place.new))
            # Somebody else's login makes the new generation.
            assert not kdc.kinit("bob", kdc.bob).ok
            realm.until(lambda: "generation 2" in kdc.log(), "generation 2")
            gate.set()
            assert early.result().ok, early.result()
        assert not kdc.kinit("alice", card).ok  # the new one signs now
        believe(kdc, place, place.new)
        assert kdc.kinit("alice", card).ok
