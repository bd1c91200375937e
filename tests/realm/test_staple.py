"""Stapled OCSP responses (RFC 4557): those that clients send, and the KDC's
own, with a client module made for it."""

import datetime
import json
import os
import subprocess
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp

import pki
import realm
import revocation
import test_wrapper_padata as padata

CLIENT = os.environ.get("CERTMAP_STAPLE_CLIENT")
ACCESS = "1.3.6.1.5.5.7.1.1"
OCSP = bytes.fromhex("06082b06010505073001")


def response(authority, card, *, age=0, life=24, revoked=False):
    """DER, signed by the CA itself; age and life in minutes and hours."""
    made = pki.now() - datetime.timedelta(minutes=age)
    status = (ocsp.OCSPCertStatus.REVOKED if revoked
              else ocsp.OCSPCertStatus.GOOD)
    return (ocsp.OCSPResponseBuilder()
            .add_response(
                card.cert, authority.cert, hashes.SHA1(), status, made,
                made + datetime.timedelta(hours=life),
                made if revoked else None, None)
            .responder_id(ocsp.OCSPResponderEncoding.HASH, authority.cert)
            .sign(authority.key, hashes.SHA256())
            .public_bytes(serialization.Encoding.DER))


def stapled(*responses):
    """PKOcspData."""
    return pki.tlv(0x30, b"".join(pki.tlv(0x04, one) for one in responses))


REQUEST = stapled()


def access(url):
    """AuthorityInfoAccess of one responder."""
    return pki.tlv(0x30, pki.tlv(0x30, OCSP + pki.tlv(0x86, url.encode())))


class Stapling:
    """A realm that requires status, with nothing in its store about cards,
    responders that are down, and a client that staples."""

    def __init__(self, make_kdc, world, folder, **relations):
        self.world, self.folder = world, folder
        self.setting = revocation.Setting(
            make_kdc, world, folder / "store",
            plugins=relations.pop("plugins", realm.WRAP), **relations)
        self.kdc = self.setting.kdc
        self.kdc.extra_environment.update(realm.SANITIZER)  # for kinit
        self.setting.store.drop(root=self.setting.root.crl())
        self.setting.refresh(0, 1, 3)
        with open(self.kdc.folder / "krb5-client.conf", "a",
                  encoding="utf-8") as conf:
            conf.write("[plugins]\n" + realm.profile(
                {"clpreauth": {"module": f"staple:{CLIENT}"}}) + "\n")
        self._files = 0
        self.reply = None

    def response(self, who="alice", **options):
        return response(self.world.issuing, self.world.card(who), **options)

    def options(self, *values):
        """Of a kinit that staples these."""
        arguments = []
        for value in values:
            self._files += 1
            path = self.folder / f"staple{self._files}"
            path.write_bytes(value)
            arguments += ["-X", f"staple={path}"]
        return arguments

    def kinit(self, *values, who="alice", card=None, options=(), **how):
        """Logs in with these values stapled; what the KDC has stapled is in
        self.reply afterwards (None: nothing)."""
        path = self.folder / "reply"
        path.unlink(missing_ok=True)
        login = self.kdc.kinit(
            who, None if how else self.world.card(card or who), options=[
                *self.options(*values), "-X", f"staple_reply={path}",
                *options], **how)
        self.reply = path.read_bytes() if path.exists() else None
        return login


@pytest.fixture
def make(make_kdc, world, tmp_path):
    if not CLIENT:
        pytest.skip("this build has no stapling client")
    return lambda **relations: Stapling(make_kdc, world, tmp_path,
                                        **relations)


@pytest.fixture
def stapling(make):
    return make()


# What the client staples.

def test_in_place_of_a_fetch(stapling):
    """It counts for the login that brought it, and is not kept."""
    assert stapling.kinit().audit["reason"] == "revocation-unknown"
    login = stapling.kinit(stapled(stapling.response()))
    assert login.ok, login.output
    assert login.audit["status"].split(",")[0].endswith(":stapled")
    assert login.audit["revocation"] == "checked"
    assert "fresh" in login.audit["indicators"]
    assert not list(stapling.setting.store.folder.rglob("*.ors"))
    assert stapling.kinit().audit["reason"] == "revocation-unknown"


def test_the_first_one_is_the_leafs(stapling, world):
    """Those about certificates above it may follow."""
    above = response(world.root, world.issuing)
    mine = stapling.response()
    assert stapling.kinit(stapled(mine, above)).ok
    assert (stapling.kinit(stapled(above, mine)).audit["reason"]
            == "revocation-unknown")


