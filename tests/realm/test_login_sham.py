"""certmap login and KDCs that are none: nothing that they say makes it sign,
keep tickets, or go astray."""

import pytest

import realm
import stacking
from card import Card
from exchanging import exchange
from sham import Sham, krb_error, typed_data

REALM, OTHER = stacking.REALM, "OTHER.TEST"
REFERENCE_TYPE = -7731
REFERENCE = b"7H3V9KQ2MX"


@pytest.fixture(scope="module")
def kdc(tmp_path_factory, world):
    """Never started: its krb5.conf is what is used."""
    return realm.Kdc(tmp_path_factory.mktemp("sham"), world)


@pytest.fixture(scope="module")
def card(world, tmp_path_factory):
    return Card(tmp_path_factory.mktemp("card"), world.card("alice"))


@pytest.fixture
def ask(kdc, card, tmp_path):
    """exchange() with a KDC that always gives this reply; another realm's
    gives it too.  No PIN is asked for and no ticket kept."""
    def run(reply, *names):
        with Sham(reply) as sham, Sham(reply) as other:
            kdc.servers = [f"127.0.0.1:{sham.port}"]
            kdc.write_profiles()
            path = kdc.folder / "krb5-client.conf"
            path.write_text(
                f"{path.read_text()}    {OTHER} = {{\n"
                f"        kdc = 127.0.0.1:{other.port}\n    }}\n")
            done = exchange(kdc, *(names or ["upn:alice@corp.test"]),
                            identity=card, secret=card.PIN,
                            cache=f"FILE:{tmp_path}/cc")
        assert done.asked == 0 and other.requests == 0, done
        assert not (tmp_path / "cc").exists()
        return done, sham.requests
    return run


@pytest.mark.parametrize("number", [68, 6])
def test_sent_to_another_realm(ask, number):
    """RFC 6806 section 7, and what old Windows does."""
    done, requests = ask(krb_error(number, REALM, OTHER))
    assert (done.end, done.fault, done.token) == (
        "client", "realm", "wrong-realm"), done
    assert OTHER in done.said and requests == 1


def test_unknown(ask):
    """Each name is asked about once."""
    done, requests = ask(krb_error(6, REALM), "upn:a@b", "principal:c",
                         "x500:d")
    assert (done.end, done.number, done.name) == ("refused", 6, 2), done
    assert requests == 3


def test_too_many_names(ask):
    done, requests = ask(krb_error(6, REALM), *["upn:a@b"] * 16)
    assert (done.end, requests, done.name) == ("refused", 16, 15), done
    done, requests = ask(krb_error(6, REALM), *["upn:a@b"] * 17)
    assert (done.end, requests) == ("client", 0), done


@pytest.mark.parametrize("number, end", [
    (1, "refused"), (24, "refused"), (25, "refused"), (31, "refused"),
    (60, "refused"), (75, "refused"), (90, "refused"), (91, "refused"),
    (127, "refused"), (29, "unreachable"), (52, "refused"),
    (255, "refused"), (40000, "refused"), (0, "client"), (-1, "client")])
def test_numbers(ask, number, end):
    """The same every time: libkrb5 makes an end to it, or the watch does."""
    done, requests = ask(krb_error(number, REALM))
    assert done.end == end, done
    assert done.number == (number if end == "refused" else 0)
    assert 1 <= requests <= 16


@pytest.mark.parametrize("e_data, reference", [
    (typed_data((REFERENCE_TYPE, REFERENCE)), REFERENCE.decode()),
    (typed_data((104, b"x"), (REFERENCE_TYPE, REFERENCE)),
     REFERENCE.decode()),
    (typed_data((REFERENCE_TYPE, REFERENCE), (REFERENCE_TYPE, REFERENCE)),
     ""),
    (typed_data((REFERENCE_TYPE, b"\x1b[2J\x1b[2J\x1b")), ""),
    (typed_data((104, REFERENCE)), ""),
    (b"nonsense", ""),
    (b"", "")])
def test_reference(ask, e_data, reference):
    done, _ = ask(krb_error(75, REALM, e_data=e_data))
    assert (done.end, done.number) == ("refused", 75), done
    assert done.reference == reference


def test_no_reference_of_another_end(ask):
    """Only a refusal's is a help desk's."""
    done, _ = ask(krb_error(68, REALM, OTHER, typed_data(
        (REFERENCE_TYPE, REFERENCE))))
    assert (done.end, done.reference) == ("client", ""), done


@pytest.mark.parametrize("reply", [
    b"\x7e", b"\x7e\x00", b"\x6b\x00", b"\x6b\x02\x30\x00", b"\x7e\x80\x00\x00",
    krb_error(75, REALM)[:-1], krb_error(75, REALM) + b"x", b"\0" * 40000,
    b"\x6b\x84\xff\xff\xff\xff"])
def test_no_messages(ask, reply):
    done, requests = ask(reply)
    assert done.end in ("client", "refused"), done
    assert requests <= 8
