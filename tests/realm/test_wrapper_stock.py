"""What stock PKINIT does, done through our kdcpreauth module.

Every test runs twice: against stock PKINIT alone, with a card whose SAN names
the principal, and through the module, where the same card is mapped.  What is
expected does not ask which of the two it is.
"""

import re

import pytest

import pki
import realm
from card import Card

REALM = "CORP.TEST"
#: Of the KDC's own log lines.
FRESH = "PKINIT: freshness token received from"


@pytest.fixture(scope="session")
def rsa_world(tmp_path_factory):
    """Root, CAs and the KDC have RSA keys."""
    return realm.World(tmp_path_factory.mktemp("rsa"), key_kind="rsa2048")


class Place:
    """A KDC in one of the two wirings."""

    def __init__(self, folder, world, wrapped, relations=""):
        self.world, self.wrapped = world, wrapped
        certmap = realm.profile({"certmap": world.certmap()}, 2)
        self.kdc = realm.Kdc(folder, world, realms={
            REALM: f"{certmap}\n{relations}"},
            plugins=realm.WRAP if wrapped else {})
        self.kdc.create_database()
        self.kdc.start()
        self.kdc.add_principals("alice", "bob")

    def card(self, key_kind="ec", who="alice"):
        """alice's card, which her account knows."""
        card = self.world.issuing.issue(
            f"CN={who}", key_kind=key_kind, slot=f"stock {who}",
            eku=(pki.PKINIT_CLIENT,),
            other_names=[(pki.PKINIT_SAN.dotted_string,
                          pki.kerberos_name(REALM, who))])
        self.kdc.set_mappings(who, card.mappings()["ski"])
        return card

    def kinit(self, name, identity=None, **options):
        """A kinit that leaves its trace in `trace`."""
        path = self.kdc.folder / "trace"
        path.write_text("")
        self.kdc.extra_environment["KRB5_TRACE"] = str(path)
        login = self.kdc.kinit(name, identity, **options)
        del self.kdc.extra_environment["KRB5_TRACE"]
        self.trace = path.read_text()
        return login

    def accepted(self, *arguments, **options):
        """A login that must succeed; ours leaves its one line."""
        login = self.kinit(*arguments, **options)
        assert login.ok, f"{login}\n{self.trace}"
        if self.wrapped:
            assert login.audit["reason"] == "ok"
        return login

    def refused(self, *arguments, **options):
        login = self.kinit(*arguments, **options)
        assert not login.ok, login
        return login

    def flags(self, login):
        return re.search(r"Flags: (\w+)", self.kdc.klist(login, "-f"))[1]


@pytest.fixture(params=["stock", "wrap"])
def make(request, world, tmp_path):
    made = []

    def start(relations="", its_world=None):
        made.append(Place(tmp_path / "kdc", its_world or world,
                          request.param == "wrap", relations))
        return made[-1]

    yield start
    for place in made:
        assert place.kdc.stop() == 0


# Keys.


@pytest.mark.parametrize("key_kind", ["ec", "rsa2048", "rsa4096"])
@pytest.mark.parametrize("kdc_key", ["ec", "rsa"])
def test_file(make, rsa_world, key_kind, kdc_key):
    place = make(its_world=rsa_world if kdc_key == "rsa" else None)
    card = place.card(key_kind)
    login = place.accepted("alice", card)
    assert place.flags(login) == "IA"  # initial, preauthenticated; no hardware
    assert "Client name mismatch" in place.refused("bob", card).output


def test_token(make, tmp_path):
    place = make()
    identity = place.card("rsa2048")
    card = Card(tmp_path / "card", identity)
    place.kdc.extra_environment = card.environment
    place.accepted("alice", card.identity, pin=Card.PIN)
    place.refused("bob", card.identity, pin=Card.PIN)


# How the key of the reply gets there.


def test_rsa_delivery(make):
    place = make()
    card = place.card("rsa2048")
    rsa = ("-X", "flag_RSA_PROTOCOL=yes")
    place.accepted("alice", card, options=rsa)
    assert "PKINIT client making RSA request" in place.trace
    place.accepted("alice", card)
    assert "PKINIT client making DH request" in place.trace
    assert "Client name mismatch" in place.refused(
        "bob", card, options=rsa).output


@pytest.mark.parametrize("bits", [2048, 4096])
def test_groups(make, bits):
    place = make()
    place.kdc.tell_clients(f"pkinit_dh_min_bits = {bits}")
    place.accepted("alice", place.card())


def test_group_that_the_kdc_does_not_take(make):
    """Its refusal carries the groups that it takes, which reach the client:
    that one tries again with one of them."""
    place = make("        pkinit_dh_min_bits = 4096")
    login = place.kinit("alice", place.card())
    assert login.ok, f"{login}\n{place.trace}"
    assert "PKINIT client trying again with KDC-provided parameters" in (
        place.trace)
    if place.wrapped:
        assert [a["reason"] for a in login.audits] == ["pkinit", "ok"]
        assert login.audits[0]["code"] == "65"