def garbage(stapling):
    return stapled(b"garbage")


def foreign(stapling):
    return stapled(response(stapling.world.foreign,
                            stapling.world.card("alice")))


#: What is stapled, and the reason for the refusal.
USELESS = {
    "old": (lambda s: stapled(s.response(age=61)), "revocation-unknown"),
    "ended": (lambda s: stapled(s.response(age=30, life=0.25)),
              "revocation-unknown"),
    "of-another-card": (lambda s: stapled(s.response("bob")),
                        "revocation-unknown"),
    "forged": (foreign, "revocation-unknown"),
    "garbage-inside": (garbage, "revocation-unknown"),
    "a-request": (lambda s: REQUEST, "revocation-unknown"),
    "revoked": (lambda s: stapled(s.response(revoked=True)), "revoked"),
}


@pytest.mark.parametrize("name", USELESS)
def test_useless(stapling, name):
    value, reason = USELESS[name]
    login = stapling.kinit(value(stapling))
    assert not login.ok and login.audit["reason"] == reason
    assert "ignored" not in login.audit["detail"]
    if reason == "revoked":
        assert "(stapled)" in login.audit["detail"]
    assert stapling.kinit(stapled(stapling.response())).ok


MALFORMED = "stapled response ignored (not a PKOcspData, or too large)"
TWICE = "stapled response ignored (sent more than once)"
IGNORED = {
    "empty": (lambda good: [b""], MALFORMED),
    "text": (lambda good: [b"good"], MALFORMED),
    "bare-response": (lambda good: [good], MALFORMED),
    "trailing-byte": (lambda good: [stapled(good) + b"\0"], MALFORMED),
    "many": (lambda good: [stapled(*[good] * 17)], MALFORMED),
    "huge": (lambda good: [stapled(good, b"0" * 70000)], MALFORMED),
    "twice": (lambda good: [stapled(good), stapled(good)], TWICE),
    "with-a-request": (lambda good: [stapled(good), REQUEST], TWICE),
}


@pytest.mark.parametrize("name", IGNORED)
def test_ignored(stapling, name):
    """As if it had not been sent, but for a word in the log."""
    values, why = IGNORED[name]
    login = stapling.kinit(*values(stapling.response()))
    assert login.audit["reason"] == "revocation-unknown", login.output
    assert login.audit["detail"].startswith(why)


def test_ignored_in_a_login_that_succeeds(stapling):
    stapling.setting.publish()
    stapling.setting.becomes("ok")
    login = stapling.kinit(b"garbage")
    assert login.ok and login.audit["detail"] == MALFORMED


@pytest.mark.parametrize("age", [0, 59], ids=["new", "old"])
def test_never_over_a_revocation(stapling, age):
    """The store's CRL is older than the staple, and counts."""
    stapling.setting.issuing.revoke(stapling.world.card("alice"))
    stapling.setting.publish()
    stapling.setting.becomes("revoked")
    login = stapling.kinit(stapled(stapling.response(age=age)))
    assert not login.ok and login.audit["reason"] == "revoked"


def test_never_over_a_newer_answer(stapling, world, tmp_path):
    """Nor does it take back an OCSP answer of the store."""
    path = tmp_path / "answer.ors"
    path.write_bytes(stapling.response(age=10, revoked=True))
    stapling.kdc.certmap("refresh", "--import", path,
                         make_card(tmp_path, world), status=None)
    stapling.setting.becomes("revoked")
    for age in (0, 30):
        login = stapling.kinit(stapled(stapling.response(age=age)))
        assert not login.ok and login.audit["reason"] == "revoked"


def make_card(folder, world):
    path = folder / "card.pem"
    path.write_bytes(world.card("alice").pem)
    return path


def test_max_age(make):
    stapling = make(staple_max_age="10m")
    late = stapling.kinit(stapled(stapling.response(age=11)))
    assert late.audit["reason"] == "revocation-unknown"
    assert stapling.kinit(stapled(stapling.response(age=9))).ok


def test_a_failure_stays_one(stapling):
    """A good staple of bob's, for bob's card, which is not alice's; and what
    a CA that nobody trusts says about its own card."""
    login = stapling.kinit(stapled(stapling.response("bob")), card="bob")
    assert not login.ok and login.audit["reason"] == "no-mapping"
    foreigner = stapling.world.foreign.issue("CN=alice")
    login = stapling.kdc.kinit("alice", foreigner, options=stapling.options(
        stapled(response(stapling.world.foreign, foreigner))))
    assert not login.ok
    assert {audit["verdict"] for audit in login.audits} == {"refused"}


