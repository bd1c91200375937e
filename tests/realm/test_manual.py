"""The configuration blocks of certmap(5), through a real KDC."""

import re

import pytest

import accounts
import pki
import realm
from slapd import Authority, Slapd

REALM = "EXAMPLE.COM"
POLICY = "1.3.6.1.4.1.99999.1"


@pytest.fixture(name="blocks")
def find_blocks(source):
    """The page's literal blocks, by their first word."""
    page = (source / "plugin" / "certmap.5").read_text()
    found = re.findall(r"^\.Bd -literal -offset indent\n(.*?)^\.Ed$", page,
                       re.S | re.M)
    profiles = [block for block in found if block.startswith("[")]
    databases = [block for block in profiles
                 if block.startswith("[dbmodules]")]
    profiles = [block for block in profiles if block not in databases]
    assert (len(profiles), len(databases)) == (3, 1), (
        "the page has gained or lost a profile block")
    return {"first": profiles[0], "observe": profiles[1],
            "example": profiles[2], "database": databases[0],
            "kadmin": next(b for b in found if b.startswith("kadmin:"))}


def subsection(block):
    """What stands in the realm."""
    return re.search(rf"\[realms\]\n    {REALM} = {{\n(.*?)^    }}\n", block,
                     re.S | re.M)[1]


def plugins(block):
    text = re.search(r"\[plugins\]\n(.*)", block, re.S)[1]
    return text.replace(":certmap.so", f":{realm.MODULE}")


def replaced(text, changes):
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, str(new))
    assert "/etc/" not in text
    return text


def first(blocks, world):
    """The subsection of the description."""
    return replaced(subsection(blocks["first"]), {
        "/etc/krb5kdc/certmap/roots.pem": world.roots,
        "DIR:/etc/krb5kdc/certmap/ntauth": f"FILE:{world.ntauth}"})


def test_first_block_and_strings(make_kdc, blocks, world):
    """The description's block, and mappings written as the page shows."""
    card = world.card("alice")
    kdc = make_kdc(realms={REALM: first(blocks, world)},
                   plugins=plugins(blocks["first"]))
    kdc.add_principals("alice", "bob")
    values = {"X509:<SKI>0a1b...": "X509:<SKI>00",
              "X509:<I>...<SR>...": card.mappings()["issuer-serial"],
              "S-1-5-21-...": "S-1-5-21-1-2-3-1000"}
    commands = blocks["kadmin"].replace("kadmin: ", "")
    for old, new in values.items():
        assert old in commands
        commands = commands.replace(old, new)
    kdc.kadmin(*commands.splitlines())
    login = kdc.kinit("alice", card)
    assert login.ok and login.audit["mapping"] == "issuer-serial", login
    assert kdc.kinit("bob", card).audit["reason"] == "no-mapping"


def test_database_block(make_kdc, blocks, world, source):
    """The KDB module, as this page and README.md write it."""
    assert blocks["database"] in (source / "README.md").read_text()
    card = world.card("alice")
    kdc = make_kdc(stacked=True, realms={REALM: first(blocks, world)},
                   plugins=plugins(blocks["first"]))
    used = kdc.kdc_conf.read_text().partition("[dbmodules]")[2]
    relations = re.findall(r"\w+ = \w+$", blocks["database"], re.M)
    assert len(relations) == 2
    assert not [line for line in relations if line not in used]
    kdc.add_principals("alice")
    kdc.set_mappings("alice", card.mappings()["ski"])
    login = kdc.kinit("alice@example.com", card, options=("-E", "-C"))
    assert login.ok, login


def test_observe_block(make_kdc, blocks, world):
    """The built-in modules decide; the verdict is logged."""
    known = world.issuing.issue(
        "CN=known", eku=(pki.PKINIT_CLIENT,), other_names=[
            (pki.PKINIT_SAN.dotted_string, pki.kerberos_name(REALM, "alice"))])
    mapped = world.card("alice")
    certmap = first(blocks, world).replace(
        "            anchors", "            mode = observe\n            anchors")
    kdc = make_kdc(realms={REALM: certmap}, plugins=plugins(blocks["observe"]))
    kdc.add_principals("alice")
    kdc.set_mappings("alice", mapped.mappings()["ski"])
    login = kdc.kinit("alice", known)
    assert login.ok and login.audit["verdict"] == "refused", login
    assert login.audit["mode"] == "observe"
    refused = kdc.kinit("alice", mapped)
    assert not refused.ok and refused.audit["verdict"] == "authorized"


