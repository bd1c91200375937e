"""Fetching: limits, redirects, conditions, screens, proxies, and nothing
from the environment."""

import os
import socket
import subprocess
import time

import pytest

import nginx
from nginx import Nginx
from probe import PROBE, Probe, Server, forever, hangs, says

pytestmark = [
    pytest.mark.skipif(not nginx.PROGRAM, reason="not installed: nginx-light"),
    pytest.mark.skipif(not PROBE, reason="this build has no fetch_probe"),
]

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.fixture
def probe(tmp_path):
    with Probe(tmp_path / "body") as one:
        yield one


@pytest.fixture
def web(tmp_path):
    with Nginx(tmp_path / "web", """
            location = /once { return 302 /ca.crl; }
            location = /twice { return 301 /once; }
            location = /thrice { return 307 /twice; }
            location = /often { return 308 /thrice; }
            location = /round { return 302 /round; }
            location = /file { return 302 file:///etc/passwd; }
            location = /away { return 302 http://127.0.0.2:$server_port/; }
            location = /tls { return 302 https://$http_host/; }
            location = /cloud { return 302 http://169.254.169.254/x; }
            location = /user { return 302 http://me@$http_host/; }
            location = /300 { return 300; }
            location = /404 { return 404; }
            location = /500 { return 500; }
            location = /204 { return 204; }
            """) as one:
        (one.html / "ca.crl").write_bytes(b"a CRL")
        (one.html / "good.ors").write_bytes(b"an answer")
        yield one


# ---- What is fetched ----

def test_get(web, probe):
    found = probe.fetch(web.url + "/ca.crl#part")
    assert found["result"] == "fetched" and found["status"] == 200
    assert found["body"] == b"a CRL" and found["bytes"] == 5
    assert found["etag"] and found["modified"].endswith(" GMT")
    asked, = web.requests()
    assert asked["uri"] == "/ca.crl"
    assert asked["http_user_agent"] == "krb5-certmap"


@pytest.mark.parametrize("validator", ["etag", "modified"])
def test_conditional_get(web, probe, validator):
    url = web.url + "/ca.crl"
    first = probe.fetch(url)
    again = probe.fetch(url, **{validator: first[validator]})
    assert again["result"] == "not-modified" and again["status"] == 304
    assert again["body"] == b"" and again["etag"] == first["etag"]
    (web.html / "ca.crl").write_bytes(b"another CRL")
    os.utime(web.html / "ca.crl", (2_000_000_000, 2_000_000_000))
    newer = probe.fetch(url, **{validator: first[validator]})
    assert newer["result"] == "fetched" and newer["body"] == b"another CRL"
    assert newer[validator] != first[validator]


def test_a_validator_cannot_bring_a_header_of_its_own(web, probe):
    found = probe.fetch(web.url + "/ca.crl", etag="x\r\tX-Evil: 1")
    assert found["result"] == "forbidden" and not web.requests()


def test_post(probe):
    reply = (OK + b"Content-Type: application/ocsp-response\r\n"
             b"Content-Length: 2\r\n\r\nhi")
    with Server(says(reply)) as server:
        found = probe.fetch(server.url + "/ocsp", body="request",
                            type="application/ocsp-request",
                            expected="application/ocsp-response")
    assert found["result"] == "fetched" and found["body"] == b"hi"
    head, body = server.asked[0].split(b"\r\n\r\n")
    assert body == b"request"
    assert sorted(head.split(b"\r\n")) == sorted([
        b"POST /ocsp HTTP/1.1", b"Host: 127.0.0.1:%d" % server.port,
        b"User-Agent: krb5-certmap", b"Accept: */*", b"Content-Length: 7",
        b"Content-Type: application/ocsp-request"])


@pytest.mark.parametrize("path,expected", [
    ("/good.ors", "fetched"), ("/ca.crl", "failed")])
def test_type_of_the_answer(web, probe, path, expected):
    found = probe.fetch(web.url + path, expected="application/ocsp-response")
    assert found["result"] == expected