@pytest.mark.parametrize("parts", [("card1", "type18"), ("type18", "card1")],
                         ids=["before", "behind"])
def test_a_failure_stays_one_beside_a_request(make_kdc, world, parts):
    """Wherever it stands among the preauthentication data."""
    setting = padata.Setting(make_kdc, world)
    assert setting.send("card2", "type18")[0] == padata.SERVED
    answer, audits = setting.send(*parts)
    assert answer == "error 75"
    assert [audit["reason"] for audit in audits] == ["no-mapping"]


def test_under_armour(stapling):
    """Inside FAST it is the client's alone."""
    armour = stapling.kdc.kinit_password("paul")
    assert armour.ok
    cache = ("-T", armour.cache)
    login = stapling.kinit(stapled(stapling.response()), options=cache)
    assert login.ok, login.output
    assert login.audit["status"].split(",")[0].endswith(":stapled")
    assert stapling.kinit(options=cache).audit["reason"] != "ok"


def test_passwords(stapling):
    """They have nothing to do with it."""
    assert stapling.kdc.kinit_password("paul").ok
    login = stapling.kinit(stapled(stapling.response()), who="paul",
                           password=realm.PASSWORD)
    assert login.ok and not login.audits
    assert stapling.reply is None
    assert not stapling.kinit(stapled(stapling.response()), who="paul",
                              password="wrong").ok


# What the KDC staples.

def make_own(world, folder, **options):
    """The KDC's certificate, where the first KDC of a test will find it."""
    own = world.root.issue(
        "CN=KDC", key_kind="ec", eku=(pki.PKINIT_KDC,), other_names=[
            (pki.PKINIT_SAN.dotted_string,
             pki.kerberos_name("CORP.TEST", "krbtgt", "CORP.TEST"))],
        **options)
    (folder / "kdc1").mkdir()
    own.write(folder / "kdc1", "CORP.TEST")
    (folder / "root.pem").write_bytes(world.root.pem)
    return own


class Stapled:
    """The realm's KDC has a responder: that of its CA."""

    def __init__(self, make, world, folder, responder, known=True,
                 **relations):
        self.world, self.folder = world, folder
        self.responder = responder
        self.cert = make_own(world, folder)
        if known:
            self.know()
        else:
            self.responder.fault = "500"
        self.stapling = make(issuer={"root": {
            "certificate": folder / "root.pem",
            "ocsp_responder": self.responder.url}}, **relations)
        self.kdc = self.stapling.kdc
        setting = self.stapling.setting
        setting.store.drop(issuing=setting.issuing.crl())
        setting.refresh(0 if known else 3)
        setting.becomes("ok")

    def know(self, revoked=False):
        self.responder.know(self.world.issuing)
        self.responder.know(self.cert, revoked=revoked)

    def status(self):
        code, output = self.kdc.certmap("status", "--json")
        (one,) = json.loads(output)["stores"][0]["kdc_certificates"]
        return code, one

    def ask(self, value=REQUEST, **how):
        """Logs in asking; returns the response, or None."""
        login = self.stapling.kinit(*([] if value is None else [value]), **how)
        assert login.ok, login.output
        return self.stapling.reply

    def becomes(self, there):
        """Every worker staples, or does not."""
        def settled():
            until = time.monotonic() + revocation.NOTICED
            while time.monotonic() < until:
                if (self.ask() is not None) != there:
                    return False
            return True
        realm.until(settled, "stapled" if there else "not stapled")
        return self.stapling.reply


@pytest.fixture
def responder(world, tmp_path):
    one = revocation.Responder(tmp_path / "responder", world.root, world.root)
    yield one
    one.stop()


@pytest.fixture
def make_stapled(make, world, tmp_path, responder):
    return lambda **relations: Stapled(make, world, tmp_path, responder,
                                       **relations)


