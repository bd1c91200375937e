"""How certmap populate keeps away from slapd's fault at the end of a
transaction: it asks the monitor, or is told to write without."""

import pathlib

import ldapfaults
import pytest
from populating import People, Populate
from realm import COMMAND
from slapd import EditableSlapd, Slapd

pytestmark = pytest.mark.skipif(not COMMAND, reason="this build has no command")
COUNT = 2100  # one alone, then three transactions
EXAMPLE = (pathlib.Path(__file__).resolve().parent.parent.parent / "examples" /
           "openldap" / "monitor.ldif")


class Monitored(EditableSlapd):
    """Its root may read of cn=Monitor what the example grants."""

    def start(self):
        super().start()
        self.modify(EXAMPLE.read_text())
        return self


class Listening(ldapfaults.Proxy):
    """Counts the looks at the connections, and the transactions."""

    def __init__(self, target):
        super().__init__(target)
        self.looks = self.transactions = 0

    def pass_on(self, data, by_client):
        if by_client:
            self.looks += data.count(b"cn=Connections,cn=Monitor")
            self.transactions += data.count(b"1.3.6.1.1.21.1")
        return data


@pytest.fixture(scope="module")
def cards(world, tmp_path_factory):
    slapd = Slapd(tmp_path_factory.mktemp("slapd"))
    return People(slapd, world.issuing, COUNT).cards


def run(folder, world, slapd, cards, *arguments):
    """What the proxy between heard, and the report."""
    people = People(slapd, world.issuing, 0)
    people.count, people.cards = COUNT, cards
    slapd.load(people.ldif())
    with slapd, Listening(slapd.ldap) as proxy:
        populate = Populate(folder, world, slapd, proxy.uri)
        report = populate.apply("--csv", people.csv(folder / "in.csv"),
                                *arguments)
        assert report["written"] == COUNT
        assert people.values() == people.wanted()
    return proxy, report


def test_the_monitor_is_asked_before_each_end(tmp_path, world, cards):
    proxy, report = run(tmp_path, world, Monitored(tmp_path / "slapd"), cards)
    assert report["transactions"] and proxy.transactions == 3
    assert proxy.looks >= 3


def test_without_a_monitor_it_is_asked_once(tmp_path, world, cards):
    proxy, report = run(tmp_path, world, Slapd(tmp_path / "slapd"), cards)
    assert report["transactions"] and proxy.transactions == 3
    assert proxy.looks == 1


def test_no_transactions(tmp_path, world, cards):
    proxy, report = run(tmp_path, world, Slapd(tmp_path / "slapd"), cards,
                        "--no-transactions")
    assert not report["transactions"]
    assert (proxy.transactions, proxy.looks) == (0, 0)
