"""certmap's writing and auditing verbs on real directories: a realm's command
as one bind name, and what every directory has in common.

A test file of one directory derives a class from Verbs and gives it the
fixture `place`.
"""

import json
import subprocess
from pathlib import Path

import pki
import realm
from auditing import turned
from keeper import USER, Done
from populating import encode
from realm import COMMAND

NAME = "altSecurityIdentities"
PEOPLE = ("alice", "bob", "carol")
FORMS = ("issuer-serial", "ski", "sha1-pukey")


class Administrator:
    """certmap with a kdc.conf whose directory knows who asks."""

    def __init__(self, folder, world, realm_name, **relations):
        self.folder = Path(folder)
        # Empty: cards that logged in elsewhere are not known.
        store = self.folder / "store"
        store.mkdir(mode=0o755, parents=True)
        self.kdc = realm.Kdc(self.folder, world, realms={
            realm_name: world.certmap(store=store, **relations)})

    def run(self, *words, status=0):
        done = subprocess.run(
            [COMMAND, words[0], "-c", str(self.kdc.kdc_conf),
             *map(str, words[1:])], env=self.kdc.environment(), text=True,
            cwd=self.folder, stdin=subprocess.DEVNULL, capture_output=True,
            timeout=120, check=False)
        assert done.returncode == status, (
            f"{done.returncode}: {done.stdout}{done.stderr}")
        return Done(done.args, done.returncode, done.stdout, done.stderr)

    def json(self, *words, status=0):
        return self.run(words[0], "--json", *words[1:], status=status).json

    def apply(self, *words, status=0):
        """populate --apply; its report and the undo file."""
        undo = self.folder / "undo.ldif"
        undo.unlink(missing_ok=True)
        return self.json("populate", "--apply", "--undo", undo, *words,
                         status=status), undo


class Place:
    """A realm whose accounts PEOPLE are in some directory.

    admin    an Administrator who may write
    reader   one that is the KDC's own bind name
    login    kinit: (name, card) -> Login
    dn       name -> DN
    modify   LDIF -> changes, as the directory's own administrator
    values   () -> DN -> set of altSecurityIdentities, of PEOPLE
    upn      name -> what the account's userPrincipalName is
    """

    #: How userCertificate is written there.
    certificate = "userCertificate"

    def __init__(self, **members):
        self.__dict__.update(members)

    def replace(self, name, attribute, *values, binary=False):
        colon = "::" if binary else ":"
        self.modify("\n".join([
            f"dn: {self.dn(name)}", "changetype: modify",
            f"replace: {attribute}",
            *(f"{attribute}{colon} {value}" for value in values)]) + "\n\n")

    def clear(self):
        for name in PEOPLE:
            self.replace(name, NAME)
            self.replace(name, self.certificate)

    def wanted(self, cards, form="issuer-serial"):
        return {self.dn(name): {card.mappings()[form]}
                for name, card in cards.items()}


def values_of(ldif, names):
    """name of DN -> values, as ldapsearch -o ldif-wrap=no prints them; DNs
    compare without case."""
    known = {dn.lower(): dn for dn in names}
    found = {}
    for record in ldif.split("\n\n"):
        dn = None
        for line in record.splitlines():
            key, _, value = line.partition(": ")
            if key == "dn":
                dn = known.get(value.lower())
            elif key == NAME and dn:
                found.setdefault(dn, set()).add(value)
    return found


def issue(world, place):
    """name -> card with the account's UPN."""
    return {name: world.issuing.issue(
        f"DC=test,DC=corp,CN={name}", key_kind="ec", upn=place.upn(name))
        for name in PEOPLE}


