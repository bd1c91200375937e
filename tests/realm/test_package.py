"""The Debian packages, on a clean Debian: README.md's way from there to the
first card login, followed to the letter; upgrade, removal and purge."""

import re

import pytest

import realm
from card import Card
from packages import NAMES, clean, packed

MODULE = "usr/lib/*/krb5/plugins/certmap.so"
STORE = "/var/lib/krb5kdc/certmap"
MINE = "/etc/krb5kdc/certmap"


def shell_blocks(source):
    """README's commands to the first login; "\\" joins their lines."""
    text = (source / "README.md").read_text()
    blocks = re.findall(r"^```sh\n(.*?)^```$", text, re.S | re.M)
    return [re.sub(r" \\\n\s*", " ", block).splitlines() for block in blocks]


def profile_blocks(source):
    text = (source / "README.md").read_text()
    return re.findall(r"^```ini\n(.*?)^```$", text, re.S | re.M)


@pytest.fixture(scope="module")
def host(packages, tmp_path_factory):
    """It has both packages."""
    with clean(packages, tmp_path_factory.mktemp("host")) as made:
        made.output = made.install(packages)
        yield made


class Story:
    """The realm of README's "To the first card login"."""

    def __init__(self, host, source, folder):
        self.host, self.folder = host, folder
        self.commands = shell_blocks(source)
        assert len(self.commands) == 5, "README has gained or lost a step"
        self.pkinit, self.certmap = profile_blocks(source)[:2]
        self.world = realm.World(folder)
        self.alice = self.world.issuing.issue("CN=alice")
        # One that PKINIT's own rules accept.
        self.stock = self.world.san_card("stock", "EXAMPLE.COM")
        self.card = Card(folder / "alice", self.alice)
        root = host.box.path("/root")
        for name, pem in {"roots.pem": self.world.root.pem,
                          "ca.pem": self.world.root.pem,
                          "ca.key": self.world.root.key_pem,
                          "card-ca.pem": self.world.issuing.pem,
                          "alice.pem": self.alice.pem}.items():
            (root / name).write_bytes(pem)

    def step(self, number, text=""):
        """One block of commands, as a shell reads them."""
        for command in self.commands[number - 1]:
            if command == "systemctl restart krb5-kdc":
                self.host.restart()
            else:
                self.host.run("sh", "-c", command, text=text)

    def client(self):
        """/etc/krb5.conf of a client, from the package's example."""
        example = self.host.box.path(
            "/usr/share/doc/krb5-certmap/examples/krb5.conf").read_text()
        for old, new in {
                "kdc1.example.com": "127.0.0.1",
                "kdc2.example.com": "127.0.0.1",
                "FILE:/etc/krb5/roots.pem": f"FILE:{self.world.roots}",
                "DIR:/etc/krb5/intermediates": f"FILE:{self.world.pool}",
                "PKCS11:opensc-pkcs11.so": f"PKCS11:{Card.LIBRARY}"}.items():
            assert old in example
            example = example.replace(old, new)
        (self.host.folder / "krb5.conf").write_text(example)

    def log_in(self):
        """README's `kinit alice`, with the card and its PIN."""
        assert self.commands[4] == ["kinit alice"]
        return self.host.kinit("alice", text=f"{Card.PIN}\n",
                               **self.card.environment)

    def log_in_stock(self):
        paths = self.stock.write(self.folder, "stock")
        return self.host.kinit(
            "-X", "X509_user_identity=FILE:{},{}".format(*paths), "stock")


@pytest.fixture(scope="module")
def story(host, source, tmp_path_factory):
    """Up to step 3: a realm with PKINIT as Debian has it."""
    told = Story(host, source, tmp_path_factory.mktemp("story"))
    told.step(1, text="master\nmaster\n")
    told.step(2)
    host.configure(told.pkinit)
    told.step(3)
    told.client()
    # There is no syslog in this root.
    host.configure(f"[logging]\n    kdc = FILE:{host.LOG}\n")
    for principal in ("-nokey +requires_preauth stock",
                      f"-pw '{realm.PASSWORD}' +requires_preauth paul"):
        host.run("sh", "-c", f"kadmin.local addprinc {principal}")
    host.restart()
    return told


# In this order: each goes on where the one before has left the host.


def test_what_is_there(host):
    box = host.box
    assert "Setting up krb5-certmap" in host.output
    assert len(list(box.root.glob(MODULE))) == 1
    assert host.listed(STORE) == "root:root 755"
    assert host.listed("/var/lib/krb5kdc") == "root:root 700"
    for folder in (MINE, f"{MINE}/ntauth", f"{MINE}/intermediates"):
        assert host.listed(folder) == "root:root 755"
    user = host.run("getent", "passwd", "certmap").strip().split(":")
    assert user[2] != "0" and user[3] != "0"
    assert user[5:] == ["/nonexistent", "/usr/sbin/nologin"]
    assert not list(box.path(STORE).iterdir())
    for name in ("share/man/man1/certmap.1.gz", "share/man/man5/certmap.5.gz",
                 "share/man/man7/certmap.7.gz",
                 "share/bash-completion/completions/certmap",
                 "lib/systemd/system/certmap-refresh.timer",
                 "share/doc/krb5-certmap/copyright",
                 "share/doc/krb5-certmap-tools/copyright",
                 "share/doc/krb5-certmap/examples/kdc.conf"):
        assert box.path(f"/usr/{name}").is_file(), name
    # Nobody has started the timers.
    assert not list(box.path("/etc/systemd/system").rglob("certmap*"))


