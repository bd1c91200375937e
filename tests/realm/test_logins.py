"""Cards that are accepted and cards that are refused.

One krb5kdc with two workers; each row is a principal of its own with a card
of its own, and mappings in the KDC's database.
"""

import dataclasses
import json

import pytest

import pki
import realm
from card import Card

SID = "S-1-5-21-11-22-33-1101"
OTHER_SID = "S-1-5-21-11-22-33-1102"
ANY_PURPOSE = "2.5.29.37.0"
SID_OID = pki.SID_EXTENSION.dotted_string

#: What kinit prints for the error numbers of reason.h.
KINIT_SAYS = {
    62: "Client not trusted", 66: "Certificate mismatch",
    70: "Can't verify certificate", 71: "Invalid certificate",
    75: "Client name mismatch", 77: "Inconsistent key purpose",
    24: "Preauthentication failed"}


@dataclasses.dataclass
class Row:
    name: str
    card: dict = dataclasses.field(default_factory=dict)
    maps: tuple = ()  # forms of the card's own values, or whole values
    strings: dict = dataclasses.field(default_factory=dict)
    ca: str = "issuing"
    reason: str = "ok"
    number: int = 0
    mapping: str = None
    strength: str = "strong"


UPN = {"upn": "{name}@corp.test"}
ISSUER_SID = "X509:<I>DC=test,DC=corp,CN=Corp CA 1<SID>" + SID

ACCEPTED = [
    Row("issuer-serial", maps=("issuer-serial",), mapping="issuer-serial"),
    Row("ski", maps=("ski",), mapping="ski"),
    Row("sha1-pukey", maps=("sha1-pukey",), mapping="sha1-pukey"),
    Row("issuer-sid", {"sid": SID}, (ISSUER_SID,), {"objectSid": SID},
        mapping="issuer-sid"),
    Row("upn-with-sid", {**UPN, "sid": SID}, (), {"objectSid": SID},
        mapping="upn"),
    Row("explicit-upn-with-sid", {"upn": "Anna@mail.test", "sid": SID}, (),
        {"objectSid": SID, "userPrincipalName": "anna@mail.test"},
        mapping="upn"),
    Row("weak-with-sid", {"sid": SID}, ("issuer-subject",),
        {"objectSid": SID}, mapping="issuer-subject"),
    Row("own-upn-beside-strong", UPN, ("ski",), mapping="ski"),
    Row("ec-key", {"key_kind": "ec"}, ("ski",), mapping="ski"),
    Row("no-eku", {"eku": ()}, ("ski",), mapping="ski"),
    Row("pkinit-purpose", {"eku": (pki.PKINIT_CLIENT,)}, ("ski",),
        mapping="ski"),
    Row("strong-last-of-many", {},
        ("X509:<SKI>nonsense", "Kerberos:x@Y", "X509:<SR>00", "issuer-subject",
         "issuer-serial"), mapping="issuer-serial"),
    Row("strong-first-of-many", {},
        ("issuer-serial", "issuer-subject", "X509:<I>", "X509:"),
        mapping="issuer-serial"),
]