class Verbs:
    """What holds in every directory."""

    # One account.

    def test_map_lets_in_and_shuts_out(self, place, cards, tmp_path):
        card = cards["alice"]
        path = card.write(tmp_path, "card")[0]
        refused = place.login("alice", card)
        assert not refused.ok, refused
        for form in FORMS:
            found = place.admin.json("map", "add", "--form", form, "alice",
                                     path)
            assert found["action"] == "added", found
            assert place.values() == {place.dn("alice"): {
                card.mappings()[form]}}
            login = place.login("alice", card)
            assert login.ok and login.audit["mapping"] == form, login
            rows = place.admin.json("map", "list", "alice", path)["mappings"]
            assert [(row["form"], row["matches"]) for row in rows] == [
                (form, True)]
            place.admin.run("map", "remove", "alice", path)
        assert place.values() == {}
        assert place.login("alice", card).audit["reason"] == refused.audit[
            "reason"]

    def test_map_plan_is_what_ldapmodify_takes(self, place, cards, tmp_path):
        path = cards["bob"].write(tmp_path, "card")[0]
        plan = place.admin.run("map", "add", "-n", "bob", path).stdout
        assert place.values() == {}
        place.modify(plan)
        assert place.values() == {place.dn("bob"): {
            cards["bob"].mappings()["issuer-serial"]}}
        place.modify(place.admin.run("map", "remove", "-n", "bob",
                                     path).stdout)
        assert place.values() == {}

    def test_map_finds_who_holds_the_value(self, place, cards, tmp_path):
        """However it is written there."""
        value = cards["alice"].mappings()["ski"]
        path = cards["alice"].write(tmp_path, "card")[0]
        head, digits = value.rsplit(">", 1)
        for held in (value, f"{head}>{digits.upper()}"):
            place.replace("bob", NAME, held)
            done = place.admin.run("map", "add", "--form", "ski", "alice",
                                   path, status=1)
            assert place.dn("bob") in done.stdout + done.stderr
            assert place.dn("alice") not in place.values()
        found = place.admin.json("map", "add", "--shared", "--form", "ski",
                                 "alice", path)
        assert found["shared_with"] == [place.dn("bob")]
        assert place.login("alice", cards["alice"]).ok

    def test_nobody_is_nobody(self, place, cards, tmp_path):
        path = cards["alice"].write(tmp_path, "card")[0]
        for name in ("nobody", "*", "a)(cn=*"):
            place.admin.run("map", "add", name, path, status=1)
        assert place.values() == {}

    def test_who_may_not_write_is_told(self, place, cards, tmp_path):
        path = cards["alice"].write(tmp_path, "card")[0]
        done = place.reader.run("map", "add", "alice", path, status=1)
        assert "the directory refuses the change" in done.stderr
        assert "--bind-dn" in done.stderr
        report, _ = place.reader.apply("--csv", self.csv(
            cards, tmp_path / "in.csv"), status=1)
        assert report["written"] == 0
        assert {one["problem"] for one in report["problems"]} == {"refused"}
        for one in report["problems"]:
            assert "ccess" in one["detail"], one
            assert "may write" in one["detail"], one
            assert "x0a" not in one["detail"], one
        assert place.values() == {}

    # Many.

    def csv(self, cards, path):
        path.write_text("principal,certificate\n" + "".join(
            f"{name},{encode(card)}\n" for name, card in cards.items()))
        return path

    def test_populate_from_csv_and_back(self, place, cards, tmp_path):
        weak = cards["alice"].mappings()["subject"]
        place.replace("alice", NAME, weak)
        path = self.csv(cards, tmp_path / "in.csv")
        report, undo = place.admin.apply("--csv", path, "--replace-weak")
        assert (report["written"], report["values_removed"]) == (3, 1), report
        assert not report["problems"]
        assert place.values() == place.wanted(cards)
        for name, card in cards.items():
            login = place.login(name, card)
            assert login.ok and login.audit["mapping"] == "issuer-serial"
        again, _ = place.admin.apply("--csv", path)
        assert (again["planned"], again["unchanged"]) == (0, 3)
        place.admin.apply("--csv", path, "--form", "ski")
        place.modify(place.admin.kdc.folder.joinpath("undo.ldif").read_text())
        assert place.values() == place.wanted(cards)
        undo.write_text("")
        place.clear()
        place.replace("alice", NAME, weak)
        _, undo = place.admin.apply("--csv", path, "--replace-weak")
        place.modify(undo.read_text())
        assert place.values() == {place.dn("alice"): {weak}}
        assert not place.login("alice", cards["alice"]).ok

    def test_populate_from_csv_by_name(self, place, cards, tmp_path):
        lines = ["dn,certificate"]
        for name, card in cards.items():
            odd = place.dn(name).upper().replace(",", " , ")
            lines.append(f'"{odd}",{encode(card)}')
        (tmp_path / "in.csv").write_text("\n".join(lines) + "\n")
        report, _ = place.admin.apply("--csv", tmp_path / "in.csv")
        assert report["written"] == 3, report
        assert place.values() == place.wanted(cards)

    def test_populate_from_a_folder(self, place, cards, world, tmp_path):
        folder = tmp_path / "certs"
        folder.mkdir()
        for name, card in cards.items():
            (folder / f"{name}.der").write_bytes(card.der)
        ghost = world.issuing.issue("CN=ghost", key_kind="ec",
                                    upn=place.upn("ghost"))
        (folder / "ghost.der").write_bytes(ghost.der)
        report, _ = place.admin.apply("--folder", folder, "--match", "upn",
                                      status=1)
        assert report["written"] == 3
        assert [(one["problem"], one["what"])
                for one in report["problems"]] == [
            ("nobody", str(folder / "ghost.der"))]
        assert place.values() == place.wanted(cards)
        assert place.login("carol", cards["carol"]).ok

    def test_populate_from_the_directory(self, place, cards, world):
        for name, card in cards.items():
            place.replace(name, place.certificate, encode(card), binary=True)
        other = world.issuing.issue("DC=test,DC=corp,CN=second",
                                    key_kind="ec")
        place.replace("bob", place.certificate, encode(cards["bob"]),
                      encode(other), binary=True)
        report, _ = place.admin.apply("--from-directory")
        assert (report["certificates"], report["written"]) == (4, 3), report
        wanted = place.wanted(cards)
        wanted[place.dn("bob")].add(other.mappings()["issuer-serial"])
        assert place.values() == wanted
        assert place.login("bob", other).ok

    # Looking.

    def test_audit(self, place, cards, tmp_path):
        good = {name: card.mappings()["issuer-serial"]
                for name, card in cards.items()}
        for name, card in cards.items():
            place.replace(name, place.certificate, encode(card), binary=True)
        place.replace("alice", NAME, turned(good["alice"]))
        place.replace("bob", NAME, good["bob"], "X509:<SR>0102")
        place.replace("carol", NAME, good["bob"])
        report = place.admin.json("audit", status=1)
        assert report["complete"] and report["incomplete_why"] is None
        ours = {place.dn(name).lower() for name in PEOPLE}
        kinds = {}
        for one in report["findings"]:
            if one["account"].lower() in ours:
                kinds.setdefault(one["kind"], set()).add(
                    one["account"].lower())
        assert kinds["reversed-order"] == {place.dn("alice").lower()}
        assert kinds["malformed"] == {place.dn("bob").lower()}
        assert kinds["shared"] & {place.dn("bob").lower(),
                                  place.dn("carol").lower()}
        known = report["certificates"]
        assert known["known"] == 1, known  # what bob's value names
        (meant,) = [one["meant"] for one in report["findings"]
                    if one["kind"] == "reversed-order"]
        assert meant == good["alice"]
        text = place.admin.run("audit", status=1).stdout
        assert "reversed-order" in text and place.dn("alice") in text
        # What is meant, written: the finding goes and the card lets in.
        place.replace("alice", NAME, meant)
        assert place.login("alice", cards["alice"]).ok
        report = place.admin.json("audit", status=1)
        assert report["counts"].get("reversed-order", 0) == 0
        assert report["certificates"]["known"] == 2

    def test_audit_sees_the_same_as_the_kdc(self, place, cards):
        for name, card in cards.items():
            place.replace(name, place.certificate, encode(card), binary=True)
            place.replace(name, NAME, card.mappings()["ski"],
                          card.mappings()["issuer-subject"])
        place.replace("bob", NAME,
                      cards["bob"].mappings()["issuer-subject"])
        as_admin = place.admin.json("audit", status=1)
        as_reader = place.reader.json("audit", status=1)
        assert as_reader["counts"] == as_admin["counts"]
        assert as_reader["certificates"]["known"] == 3
        assert as_reader["counts"]["weak-only"] == 1

    def test_a_name_that_needs_escaping(self, place, cards, tmp_path):
        dn = place.odd_dn
        path = cards["alice"].write(tmp_path, "card")[0]
        value = cards["alice"].mappings()["issuer-serial"]
        place.admin.run("map", "add", "odd", path)
        assert place.odd_values() == {value}
        place.admin.run("map", "remove", "odd", path)
        assert place.odd_values() == set()
        (tmp_path / "in.csv").write_text(
            'dn,certificate\n"' + dn.replace('"', '""')
            + f'",{encode(cards["alice"])}\n')
        report, undo = place.admin.apply("--csv", tmp_path / "in.csv")
        assert report["written"] == 1, report
        assert place.odd_values() == {value}
        place.modify(undo.read_text())
        assert place.odd_values() == set()

    def test_expiring_users(self, place, cards, world):
        soon = world.issuing.issue(
            "DC=test,DC=corp,CN=soon", key_kind="ec", not_after=pki.now(3))
        stranger = world.issuing.issue(
            "DC=test,DC=corp,CN=stranger", key_kind="ec",
            not_after=pki.now(3))
        for name, card in (("alice", soon), ("bob", cards["bob"]),
                           ("carol", stranger)):
            place.replace(name, place.certificate, encode(card), binary=True)
        place.replace("alice", NAME, soon.mappings()["ski"])
        place.replace("bob", NAME, cards["bob"].mappings()["ski"])
        # The timer asks by the KDC's own bind name.
        for who in (place.admin, place.reader):
            found = who.json("expiring", "--users", "--days", "10", status=1)
            rows = [row for row in found["expiring"] if row["kind"] == "user"]
            assert [row["where"] for row in rows] == [place.dn("alice")], rows
            assert not found["problems"]

    # The NTAuth list.

    def ntauth(self, place, status=0):
        done = place.admin.run("ntauth", "list", "--directory", "--json",
                               status=status)
        return [row["spki_sha256"] for row in done.json["certificates"]]

    def test_ntauth(self, place, world, cards, tmp_path):
        """From nothing to a login by the list, and to one refused by it."""
        place.remove_ntauth()
        (tmp_path / "issuing.pem").write_bytes(world.issuing.pem)
        (tmp_path / "web.pem").write_bytes(world.web.pem)
        place.replace("alice", NAME, cards["alice"].mappings()["ski"])
        issuing, web = tmp_path / "issuing.pem", tmp_path / "web.pem"
        own = ("--directory", "--json")

        assert self.ntauth(place, 1) == []
        done = place.reader.run("ntauth", "add", *own, issuing, status=1)
        assert "--bind-dn" in done.stderr, done.stderr
        done = place.admin.run("ntauth", "add", *own, "-n", issuing)
        created = done.json["created"]
        assert created and not done.json["applied"]
        assert self.ntauth(place, 1) == []
        done = place.admin.run("ntauth", "add", *own, issuing)
        assert done.json["applied"] and done.json["created"] == created
        assert self.ntauth(place) == [world.issuing.spki_sha256]
        done = place.admin.run("ntauth", "add", *own, issuing)
        assert not done.json["added"] and not done.json["applied"]

        login = place.login_by_list("alice", cards["alice"])
        assert login.ok, login

        place.admin.run("ntauth", "add", *own, web)
        assert sorted(self.ntauth(place)) == sorted(
            [world.issuing.spki_sha256, world.web.spki_sha256])
        place.admin.run("ntauth", "remove", *own, issuing)
        assert self.ntauth(place) == [world.web.spki_sha256]
        login = place.login_by_list("alice", cards["alice"])
        assert login.audit["reason"] == "ntauth-absent", login

        # The last one, and back from nothing.
        done = place.admin.run("ntauth", "remove", *own, web, status=1)
        assert "--yes" in done.stderr
        place.admin.run("ntauth", "remove", *own, "--yes", web)
        assert self.ntauth(place, 1) == []
        done = place.reader.run("ntauth", "publish", "--json", status=1)
        assert "ccess" in done.stderr, done.stderr
        assert "--bind-dn" in done.stderr, done.stderr
        done = place.admin.run("ntauth", "publish", "--json")
        assert done.json["applied"] and done.json["created"] == []
        assert self.ntauth(place) == [world.issuing.spki_sha256]
        assert place.login_by_list("alice", cards["alice"]).ok
        place.admin.run("ntauth", "add", *own, web)
        place.admin.run("ntauth", "publish", "--json", "--prune")
        assert self.ntauth(place) == [world.issuing.spki_sha256]


class ByList:
    """Logins in a realm whose NTAuth list is the directory's, from the first
    one on.  own: the relations of its directory."""

    def __init__(self, kdc, world, store, own):
        self.kdc, self.world, self.store, self.own = kdc, world, store, own

    def __call__(self, name, card):
        self.store.mkdir(mode=0o755, exist_ok=True)
        self.kdc.realms[self.kdc.realm] = self.world.certmap(
            **self.own, ntauth="ldap", store=self.store)
        self.kdc.restart()
        code, output = self.kdc.certmap("refresh", "--json", *USER)
        (store,) = json.loads(output)["stores"]
        (row,) = [row for row in store["sources"] if row["kind"] == "ntauth"]
        assert row["outcome"] in ("mirrored", "unchanged"), output
        assert code == 0, output
        return self.kdc.kinit(name, card)