def test_nothing_changes_until_it_is_configured(host, story):
    status, output = story.log_in_stock()
    assert status == 0, output
    assert host.password()[0] == 0
    assert "pkinit.so" in host.loaded() and "certmap" not in host.loaded()


def test_first_login(host, story):
    host.configure(story.certmap)
    story.step(4)
    assert "plugins/certmap.so" in host.loaded()
    status, output = story.log_in()
    assert status == 0, output
    audit, = host.audits()
    assert audit["verdict"] == "authorized" and audit["reason"] == "ok"
    # What PKINIT alone let in is not mapped.
    status, output = story.log_in_stock()
    assert status != 0 and host.audits()[-1]["reason"] == "no-mapping"
    assert host.password()[0] == 0


def test_upgrade_keeps_the_store(host, story, tmp_path):
    host.run("certmap", "deny", "add", "--cert", "/root/alice.pem",
             "--reason", "left in a taxi")
    before = host.run("cat", f"{STORE}/deny")
    newer = packed(tmp_path, "-D", "CPACK_PACKAGE_VERSION=99.0")
    host.run("rmdir", f"{MINE}/intermediates")
    output = host.install(newer)
    assert "restart it for the new one" in output
    assert "WARNING" not in output
    assert host.installed(*NAMES) == ["99.0", "99.0"]
    assert host.run("cat", f"{STORE}/deny") == before
    assert not host.box.path(f"{MINE}/intermediates").exists()
    host.restart()
    assert story.log_in()[0] != 0
    assert host.audits()[-1]["reason"] == "revoked"
    host.run("certmap", "deny", "remove", "1")
    realm.until(lambda: story.log_in()[0] == 0, "the card works again")


def test_no_removal_that_stops_the_kdc(host):
    """A database module that is gone takes passwords away, too."""
    before = host.box.path("/etc/krb5kdc/kdc.conf").read_text()
    host.configure("[dbmodules]\n    EXAMPLE.COM = {\n"
                   "        db_library = certmap\n"
                   "        certmap_inner = db2\n    }\n")
    host.restart()
    assert "kdb/certmap.so" in host.loaded() and host.password()[0] == 0
    for name in NAMES:
        output = host.apt("remove", name, status=100)
        assert "NOT REMOVED" in output and "/etc/krb5kdc/kdc.conf" in output
    assert None not in host.installed(*NAMES)
    # Whoever forces it has a KDC that goes on until it is started again.
    module, = host.box.root.glob(MODULE.replace("/certmap", "/kdb/certmap"))
    module.rename(module.with_suffix(".gone"))
    assert host.password()[0] == 0
    host.stop()
    done = host.box.call("/usr/sbin/krb5kdc", "-n")
    said = done.stdout + host.box.path(host.LOG).read_text()
    assert done.returncode != 0 and "cannot initialize realm" in said
    assert re.search("requested database .*certmap", said), said
    assert host.password()[0] != 0
    module.with_suffix(".gone").rename(module)
    host.box.path("/etc/krb5kdc/kdc.conf").write_text(before)
    host.restart()
    assert host.password()[0] == 0


def test_removal_keeps_passwords(host, story):
    output = host.apt("remove", "krb5-certmap")
    assert [bool(one) for one in host.installed(*NAMES)] == [False, True]
    assert "WARNING: the module is still loaded by /etc/krb5kdc/kdc.conf" in output
    assert not list(host.box.root.glob(MODULE))
    assert host.box.path(f"{STORE}/deny").exists()
    # A KDC that runs goes on as it was.
    assert host.password()[0] == 0 and story.log_in()[0] == 0
    host.restart()
    assert host.password()[0] == 0
    for status, output in (story.log_in(), story.log_in_stock()):
        assert status != 0, output
    # Without the kdcpreauth module, too: enable_only leaves nobody.
    host.reconfigure(r"^    kdcpreauth = \{[^}]*\}\n", "")
    host.restart()
    assert host.password()[0] == 0 and "pkinit.so" in host.loaded()
    for status, output in (story.log_in(), story.log_in_stock()):
        assert status != 0, output
    # What the message says brings PKINIT's own rules back.
    host.reconfigure(r"^        (module = certmap|enable_only).*\n", "")
    host.restart()
    assert host.password()[0] == 0 and story.log_in()[0] != 0
    status, output = story.log_in_stock()
    assert status == 0, output


def test_purge_says_what_it_takes(host):
    output = host.apt("purge", "krb5-certmap")
    assert f"removing the revocation store {STORE}" in output
    assert f"keeping {MINE}" in output
    assert not host.box.path(STORE).exists()
    assert host.box.path(f"{MINE}/roots.pem").exists()
    assert host.box.path("/var/lib/krb5kdc/principal").exists()
    assert host.password()[0] == 0


