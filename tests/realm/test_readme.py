"""What README.md claims: its configuration blocks, through a real KDC, and
one test for each row of "What happens when something is missing or broken",
under the name in that row's last column."""

import re
import shutil

import pytest

import accounts
import fakeldap
import pki
import realm
import revocation
from slapd import Authority, Slapd

REALM = "CORP.TEST"
OTHER = "OTHER.TEST"
SLACK = 5.0
ROWS = {}


def row(name, reason):
    """Registers the test of a row: what it breaks, and the reason then."""
    def register(function):
        ROWS[name] = (function, reason)
        return function
    return register


class Setting:
    """What a row may break: a realm that accepts alice's card."""

    def __init__(self, folder, world, make_kdc):
        self.folder, self.world, self.make_kdc = folder, world, make_kdc
        self.card = world.card("alice")
        self.slapd = None

    def local(self, **changes):
        """A KDC with mappings in its database."""
        return self.kdc(self.world.certmap(**changes))

    def kdc(self, certmap, others=None, plugins=realm.WRAP):
        kdc = self.make_kdc(realms={REALM: certmap, **(others or {})},
                            plugins=plugins)
        kdc.add_principals("alice")
        kdc.set_mappings("alice", self.card.mappings()["ski"])
        kdc.add_password("paul")
        return kdc

    def directory(self, *values, card=None, **changes):
        """A KDC with a slapd that holds alice's account."""
        self.slapd = Slapd(self.folder / "slapd").start()
        if card:
            self.card = card
        entry = values or (self.card.mappings()["ski"],)
        self.slapd.add(accounts.account("alice", *entry, **changes))
        return self.local(**accounts.reader(self.folder, self.slapd))

    def accepted(self, kdc):
        login = kdc.kinit("alice", self.card)
        assert login.ok, login


@pytest.fixture
def setting(tmp_path, world, make_kdc):
    setting = Setting(tmp_path, world, make_kdc)
    yield setting
    if setting.slapd:
        setting.slapd.stop()


# The rows.  Each returns a KDC in which the thing is missing or broken.


@row("module-missing", None)
def module_missing(setting):
    # The built-in modules would let this card in.
    setting.card = setting.world.san_card("alice", REALM)
    missing = f"certmap:{setting.folder}/certmap.so"
    return setting.kdc(setting.world.certmap(), plugins={
        "certauth": {"module": missing, "enable_only": "certmap"},
        "kdcpreauth": {"module": missing, "disable": "pkinit"}})


@row("certauth-absent", "config")
def certauth_absent(setting):
    setting.card = setting.world.san_card("alice", REALM)
    return setting.kdc(setting.world.certmap(), plugins=realm.PREAUTH)


@row("key-missing", None)
def key_missing(setting):
    kdc = setting.local()
    setting.accepted(kdc)
    key = kdc.folder / f"{REALM}.key"
    kdc.stop()
    content = key.read_bytes()
    key.unlink()
    kdc.start()
    assert not kdc.kinit("alice", setting.card).ok
    key.write_bytes(content)
    realm.until(lambda: kdc.kinit("alice", setting.card).ok,
                "a login with the key back")
    kdc.stop()
    key.unlink()
    kdc.start()
    return kdc


@row("word-misspelt", "config")
def word_misspelt(setting):
    kdc = setting.kdc(setting.world.certmap(mode="enforec"),
                      {OTHER: setting.world.certmap()})
    kdc.tool("kadmin.local", "-r", OTHER, stdin=(
        "addprinc -nokey +requires_preauth alice\n"
        "setstr alice altSecurityIdentities "
        f"{setting.card.mappings()['ski']}\n"))
    other = kdc.kinit("alice", setting.card, realm=OTHER)
    assert other.ok, other
    return kdc


@row("realm-absent", "config")
def realm_absent(setting):
    return setting.kdc(None)


@row("anchors-deleted", "config")
def anchors_deleted(setting):
    anchors = setting.folder / "anchors.pem"
    shutil.copy(setting.world.roots, anchors)
    kdc = setting.local(anchors=f"FILE:{anchors}")
    setting.accepted(kdc)
    anchors.unlink()
    return kdc


@row("ntauth-empty", "config")
def ntauth_empty(setting):
    folder = setting.folder / "ntauth"
    folder.mkdir()
    shutil.copy(setting.world.ntauth, folder / "listed.pem")
    kdc = setting.local(ntauth=f"DIR:{folder}")
    setting.accepted(kdc)
    (folder / "listed.pem").unlink()
    return kdc


@row("ntauth-absent", "ntauth-absent")
def ntauth_absent(setting):
    setting.card = setting.world.web.issue("CN=alice")
    return setting.local()


