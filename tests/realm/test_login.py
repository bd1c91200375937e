"""certmap login against a real KDC: whose a certificate is, and what is said
when it is refused."""

import re
import subprocess
from pathlib import Path

import pytest

import pki
import realm
from office import ABSENT, DONE, MEND, REFUSED, UPN, Office
from realm import COMMAND
from stacking import REALM

pytestmark = pytest.mark.skipif(not COMMAND, reason="this build has no command")


@pytest.fixture(scope="module", name="office")
def open_office(tmp_path_factory, world):
    folder = tmp_path_factory.mktemp("office")
    office = Office(folder, world)
    with office.stack:
        yield office.open()


# Whose a card is.


@pytest.mark.parametrize("name, arguments, principal", [
    ("alice", [], "alice"),
    ("alice", ["alice"], "alice"),
    ("alice", [f"alice@{REALM}"], "alice"),
    ("alice", ["-r", REALM, "alice"], "alice"),
    ("case", [], "alice"),
    ("suffix", [], "bob"),  # an alternative suffix
    ("bare", [], "bare"),  # known by issuer and serial number
    ("ski", [], "ski"),  # after that name was refused
    ("twins", ["twin1"], "twin1"),
    ("twins", ["twin2"], "twin2")])
def test_accepted(office, name, arguments, principal):
    status, answer, audits = office.login("-I", office.spec(name), *arguments)
    assert status == DONE, answer
    assert answer["token"] == "ok" and answer["number"] == 0
    assert answer["principal"] == f"{principal}@{REALM}"
    assert answer["reference"] is None
    assert audits[-1]["principal"] == f"{principal}@{REALM}"
    shown = office.kdc.client("klist", "-c", answer["cache"])
    assert f"Default principal: {principal}@{REALM}\n" in shown
    assert f"krbtgt/{REALM}@{REALM}" in shown


@pytest.mark.parametrize("name, arguments, token, number, reason", [
    ("twins", [], "not-mapped", 75, "account-not-found"),
    ("nobody", [], "not-mapped", 75, "account-not-found"),
    ("stranger", [], "not-mapped", 75, "account-not-found"),
    ("nobody", ["alice"], "not-mapped", 75, "no-mapping"),
    ("alice", ["bob"], "not-mapped", 75, "name-mismatch"),
    ("unmapped", [], "mismatch", 66, "weak-mapping"),
    ("revoked", [], "revoked", 72, "revoked"),
    ("foreign", [], "path-untrusted", 70, "path-untrusted"),
    ("unlisted", [], "not-trusted", 62, "ntauth-absent")])
def test_refused(office, name, arguments, token, number, reason):
    status, answer, audits = office.login("-I", office.spec(name), *arguments)
    assert status == REFUSED, answer
    assert (answer["number"], audits[-1]["reason"]) == (number, reason)
    assert answer["token"] == token and answer["text"]
    assert answer["principal"] is None and answer["cache"] is None
    assert answer["reference"] == audits[-1]["ref"]
    assert not Path(f"{office.folder}/cc{office.runs}").exists()


@pytest.mark.parametrize("name, arguments, token, number", [
    ("alice", ["nosuch"], "no-account", 6),
    ("locked", [], "account-locked", 18)])
def test_refused_before_the_certificate_is_seen(office, name, arguments, token,
                                                number):
    status, answer, audits = office.login("-I", office.spec(name), *arguments)
    assert (status, answer["number"]) == (REFUSED, number), answer
    assert answer["token"] == token
    assert answer["reference"] is None and not audits


def test_what_cannot_log_in_is_not_sent(office):
    before = office.kdc.log_size()
    for name, token in (("old", "expired"), ("web", "not-usable")):
        status, answer, _ = office.login("-I", office.spec(name))
        assert (status, answer["token"]) == (REFUSED, token)
        assert answer["certificates"][0]["usable"] is False
    assert office.kdc.log_size() == before
    # With this command's clock wrong, libkrb5 sends none that has ended.
    when = pki.now(-15).strftime("%Y-%m-%dT%H:%M:%SZ")
    status, answer, audits = office.login("-I", office.spec("old"), "--at",
                                          when)
    assert (status, audits) == (MEND, []), answer
    assert "expired" in answer["said"]


def test_what_people_see(office):
    cache = f"FILE:{office.folder}/seen"
    status, text = office.at_terminal("-I", office.spec("alice"), "--cache",
                                      cache)
    assert status == DONE and re.fullmatch(
        rf"Ticket for alice@{REALM} until 20\d\d-\d\d-\d\dT\S+Z in "
        rf"{re.escape(cache)}\n", text), text
    before = office.kdc.log_size()
    status, text = office.at_terminal("-I", office.spec("revoked"))
    audit, = realm.audit_lines(office.kdc.log(before))
    assert status == REFUSED and text.startswith("certmap: ")
    assert f"\nReference: {audit['ref']}\n" in text
    assert len(audit["ref"]) == 10
    assert "lost" not in text  # the reason is the log's