@pytest.mark.parametrize("path", ["/300", "/404", "/500", "/204", "/none"])
def test_other_statuses_fail(web, probe, path):
    found = probe.fetch(web.url + path)
    assert found["result"] == "failed" and "HTTP status" in found["detail"]
    assert found["body"] == b""


# ---- Redirects ----

@pytest.mark.parametrize("path,count", [
    ("/once", 2), ("/twice", 3), ("/thrice", 4)])
def test_redirects_of_one_origin(web, probe, path, count):
    found = probe.fetch(web.url + path)
    assert found["result"] == "fetched" and found["body"] == b"a CRL"
    assert len(web.requests()) == count


@pytest.mark.parametrize("path,expected,count", [
    ("/often", "failed", 4), ("/round", "failed", 4),
    ("/file", "forbidden", 1), ("/away", "forbidden", 1),
    ("/tls", "forbidden", 1), ("/cloud", "forbidden", 1),
    ("/user", "forbidden", 1)])
def test_redirects_that_are_not_followed(web, probe, path, expected, count):
    found = probe.fetch(web.url + path)
    assert found["result"] == expected and found["body"] == b""
    assert len(web.requests()) == count


def test_a_post_is_not_redirected(web, probe):
    found = probe.fetch(web.url + "/once", body="x", type="a/b")
    assert found["result"] == "failed" and len(web.requests()) == 1


# ---- Limits ----

@pytest.mark.parametrize("most,expected", [
    (5, "fetched"), (4, "too-large"), (0, "too-large")])
def test_a_body_of_known_length(web, probe, most, expected):
    found = probe.fetch(web.url + "/ca.crl", max=most)
    assert found["result"] == expected
    assert len(found["body"]) <= most


@pytest.mark.parametrize("script", [
    forever(CHUNKED, b"400\r\n" + b"x" * 1024 + b"\r\n"),
    forever(OK + b"\r\n", b"x" * 1024),
    forever(OK + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"400\r\n" + b"x" * 1024 + b"\r\n"),
], ids=["chunked", "until it closes", "two lengths"])
def test_an_endless_body(probe, script):
    with Server(script) as server:
        found = probe.fetch(server.url, max=10_000)
    assert found["result"] == "too-large" and len(found["body"]) <= 10_000


def test_a_compressed_body_is_not_expanded(probe):
    import gzip
    packed = gzip.compress(b"x" * 5_000_000)
    head = OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n"
    with Server(says(head % len(packed), packed)) as server:
        found = probe.fetch(server.url)
    assert found["result"] == "fetched" and found["body"] == packed
    assert b"accept-encoding" not in server.asked[0].lower()


def test_a_bomb_by_transfer_encoding(probe):
    import gzip
    packed = gzip.compress(b"x" * 50_000_000)
    head = OK + b"Transfer-Encoding: gzip\r\n\r\n"
    with Server(says(head, packed)) as server:
        found = probe.fetch(server.url, max=100_000)
    assert found["result"] in ("too-large", "failed")
    assert len(found["body"]) <= 100_000


@pytest.mark.parametrize("first,piece", [
    (OK, b"X-Filler: " + b"x" * 1000 + b"\r\n"),
    (b"", b"HTTP/1.1 100 Continue\r\nX: " + b"x" * 1000 + b"\r\n\r\n"),
], ids=["headers", "interim answers"])
def test_endless_headers(probe, first, piece):
    with Server(forever(first, piece)) as server:
        found = probe.fetch(server.url)
    assert found["result"] == "too-large" and found["body"] == b""


@pytest.mark.parametrize("script", [
    forever(b"HTTP/1.1 500 No\r\n\r\n", b"x" * 1024),
    forever(b"HTTP/1.1 302 Elsewhere\r\nLocation: file:///x\r\n\r\n",
            b"x" * 1024),
], ids=["an error", "a redirect"])
def test_an_endless_body_that_nobody_wants(probe, script):
    with Server(script) as server:
        found = probe.fetch(server.url)
    assert found["result"] in ("failed", "forbidden")
    assert found["body"] == b""