@row("revocation-required", "revocation-unknown")
def revocation_required(setting):
    return setting.local(revocation=None)


def checked(setting, **crl):
    """A KDC that asks the store; alice's card was accepted, unless the
    options of the CA's CRL say otherwise."""
    setting.status = revocation.Store(setting.folder / "store")
    setting.issuing = revocation.Publisher(setting.world.issuing)
    setting.root = revocation.Publisher(setting.world.root)
    kdc = setting.local(revocation=None, store=setting.status.folder)
    publish(setting, kdc, **crl)
    if not crl:
        setting.accepted(kdc)
    return kdc


def publish(setting, kdc, **crl):
    setting.status.drop(issuing=setting.issuing.crl(**crl),
                        root=setting.root.crl())
    revocation.refresh(kdc, 1 if crl else 0)


@row("card-revoked", "revoked")
def card_revoked(setting):
    kdc = checked(setting)
    setting.issuing.revoke(setting.card)
    publish(setting, kdc)
    return kdc


@row("ca-revoked", "revoked")
def ca_revoked(setting):
    kdc = checked(setting)
    setting.root.revoke(setting.world.issuing)
    publish(setting, kdc)
    return kdc


@row("crl-ended", "revocation-unknown")
def crl_ended(setting):
    return checked(setting, **revocation.ENDED)


@row("store-deleted", "revocation-unavailable")
def store_deleted(setting):
    kdc = checked(setting)
    shutil.rmtree(setting.status.folder)
    return kdc


