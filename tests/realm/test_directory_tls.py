"""The ldap backend believes no server that cannot prove its name."""

import pytest

from directory import Directory
from slapd import Authority, Slapd

BASE = "base=dc=example,dc=com"
REASON = "directory-unavailable"
WAYS = ("ldaps", "starttls")


@pytest.fixture(scope="module")
def authority():
    return Authority("Directory CA")


@pytest.fixture
def make_slapd(tmp_path, authority):
    """A slapd whose certificate is as described."""
    running = []

    def make(issuer=None, **certificate):
        folder = tmp_path / f"slapd{len(running)}"
        folder.mkdir()
        pair = (issuer or authority).issue(folder, **certificate)
        # Anonymous may read, so that TLS alone decides.
        server = Slapd(folder, authority=authority, certificate=pair,
                       access=["to * by * read"])
        running.append(server)
        return server.__enter__()

    yield make
    for server in running:
        server.__exit__()


def relations(server, way, ca_file=None):
    ca_file = f"ca_file={ca_file or server.ca_file}"
    if way == "ldaps":
        return [f"uri={server.ldaps}", BASE, ca_file]
    return [f"uri={server.ldap}", BASE, ca_file, "starttls=true"]


def probe(*arguments, environment=None):
    with Directory(*arguments, environment=environment) as directory:
        return directory.probe()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("certificate", [
    {},
    {"dns": (), "addresses": ("127.0.0.1",)},
])
def test_believed(make_slapd, way, certificate):
    server = make_slapd(**certificate)
    assert probe(*relations(server, way))["reason"] == "ok"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("certificate", [
    {"addresses": ("127.0.0.2",)},
    {"addresses": ()},
    {"dns": ("127.0.0.1.example.com",), "addresses": ()},
    # The common name is right, but another name is there to decide.
    {"dns": ("127.0.0.1", "ldap.example.com"), "addresses": ("192.0.2.1",)},
    {"expired": True},
], ids=["address", "no-address", "longer", "common-name", "expired"])
def test_not_believed(make_slapd, way, certificate):
    server = make_slapd(**certificate)
    answer = probe(*relations(server, way))
    assert answer["reason"] == REASON
    assert "TLS" in answer["detail"]


@pytest.mark.parametrize("way", WAYS)
def test_another_ca(make_slapd, authority, way):
    server = make_slapd(issuer=Authority("Directory CA"))
    assert probe(*relations(server, way))["reason"] == REASON


@pytest.mark.parametrize("way", WAYS)
def test_the_systems_cas(make_slapd, way):
    """Without ca_file a CA of our own means nothing."""
    server = make_slapd()
    arguments = [a for a in relations(server, way)
                 if not a.startswith("ca_file=")]
    assert probe(*arguments)["reason"] == REASON


def test_starttls_refused_by_the_server(tmp_path, authority):
    """It is not continued in clear text."""
    with Slapd(tmp_path / "slapd", access=["to * by * read"]) as server:
        ca_file = authority.write(tmp_path / "ca.pem")
        assert probe(f"uri={server.ldap}", BASE)["reason"] == "ok"
        answer = probe(*relations(server, "starttls", ca_file))
        assert answer["reason"] == REASON
        assert "StartTLS" in answer["detail"]


def test_ldaps_to_a_server_without_tls(tmp_path, authority):
    with Slapd(tmp_path / "slapd", access=["to * by * read"]) as server:
        ca_file = authority.write(tmp_path / "ca.pem")
        uri = server.ldap.replace("ldap:", "ldaps:")
        answer = probe(f"uri={uri}", BASE, f"ca_file={ca_file}")
        assert answer["reason"] == REASON


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("place", ["environment", "ldaprc", "ldap.conf"])
def test_libldaps_own_configuration_decides_nothing(make_slapd, tmp_path,
                                                    way, place):
    """Neither what would weaken us nor what would break us."""
    settings = {"TLS_REQCERT": "never", "TLS_REQSAN": "never",
                "SIZELIMIT": "1", "DEREF": "always", "REFERRALS": "on",
                "TLS_CACERT": str(tmp_path / "none.pem"),
                "TLS_CIPHER_SUITE": "MAGIC", "URI": "ldap://192.0.2.1",
                "BASE": "dc=elsewhere"}
    if place == "environment":
        environment = {f"LDAP{name}": value
                       for name, value in settings.items()}
    else:
        lines = "".join(f"{n} {v}\n" for n, v in settings.items())
        path = tmp_path / (".ldaprc" if place == "ldaprc" else "ldap.conf")
        path.write_text(lines)
        environment = ({"HOME": str(tmp_path)} if place == "ldaprc"
                       else {"LDAPCONF": str(path)})
    good = make_slapd()
    bad = make_slapd(addresses=("127.0.0.2",))
    assert probe(*relations(good, way),
                 environment=environment)["reason"] == "ok"
    assert probe(*relations(bad, way),
                 environment=environment)["reason"] == REASON