def verify(folder, value, issuer, cert):
    """openssl's word for the response inside a PKOcspData."""
    assert value[0] == 0x30 and stapled() != value
    header = 4 if value[1] == 0x82 else 2 + (value[1] & 0x7f)
    inner = value[header:]
    assert inner[:2] == b"\x04\x82"
    der = inner[4:]
    assert stapled(der) == value
    (folder / "r.der").write_bytes(der)
    (folder / "issuer.pem").write_bytes(issuer.pem)
    (folder / "cert.pem").write_bytes(cert.pem)
    done = subprocess.run(
        ["openssl", "ocsp", "-respin", folder / "r.der", "-issuer",
         folder / "issuer.pem", "-CAfile", folder / "issuer.pem", "-cert",
         folder / "cert.pem"], stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_the_kdcs_own(make_stapled, world, tmp_path):
    one = make_stapled()
    code, own = one.status()
    assert code == 0 and own["state"] == "fresh" and own["responder"]
    assert own["realm"] == "CORP.TEST" and not own["revoked"]
    value = one.ask()
    told = verify(tmp_path, value, world.root, one.cert)
    assert "Response verify OK" in told and "cert.pem: good" in told
    # A staple of the client's asks as well; and so does one that is ignored.
    good = one.stapling.response()
    for asking in (stapled(good), b"garbage"):
        assert one.ask(asking) == value
    assert one.ask(None) is None


def test_not_there_yet(make_stapled):
    one = make_stapled(known=False)
    assert "KDC certificate of CORP.TEST, CN=KDC: missing" in (
        one.kdc.certmap("status")[1])
    assert one.ask() is None
    one.responder.fault = None
    one.know()
    one.stapling.setting.refresh()
    one.becomes(True)


def test_not_for_passwords(make_stapled):
    one = make_stapled()
    assert one.ask() is not None
    assert one.ask(who="paul", password=realm.PASSWORD) is None


def test_under_armour_too(make_stapled):
    one = make_stapled()
    value = one.ask()
    armour = one.kdc.kinit_password("paul")
    assert one.ask(options=("-T", armour.cache)) == value


def test_revoked(make_stapled):
    """Then it is not stapled, and somebody is told."""
    one = make_stapled()
    one.know(revoked=True)
    output = one.stapling.setting.refresh(1)
    assert "the certificate of CORP.TEST's KDC, " in output
    assert one.status()[1]["revoked"]
    one.becomes(False)
    assert "KDC certificate of CORP.TEST, CN=KDC: revoked" in (
        one.kdc.certmap("status")[1])


def test_ended(make_stapled, world):
    """Only while it is current: the store's file, replaced by one that has
    ended, or by rubbish."""
    one = make_stapled()
    one.becomes(True)
    serial = one.cert.cert.serial_number.to_bytes(20, "big")
    (path,) = [path for path in one.stapling.setting.store.files("*.ors")
               if serial in path.read_bytes()]
    for bad in (response(world.root, one.cert, age=120, life=1), b"rubbish",
                response(world.root, world.issuing)):
        path.write_bytes(bad)
        one.becomes(False)
    one.stapling.setting.refresh(0, 1)
    one.becomes(True)


def test_a_responder_that_fails(make_stapled):
    """The last one serves until it ends; it is told that no new one came."""
    one = make_stapled()
    one.responder.fault = "500"
    assert one.responder.url in one.stapling.setting.refresh(3)
    one.becomes(True)


@pytest.mark.parametrize("allowed", ["true", "false"])
def test_the_responder_of_the_certificate(make, world, tmp_path, responder,
                                          allowed):
    """AuthorityInfoAccess, screened as all URLs in certificates are."""
    own = make_own(world, tmp_path,
                   extensions=[(ACCESS, access(responder.url))])
    responder.know(own)
    stapling = make(issuer={"root": {
        "certificate": tmp_path / "root.pem",
        "allow_private_addresses": allowed}})
    setting = stapling.setting
    setting.store.drop(issuing=setting.issuing.crl())
    setting.refresh(0 if allowed == "true" else 3)
    setting.becomes("ok")
    assert stapling.kinit(REQUEST).ok
    if allowed == "false":
        assert stapling.reply is None and responder.asked == 0
        return
    assert "cert.pem: good" in verify(tmp_path, stapling.reply, world.root,
                                      own)


def test_no_responder(make):
    stapling = make()
    stapling.setting.publish()
    stapling.setting.becomes("ok")
    assert stapling.kinit(REQUEST).ok and stapling.reply is None
    assert "KDC certificate of CORP.TEST, CN=KDC of CORP.TEST: no responder" \
        in stapling.kdc.certmap("status")[1]


def test_not_listed(make_stapled):
    """The client tries what the KDC lists; an empty 18 would be no
    PKOcspData."""
    one = make_stapled()
    trace = one.folder / "trace"
    one.kdc.extra_environment["KRB5_TRACE"] = str(trace)
    one.ask()
    listed = [line for line in trace.read_text().splitlines()
              if "Processing preauth types" in line]
    assert listed and not any("PA-PK-OCSP" in line or "(18)" in line
                              for line in listed), listed