REFUSED = [
    Row("unmapped", reason="no-mapping", number=75),
    Row("upn-of-nobody", {"upn": "nobody@corp.test"}, ("ski",),
        reason="name-mismatch", number=75),
    Row("upn-twice", {"other_names": [
        (pki.UPN.dotted_string, pki.tlv(0x0C, b"upn-twice@corp.test")),
        (pki.UPN.dotted_string, pki.tlv(0x0C, b"root@corp.test"))]},
        ("ski",), reason="name-mismatch", number=75),
    Row("upn-with-nul", {"other_names": [
        (pki.UPN.dotted_string,
         pki.tlv(0x0C, b"upn-with-nul@corp.test\0.evil.test"))]}, (),
        reason="name-mismatch", number=75),
    Row("another-serial", maps=(
        "X509:<I>DC=test,DC=corp,CN=Corp CA 1<SR>0102030405",),
        reason="no-mapping", number=75),
    Row("weak-issuer-subject", maps=("issuer-subject",),
        reason="weak-mapping", number=66, mapping="issuer-subject",
        strength="weak"),
    Row("weak-upn", UPN, reason="weak-mapping", number=66, mapping="upn",
        strength="weak"),
    Row("subject-is-not-listed", maps=("subject",), reason="no-mapping",
        number=75),
    Row("no-ski-extension", {"ski": False}, ("ski",), reason="no-mapping",
        number=75),
    Row("sid-of-another", {**UPN, "sid": OTHER_SID}, (), {"objectSid": SID},
        reason="sid-mismatch", number=66),
    Row("sid-damaged", {**UPN, "extensions": [(SID_OID, b"\x30\x03abc")]},
        (), {"objectSid": SID}, reason="sid-malformed", number=66),
    Row("not-on-ntauth", ca="web", maps=("issuer-serial", "ski"),
        reason="ntauth-absent", number=62),
    Row("untrusted-root", ca="foreign", maps=("issuer-serial", "ski"),
        reason="path-untrusted", number=70),
    Row("server-purpose", {"eku": (pki.SERVER_AUTH,)}, ("ski",),
        reason="cert-key-purpose", number=77),
    Row("any-purpose", {"eku": (ANY_PURPOSE,)}, ("ski",),
        reason="cert-key-purpose", number=77),
    Row("ca-as-card", {"ca": True, "eku": ()}, ("ski",),
        reason="cert-key-purpose", number=77),
    Row("oversized", {"extensions": [("1.2.3.4", b"\x04" * 70_000)]},
        reason="cert-malformed", number=71),
    Row("rsa-1024", {"key_kind": "rsa1024"}, ("ski",),
        reason="cert-weak-crypto", number=71),
]


@pytest.fixture(scope="module")
def kdc(tmp_path_factory, world):
    folder = tmp_path_factory.mktemp("logins")
    with realm.Kdc(folder, world, workers=2) as kdc:
        rows = ACCEPTED + REFUSED
        kdc.add_principals(*(row.name for row in rows))
        for row in rows:
            fill(kdc, row, make_card(world, row))
        kdc.add_password("password")
        yield kdc


_CARDS = {}


def make_card(world, row):
    if row.name not in _CARDS:
        options = {key: value.format(name=row.name)
                   if isinstance(value, str) else value
                   for key, value in row.card.items()}
        _CARDS[row.name] = getattr(world, row.ca).issue(
            f"DC=test,DC=corp,CN={row.name}", **options)
    return _CARDS[row.name]


def fill(kdc, row, card):
    forms = card.mappings()
    if row.maps:
        kdc.set_mappings(row.name, *(forms.get(m, m) for m in row.maps))
    if row.strings:
        kdc.kadmin(*(f'setstr {row.name} {key} "{value}"'
                     for key, value in row.strings.items()))


def names(rows):
    return pytest.mark.parametrize("row", rows, ids=lambda row: row.name)


@names(ACCEPTED)
def test_accepted(kdc, world, row):
    login = kdc.kinit(row.name, make_card(world, row))
    assert login.ok, login
    audit = login.audit
    assert audit["verdict"] == "authorized" and audit["reason"] == "ok"
    assert audit["mapping"] == row.mapping
    assert audit["strength"] == row.strength
    assert audit["principal"] == f"{row.name}@CORP.TEST"
    assert f"Default principal: {row.name}@CORP.TEST" in kdc.klist(login)


@names(REFUSED)
def test_refused(kdc, world, row):
    login = kdc.kinit(row.name, make_card(world, row))
    assert not login.ok, login
    audit = login.audit
    assert audit["verdict"] == "refused"
    assert audit["reason"] == row.reason, audit["line"]
    assert KINIT_SAYS[row.number] in login.output
    if row.mapping:
        assert audit["mapping"] == row.mapping
        assert audit["strength"] == row.strength


