"""`certmap report` predicts, and the KDC proves it right.

Cards log in while the realm observes, and while it is compatible; the report
on the KDC's own log says who will be refused.  Then the realm enforces, and
every card tries again.
"""

import dataclasses
import json

import pytest

import accounts
import pki
import realm

REALM = "CORP.TEST"
WIRINGS = {"certauth": (realm.OBSERVE, realm.ENFORCE),
           "kdcpreauth": (realm.WRAP_OBSERVE, realm.WRAP)}


@dataclasses.dataclass
class Person:
    name: str
    maps: tuple = ()
    need: str = "none"
    reason: str = "ok"  # once enforcement is full
    strength: str = "strong"
    card: dict = dataclasses.field(default_factory=dict)
    created: str = "20240101000000Z"


#: In a realm that observes, with enforcement = compatibility.
PEOPLE = [
    Person("serial", ("issuer-serial",)),
    Person("ski", ("ski",)),
    Person("unmapped", need="observe", reason="no-mapping"),
    Person("weak", ("issuer-subject",), "full", "weak-mapping", "weak"),
    Person("upn", (), "full", "weak-mapping", "weak",
           {"upn": "upn@corp.test"}),
    Person("upn-of-another", ("ski",), "observe", "name-mismatch",
           card={"upn": "nobody@corp.test"}),
    Person("older-than-its-account", ("issuer-subject",), "observe",
           "cert-predates-account", created="20990101000000Z"),
    Person("with space", ("issuer-subject",), "full", "weak-mapping", "weak"),
    Person("rsa-1024", ("ski",), "observe", "cert-weak-crypto",
           card={"key_kind": "rsa1024"}),
]


def stock_card(world, person):
    """A card that the built-in modules accept, too."""
    upn = person.card.get("upn")
    names = [(pki.PKINIT_SAN.dotted_string,
              pki.kerberos_name(REALM, person.name))]
    options = {k: v for k, v in person.card.items() if k != "upn"}
    if upn:
        options["upn"] = upn
    return world.issuing.issue(
        f"DC=test,DC=corp,CN={person.name}", eku=(pki.PKINIT_CLIENT,),
        other_names=names, **options)


@pytest.fixture(scope="module")
def cards(world):
    return {person.name: stock_card(world, person) for person in PEOPLE}


def quoted(name):
    return f'"{name}"' if " " in name else name


def write_accounts(path, cards, maps=None):
    """The accounts; maps: mapping forms in place of a person's own."""
    path.write_text("".join(
        accounts.account(
            person.name,
            *(cards[person.name].mappings()[form] for form in
              (maps or {}).get(person.name, person.maps)),
            createTimestamp=person.created)
        for person in PEOPLE))
    return path


def make_realm(make_kdc, world, cards, plugins, ldif, **relations):
    write_accounts(ldif, cards)
    kdc = make_kdc(realms={REALM: world.certmap(
        enforcement="compatibility", directory=f"ldif:{ldif}",
        ldap={"schema": "mit"}, **relations)}, plugins=plugins)
    kdc.add_principals(*(quoted(person.name) for person in PEOPLE))
    return kdc


def report(kdc, *arguments, status):
    _, output = kdc.certmap("report", "--json", "--days", 5, *arguments, kdc.log_file,
                            status=status)
    told = json.loads(output)
    assert told["summary"]["damaged"] == 0
    return told, {one["principal"].split("@")[0]: one
                  for one in told["principals"]}


def enforce(kdc, plugins, **changes):
    """Everything on, as the report's reader would do it."""
    kdc.realms[REALM].update(mode="enforce", **changes)
    kdc.plugins = plugins
    kdc.restart()


