"""certmap populate against a real slapd: sources, matching, plan, undo."""

import json
import os
import stat
import subprocess

import pki
import pytest
from populating import NAME, People, Populate, encode, problems
from realm import COMMAND
from slapd import Slapd

pytestmark = pytest.mark.skipif(not COMMAND, reason="this build has no command")
COUNT = 12


@pytest.fixture
def people(tmp_path, world):
    """A slapd with accounts; nobody has a mapping."""
    slapd = Slapd(tmp_path / "slapd")
    people = People(slapd, world.issuing, COUNT)
    slapd.load(people.ldif())
    with slapd:
        yield people


@pytest.fixture
def populate(tmp_path, world, people):
    return Populate(tmp_path, world, people.slapd)


def write_folder(people, folder):
    """Every kind of file that a folder may hold."""
    folder.mkdir()
    (folder / ".hidden").write_text("nothing")
    (folder / "sub").mkdir()
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.serialization import pkcs7
    cards = people.cards
    for i, card in enumerate(cards[:4]):
        (folder / f"{i}.pem").write_bytes(card.pem)
    for i, card in enumerate(cards[4:8]):
        (folder / f"{i}.der").write_bytes(card.der)
    (folder / "rest.p7b").write_bytes(pkcs7.serialize_certificates(
        [card.cert for card in cards[8:]], serialization.Encoding.DER))
    return folder


def write_ldif(people, path):
    path.write_text("\n".join(
        f"dn: {people.dn(i).upper()}\nuserCertificate;binary:: "
        f"{encode(card)}\n" for i, card in enumerate(people.cards)))
    return path


@pytest.mark.parametrize("match", [
    "upn", "mail", "uid=cn", "uid=upn-name", "mail=mail"])
def test_a_folder(people, populate, tmp_path, match):
    folder = write_folder(people, tmp_path / "certs")
    report = populate.apply("--folder", folder, "--match", match)
    assert report["written"] == report["planned"] == COUNT
    assert people.values() == people.wanted()


def test_a_csv_of_principals(people, populate, tmp_path):
    report = populate.apply("--csv", people.csv(tmp_path / "in.csv"))
    assert report["written"] == COUNT and report["transactions"]
    assert people.values() == people.wanted()


def test_a_csv_of_names_and_files(people, populate, tmp_path):
    rows = ["\ufeffDN,comment,File"]
    for i, card in enumerate(people.cards):
        card.write(tmp_path, f"card{i}")
        rows.append(f'"{people.dn(i).replace("uid=", "UID = ")}",'
                    f'"a ""note"",\nof two lines",card{i}.pem')
    (tmp_path / "in.csv").write_text("\r\n".join(rows))
    assert populate.apply("--csv", tmp_path / "in.csv")["written"] == COUNT
    assert people.values() == people.wanted()


def test_a_csv_that_is_matched(people, populate, tmp_path):
    text = "certificate\n" + "\n".join(map(encode, people.cards)) + "\n"
    (tmp_path / "in.csv").write_text(text)
    populate.apply("--csv", tmp_path / "in.csv", "--match", "upn")
    assert people.values() == people.wanted()


@pytest.mark.parametrize("match", [(), ("--match", "upn")])
def test_ldif(people, populate, tmp_path, match):
    path = write_ldif(people, tmp_path / "in.ldif")
    assert populate.apply("--ldif", path, *match)["written"] == COUNT
    assert people.values() == people.wanted()


def test_a_certificate_under_both_names_is_one(people, populate, tmp_path):
    path = tmp_path / "in.ldif"
    text = encode(people.cards[0])
    path.write_text(f"dn: {people.dn(0)}\nuserCertificate;binary:: {text}\n"
                    f"userCertificate:: {text}\n")
    report = populate.apply("--ldif", path)
    assert (report["certificates"], report["written"]) == (1, 1)
    assert people.values() == {
        people.dn(0): people.wanted()[people.dn(0)]}


def test_the_directorys_own_certificates(people, populate):
    for i, card in enumerate(people.cards):
        people.slapd.modify(
            f"dn: {people.dn(i)}\nchangetype: modify\n"
            f"add: userCertificate;binary\n"
            f"userCertificate;binary:: {encode(card)}\n")
    assert populate.apply("--from-directory")["written"] == COUNT
    assert people.values() == people.wanted()


@pytest.mark.parametrize("form", [
    "ski", "sha1-pukey", "issuer-subject", "subject"])
def test_forms(people, populate, tmp_path, form):
    # One key for all would be one SKI for all.
    shared = ("--shared",) if form == "ski" else ()
    path = people.csv(tmp_path / "in.csv")
    populate.apply("--csv", path, "--form", form, *shared)
    assert people.values() == people.wanted(form)
    assert ("weak" in populate.errors) == (form in (
        "issuer-subject", "subject"))


def test_a_plan_writes_nothing(people, populate, tmp_path):
    path = people.csv(tmp_path / "in.csv")
    text = populate.run("--csv", path)
    assert "12 accounts to change: 12 values to add, 0 to remove" in text
    assert "Nothing was written; --apply writes." in text
    assert text.count("    + X509:<I>") == 10
    assert people.values() == {}
    assert not list(tmp_path.glob("certmap-undo-*"))