@pytest.mark.parametrize("script", [
    hangs,
    forever(OK + b"X-Slow: ", b"x", 0.2),
    forever(OK + b"Content-Length: 1000\r\n\r\n", b"x", 0.2),
    forever(CHUNKED, b"1\r\nx\r\n", 0.2),
], ids=["silent", "slow head", "slow body", "slow chunks"])
def test_time_is_limited(probe, script):
    with Server(script) as server:
        started = time.monotonic()
        found = probe.fetch(server.url, timeout=700)
        took = time.monotonic() - started
    assert found["result"] == "timed-out"
    assert 0.6 < took < 5


def test_redirects_share_the_time(probe):
    def script(server, client):
        server.read(client)
        server.closed.wait(1.2)
        client.sendall(b"HTTP/1.1 302 On\r\nLocation: /\r\n"
                       b"Content-Length: 0\r\nConnection: close\r\n\r\n")

    with Server(script) as server:
        found = probe.fetch(server.url, timeout=2000)
    assert found["result"] == "timed-out" and len(server.asked) == 2


@pytest.mark.parametrize("budget", [0, -1])
def test_no_time_is_no_fetch(web, probe, budget):
    found = probe.fetch(web.url + "/ca.crl", timeout=budget)
    assert found["result"] == "timed-out" and not web.requests()


@pytest.mark.parametrize("reply", [
    OK + b"Content-Length: 10\r\n\r\nshort",
    CHUNKED + b"5\r\nshort\r\n",
    CHUNKED + b"zz\r\n",
    b"only a body",
    b"\x16\x03\x01\x00\x00",
    b"",
], ids=["cut", "chunks cut", "bad chunk", "HTTP/0.9", "TLS", "nothing"])
def test_damaged_answers_fail(probe, reply):
    with Server(says(reply)) as server:
        found = probe.fetch(server.url)
    assert found["result"] == "failed"


def test_nobody_listens(probe):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        found = probe.fetch(f"http://127.0.0.1:{free.getsockname()[1]}/")
    assert found["result"] == "failed"


def test_a_disk_that_is_full_is_a_failure(web, tmp_path):
    with Probe("/dev/full") as probe:
        probe.start(web.url + "/ca.crl")
        found = probe._line()  # /dev/full cannot be read to its end
    assert found["result"] == "failed"
    assert "No space left" in found["detail"]


@pytest.mark.skipif(os.getuid() != 0, reason="needs root for a resolv.conf")
def test_a_name_server_that_is_silent(tmp_path):
    conf = tmp_path / "resolv.conf"
    with socket.socket(type=socket.SOCK_DGRAM) as silent:
        try:
            silent.bind(("127.0.0.53", 53))
        except OSError:
            pytest.skip("127.0.0.53:53 is taken")
        conf.write_text("nameserver 127.0.0.53\n")
        inside = ("unshare", "-m", "sh", "-c",
                  'mount --bind "$0" /etc/resolv.conf && exec "$@"',
                  str(conf))
        if subprocess.run([*inside, "true"], check=False,
                          capture_output=True).returncode:
            pytest.skip("no mount namespaces here")
        with Probe(tmp_path / "body", command=inside) as probe:
            assert probe.fetch("ftp://up.example/")["result"] == "forbidden"
            started = time.monotonic()
            found = probe.fetch("http://nowhere.example/", timeout=700)
            assert found["result"] == "timed-out"
            assert time.monotonic() - started < 3


# ---- Addresses ----

@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1",
                                  "0x7f000001", "2130706433"])