def test_observe_with_rules_of_stock_pkinit(make_kdc, blocks, world):
    """certmap(7), "Wiring": dbmatch is asked only where it is listed."""
    card = world.issuing.issue("CN=ruled", eku=(pki.PKINIT_CLIENT,))
    certmap = first(blocks, world).replace(
        "            anchors", "            mode = observe\n            anchors")
    plain = plugins(blocks["observe"])
    listed = plain.replace("        enable_only = pkinit_eku\n",
                           "        enable_only = pkinit_eku\n"
                           "        enable_only = dbmatch\n")
    assert listed != plain
    for wiring, ok in ((plain, False), (listed, True)):
        kdc = make_kdc(realms={REALM: certmap}, plugins=wiring)
        kdc.add_principals("alice")
        kdc.kadmin("setstr alice pkinit_cert_match <SUBJECT>^CN=ruled$")
        login = kdc.kinit("alice", card)
        assert login.ok == ok and login.audit["reason"] == "no-mapping", login


def test_example(make_kdc, blocks, world, tmp_path):
    """Two servers, an indicator by policy, and a CA with its own UPNs."""
    able = world.root.authority("CN=Card CA", policies=("2.5.29.32.0",))
    contractors = world.root.authority("CN=Contractor CA")
    cas = pki.bundle(tmp_path / "cas.pem", [able, contractors])
    alice = able.issue("CN=alice", policies=(POLICY,))
    plain = able.issue("CN=plain")
    own = contractors.issue("CN=carl", upn="carl@contractors.example.com")
    foreign = contractors.issue("CN=carl", upn="carl@example.com", slot="f")
    authority = Authority("Directory CA")
    with Slapd(tmp_path / "slapd", authority=authority) as slapd:
        for name, cards, upn in (("alice", (alice, plain), None),
                                 ("carl", (own,), "contractors.example.com"),
                                 ("carla", (foreign,), "example.com")):
            extra = {"userPrincipalName": f"carl@{upn}"} if upn else {}
            slapd.add(accounts.account(
                name, *(card.mappings()["ski"] for card in cards),
                realm=REALM, **extra))
        secret = tmp_path / "ldap.secret"
        secret.write_text(slapd.reader_password)
        secret.chmod(0o600)
        ca = pki.bundle(tmp_path / "contractors.pem", [contractors])
        certmap = replaced(subsection(blocks["example"]), {
            "/etc/krb5kdc/certmap/roots.pem": world.roots,
            "DIR:/etc/krb5kdc/certmap/intermediates": f"FILE:{cas}",
            "DIR:/etc/krb5kdc/certmap/ntauth": f"FILE:{cas}",
            "/etc/krb5kdc/certmap/ldap.secret": secret,
            "/etc/krb5kdc/certmap/contractors.pem": ca,
            "cn=kdc,dc=example,dc=com": slapd.reader_dn,
            # No public CA has certified the server of the test.
            "uri = ldaps://ldap1.example.com ldaps://ldap2.example.com":
                f"uri = {slapd.ldaps}\n                "
                f"ca_file = {slapd.ca_file}"})
        kdc = make_kdc(realms={REALM: certmap}, pool=cas)
        kdc.add_principals("alice", "carl", "carla")
        login = kdc.kinit("alice", alice)
        assert login.ok and login.audit["indicators"] == "card", login
        login = kdc.kinit("alice", plain)
        assert login.ok and login.audit["indicators"] == "-", login
        login = kdc.kinit("carl", own)
        assert login.ok and login.audit["mapping"] == "ski", login
        refused = kdc.kinit("carla", foreign)
        assert refused.audit["reason"] == "name-mismatch", refused