@row("index-damaged", "revocation-unavailable")
def index_damaged(setting):
    def damage():
        for path in setting.status.files("*.idx", setting.world.issuing):
            content = bytearray(path.read_bytes())
            content[len(content) // 2] ^= 0xFF
            path.write_bytes(content)

    kdc = checked(setting)
    damage()
    realm.until(lambda: not kdc.kinit("alice", setting.card).ok, "a refusal")
    revocation.refresh(kdc)
    realm.until(lambda: kdc.kinit("alice", setting.card).ok, "a login")
    damage()
    return kdc


@row("deny-unreadable", "revocation-unavailable")
def deny_unreadable(setting):
    status = revocation.Store(setting.folder / "store")
    kdc = setting.local(store=status.folder)
    setting.accepted(kdc)
    (status.folder / "deny").write_text("everybody\n")
    return kdc


@row("directory-stopped", "directory-unavailable")
def directory_stopped(setting):
    kdc = setting.directory()
    setting.slapd.stop()
    assert not kdc.kinit("alice", setting.card).ok
    setting.slapd.start()
    realm.until(lambda: kdc.kinit("alice", setting.card).ok,
                "a login with the directory back", seconds=30)
    setting.slapd.stop()
    return kdc


@row("directory-hung", "directory-unavailable")
def directory_hung(setting):
    kdc = setting.directory()
    setting.accepted(kdc)
    setting.slapd.pause()
    return kdc


@row("directory-garbage", "directory-unavailable")
def directory_garbage(setting):
    fake = fakeldap.FakeLdap(fakeldap.garbage)
    return setting.local(**accounts.settings(setting.folder, fake.uri))


@row("directory-impostor", "directory-unavailable")
def directory_impostor(setting):
    setting.slapd = Slapd(setting.folder / "slapd",
                          authority=Authority("Impostor")).start()
    ours = Authority("Ours").write(setting.folder / "ours.pem")
    directory = accounts.reader(setting.folder, setting.slapd, ca_file=ours)
    directory["ldap"]["uri"] = setting.slapd.ldaps
    kdc = setting.local(**directory)
    return kdc


@row("account-missing", "account-not-found")
def account_missing(setting):
    kdc = setting.directory()
    setting.accepted(kdc)
    setting.slapd.delete(f"uid=alice,{accounts.SUFFIX}")
    return kdc


@row("account-twice", "account-ambiguous")
def account_twice(setting):
    kdc = setting.directory()
    setting.slapd.add(accounts.account(
        "alice", setting.card.mappings()["ski"], rdn="alice2"))
    return kdc


@row("account-disabled", "account-disabled")
def account_disabled(setting):
    return setting.directory(krbPrincipalExpiration="20200101000000Z")


@row("mapping-missing", "no-mapping")
def mapping_missing(setting):
    return setting.directory("X509:<SKI>00")


@row("mapping-weak", "weak-mapping")
def mapping_weak(setting):
    return setting.directory(setting.card.mappings()["issuer-subject"])


@row("sid-damaged", "sid-malformed")
def sid_damaged(setting):
    card = setting.world.issuing.issue(
        "CN=alice", upn="alice@corp.test",
        extensions=[(pki.SID_EXTENSION.dotted_string, b"\x30\x03abc")])
    return setting.directory("Kerberos:nothing", card=card)


@row("upn-foreign", "name-mismatch")
def upn_foreign(setting):
    card = setting.world.issuing.issue("CN=alice", upn="boss@mail.test")
    kdc = setting.directory(card=card)
    setting.slapd.add(accounts.account("bob",
                                       userPrincipalName="boss@mail.test"))
    return kdc


@pytest.mark.parametrize("name", ROWS)
def test_missing_or_broken(setting, name):
    breaks, reason = ROWS[name]
    kdc = breaks(setting)
    # How soon a changed file is noticed is the unit tests' matter.
    refused = realm.until(
        lambda: not (login := kdc.kinit("alice", setting.card)).ok and login,
        "a refusal")
    assert "kinit: " in refused.output and not refused.ok
    assert refused.seconds < SLACK
    if reason:
        assert refused.audit["reason"] == reason, refused.audit["line"]
    else:
        assert not refused.audits
        assert "PK-INIT" not in refused.log and "ISSUE" not in refused.log
    assert kdc.kinit_password("paul").ok, "password logins must go on"


def test_every_row_has_a_test(source):
    text = (source / "README.md").read_text()
    table = re.findall(
        r"^\|[^|]*\|[^|]*\| (?:`([a-z-]+)`|none: [^|]*) \| `([a-z-]+)` \|$",
        text, re.M)
    claimed = {name: reason or None for reason, name in table}
    assert claimed == {name: reason for name, (_, reason) in ROWS.items()}


# The configuration blocks.


def blocks(source):
    text = (source / "README.md").read_text()
    found = re.findall(r"```ini\n(.*?)```", text, re.S)
    assert len(found) == 3
    return found[1:]  # the first sets up stock PKINIT: test_package.py


def replaced(text, world, uris=""):
    """Paths and servers of the test in place of the example's; no more."""
    changes = {
        "/etc/krb5kdc/certmap/roots.pem": world.roots,
        "DIR:/etc/krb5kdc/certmap/ntauth": f"FILE:{world.ntauth}",
        ":certmap.so": f":{realm.MODULE}",
        "ldaps://ldap1.example.com ldaps://ldap2.example.com": uris,
        "/etc/krb5kdc/certmap/ldap.secret": world.folder / "ldap.secret"}
    for old, new in changes.items():
        text = text.replace(old, str(new))
    assert "/etc/" not in text and "example.com " not in text
    return text


def parts(block):
    """The realm's certmap subsection, and the body of [plugins]."""
    match = re.fullmatch(
        r"\[realms\]\n    EXAMPLE\.COM = \{\n(.*)    \}\n\n\[plugins\]\n(.*)",
        block, re.S)
    assert match, "the README's block has changed its shape"
    return match.groups()


def test_configuration_block(world, make_kdc, source):
    certmap, plugins = parts(replaced(blocks(source)[0], world))
    kdc = make_kdc(realms={"EXAMPLE.COM": certmap}, plugins=plugins)
    card = world.card("alice")
    kdc.add_principals("alice", "bob")
    kdc.set_mappings("alice", card.mappings()["issuer-serial"])
    login = kdc.kinit("alice", card)
    assert login.ok and login.audit["mapping"] == "issuer-serial", login
    refused = kdc.kinit("bob", card)
    assert not refused.ok and refused.audit["reason"] == "no-mapping"


def test_directory_block(world, make_kdc, source, tmp_path):
    authority = Authority("Directory CA")
    card = world.card("alice")
    with Slapd(tmp_path / "one", authority=authority) as one, \
            Slapd(tmp_path / "two", authority=authority) as two:
        for server in (one, two):
            server.add(accounts.account(
                "alice", card.mappings()["ski"], realm="EXAMPLE.COM"))
        (world.folder / "ldap.secret").write_text(one.reader_password)
        (world.folder / "ldap.secret").chmod(0o600)
        first, second = blocks(source)
        second = replaced(second, world, f"{one.ldaps} {two.ldaps}")
        # The servers of the test are not certified by a public CA.
        second = second.replace(
            "                base =",
            f"                ca_file = {one.ca_file}\n"
            "                base =")
        certmap, plugins = parts(replaced(first, world))
        certmap = certmap.replace("        }\n", second + "        }\n")
        kdc = make_kdc(realms={"EXAMPLE.COM": certmap}, plugins=plugins)
        kdc.add_principals("alice")
        assert kdc.kinit("alice", card).ok
        one.stop()
        assert kdc.kinit("alice", card).ok, "the second URI was not used"