def test_urls_from_certificates_are_screened(web, probe, host):
    url = f"http://{host}:{web.port}/ca.crl"
    assert probe.fetch(url, certificate=True)["result"] == "forbidden"
    assert not web.requests()
    allowed = probe.fetch(url, certificate=True, private=True)
    assert allowed["result"] == "fetched"
    assert probe.fetch(url)["result"] == "fetched"


def test_ipv6_is_screened(tmp_path, probe):
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("no IPv6 here")
    with Nginx(tmp_path / "six", address="[::1]") as web:
        (web.html / "ca.crl").write_bytes(b"a CRL")
        url = web.url + "/ca.crl"
        assert probe.fetch(url, certificate=True)["result"] == "forbidden"
        assert probe.fetch(f"http://[::ffff:127.0.0.1]:{web.port}/",
                           certificate=True)["result"] == "forbidden"
        assert not web.requests()
        assert probe.fetch(url)["result"] == "fetched"


def test_an_open_connection_is_screened_too(web, probe):
    url = web.url + "/ca.crl"
    assert probe.fetch(url)["result"] == "fetched"
    assert probe.fetch(url)["result"] == "fetched"
    first, second = web.requests()
    assert first["connection"] == second["connection"], "not kept open"
    assert probe.fetch(url, certificate=True)["result"] == "forbidden"
    assert len(web.requests()) == 2


# ---- Proxies and the environment ----

def proxy(server, client):
    """Answers itself, or carries a CONNECT to where it leads."""
    head = server.read(client)
    if head.startswith(b"CONNECT "):
        client.sendall(b"HTTP/1.1 502 Not here\r\n\r\n")
    elif head:
        client.sendall(OK + b"Content-Length: 9\r\n\r\nby proxy.")


def test_proxy(probe):
    with Server(proxy) as server:
        found = probe.fetch("http://ca.test/ca.crl", proxy=server.url)
        assert found["result"] == "fetched" and found["body"] == b"by proxy."
        assert server.asked[0].startswith(b"GET http://ca.test/ca.crl HTTP")
        found = probe.fetch("https://ca.test/ca.crl", proxy=server.url)
        assert found["result"] == "failed"
        assert server.asked[1].startswith(b"CONNECT ca.test:443 HTTP")


@pytest.mark.parametrize("hosts,expected", [
    (["ca.test"], "fetched"), (["other.test", "CA.test"], "fetched"),
    ([], "forbidden"), (["other.test"], "forbidden"),
    (["test"], "forbidden"), (["a.ca.test"], "forbidden")])
def test_urls_from_certificates_through_a_proxy(probe, hosts, expected):
    with Server(proxy) as server:
        for more in ({}, {"private": True}):
            found = probe.fetch("http://ca.test/", certificate=True,
                                proxy=server.url, host=hosts, **more)
            assert found["result"] == expected
        assert len(server.asked) == (2 if expected == "fetched" else 0)


def test_the_environment_is_not_asked(web, tmp_path):
    (tmp_path / ".netrc").write_text("default login me password secret\n")
    with Server(proxy) as server:
        names = ("http_proxy", "https_proxy", "all_proxy", "ALL_PROXY",
                 "HTTPS_PROXY")
        env = {**os.environ, "HOME": str(tmp_path),
               **dict.fromkeys(names, server.url)}
        with Probe(tmp_path / "body", env=env) as probe:
            assert probe.fetch(web.url + "/ca.crl")["body"] == b"a CRL"
            assert not server.asked
            # Nor does no_proxy lift what is configured.
        env["no_proxy"] = "*"
        with Probe(tmp_path / "body", env=env) as probe:
            found = probe.fetch("http://ca.test/", proxy=server.url)
            assert found["body"] == b"by proxy."
            assert b"uthorization" not in server.asked[0]


def test_no_cookies(probe):
    reply = OK + b"Set-Cookie: a=b\r\nContent-Length: 0\r\n\r\n"
    with Server(says(reply)) as server:
        probe.fetch(server.url)
        probe.fetch(server.url)
    assert len(server.asked) == 2
    assert b"ookie" not in server.asked[1]
