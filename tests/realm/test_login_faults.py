"""What goes wrong on the client's side of certmap login, and that it is told
from what the KDC refuses."""

import os

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12

import pki
import realm
import stacking
from card import Card
from exchanging import PKINIT_LEAKS, exchange

SHIFT_CLOCK = os.environ.get("CERTMAP_SHIFT_CLOCK")
OTHER = "OTHER.TEST"
SECRET = "open sesame"


@pytest.fixture(scope="module")
def kdc(tmp_path_factory, world):
    with realm.Kdc(tmp_path_factory.mktemp("faults"), world,
                   plugins=realm.WRAP) as kdc:
        kdc.add_principals("alice")
        kdc.set_mappings("alice", world.card("alice").mappings()["ski"])
        kdc.add_password("armor")
        yield kdc


@pytest.fixture
def login(kdc, world, tmp_path):
    """exchange() as alice; what was in the cache must stay."""
    def run(identity=None, name="principal:alice", kept=True, **words):
        cache = tmp_path / "cc"
        cache.write_bytes(b"what was there")
        done = exchange(kdc, name, identity=identity or world.card("alice"),
                        **{"cache": f"FILE:{cache}", **words})
        assert (cache.read_bytes() == b"what was there") == kept, done
        return done
    return run


@pytest.fixture
def client(kdc):
    """Changes the client's krb5.conf, for one test."""
    path = kdc.folder / "krb5-client.conf"
    before = path.read_text()

    def change(old, new):
        assert old in before
        path.write_text(before.replace(old, new))

    yield change
    path.write_text(before)


def is_client(done, fault, token, said=""):
    assert (done.end, done.fault, done.token, done.number) == (
        "client", fault, token, 0), done
    assert said in done.said
    return True


# The identity.


@pytest.mark.parametrize("identity, fault, said", [
    ("FILE:/nonexistent.pem,/nonexistent.key", "identity", "/nonexistent.pem"),
    ("FILE:", "identity", ""),
    ("DIR:/nonexistent", "identity", ""),
    ("PKCS12:/nonexistent", "identity", ""),
    ("PKCS11:module_name=/nonexistent.so", "identity", ""),
    ("NONSENSE:x", "identity", "")])
def test_no_identity(login, identity, fault, said):
    done = login(identity)
    assert is_client(done, fault, "identity", said) and done.asked == 0


def test_a_key_of_another(login, world, kdc, tmp_path):
    """The KDC finds that the signature is not the certificate's."""
    cert, _ = world.card("alice").write(tmp_path, "alice")
    _, key = world.card("bob").write(tmp_path, "bob")
    done = login(f"FILE:{cert},{key}")
    assert (done.end, done.number, done.token) == ("refused", 64, "signature")


def test_expired(login, world):
    card = world.issuing.issue("CN=alice", not_before=pki.now(-9),
                               not_after=pki.now(-2))
    done = login(card, environment=PKINIT_LEAKS)
    assert is_client(done, "validity", "expired", "expired")


def test_not_valid_yet(login, world):
    card = world.issuing.issue("CN=alice", not_before=pki.now(2))
    done = login(card, environment=PKINIT_LEAKS)
    assert is_client(done, "validity", "expired", "not yet valid")


def test_card_without_the_certificate(login, world, tmp_path):
    card = Card(tmp_path, world.card("alice"))
    identity = card.identity.replace("certlabel=card", "certlabel=none")
    done = login(identity, environment=card.environment, secret=card.PIN)
    assert is_client(done, "identity", "identity") and done.asked == 1


# Keys behind a password.


@pytest.fixture
def locked(world, tmp_path):
    """Values of X509_user_identity whose key needs SECRET, by kind."""
    card = world.card("alice")
    hidden = serialization.BestAvailableEncryption(SECRET.encode())
    cert, key = tmp_path / "a.crt", tmp_path / "a.key"
    cert.write_bytes(card.pem)
    key.write_bytes(card.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, hidden))
    bundle = tmp_path / "a.p12"
    bundle.write_bytes(pkcs12.serialize_key_and_certificates(
        b"alice", card.key, card.cert, None, hidden))
    return {"FILE": f"FILE:{cert},{key}", "DIR": f"DIR:{tmp_path}",
            "PKCS12": f"PKCS12:{bundle}"}