@pytest.mark.parametrize("wiring", WIRINGS)
def test_observe_mode_predicts(make_kdc, world, cards, tmp_path, wiring):
    observing, enforcing = WIRINGS[wiring]
    kdc = make_realm(make_kdc, world, cards, observing,
                     tmp_path / "accounts.ldif", mode="observe")
    for person in PEOPLE:
        login = kdc.kinit(person.name, cards[person.name])
        assert login.ok, login
    told, people = report(kdc, status=1)
    assert told["summary"]["principal_count"] == len(PEOPLE)
    for person in PEOPLE:
        one = people[person.name]
        assert one["need"] == person.need, one
        assert one["locked_out"] == (person.need in ("observe", "full"))
        assert one["last"]
    # Those who need work come first, in the table too.
    needs = [one["need"] for one in told["principals"]]
    assert needs == sorted(needs, key=["observe", "full", "none"].index)
    _, table = kdc.certmap("report", "--days", 5, kdc.log_file, status=1)
    assert "-> certmap map add weak@CORP.TEST CERT" in table
    assert "-> certmap map add 'with space@CORP.TEST' CERT" in table
    assert "serial@CORP.TEST" not in table

    # Observe mode ends: who was "observe" is refused, nobody else is.
    enforce(kdc, enforcing)
    for person in PEOPLE:
        login = kdc.kinit(person.name, cards[person.name])
        assert login.ok == (person.need != "observe"), login
        if not login.ok:
            assert login.audit["reason"] == person.reason
    told, people = report(kdc, status=1)
    for person in PEOPLE:
        wanted = "refused" if person.need == "observe" else person.need
        assert people[person.name]["need"] == wanted
        if person.need != "observe":
            card, = people[person.name]["cards"]
            assert card["strength"] == person.strength

    # enforcement = full: who was "full" is refused, too.
    enforce(kdc, enforcing, enforcement="full")
    for person in PEOPLE:
        login = kdc.kinit(person.name, cards[person.name])
        assert login.ok == (person.need == "none"), login
        assert login.audit["reason"] == person.reason.replace(
            "cert-predates-account", "weak-mapping")
    _, people = report(kdc, status=0)
    for person in PEOPLE:
        wanted = "none" if person.need == "none" else "refused"
        assert people[person.name]["need"] == wanted


def test_the_remedy_works(make_kdc, world, cards, tmp_path):
    """What the list says to do is done, and the list is empty."""
    kdc = make_realm(make_kdc, world, cards, realm.ENFORCE,
                     tmp_path / "accounts.ldif")
    weak = next(one for one in PEOPLE if one.name == "weak")
    assert kdc.kinit(weak.name, cards[weak.name]).ok
    _, people = report(kdc, status=1)
    remedy = people["weak"]["cards"][0]["remedy"]
    assert remedy == "certmap map add weak@CORP.TEST CERT"
    cert, _ = cards[weak.name].write(tmp_path, "weak")
    # The accounts are in a file, which the command shows the change for.
    _, output = kdc.certmap(*remedy.replace("CERT", str(cert)).split()[1:],
                            "-n", status=0)
    assert cards[weak.name].mappings()["issuer-serial"] in (
        output.replace("\n ", ""))
    write_accounts(tmp_path / "accounts.ldif", cards,
                   {"weak": ("issuer-subject", "issuer-serial")})
    kdc.restart()
    assert kdc.kinit(weak.name, cards[weak.name]).ok
    _, people = report(kdc, status=0)
    assert people["weak"]["need"] == "none"
    enforce(kdc, realm.ENFORCE, enforcement="full")
    assert kdc.kinit(weak.name, cards[weak.name]).ok


def test_no_name_of_a_client_forges_a_line(make_kdc, world, cards, tmp_path):
    """What clients call themselves stands in the log, and counts for nothing.
    """
    kdc = make_realm(make_kdc, world, cards, realm.ENFORCE,
                     tmp_path / "accounts.ldif")
    assert kdc.kinit("serial", cards["serial"]).ok
    line = kdc.kinit("serial", cards["serial"]).audit["line"]
    message = line[line.index("certmap: "):]
    before, _ = report(kdc, status=0)
    for forged in (message.replace("serial@", "root@"),
                   "x\n" + line, "x\n" + message,
                   message.replace('"', '\\"')):
        kdc.kinit(forged.replace("@", "\\@").replace("/", "\\/"),
                  cards["serial"])
    assert "root" in kdc.log()
    after, people = report(kdc, status=0)
    assert set(people) == {"serial"}
    assert after["summary"]["audit_lines"] == (
        before["summary"]["audit_lines"])