def test_a_plan_as_ldif_is_what_ldapmodify_takes(people, populate, tmp_path):
    ldif = populate.run("-n", "--csv", people.csv(tmp_path / "in.csv"))
    people.slapd.modify(ldif)
    assert people.values() == people.wanted()
    assert "Nothing was written" not in ldif


def test_a_second_run_finds_nothing_to_do(people, populate, tmp_path):
    path = people.csv(tmp_path / "in.csv")
    populate.apply("--csv", path)
    report = populate.apply("--csv", path)
    assert (report["planned"], report["unchanged"]) == (0, COUNT)
    assert report["undo"] is None and not (tmp_path / "undo2.ldif").exists()


def test_undo_restores_every_byte(people, populate, tmp_path):
    odd = "X509:<S>CN=Ünï  cödé\\,x"
    weak = [card.mappings()["subject"] for card in people.cards]
    people.slapd.modify("\n".join(
        f"dn: {people.dn(i)}\nchangetype: modify\nadd: {NAME}\n"
        f"{NAME}: {weak[i]}\n{NAME}: {odd}{i}\n" for i in range(COUNT)))
    before = people.values()
    report = populate.apply("--csv", people.csv(tmp_path / "in.csv"),
                            "--replace-weak")
    assert (report["values_added"], report["values_removed"]) == (COUNT, COUNT)
    assert people.values() == {
        people.dn(i): {card.mappings()["issuer-serial"], f"{odd}{i}"}
        for i, card in enumerate(people.cards)}
    undo = report["undo"]
    assert stat.S_IMODE(os.stat(undo).st_mode) == 0o600
    people.slapd.modify(open(undo).read())
    assert people.values() == before


def test_the_undo_file_is_named_with_the_time(people, populate, tmp_path):
    report = populate.report("--apply", "--csv",
                             people.csv(tmp_path / "in.csv"))
    assert report["undo"].startswith("certmap-undo-20")
    assert (tmp_path / report["undo"]).exists()


def test_an_undo_file_that_exists_is_kept(people, populate, tmp_path):
    kept = tmp_path / "kept.ldif"
    kept.write_text("mine")
    path = people.csv(tmp_path / "in.csv")
    report = populate.report("--csv", path, "--apply", "--undo", kept,
                             status=3)
    assert report["written"] == 0 and people.values() == {}
    assert kept.read_text() == "mine" and "File exists" in populate.errors


def test_nobody_and_several_are_reported_and_not_written(
        people, populate, tmp_path):
    people.slapd.add(people.entry("twin").replace(
        "userPrincipalName: twin@", "userPrincipalName: U3@"))
    folder = tmp_path / "certs"
    folder.mkdir()
    for i, card in enumerate([*people.cards, people.issue("ghost"),
                              people.issue("none", upn=None)]):
        (folder / f"{i:02}.der").write_bytes(card.der)
    report = populate.apply("--folder", folder, "--match", "upn", status=1)
    assert problems(report) == {
        "several": [str(folder / "03.der")],
        "nobody": [str(folder / "12.der")],
        "no-key": [str(folder / "13.der")]}
    wanted = people.wanted()
    del wanted[people.dn(3)]
    assert people.values() == wanted


def test_an_implicit_upn_is_anothers_explicit_one(people, populate, tmp_path):
    """As a login: without the attribute the account's name stands for it."""
    suffix = people.slapd.suffix
    people.slapd.add(
        f"dn: uid=imp,{suffix}\nobjectClass: account\n"
        "objectClass: krbPrincipalAux\nuid: imp\n"
        "krbPrincipalName: imp@CORP.TEST\n")
    folder = tmp_path / "certs"
    folder.mkdir()
    card = people.issue("imp")
    (folder / "imp.der").write_bytes(card.der)
    relations = {"uri": people.slapd.ldapi, "base": suffix, "schema": "mit",
                 "sasl_mech": "EXTERNAL", "account_name_attribute": "uid"}
    named = Populate(tmp_path / "named", populate.kdc.world, people.slapd,
                     ldap=relations)
    plan = named.report("--folder", folder, "--match", "upn")
    assert plan["planned"] == 1
    people.slapd.modify(f"dn: {people.dn(0)}\nchangetype: modify\n"
                        "replace: userPrincipalName\n"
                        "userPrincipalName: imp@corp.test\n")
    report = named.report("--folder", folder, "--match", "upn", status=1)
    assert list(problems(report)) == ["several"]


def test_a_value_that_another_account_holds(people, populate, tmp_path):
    card = people.cards[0]
    held = card.mappings()["issuer-serial"].upper().replace("X509", "X509")
    people.slapd.modify(f"dn: {people.dn(5)}\nchangetype: modify\n"
                        f"add: {NAME}\n{NAME}: {held}\n")
    rows = [("u0", encode(card)), ("u1", encode(people.cards[1])),
            ("u2", encode(people.cards[2])), ("u3", encode(people.cards[2]))]
    path = people.csv(tmp_path / "in.csv", rows)
    report = populate.apply("--csv", path, status=1)
    assert sorted(problems(report)["shared"]) == [
        people.dn(0), people.dn(2), people.dn(3)]
    assert people.dn(5) in json.dumps(report["problems"])
    assert set(people.values()) == {people.dn(1), people.dn(5)}
    assert populate.apply("--csv", path, "--shared")["written"] == 3