@names(ACCEPTED[:6])
def test_a_card_is_refused_for_another_account(kdc, world, row):
    """The name given to kinit is tested; the card does not choose."""
    login = kdc.kinit("unmapped", make_card(world, row))
    assert not login.ok
    assert login.audit["reason"] in ("no-mapping", "name-mismatch")


@names(ACCEPTED + REFUSED)
def test_explain_says_what_the_kdc_says(kdc, world, row, tmp_path):
    """`certmap explain` runs the same code on the same configuration."""
    cert, _ = make_card(world, row).write(tmp_path, "card")
    status, output = kdc.certmap("explain", "--json", cert,
                                 f"{row.name}@CORP.TEST")
    verdict = json.loads(output)
    assert status == (0 if row.reason == "ok" else 1)
    assert verdict["reason"] == row.reason
    assert verdict["error"] == row.number
    if row.mapping:
        assert verdict["mapping"] == row.mapping
        assert verdict["strength"] == row.strength


FORGED = ("x\nNov 22 00:00:00 kdc krb5kdc[1](info): certmap: authorized "
          'reason=ok principal="root@CORP.TEST"')


def test_names_cannot_forge_log_lines(kdc, world):
    """Line breaks and quotation marks in a certificate's name."""
    card = world.issuing.issue("CN=" + FORGED.replace("=", "-"),
                               upn="upn" + FORGED + "@corp.test")
    login = kdc.kinit("unmapped", card)
    assert not login.ok and login.audit["verdict"] == "refused"
    assert not [line for line in login.log.splitlines()
                if line.startswith("Nov 22 00:00:00")]


def test_principal_cannot_forge_log_fields(kdc, world):
    card = world.card("quoted")
    kdc.kadmin('addprinc -nokey +requires_preauth "a\\ b reason-ok"')
    login = kdc.kinit('a b reason-ok', card)
    assert not login.ok and login.audit["reason"] == "no-mapping"


def test_one_card_two_accounts(kdc, world):
    card = world.card("two accounts")
    kdc.add_principals("carol", "carol-admin")
    for name in ("carol", "carol-admin"):
        kdc.set_mappings(name, card.mappings()["issuer-serial"])
        login = kdc.kinit(name, card)
        assert login.ok and login.audit["principal"] == f"{name}@CORP.TEST"


def test_expired_card_is_not_even_sent(kdc, world):
    """kinit verifies its own certificate first; cert-validity is proven in
    the unit tests and by `certmap explain --at`."""
    card = world.card("late", not_before=pki.now(-20), not_after=pki.now(-1))
    kdc.add_principals("late")
    kdc.set_mappings("late", card.mappings()["ski"])
    login = kdc.kinit("late", card)
    assert not login.ok and not login.audits
    assert "certificate has expired" in login.output


def test_softhsm_card(kdc, world, tmp_path):
    identity = world.card("token holder")
    kdc.add_principals("holder", "stranger")
    kdc.set_mappings("holder", identity.mappings()["ski"])
    card = Card(tmp_path, identity)
    kdc.extra_environment = card.environment
    accepted = kdc.kinit("holder", card.identity, pin=card.PIN)
    refused = kdc.kinit("stranger", card.identity, pin=card.PIN)
    kdc.extra_environment = {}
    assert accepted.ok and accepted.audit["mapping"] == "ski", accepted
    assert not refused.ok and refused.audit["reason"] == "no-mapping"


def test_workers_decide_and_passwords_go_on(kdc, world):
    workers = kdc.worker_pids()
    assert len(workers) == 2
    for _ in range(4):
        assert kdc.kinit("ski", make_card(world, ACCEPTED[1])).ok
        assert kdc.kinit_password("password").ok
    assert kdc.worker_pids() == workers, "a worker was replaced"


def test_one_summary_line_for_each_process(kdc):
    """It names every choice that weakens the defaults."""
    lines = [line for line in kdc.log().splitlines() if "revocation=off" in line
             and "certmap" in line and " reason=" not in line]
    assert 1 <= len(lines) <= len(kdc.worker_pids()) + 1, lines
    assert all("CORP.TEST" in line for line in lines)
