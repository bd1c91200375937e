"""Logins ask OCSP responders: the certauth module alone, where it may wait for
them, and the kdcpreauth module."""

import json

import pytest

import pki
import realm
from revocation import OCSP_SIGNING, Responder

NOCHECK = ("1.3.6.1.5.5.7.48.1.5", pki.tlv(0x05))  # RFC 6960 4.2.2.2.1
ACCESS = "1.3.6.1.5.5.7.1.1"
OCSP = bytes.fromhex("06082b06010505073001")


def access(url):
    """AuthorityInfoAccess of one responder."""
    return pki.tlv(0x30, pki.tlv(0x30, OCSP + pki.tlv(0x86, url.encode())))


@pytest.fixture
def responder(tmp_path, world):
    delegate = world.issuing.issue("CN=Responder", key_kind="ec",
                                   eku=(OCSP_SIGNING,), extensions=[NOCHECK])
    one = Responder(tmp_path / "responder", world.issuing, delegate)
    yield one
    one.stop()


#: What a KDC that may ask is configured with.
WIRINGS = {"certauth": {"certauth_wait": "all"},
           "kdcpreauth": {"plugins": realm.WRAP}}


@pytest.fixture(params=WIRINGS)
def waits(request):
    return WIRINGS[request.param]


@pytest.fixture
def make_waiting(make_setting, tmp_path, world, responder):
    """A realm with a responder; the store has the root's CRL and nothing
    about cards."""
    def make(issuer=None, **relations):
        (tmp_path / "issuing.pem").write_bytes(world.issuing.pem)
        block = {"certificate": tmp_path / "issuing.pem",
                 "ocsp_responder": responder.url}
        block.update(issuer or {})
        options = {"timeout": "20s", **relations}
        setting = make_setting(
            issuer={"corp": {name: value for name, value in block.items()
                             if value is not None}}, **options)
        setting.store.drop(root=setting.root.crl())
        setting.refresh(0, 1)
        for name in ("alice", "bob"):
            responder.know(world.card(name))
        return setting
    return make


def test_a_new_card_logs_in(make_waiting, responder, waits):
    """The first login asks; every later one, of every worker, has the answer
    from the store."""
    setting = make_waiting(**waits)
    login = setting.log_in()
    assert login.ok, login.output
    assert login.audit["status"].startswith("good:ocsp:"), login.audit
    assert login.audit["status"].split(",")[0].endswith(":fetched")
    assert login.audit["revocation"] == "checked"
    audit = setting.becomes("ok")
    assert audit["status"].split(",")[0].endswith(":store"), audit
    assert responder.asked == 1
    assert setting.store.files("*.ors")


def test_revoked(make_waiting, responder, waits):
    setting = make_waiting(revocation="soft", **waits)
    responder.know(setting.card, revoked=True)
    login = setting.log_in()
    assert login.audit["reason"] == "revoked"
    assert "by ocsp (fetched)" in login.audit["detail"]
    assert setting.log_in().audit["reason"] == "revoked"
    assert responder.asked == 1
    assert setting.log_in("bob").audit["reason"] == "ok"


@pytest.mark.parametrize("mode, reason", [
    ("require", "revocation-unavailable"), ("soft", "ok")])
def test_responder_dead(make_waiting, responder, waits, mode, reason):
    setting = make_waiting(revocation=mode, **waits)
    responder.stop()
    login = setting.log_in()
    assert login.audit["reason"] == reason
    assert f"asked: {responder.url}: " in login.audit["detail"], login.audit
    assert login.ok == (mode == "soft")
    if mode == "soft":
        assert "revocation=soft" in login.audit["choices"]
        assert login.audit["revocation"] == "unchecked"
    # What is left alone is said once, by the process that has seen it fail.
    realm.until(lambda: setting.log_in() and
                "is left alone for 10 s" in setting.kdc.log(),
                "the responder is left alone")


def test_silent_responder(make_waiting, responder, waits):
    """The time is the login's own: refused, and the KDC serves on."""
    setting = make_waiting(timeout="1s", **waits)
    responder.fault = "hang"
    assert setting.log_in().audit["reason"] == "revocation-unavailable"
    assert setting.kdc.kinit_password("paul").ok


def test_no_opinion(make_waiting, responder, waits):
    """An answer about another card, or none at all: nobody knows."""
    setting = make_waiting(**waits)
    responder.fault = "other"
    login = setting.log_in()
    assert login.audit["reason"] == "revocation-unknown"
    assert "not about the certificate" in login.audit["detail"]
    responder.fault = None
    assert setting.log_in().ok


@pytest.mark.parametrize("allowed, reason", [
    ("true", "ok"), ("false", "revocation-unknown")])
def test_responder_of_the_certificate(make_waiting, responder, world, waits,
                                      allowed, reason):
    """On loopback only where the CA's block allows private addresses."""
    setting = make_waiting({"ocsp_responder": None,
                            "allow_private_addresses": allowed}, **waits)
    card = world.issuing.issue("DC=test,DC=corp,CN=dora", slot="dora",
                               extensions=[(ACCESS, access(responder.url))])
    setting.kdc.add_principals("dora")
    setting.kdc.set_mappings("dora", card.mappings()["ski"])
    responder.know(card)
    assert setting.kdc.kinit("dora", card).audit["reason"] == reason
    assert responder.asked == (1 if allowed == "true" else 0)


def test_nobody_asks_by_default(make_waiting, responder):
    setting = make_waiting()
    assert setting.log_in().audit["reason"] == "revocation-unknown"
    assert responder.asked == 0


def test_explain_asks_only_when_told(make_waiting, responder, tmp_path):
    setting = make_waiting()
    card = tmp_path / "card.pem"
    card.write_bytes(setting.card.pem)

    def explain(*options):
        code, output = setting.kdc.certmap(
            "explain", "--json", *options, card, "alice@CORP.TEST")
        told = json.loads(output)
        return code, told["reason"], told["revocation"]["certificates"]

    code, reason, asked = explain()
    assert (code, reason, responder.asked) == (1, "revocation-unknown", 0)
    assert [one["origin"] for one in asked] == [None, "store"]
    code, reason, asked = explain("--fetch")
    assert (code, reason, responder.asked) == (0, "ok", 1)
    assert [one["origin"] for one in asked] == ["fetched", "store"]
    code, reason, asked = explain()
    assert (code, reason, responder.asked) == (0, "ok", 1)
    assert [one["origin"] for one in asked] == ["store", "store"]