@pytest.mark.parametrize("kind, file", [
    ("FILE", "a.key"), ("DIR", "a.key"), ("PKCS12", "a.p12")])
def test_password(login, locked, tmp_path, kind, file):
    done = login(locked[kind], secret=SECRET, kept=False)
    assert done.end == "done" and done.asked == 1, done
    assert done.prompt == f"Password of {tmp_path}/{file}"
    assert is_client(login(locked[kind], secret="wrong"), "identity",
                     "identity")
    done = login(locked[kind])
    assert (done.end, done.token) == ("given-up", "given-up"), done


def test_longest_password(login, locked):
    """One that does not fit is not cut."""
    done = login(locked["FILE"], secret="x" * 255)
    assert is_client(done, "identity", "identity")
    assert login(locked["FILE"], secret="x" * 256).end == "given-up"


# krb5.conf.


def test_no_module(login, client, tmp_path):
    client("[libdefaults]", f"[libdefaults]\nplugin_base_dir = {tmp_path}")
    assert is_client(login(), "module", "no-pkinit")


def test_no_anchors(login, client):
    client("pkinit_anchors =", "nothing =")
    assert is_client(login(), "anchors", "no-anchors", "pkinit_anchors")


def test_anchors_that_cannot_be_read(login):
    done = login(anchors="FILE:/nonexistent.pem", environment=PKINIT_LEAKS)
    assert is_client(done, "anchors", "no-anchors", "/nonexistent.pem")


def test_no_path(login, client, kdc):
    """Without the issuing CA in pkinit_pool."""
    client("pkinit_pool =", "nothing =")
    done = login(environment=PKINIT_LEAKS)
    assert is_client(done, "path", "no-path", "verify own certificate")


def test_anchors_of_the_command(login, client, world):
    client("pkinit_anchors =", "nothing =")
    done = login(anchors=f"FILE:{world.stock_roots}", kept=False)
    assert done.end == "done", done


@pytest.mark.parametrize("name", [
    "principal:", "principal:a@b@c", "upn:", "x500:", "upn:" + "x" * 1025])
def test_bad_names(login, name):
    assert is_client(login(name=name), "name", "bad-name")


def test_longest_name(login):
    done = login(name="upn:" + "x" * 1024)
    assert done.end == "refused" and done.number in (6, 60, 61), done


# Other people's trace.


def test_trace_elsewhere(login, tmp_path):
    """KRB5_TRACE stays the user's; less is known then."""
    trace = tmp_path / "trace"
    done = login("FILE:/nonexistent", environment={"KRB5_TRACE": str(trace)})
    assert is_client(done, "other", "client", "/nonexistent")
    assert "PA-PK-AS-REQ (16)" in trace.read_text()


# Armor.


def test_armor(login, kdc):
    armor = kdc.kinit_password("armor").cache
    assert login(armor=armor, kept=False).end == "done"
    assert is_client(login(armor="FILE:/nonexistent"), "armor", "no-armor",
                     "/nonexistent")


# The clock.


@pytest.fixture
def shifted():
    """The environment of a client whose clock is off by some hours."""
    if realm.PRELOAD:
        pytest.skip("the sanitizer's runtime must be loaded first")
    return lambda hours: {"LD_PRELOAD": SHIFT_CLOCK,
                          "SHIFT_CLOCK": str(hours * 3600)}


@pytest.mark.parametrize("hours", [-2, 2])
def test_clock(login, client, shifted, hours):
    """libkrb5 takes over the KDC's time, unless told not to."""
    assert login(environment=shifted(hours), kept=False).end == "done"
    client("[libdefaults]", "[libdefaults]\nkdc_timesync = 0")
    done = login(environment=shifted(hours))
    assert (done.end, done.number, done.token) == ("refused", 37, "clock")


def test_clock_of_another_year(login, shifted):
    done = login(environment=shifted(9999))
    assert is_client(done, "validity", "expired")


# Tickets that cannot be kept.