def test_default_cache_and_plain_kinit_beside(office):
    """Tickets are where klist looks, and kinit goes on as before."""
    status, _ = office.at_terminal("-I", office.spec("alice"))
    assert status == DONE
    done = subprocess.run(["klist"], env=office.environment(), text=True,
                          stdout=subprocess.PIPE, check=True)
    assert f"Default principal: alice@{REALM}\n" in done.stdout
    assert office.kdc.kinit("alice", office.cards["alice"]).ok
    assert office.kdc.kinit(UPN, office.cards["alice"],
                            options=["-E", "-C"]).ok
    assert office.kdc.kinit_password("paul").ok


def test_options(office):
    spec = office.spec("alice")
    status, answer, _ = office.login("-I", spec, "-l", "10m", "-f")
    assert status == DONE, answer
    shown = office.kdc.client("klist", "-f", "-c", answer["cache"])
    assert re.search(r"Flags: F", shown), shown
    _, longer, _ = office.login("-I", spec)
    assert answer["expires"] < longer["expires"]
    status, answer, _ = office.login(
        "-I", spec, "--anchors", f"FILE:{office.world.stock_roots}")
    assert status == DONE, answer


def test_armor(office):
    for name, status in (("alice", DONE), ("ski", DONE), ("revoked", REFUSED)):
        got, answer, audits = office.login("-I", office.spec(name), "-T",
                                           office.armor)
        assert got == status, answer
        assert audits[-1]["reason"] == ("ok" if status == DONE else "revoked")
        if status == REFUSED:
            # The answer is encrypted, and libkrb5 does not hand it out.
            assert audits[-1]["ref"] and answer["reference"] is None
    status, answer, audits = office.login(
        "-I", office.spec("alice"), "-T", f"FILE:{office.folder}/none")
    assert status == MEND and not audits, answer


@pytest.mark.parametrize("arguments, status, token", [
    (["--anchors", "FILE:/nowhere/ca.pem"], MEND, None),
    (["-r", "NOWHERE.TEST"], ABSENT, None),
    (["--cache", "NONSENSE:x"], MEND, None)])
def test_this_side(office, arguments, status, token):
    """What is wrong here is no refusal."""
    before = office.kdc.log_size()
    if "--cache" in arguments:
        got, text = office.at_terminal("-I", office.spec("alice"), *arguments)
        assert got == status, text
        return
    got, answer, _ = office.login("-I", office.spec("alice"), *arguments)
    assert got == status, answer
    assert "ISSUE: " not in office.kdc.log(before)
    assert answer["token"] not in ("ok", token) and answer["text"]


def test_no_kdc(office, make_kdc):
    kdc = make_kdc(start=False)
    own = {"KRB5_CONFIG": str(kdc.folder / "krb5-client.conf")}
    status, answer, _ = office.login("-I", office.spec("alice"),
                                     environment=own)
    assert status == ABSENT and answer["number"] == 0, answer


def test_without_our_kdb_module(office, make_kdc):
    """A name has to be typed; the words say so."""
    kdc = make_kdc(plugins=realm.WRAP, stacked=False)
    kdc.add_principals("alice")
    kdc.set_mappings("alice", office.cards["alice"].mappings()["ski"])
    own = {"KRB5_CONFIG": str(kdc.folder / "krb5-client.conf")}
    for arguments, wanted in ((["alice"], DONE), ([], REFUSED)):
        status, answer, _ = office.login("-I", office.spec("alice"),
                                         *arguments, environment=own)
        assert status == wanted, answer
    assert answer["number"] == 6
    assert "certmap login NAME" in answer["next"]


def test_password_of_a_key(office, tmp_path):
    """Of a PEM key, which libkrb5 opens, and of a PKCS#12 file."""
    cert, key = office.spec("alice").split(",")
    sealed, p12 = tmp_path / "sealed.key", tmp_path / "alice.p12"
    for command in (
            ["rsa", "-in", key, "-aes256", "-passout", "pass:sesame", "-out",
             sealed],
            ["pkcs12", "-export", "-in", cert, "-inkey", key, "-passout",
             "pass:sesame", "-out", p12]):
        subprocess.run(["openssl", *command], check=True,
                       stderr=subprocess.DEVNULL)
    for spec in (f"{cert},{sealed}", p12):
        status, text = office.at_terminal("-I", spec, answers=["sesame"])
        assert status == DONE and "Password of" in text, text
        assert "sesame" not in text
        status, text = office.at_terminal("-I", spec, answers=["wrong"])
        assert status == MEND, text
        status, answer, _ = office.login("-I", spec)
        assert status != DONE, answer
