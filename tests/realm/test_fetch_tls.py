"""TLS: who is believed, and sessions that outlive their tickets' renewal."""

import os

import pytest

import nginx
from nginx import Nginx
from probe import PROBE, Probe
from slapd import Authority

pytestmark = [
    pytest.mark.skipif(not nginx.PROGRAM, reason="not installed: nginx-light"),
    pytest.mark.skipif(not PROBE, reason="this build has no fetch_probe"),
]

TICKET_KEY_BYTES = 80  # what makes nginx use AES-256


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    one = Authority("TLS test CA")
    one.file = one.write(tmp_path_factory.mktemp("ca") / "ca.pem")
    return one


@pytest.fixture
def probe(tmp_path):
    with Probe(tmp_path / "body") as one:
        yield one


def certificate(authority, folder, **names):
    cert, key = authority.issue(folder, **names)[:2]
    return f"ssl_certificate {cert}; ssl_certificate_key {key};"


def serve(tmp_path, body):
    web = Nginx(tmp_path / "web", body, tls=True)
    (web.html / "ca.crl").write_bytes(b"a CRL")
    return web


# ---- Who is believed ----

def test_a_server_of_the_given_ca(tmp_path, authority, probe):
    with serve(tmp_path, certificate(authority, tmp_path)) as web:
        url = web.url + "/ca.crl"
        found = probe.fetch(url, ca=authority.file)
        assert found["result"] == "fetched" and found["body"] == b"a CRL"
        by_name = probe.fetch(f"https://localhost:{web.port}/ca.crl",
                              ca=authority.file)
        assert by_name["result"] == "fetched"


def test_the_connection_of_one_ca_is_not_used_for_another(
        tmp_path, authority, probe):
    other = Authority("Another CA").write(tmp_path / "other.pem")
    with serve(tmp_path, certificate(authority, tmp_path)) as web:
        url = web.url + "/ca.crl"
        assert probe.fetch(url, ca=authority.file)["result"] == "fetched"
        for believed in ({"ca": other}, {}):
            found = probe.fetch(url, **believed)
            assert found["result"] == "failed" and found["body"] == b""
        assert len(web.requests()) == 1


@pytest.mark.parametrize("names", [
    {"dns": ("other.test",), "addresses": ()},
    {"dns": ("localhost",), "addresses": ("127.0.0.2",)},
    {"expired": True},
], ids=["another name", "another address", "expired"])
def test_servers_that_are_not_believed(tmp_path, authority, probe, names):
    body = certificate(authority, tmp_path, **names)
    with serve(tmp_path, body) as web:
        found = probe.fetch(web.url + "/ca.crl", ca=authority.file)
        assert found["result"] == "failed" and found["body"] == b""
        assert not web.requests()


def test_a_file_of_cas_that_is_missing(tmp_path, authority, probe):
    with serve(tmp_path, certificate(authority, tmp_path)) as web:
        found = probe.fetch(web.url + "/ca.crl", ca=tmp_path / "none.pem")
        assert found["result"] == "failed" and not web.requests()


def test_old_protocols_are_not_spoken(tmp_path, authority, probe):
    body = (certificate(authority, tmp_path) +
            "ssl_protocols TLSv1 TLSv1.1; ssl_ciphers ALL:@SECLEVEL=0;")
    with serve(tmp_path, body) as web:
        found = probe.fetch(web.url + "/ca.crl", ca=authority.file)
        assert found["result"] == "failed" and not web.requests()


# ---- Sessions ----

class Tickets:
    """A server of one protocol whose ticket keys are exchanged: the first
    makes new tickets, and a ticket of another is renewed while its session
    is resumed."""

    def __init__(self, tmp_path, authority, protocol):
        self.folder = tmp_path
        self.body = (certificate(authority, tmp_path) +
                     f"ssl_protocols {protocol}; ssl_session_cache none;"
                     "ssl_session_tickets on; keepalive_timeout 0;")

    def keys(self, *names):
        lines = []
        for name in names:
            path = self.folder / f"ticket.{name}"
            if not path.exists():
                path.write_bytes(os.urandom(TICKET_KEY_BYTES))
            lines.append(f"ssl_session_ticket_key {path};")
        return self.body + " ".join(lines)


