"""examples/several-kdcs: two KDCs, two directories, one of them replicated.

Keys, accounts and mappings are in the directory; each KDC has its own slapd and
its own revocation store, and turns to the other's slapd when its own is away.
"""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

import accounts
import realm
import revocation
from ports import free_port
from slapd import KERBEROS_SCHEMA, Authority, EditableSlapd

REALM = "EXAMPLE.COM"
KLDAP = list(Path("/usr/lib").glob("*/krb5/plugins/kdb/kldap.so"))

pytestmark = [
    pytest.mark.skipif(not KLDAP or not KERBEROS_SCHEMA.exists(),
                       reason="not installed: krb5-kdc-ldap"),
    pytest.mark.skipif(not Path("/usr/lib/ldap/syncprov.so").exists(),
                       reason="not installed: slapd's syncprov"),
]


class Empty(EditableSlapd):
    """One that gets its entries from another."""

    def load(self, ldif):
        pass


class Site:
    """Both directories and both KDCs.  The client asks kdc1 first."""

    def __init__(self, folder, world, example):
        self.world, self.example = world, example
        authority = Authority("Directory CA")
        self.slapds = [EditableSlapd(folder / "ldap1", authority=authority),
                       Empty(folder / "ldap2", authority=authority)]
        self.kdcs = [self._kdc(folder / f"kdc{i + 1}", i) for i in (0, 1)]
        self.kdcs[1].ask_first(self.kdcs[0])
        self.client = self.kdcs[1]

    def text(self, name):
        """A file of the example with the test's servers and paths."""
        text = (self.example / name).read_text()
        for old, new in (("ldaps://ldap1.example.com", self.slapds[0].ldaps),
                         ("/etc/ldap/ca.pem", self.slapds[0].ca_file)):
            text = text.replace(old, str(new))
        return text

    def _kdc(self, folder, number):
        own, other = self.slapds[number], self.slapds[1 - number]
        folder.mkdir()
        words = folder / "service.keyfile"
        words.touch(mode=0o600)
        words.write_text("".join(
            f"{dn}#{{HEX}}{secret.encode().hex()}\n" for dn, secret in (
                (own.admin_dn, own.admin_password),
                (f"cn=kdc-db,{accounts.SUFFIX}", "KDC-DB-SECRET"))))
        text = (self.example / "database.conf").read_text()
        for old, new in (("ldapi:///", own.ldapi),
                         ("ldaps://ldap1.example.com", other.ldaps),
                         ("/etc/krb5kdc/service.keyfile", words)):
            assert old in text
            text = text.replace(old, str(new))
        database = dict(re.findall(r"^ +(\w+) = ([^{\n]+)$", text, re.M))
        store = folder / "store"
        store.mkdir(mode=0o755)
        (folder / "reader").mkdir()
        kdc = realm.Kdc(folder, self.world, plugins=realm.WRAP, workers=2,
                        modules={REALM: database},
                        realms={REALM: self.world.certmap(
                            revocation="require", store=store,
                            **accounts.settings(
                                folder / "reader", own.ldaps, other.ldaps,
                                bind_dn=own.reader_dn,
                                password=own.reader_password,
                                ca_file=own.ca_file))})
        # kldap has no relation for it.
        kdc.extra_environment = {"LDAPTLS_CACERT": str(own.ca_file)}
        return kdc

    def start(self):
        one, two = self.slapds
        one.start()
        one.modify(self.text("provider.ldif"))
        one.add(self.text("accounts.ldif"))
        kdc1, kdc2 = self.kdcs
        kdc1.tool("kdb5_ldap_util", "-D", one.admin_dn, "-w",
                  one.admin_password, "-H", one.ldapi, "create", "-r", REALM,
                  "-s", "-P", "master", "-subtrees", accounts.SUFFIX)
        shutil.copy2(kdc1.folder / f"{REALM}.stash", kdc2.folder)
        for name in ("alice", "bob"):
            self.enrol(name)
        two.start()
        two.modify(self.text("consumer.ldif"))
        realm.until(lambda: self.mapped("bob", two), "the replica")
        for kdc in self.kdcs:
            kdc.start()

    def stop(self):
        for server in (*self.kdcs, *self.slapds):
            server.stop()

    def enrol(self, name):
        card = self.world.card(name)
        self.slapds[0].add(accounts.account(
            name, card.mappings()["ski"], principal=False))
        self.kdcs[0].kadmin(f"addprinc -nokey +requires_preauth -x "
                            f"dn=uid={name},{accounts.SUFFIX} {name}")

    def mapped(self, name, server):
        """The account's mappings and principal, as that server has them."""
        done = subprocess.run(
            ["ldapsearch", "-LLL", "-x", "-H", server.ldapi, "-D",
             server.reader_dn, "-w", server.reader_password, "-b",
             accounts.SUFFIX, f"(krbPrincipalName={name}@{REALM})",
             "altSecurityIdentities"], text=True, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        return re.findall(r"^altSecurityIdentities: (.*)", done.stdout, re.M)

    def publish(self, *kdcs, revoked=()):
        """Both CAs' CRLs reach these KDCs' stores, each by its refresh."""
        for kdc in kdcs:
            crls = {}
            for name in ("issuing", "root"):
                publisher = revocation.Publisher(getattr(self.world, name))
                publisher.number = 10 if revoked else 0
                for card in revoked:
                    publisher.revoke(card)
                age = revocation.HOUR / 2 if revoked else revocation.HOUR
                crls[name] = publisher.crl(age=age)
            incoming = kdc.folder / "store" / "incoming"
            incoming.mkdir(mode=0o755, exist_ok=True)
            for name, crl in crls.items():
                (incoming / f"{name}.crl").write_bytes(crl)
            revocation.refresh(kdc)

    def log_in(self, name, by, reason="ok"):
        """One login, which that KDC alone must have judged."""
        sizes = [kdc.log_size() for kdc in self.kdcs]
        login = self.client.kinit(name, self.world.card(name), realm=REALM)
        assert login.ok == (reason == "ok"), login
        told = [[line["reason"] for line in realm.audit_lines(kdc.log(size))]
                for kdc, size in zip(self.kdcs, sizes)]
        assert told == [[reason] if kdc is by else [] for kdc in self.kdcs]


@pytest.fixture
def site(tmp_path, world, source):
    one = Site(tmp_path, world, source / "examples" / "several-kdcs")
    try:
        one.start()
        one.publish(*one.kdcs)
        yield one
    finally:
        one.stop()


def test_a_kdc_stops(site):
    kdc1, kdc2 = site.kdcs
    site.log_in("alice", by=kdc1)
    kdc1.stop()
    site.log_in("alice", by=kdc2)
    kdc1.start()
    site.log_in("alice", by=kdc1)
    kdc2.stop()
    site.log_in("alice", by=kdc1)


@pytest.mark.parametrize("gone", [0, 1], ids=["provider", "replica"])
def test_a_directory_stops(site, gone):
    """Both KDCs go on with the other slapd, and with their own again."""
    kdc1, kdc2 = site.kdcs
    site.log_in("alice", by=kdc1)
    site.slapds[gone].stop()
    for _ in range(3):
        site.log_in("alice", by=kdc1)
    kdc1.stop()
    for _ in range(3):
        site.log_in("bob", by=kdc2)


def test_a_directory_hangs(site):
    """kdc1 waits for its database; the client asks kdc2."""
    kdc1, kdc2 = site.kdcs
    site.slapds[0].pause()
    login = site.client.kinit("alice", site.world.card("alice"), realm=REALM)
    assert login.ok, login
    assert login.audit["reason"] == "ok"  # in kdc2's log, which client reads
    assert not realm.audit_lines(kdc1.log())
    site.slapds[0].resume()
    realm.until(lambda: site.client.kinit(
        "bob", site.world.card("bob"), realm=REALM).ok
        and "bob@" in kdc1.log(), "kdc1 with its directory back")


def test_a_login_changes_the_kdc_on_its_way(site):
    """kdc1 gives the freshness token and then no answer: kdc2 takes it."""
    kdc1, kdc2 = site.kdcs
    ours = kdc1.realms[REALM]
    nowhere = f"ldap://127.0.0.1:{free_port()}"
    ldap = {**ours["ldap"], "uri": nowhere, "ca_file": None}
    kdc1.realms[REALM] = {**ours, "ldap": ldap, "unavailable": "discard"}
    for kdc in site.kdcs:
        kdc.realms[REALM] = "\n".join([
            "pkinit_require_freshness = true", "certmap = {",
            realm.profile(kdc.realms[REALM], 2), "}"])
        kdc.restart()
    # By UDP it asks kdc2 as well if kdc1 takes a second.
    site.client.tell_clients("udp_preference_limit = 1")
    card = site.world.card("alice")
    login = site.client.kinit("alice", card, realm=REALM)
    assert login.ok and login.audit["reason"] == "ok", login
    assert "NEEDED_PREAUTH: alice@" in kdc1.log()
    assert "NEEDED_PREAUTH: alice@" not in kdc2.log()
    kdc1.stop()
    stale = site.client.kinit("alice", card, realm=REALM,
                              options=("-X", "disable_freshness=yes"))
    assert not stale.ok and stale.audit["reason"] == "pkinit", stale


def test_what_changed_meanwhile_arrives(site):
    """A mapping that is taken away while the replica is off."""
    kdc1, kdc2 = site.kdcs
    one, two = site.slapds
    kdc1.stop()
    site.log_in("alice", by=kdc2)
    two.stop()
    one.modify(f"dn: uid=alice,{accounts.SUFFIX}\nchangetype: modify\n"
               "delete: altSecurityIdentities\n")
    two.start()
    realm.until(lambda: not site.mapped("alice", two), "the change")
    one.stop()
    site.log_in("alice", by=kdc2, reason="no-mapping")
    site.log_in("bob", by=kdc2)


def test_each_kdc_has_its_own_store(site):
    """A revocation counts at a KDC when it has reached that one's store."""
    kdc1, kdc2 = site.kdcs
    card = site.world.card("alice")
    site.publish(kdc1, revoked=[card])
    revocation.becomes(kdc1, f"alice@{REALM}", card, "revoked")
    kdc1.stop()
    site.log_in("alice", by=kdc2)
    site.publish(kdc2, revoked=[card])
    revocation.becomes(kdc2, f"alice@{REALM}", card, "revoked")
    site.log_in("bob", by=kdc2)


def test_the_replica_takes_no_change(site):
    """It names the provider, so that a change is made there or not at all."""
    with pytest.raises(RuntimeError, match="(?i)referral"):
        site.slapds[1].modify(
            f"dn: uid=alice,{accounts.SUFFIX}\nchangetype: modify\n"
            "delete: altSecurityIdentities\n")
