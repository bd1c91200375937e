"""Revocation from the network: a web server and an OCSP responder, and what
becomes of logins when they fail."""

import os
import threading

import pytest

import pki
import realm
from nginx import PROGRAM, Nginx
from revocation import (ENDED, HOUR, OCSP_SIGNING, REVOKED, Responder,
                        becomes)

NOCHECK = ("1.3.6.1.5.5.7.48.1.5", pki.tlv(0x05))  # RFC 6960 4.2.2.2.1
CRL_POINTS = "2.5.29.31"


def points(url):
    """CRLDistributionPoints of one URL."""
    name = pki.tlv(0xA0, pki.tlv(0xA0, pki.tlv(0x86, url.encode())))
    return pki.tlv(0x30, pki.tlv(0x30, name))


class Web(Nginx):
    """nginx with CRLs."""

    def url_of(self, name):
        return f"{self.url}/{name}"

    def put(self, name, content):
        """Replaces a file as a whole."""
        scratch = self.html / f".{name}"
        scratch.write_bytes(content)
        os.replace(scratch, self.html / name)

    def answers(self, name):
        """The status codes of what was asked for it, in order."""
        return [int(row["status"]) for row in self.requests()
                if row["uri"] == f"/{name}"]


@pytest.fixture
def web(tmp_path):
    if not PROGRAM:
        pytest.skip("not installed: nginx; tests/run installs it")
    with Web(tmp_path / "web") as web:
        yield web


def test_published_by_a_web_server(make_setting, web):
    """nginx serves the CRLs; refresh fetches them; what has not changed is
    not sent again."""
    setting = make_setting(
        crl_url=[web.url_of("issuing.crl"), web.url_of("root.crl")])
    workers = setting.kdc.worker_pids()
    web.put("issuing.crl", setting.issuing.crl())
    web.put("root.crl", setting.root.crl())
    setting.refresh()
    setting.becomes("ok")
    setting.refresh()
    assert web.answers("root.crl") == [200, 304]
    setting.issuing.revoke(setting.card)
    web.put("issuing.crl", setting.issuing.crl(age=HOUR / 2))
    setting.refresh()
    setting.becomes("revoked")
    login = setting.log_in()
    assert not login.ok and REVOKED in login.output, login.output
    assert setting.log_in("bob").audit["reason"] == "ok"
    assert setting.kdc.worker_pids() == workers


def test_web_server_gone(make_setting, web):
    """refresh says so; what was fetched counts until its end."""
    setting = make_setting(
        crl_url=[web.url_of("issuing.crl"), web.url_of("root.crl")])
    web.put("issuing.crl", setting.issuing.crl())
    web.put("root.crl", setting.root.crl())
    setting.refresh()
    (web.html / "issuing.crl").unlink()
    (web.html / "root.crl").unlink()
    assert "HTTP status 404" in setting.refresh(3)
    setting.becomes("ok")


@pytest.mark.parametrize("allowed, status, reason", [
    ("true", 0, "ok"), ("false", 3, "revocation-unknown")])
def test_url_in_the_certificate(make_setting, web, world, tmp_path, allowed,
                                status, reason):
    """A CRL distribution point on loopback is used only where the CA's block
    allows private addresses."""
    (tmp_path / "issuing.pem").write_bytes(world.issuing.pem)
    setting = make_setting(issuer={"corp": {
        "certificate": tmp_path / "issuing.pem",
        "allow_private_addresses": allowed}})
    card = world.issuing.issue(
        "DC=test,DC=corp,CN=carol", slot="carol",
        extensions=[(CRL_POINTS, points(web.url_of("issuing.crl")))])
    setting.kdc.add_principals("carol")
    setting.kdc.set_mappings("carol", card.mappings()["ski"])
    web.put("issuing.crl", setting.issuing.crl())
    setting.store.drop(root=setting.root.crl())
    assert setting.kdc.kinit("carol", card).audit["reason"] == (
        "revocation-unknown")
    assert ("address is private" in setting.refresh(status)) == (status > 0)
    becomes(setting.kdc, "carol", card, reason)
    assert web.answers("issuing.crl") == ([200] if allowed == "true" else [])