def test_two_cards_of_one_person_are_one_change(people, populate, tmp_path):
    other = people.issue("u0", serial=4711)
    path = people.csv(tmp_path / "in.csv", [
        ("u0", encode(people.cards[0])), ("u0@CORP.TEST", encode(other)),
        ("u0", encode(other))])
    report = populate.apply("--csv", path)
    assert (report["planned"], report["values_added"]) == (1, 2)
    assert people.values() == {people.dn(0): {
        people.cards[0].mappings()["issuer-serial"],
        other.mappings()["issuer-serial"]}}


def test_expired_certificates(people, populate, tmp_path):
    old = people.issue("u0", not_before=pki.now(-9), not_after=pki.now(-2))
    values = old.mappings()
    people.slapd.modify(
        f"dn: {people.dn(0)}\nchangetype: modify\nadd: {NAME}\n"
        f"{NAME}: {values['issuer-serial']}\n{NAME}: {values['ski']}\n"
        f"{NAME}: {values['subject']}\n")
    path = people.csv(tmp_path / "in.csv", [
        ("u0", encode(old)), ("u0", encode(people.cards[0]))])
    report = populate.apply("--csv", path, "--form", "ski", status=1)
    assert list(problems(report)) == ["expired"]
    assert report["planned"] == 0
    # The current certificate has the same key: its SKI stays.
    populate.apply("--csv", path, "--form", "ski", "--prune-expired")
    assert people.values() == {people.dn(0): {values["ski"]}}


def test_values_of_unknown_issuers(people, populate, world, tmp_path):
    foreign = world.foreign.issue("CN=x", key_kind="ec", slot="people")
    kept = people.cards[1].mappings()["ski"]
    people.slapd.modify(
        f"dn: {people.dn(0)}\nchangetype: modify\nadd: {NAME}\n"
        f"{NAME}: {foreign.mappings()['issuer-serial']}\n{NAME}: {kept}\n"
        f"{NAME}: Kerberos:u0@OTHER.TEST\n")
    path = people.csv(tmp_path / "in.csv", [
        ("u0", encode(people.cards[0])), ("u1", encode(foreign))])
    report = populate.apply("--csv", path, "--prune-unknown-issuer", status=1)
    assert list(problems(report)) == ["unknown-issuer"]
    assert people.values() == {people.dn(0): {
        people.cards[0].mappings()["issuer-serial"], kept,
        "Kerberos:u0@OTHER.TEST"}}


def test_a_ca_certificate_is_nobodys(people, populate, world, tmp_path):
    rows = [("u0", encode(world.issuing)), ("u1", encode(people.cards[1]))]
    report = populate.apply("--csv", people.csv(tmp_path / "in.csv", rows),
                            status=1)
    assert list(problems(report)) == ["ca"] and report["written"] == 1


def test_an_ldif_directory_is_only_printed(people, tmp_path, world):
    path = tmp_path / "accounts.ldif"
    path.write_text(people.ldif())
    ldif = {"base": people.slapd.suffix, "schema": "mit"}
    place = Populate(tmp_path / "place", world, people.slapd,
                     directory=f"ldif:{path}", ldap=ldif)
    csv = people.csv(tmp_path / "in.csv")
    people.slapd.modify(place.run("--csv", csv))
    assert people.values() == people.wanted()
    place.run("--csv", csv, "--apply", status=2)


def test_the_kdcs_database_is_left_to_map(people, tmp_path, world):
    place = Populate(tmp_path / "place", world, people.slapd,
                     directory="kdb", ldap=None)
    place.run("--csv", people.csv(tmp_path / "in.csv"), status=2)
    assert "certmap map" in place.errors


def test_text_of_others_is_escaped(people, populate, tmp_path):
    path = tmp_path / "in.csv"
    path.write_text("principal,certificate\n"
                    "\x1b]0;evil\x07,AAAA\nghost\u202e,%s\n"
                    % encode(people.cards[0]))
    text = populate.run("--csv", path, status=1)
    assert "\x1b" not in text and "\u202e" not in text


def test_report_and_undo_beside_each_other(people, populate, tmp_path):
    report = tmp_path / "report.json"
    rows = [("u0", "AAAA")] * 30 + [("u1", encode(people.cards[1]))]
    text = populate.run("--csv", people.csv(tmp_path / "in.csv", rows),
                        "--apply", "--report", report, status=1)
    assert "written: 1 of 1 account" in text
    assert "ldapmodify -c -f certmap-undo-" in text
    assert "and 20 more" in text
    assert len(json.loads(report.read_text())["problems"]) == 30
    done = subprocess.run(["grep", "-c", "unreadable", report],
                          capture_output=True, check=False)
    assert int(done.stdout) == 31