#: The keys that the server has at each step, and whether the session is
#: resumed there.
STEPS = [
    (("a",), "."),       # a new session
    (("a",), "r"),
    (("b", "a"), "r"),   # resumed by a ticket of a, renewed to one of b
    (("b",), "r"),       # so the renewed ticket was kept, and serves
    (("b",), "r"),
    (("c", "b"), "r"),   # and again
    (("c",), "r"),
    (("d",), "."),       # a server that knows no ticket any more
    (("d",), "r"),
]


def fetch_steps(tmp_path, authority, probe, protocol):
    """How each step's session came about, as the server saw it."""
    tickets = Tickets(tmp_path, authority, protocol)
    with serve(tmp_path, tickets.keys("a")) as web:
        for keys, _ in STEPS:
            web.reload(tickets.keys(*keys))
            found = probe.fetch(web.url + "/ca.crl", ca=authority.file)
            assert found["result"] == "fetched", found["detail"]
            assert found["body"] == b"a CRL"
        asked = web.requests()
    assert {row["ssl_protocol"] for row in asked} == {protocol}
    assert probe.close() == ""
    return [row["ssl_session_reused"] for row in asked]


def test_a_session_survives_the_renewal_of_its_ticket(
        tmp_path, authority, probe):
    reused = fetch_steps(tmp_path, authority, probe, "TLSv1.3")
    assert reused == [expected for _, expected in STEPS]


def test_tickets_of_tls_1_2(tmp_path, authority, probe):
    """libcurl up to 8 refuses these: then each session is a new one."""
    reused = fetch_steps(tmp_path, authority, probe, "TLSv1.2")
    assert reused in ([expected for _, expected in STEPS], ["."] * len(STEPS))


def test_sessions_of_tls_1_2_that_the_server_keeps(
        tmp_path, authority, probe):
    body = (certificate(authority, tmp_path) + "ssl_protocols TLSv1.2;"
            "ssl_session_cache shared:all:1m; ssl_session_tickets off;"
            "keepalive_timeout 0;")
    with serve(tmp_path, body) as web:
        for _ in range(3):
            found = probe.fetch(web.url + "/ca.crl", ca=authority.file)
            assert found["result"] == "fetched"
        reused = [row["ssl_session_reused"] for row in web.requests()]
    assert reused == [".", "r", "r"]


def test_many_renewals(tmp_path, authority, probe):
    tickets = Tickets(tmp_path, authority, "TLSv1.3")
    with serve(tmp_path, tickets.keys("0")) as web:
        for turn in range(12):
            if turn:
                web.reload(tickets.keys(str(turn), str(turn - 1)))
            for _ in range(2):
                found = probe.fetch(web.url + "/ca.crl", ca=authority.file)
                assert found["result"] == "fetched", found["detail"]
        reused = [row["ssl_session_reused"] for row in web.requests()]
    assert reused == ["."] + ["r"] * 23


def test_a_session_is_resumed_for_its_own_ca_only(tmp_path, authority, probe):
    other = Authority("Another CA").write(tmp_path / "other.pem")
    tickets = Tickets(tmp_path, authority, "TLSv1.3")
    with serve(tmp_path, tickets.keys("a")) as web:
        url = web.url + "/ca.crl"
        assert probe.fetch(url, ca=authority.file)["result"] == "fetched"
        assert probe.fetch(url, ca=other)["result"] == "failed"
        assert probe.fetch(url)["result"] == "failed"
        assert probe.fetch(url, ca=authority.file)["result"] == "fetched"
        reused = [row["ssl_session_reused"] for row in web.requests()]
    assert reused == [".", "r"]