def test_cache_that_cannot_be_written(login):
    done = login(cache="FILE:/nonexistent/cc")
    assert is_client(done, "cache", "cache") and not done.principal
    assert is_client(login(cache="NONSENSE:x"), "cache", "cache")


# The KDC.


def test_no_kdc(login, client, kdc):
    client(f":{kdc.port}", ":1")
    done = login()
    assert (done.end, done.token, done.number) == (
        "unreachable", "unreachable", 0), done


def test_unknown_realm(login):
    done = login(realm=OTHER)
    assert done.end == "unreachable" and OTHER in done.said, done
    done = login(name=f"principal:alice@{OTHER}")
    assert done.end == "unreachable" and OTHER in done.said, done


@pytest.fixture
def kdc_certificate(kdc):
    """Gives the KDC another certificate, for one test."""
    paths = [kdc.folder / f"{kdc.realm}.{end}" for end in ("pem", "key")]
    before = [path.read_bytes() for path in paths], kdc.kdc_conf.read_text()

    def change(identity, anchors=None):
        kdc.stop()
        identity.write(kdc.folder, kdc.realm)
        if anchors:
            kdc.kdc_conf.write_text(before[1].replace(
                str(kdc.world.stock_roots), str(anchors)))
        kdc.start()

    yield change
    kdc.stop()
    for path, content in zip(paths, before[0]):
        path.write_bytes(content)
    kdc.kdc_conf.write_text(before[1])
    kdc.start()


def test_kdc_not_trusted(login, kdc_certificate, world, tmp_path):
    root = pki.root("CN=Another Root")
    anchors = tmp_path / "anchors.pem"
    anchors.write_bytes(world.stock_roots.read_bytes() + root.pem)
    kdc_certificate(root.kdc(stacking.REALM, "ec"), anchors)
    done = login()
    assert is_client(done, "kdc-certificate", "kdc-not-trusted",
                     "verify received certificate")
    assert done.asked == 0


def test_kdc_of_another_realm(login, kdc_certificate, world):
    kdc_certificate(world.root.kdc(OTHER, "ec"))
    assert is_client(login(), "kdc-name", "kdc-name", "KDC name mismatch")


def test_kdc_with_a_servers_certificate(login, kdc_certificate, world):
    kdc_certificate(world.root.issue("CN=kdc", eku=(pki.SERVER_AUTH,)))
    assert is_client(login(), "kdc-name", "kdc-name")


def test_kdc_without_pkinit(login, kdc):
    """It offers passwords; none is asked for."""
    before = kdc.kdc_conf.read_text()
    kdc.kadmin(f'addprinc -pw "{realm.PASSWORD}" +requires_preauth dora')
    kdc.stop()
    kdc.kdc_conf.write_text(before.replace("pkinit_identity", "nothing"))
    try:
        kdc.start()
        done = login(name="principal:dora")
        assert is_client(done, "not-offered", "not-offered")
        assert done.asked == 0 and "ISSUE" not in done.log
    finally:
        kdc.stop()
        kdc.kdc_conf.write_text(before)
        kdc.start()


@pytest.mark.parametrize("components", [
    ("WELLKNOWN", "CERTMAP-NOBODY"), ("WELLKNOWN", "SOMEBODY")])
def test_ticket_for_a_stand_in(kdc, login, world, components):
    """A KDC that decides by name alone would give it: it is not kept."""
    name = "/".join(components)
    card = world.issuing.issue(
        "CN=nobody", eku=(pki.PKINIT_CLIENT,),
        other_names=[(pki.PKINIT_SAN.dotted_string,
                      pki.kerberos_name(stacking.REALM, *components))])
    before = kdc.kdc_conf.read_text()
    kdc.add_principals(name)
    kdc.stop()
    kdc.kdc_conf.write_text(before.partition("[plugins]")[0] + "[dbmodules]" +
                            before.partition("[dbmodules]")[2])
    try:
        kdc.start()
        assert kdc.kinit(name, card).ok
        done = login(card, name=f"principal:{name}")
        assert is_client(done, "reply", "bad-reply") and not done.principal
    finally:
        kdc.stop()
        kdc.kdc_conf.write_text(before)
        kdc.start()