@pytest.fixture
def make_responder(tmp_path, world):
    running = []

    def make(signer=None):
        signer = signer or world.issuing.issue(
            "CN=Responder", key_kind="ec", eku=(OCSP_SIGNING,),
            extensions=[NOCHECK])
        responder = Responder(tmp_path / f"responder{len(running)}",
                              world.issuing, signer)
        running.append(responder)
        return responder

    yield make
    for responder in running:
        responder.stop()


@pytest.fixture
def make_asking(make_setting, tmp_path, world):
    """A realm that asks a responder about cards; the root has a CRL."""
    def make(responder):
        (tmp_path / "issuing.pem").write_bytes(world.issuing.pem)
        setting = make_setting(issuer={"corp": {
            "certificate": tmp_path / "issuing.pem",
            "revocation_sources": "ocsp",
            "ocsp_responder": responder.url}})
        setting.store.drop(root=setting.root.crl())
        for name in ("alice", "bob"):
            responder.know(world.card(name))
        return setting
    return make


def test_by_a_responder(make_asking, make_responder):
    """A delegate signs.  A new card is refused once, and asked about."""
    responder = make_responder()
    setting = make_asking(responder)
    for name in ("alice", "bob"):
        assert setting.log_in(name).audit["reason"] == "revocation-unknown"
    setting.refresh()
    audit = setting.becomes("ok")
    assert audit["status"].startswith("good:ocsp:"), audit
    setting.becomes("ok", "bob")
    responder.know(setting.card, revoked=True)
    setting.refresh()
    audit = setting.becomes("revoked")
    assert audit["status"].startswith("revoked:ocsp:"), audit
    setting.becomes("ok", "bob")


def break_down(responder, fault):
    if fault == "down":
        responder.stop()
    else:
        responder.fault = fault


@pytest.mark.parametrize("fault, said", [
    ("down", "connect"), ("500", "HTTP status 500"),
    ("flood", "larger than 65536 bytes"), ("other", "refused")])
def test_responder_fails(make_asking, make_responder, fault, said):
    """No answer, or none about this card: refused.  What was answered before
    counts."""
    responder = make_responder()
    setting = make_asking(responder)
    setting.log_in("bob")
    setting.refresh()
    setting.becomes("ok", "bob")
    assert setting.log_in().audit["reason"] == "revocation-unknown"
    break_down(responder, fault)
    assert said in setting.refresh(1, 3)
    setting.becomes("revocation-unknown")
    setting.becomes("ok", "bob")
    assert setting.kdc.kinit_password("paul").ok


def test_responder_hangs(make_asking, make_responder):
    """refresh waits, and gives up; logins do not wait for it."""
    responder = make_responder()
    setting = make_asking(responder)
    setting.log_in("bob")
    setting.refresh()
    setting.becomes("ok", "bob")
    responder.fault = "hang"
    setting.log_in()
    output = []
    asking = threading.Thread(
        target=lambda: output.append(setting.refresh(1, 3)))
    asking.start()
    try:
        assert responder.waiting.wait(realm.START_SECONDS)
        login = setting.log_in()
        assert login.audit["reason"] == "revocation-unknown"
        assert int(login.audit["ms"]) < 1000
        assert setting.log_in("bob").audit["reason"] == "ok"
        assert asking.is_alive()
    finally:
        asking.join()
    assert "timed out" in output[0]
    setting.becomes("revocation-unknown")


@pytest.mark.parametrize("nocheck, reason", [(True, "ok"),
                                             (False, "revocation-unknown")])
def test_revoked_delegate(make_asking, make_responder, world, nocheck, reason):
    """An answer signed well by a delegate that the CA's CRL lists counts only
    if the CA has said that nobody need check the delegate.  The CRL has ended,
    so that it vouches for no card itself."""
    delegate = world.issuing.issue(
        "CN=Responder 2", key_kind="ec", eku=(OCSP_SIGNING,),
        extensions=[NOCHECK] if nocheck else [])
    setting = make_asking(make_responder(delegate))
    setting.issuing.revoke(delegate)
    setting.store.drop(issuing=setting.issuing.crl(**ENDED))
    setting.log_in()
    setting.refresh(1)
    setting.becomes(reason)