# Armour.


def armours(place):
    """Options for armour by an anonymous ticket, and by a keytab's."""
    kdc = place.kdc
    keytab = kdc.folder / "armour.keytab"
    kdc.kadmin("addprinc -randkey WELLKNOWN/ANONYMOUS",
               "addprinc -randkey host/armour",
               f"ktadd -k {keytab} host/armour")
    anonymous = kdc.kinit(f"@{REALM}", options=("-n",))
    host = kdc.kinit("host/armour", options=("-k", "-t", str(keytab)))
    assert anonymous.ok and host.ok, (anonymous, host)
    return {"anonymous": ("-T", anonymous.cache), "host": ("-T", host.cache)}


def test_armour(make):
    place = make()
    card = place.card()
    place.kdc.add_password("paul")
    for name, options in armours(place).items():
        place.accepted("alice", card, options=options)
        assert "FAST armor key" in place.trace, name
        place.refused("bob", card, options=options)
        assert place.kinit("paul", password=realm.PASSWORD,
                           options=options).ok, name


def test_anonymous(make):
    place = make()
    anonymous = place.kdc.kinit(f"@{REALM}", options=("-n",))
    assert not anonymous.ok  # no such principal, yet
    place.kdc.kadmin("addprinc -randkey WELLKNOWN/ANONYMOUS",
                     "addprinc -randkey svc/any")
    anonymous = place.kdc.kinit(f"@{REALM}", options=("-n",))
    assert anonymous.ok and "a" in place.flags(anonymous), anonymous
    assert not anonymous.audits
    status, output = place.kdc.kvno(anonymous, "svc/any")
    assert status == 0, output


# Freshness (RFC 8070).


def test_freshness(make):
    place = make("        pkinit_require_freshness = true")
    card = place.card()
    login = place.accepted("alice", card)
    assert FRESH in login.log
    stale = place.refused("alice", card,
                          options=("-X", "disable_freshness=yes"))
    assert FRESH not in stale.log
    assert "Preauthentication failed" in stale.output


def test_no_freshness(make):
    """Where it is not required, a client may leave it out."""
    place = make()
    login = place.accepted("alice", place.card(),
                           options=("-X", "disable_freshness=yes"))
    assert FRESH not in login.log


# Transports.


TCP, UDP = "Initiating TCP connection", "Sending initial UDP request"


@pytest.mark.parametrize("limit, first", [(1, TCP), (32700, UDP)],
                         ids=["tcp", "udp"])
def test_transport(make, rsa_world, limit, first):
    """The one that a client tries first, with each of its requests; to a KDC
    that is slow to answer it then turns by the other, too."""
    place = make(its_world=rsa_world)
    place.kdc.tell_clients(f"udp_preference_limit = {limit}")
    place.accepted("alice", place.card("rsa4096"))
    requests = place.trace.split("Sending request (")[1:]
    assert len(requests) >= 2
    for text in requests:
        assert re.search(f"{TCP}|{UDP}", text)[0] == first


# What is asked for.


def test_service_instead_of_a_tgt(make):
    place = make()
    place.kdc.kadmin("addprinc -randkey svc/direct")
    login = place.accepted("alice", place.card(), options=("-S", "svc/direct"))
    assert f"svc/direct@{REALM}" in place.kdc.klist(login)


def test_indicator(make):
    """Of stock PKINIT's own, which the module collects and hands on."""
    place = make("        pkinit_indicator = stock")
    place.kdc.kadmin("addprinc -randkey svc/stock",
                     "setstr svc/stock require_auth stock",
                     "addprinc -randkey svc/other",
                     "setstr svc/other require_auth other")
    login = place.accepted("alice", place.card())
    assert place.kdc.kvno(login, "svc/stock")[0] == 0
    status, output = place.kdc.kvno(login, "svc/other")
    assert status != 0 and "KDC policy rejects request" in output


def test_card_that_the_kdc_does_not_know(make):
    """Typed data of a refusal: the client learns whom the KDC trusts."""
    place = make()
    stranger = pki.root("CN=Stranger Root")
    anchors = pki.bundle(place.kdc.folder / "all.pem", [
        place.world.root, place.world.foreign, stranger])
    config = place.kdc.folder / "krb5-client.conf"
    config.write_text(config.read_text().replace(
        str(place.world.stock_roots), str(anchors)))
    login = place.refused("alice", stranger.issue("CN=alice"))
    assert "PKINIT: " not in login.output
    assert re.search(r"(Preauth tryagain|tryagain) input types.*104",
                     place.trace), place.trace
