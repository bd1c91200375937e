"""The certmap command beside a real realm, and what its manual page claims."""

import json
import os
import re
import shutil
import subprocess
import tempfile
import time

import pytest

import accounts
import pki
import realm
import terminal
from realm import COMMAND
from slapd import Slapd

pytestmark = pytest.mark.skipif(not COMMAND, reason="this build has no command")

VERBS = ("show", "explain", "verify", "check", "deny", "override",
         "ntauth", "expiring", "report")
KEYS = {
    "show": {"subject", "issuer", "serial", "not_before", "not_after", "ski",
             "sha1", "sha256", "upn", "rfc822", "dns", "sid", "eku",
             "policies", "mappings"},
    "explain": {"decision", "reason", "error", "mapping", "strength",
                "account", "principal", "indicators", "hw_authent",
                "revocation", "steps", "warnings"},
    "verify": {"decision", "reason", "path", "revocation"},
    "deny": {"number", "kind", "value", "issuer", "issuer_key", "expires",
             "added", "reason", "in_force", "action"},
    "override": {"revocation", "set_at", "until", "reason"},
}


def run(*arguments, environment=None, stdin=b""):
    return subprocess.run(
        [COMMAND, *map(str, arguments)], input=stdin,
        env={"PATH": realm.SBIN, "LC_ALL": "C.UTF-8", **(environment or {})},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60,
        check=False)


def run_json(*arguments, status=0, **options):
    done = run(*arguments, "--json", **options)
    assert done.returncode == status, done.stderr.decode()
    return json.loads(done.stdout)


def run_kdc(kdc, *arguments, status=0):
    return run_json(arguments[0], "-c", kdc.kdc_conf, *arguments[1:],
                    environment=kdc.environment(), status=status)


# show


CARDS = {
    "rsa": {},
    "ec": {"key_kind": "ec"},
    "names": {"upn": "alice@corp.test", "rfc822": "alice@corp.test"},
    "sid": {"sid": "S-1-5-21-1004336348-1177238915-682003330-512"},
    "serial-byte": {"serial": 9},
    "serial-zeros": {"serial": 0x0A000000001B},
    "serial-high-bit": {"serial": 0x80FF},
    "policies": {"policies": ("1.2.3.4", "2.5.29.32.0")},
    "no-ski": {"ski": False},
    "no-eku": {"eku": ()},
}


@pytest.mark.parametrize("name", CARDS)
def test_show_agrees_with_others(name, world, tmp_path):
    """The values as pki.py writes them, the fields as openssl reads them."""
    card = world.issuing.issue("DC=test,DC=corp,CN=Ann Example",
                               slot=f"show {name}", **CARDS[name])
    path, _ = card.write(tmp_path, "card")
    shown = run_json("show", path)
    assert set(shown) == KEYS["show"]

    expected = card.mappings()
    if not CARDS[name].get("ski", True):
        del expected["ski"]
    found = {row["form"]: row["value"] for row in shown["mappings"]}
    for form, value in expected.items():
        assert found.pop(form) == value
    assert set(found) <= {"rfc822", "issuer-sid"}
    strengths = [row["strength"] for row in shown["mappings"]]
    assert strengths == sorted(strengths), "strong ones first"

    assert int(shown["serial"], 16) == card.cert.serial_number
    done = subprocess.run(
        ["openssl", "x509", "-in", path, "-noout", "-fingerprint", "-sha256",
         "-subject", "-issuer", "-nameopt", "RFC2253"], check=True, text=True,
        stdout=subprocess.PIPE).stdout
    fields = dict(line.split("=", 1) for line in done.splitlines())
    assert fields["subject"] == shown["subject"]
    assert fields["issuer"] == shown["issuer"]
    fingerprint = fields["sha256 Fingerprint"].replace(":", "").lower()
    assert fingerprint == shown["sha256"]
    assert shown["eku"] == list(CARDS[name].get("eku", pki.LOGON))
    assert shown["policies"] == list(CARDS[name].get("policies", ()))
    assert shown["sid"] == CARDS[name].get("sid")
    upn = CARDS[name].get("upn")
    assert shown["upn"] == ([upn] if upn else [])


def test_input_is_pem_der_or_standard_input(world, tmp_path):
    card = world.card("input")
    path, _ = card.write(tmp_path, "card")
    (tmp_path / "card.der").write_bytes(card.der)
    first = run_json("show", path)
    assert run_json("show", tmp_path / "card.der") == first
    assert run_json("show", "-", stdin=card.pem) == first
    assert run_json("show", "-", stdin=card.der) == first


def test_control_characters_do_not_reach_a_terminal(world, tmp_path):
    evil = "DC=test,DC=corp,CN=\x1b[31mred\u202egnp"
    path, _ = world.issuing.issue(evil, slot="evil").write(tmp_path, "card")
    for arguments in (("show", path), ("show", path, "--json"),
                      ("verify", path, "--anchor", world.roots)):
        done = run(*arguments)
        assert b"\x1b" not in done.stdout + done.stderr
        assert "\u202e" not in (done.stdout + done.stderr).decode()


# verify


def test_verify_is_json(world, tmp_path):
    path, _ = world.card("verify").write(tmp_path, "card")
    told = run_json("verify", path, "--anchor", world.roots,
                    "--intermediate", world.pool, "--ntauth", world.ntauth)
    assert set(told) == KEYS["verify"]
    assert told == {"decision": "accepted", "reason": "ok",
                    "path": ["CN=verify,DC=corp,DC=test",
                             "CN=Corp CA 1,DC=corp,DC=test",
                             "CN=Corp Root,DC=corp,DC=test"],
                    "revocation": []}
    told = run_json("verify", path, "--anchor", world.roots, status=1)
    assert told["reason"] == "path-untrusted" and told["path"] == []


# explain


def cases(world):
    """name: (principal, card, what explain and the KDC must say)"""
    return {
        "strong": ("alice", world.card("alice"), "ok"),
        "weak": ("weak", world.card("weak"), "weak-mapping"),
        "unmapped": ("alice", world.card("bob"), "no-mapping"),
        "web-ca": ("alice", world.web.issue("CN=alice"), "ntauth-absent"),
        "foreign": ("alice", world.foreign.issue("CN=alice"),
                    "path-untrusted"),
        "server": ("alice", world.issuing.issue(
            "CN=srv", eku=(pki.SERVER_AUTH,)), "cert-key-purpose"),
        "upn": ("alice", world.issuing.issue(
            "CN=upn", upn="bob@corp.test"), "name-mismatch"),
    }


@pytest.mark.skipif(not realm.MODULE, reason="this build has no module")
def test_explain_says_what_the_kdc_says(world, make_kdc):
    kdc = make_kdc()
    kdc.add_principals("alice", "weak")
    kdc.set_mappings("alice", world.card("alice").mappings()["issuer-serial"])
    kdc.set_mappings("weak", world.card("weak").mappings()["issuer-subject"])
    for name, (principal, card, reason) in cases(world).items():
        path, _ = card.write(kdc.folder, f"explain-{name}")
        told = run_kdc(kdc, "explain", path, f"{principal}@CORP.TEST",
                       status=0 if reason == "ok" else 1)
        login = kdc.kinit(principal, card)
        assert set(told) == KEYS["explain"]
        assert told["reason"] == reason, name
        assert login.audit["reason"] == reason, name
        assert login.ok == (told["decision"] == "accepted"), name
        assert told["principal"] == f"{principal}@CORP.TEST"


def test_explain_needs_no_kdc(world, make_kdc):
    """An LDIF file in place of the directory, and a missing principal."""
    kdc = make_kdc(start=False)
    card = world.card("alice")
    path, _ = card.write(kdc.folder, "offline")
    told = run_kdc(kdc, "explain", path, "alice@CORP.TEST", status=1)
    assert told["reason"] == "account-not-found"
    assert told["steps"][-1]["step"] == "account"
    ldif = kdc.folder / "accounts.ldif"
    ldif.write_text(accounts.account("alice", card.mappings()["ski"]))
    told = run_kdc(kdc, "explain", "--directory", f"ldif:{ldif}", path,
                   "alice@CORP.TEST")
    assert told["mapping"] == "ski" and told["strength"] == "strong"
    assert told["account"] == f"uid=alice,{accounts.SUFFIX}"


def test_explain_asks_the_configured_directory(world, make_kdc, tmp_path):
    with Slapd(tmp_path / "slapd") as slapd:
        slapd.add(accounts.account("alice",
                                   world.card("alice").mappings()["ski"]))
        kdc = make_kdc(start=False, realms={"CORP.TEST": world.certmap(
            **accounts.reader(tmp_path, slapd))})
        path, _ = world.card("alice").write(kdc.folder, "ldap")
        told = run_kdc(kdc, "explain", path, "alice")
        assert told["mapping"] == "ski"
        kdb = run_kdc(kdc, "explain", "--directory", "kdb", path, "alice",
                      status=1)
        assert kdb["reason"] == "account-not-found"
    told = run_kdc(kdc, "explain", path, "alice", status=3)
    assert told["reason"] == "directory-unavailable"
    assert told["decision"] == "refused" and told["error"] == 24


# check


def tokens(findings):
    for finding in findings:
        assert set(finding) == {"severity", "token", "realm", "text",
                                "remedy"}
        assert finding["severity"] in ("error", "warning", "note")
    return {finding["token"] for finding in findings
            if finding["severity"] != "note"}


@pytest.mark.skipif(not realm.MODULE, reason="this build has no module")
def test_check_finds_nothing_wrong_with_our_realm(world, make_kdc):
    kdc = make_kdc()
    kdc.add_principals("alice")
    kdc.set_mappings("alice", world.card("alice").mappings()["ski"])
    assert tokens(run_kdc(kdc, "check")) == set()


@pytest.fixture
def quiet(world, make_kdc):
    """A KDC that is not started, with a module that can be loaded or not."""
    def make(**changes):
        return make_kdc(start=False,
                        realms={"CORP.TEST": world.certmap(**changes)})
    return make


def without_wiring(found):
    """This build may have no module to load."""
    return {token for token in found if not token.startswith("module-")}


def test_check_finds_accounts_without_preauth(world, quiet):
    kdc = quiet()
    kdc.add_principals("alice", "bob")
    kdc.add_principals("carol", "dave", options="-nokey -requires_preauth")
    for name in ("alice", "carol"):
        kdc.set_mappings(name, world.card(name).mappings()["ski"])
    found = run_kdc(kdc, "check", status=1)
    named = [f["text"] for f in found
             if f["token"] == "account-without-preauth"]
    assert len(named) == 1 and named[0].startswith("carol@CORP.TEST ")


def test_check_names_twenty_accounts_and_counts_the_rest(world, quiet):
    kdc = quiet()
    names = [f"user{i}" for i in range(23)]
    kdc.add_principals(*names, options="-nokey -requires_preauth")
    kdc.kadmin(*(f"setstr {name} altSecurityIdentities X509:<SKI>01"
                 for name in names))
    found = run_kdc(kdc, "check", status=1)
    named = [f["text"] for f in found
             if f["token"] == "account-without-preauth"]
    assert len(named) == 21
    assert named[-1].startswith("3 more accounts ")


def test_check_looks_directory_accounts_up_in_the_database(world, quiet,
                                                           tmp_path):
    ldif = tmp_path / "accounts.ldif"
    ldif.write_text("".join(
        accounts.account(name, *values) for name, values in {
            "alice": ["X509:<SKI>01"], "carol": ["X509:<SKI>02"],
            "dave": [], "gone": ["X509:<SKI>03"]}.items()))
    kdc = quiet(directory=f"ldif:{ldif}", ldap={"schema": "mit"})
    kdc.add_principals("alice")
    kdc.add_principals("carol", "dave", options="-nokey -requires_preauth")
    found = run_kdc(kdc, "check", status=1)
    named = [f["text"] for f in found
             if f["token"] == "account-without-preauth"]
    assert len(named) == 1 and named[0].startswith("carol@CORP.TEST ")


@pytest.mark.skipif(bool(os.environ.get("CERTMAP_KDC_PRELOAD")),
                    reason="the sanitizer's allocator takes minutes for it")
def test_check_stops_counting_somewhere(quiet, tmp_path):
    ldif = tmp_path / "accounts.ldif"
    with open(ldif, "w", encoding="ascii") as stream:
        for i in range(100001):
            stream.write(f"dn: uid={i}\nkrbPrincipalName: {i}@CORP.TEST\n"
                         "altSecurityIdentities: X509:<SKI>01\n\n")
    kdc = quiet(directory=f"ldif:{ldif}", ldap={"schema": "mit"})
    found = run("check", "--json", "-c", kdc.kdc_conf,
                environment=kdc.environment())
    assert "accounts-truncated" in {f["token"]
                                    for f in json.loads(found.stdout)}


def test_check_finds_rules_of_stock_pkinit(quiet):
    kdc = quiet()
    kdc.add_principals("alice")
    kdc.kadmin("setstr alice pkinit_cert_match <SUBJECT>alice")
    found = run_kdc(kdc, "check", status=1)
    assert without_wiring(tokens(found)) == {"pkinit-cert-match"}


@pytest.mark.skipif(not realm.MODULE, reason="this build has no module")
def test_check_says_when_a_restart_is_due(world, make_kdc):
    kdc = make_kdc()
    later = time.time() + 3600
    os.utime(kdc.kdc_conf, (later, later))
    found = run_kdc(kdc, "check", status=1)
    assert tokens(found) == {"restart-due"}
    kdc.stop()
    assert tokens(run_kdc(kdc, "check")) == set()


def test_a_profile_that_may_not_be_read_is_not_passed_over(quiet):
    if os.geteuid() != 0:
        pytest.skip("needs another user to run the command as")
    kdc = quiet()
    with tempfile.TemporaryDirectory() as folder:
        for name in ("kdc.conf", "krb5-kdc.conf"):
            shutil.copy(kdc.folder / name, folder)
        shutil.copy(COMMAND, folder)
        os.chmod(folder, 0o755)
        os.chmod(f"{folder}/kdc.conf", 0o600)
        done = subprocess.run(
            [f"{folder}/certmap", "check", "--json"], user="nobody",
            env={"KRB5_KDC_PROFILE": f"{folder}/kdc.conf",
                 "KRB5_CONFIG": f"{folder}/krb5-kdc.conf"},
            stdout=subprocess.PIPE, check=False)
    assert done.returncode == 2
    assert tokens(json.loads(done.stdout)) == {"profile-unreadable"}


# For people.


def on_terminal(*arguments, **environment):
    """What the command prints on a terminal."""
    return terminal.run(
        [COMMAND, *map(str, arguments)],
        {"TERM": "xterm", "LC_ALL": "C.UTF-8", **environment})[1]


def test_colour_is_for_terminals(world, tmp_path):
    path, _ = world.card("colour").write(tmp_path, "card")
    assert "\033[32mstrong\033[0m" in on_terminal("show", path)
    assert "\033" not in on_terminal("show", path, NO_COLOR="1")
    assert "\033" not in on_terminal("show", path, TERM="dumb")
    assert b"\033" not in run("show", path).stdout


def test_lost_output_is_no_success(world, tmp_path):
    path, _ = world.card("full").write(tmp_path, "card")
    with open("/dev/full", "wb") as full:
        done = subprocess.run([COMMAND, "show", path], stdout=full,
                              stderr=subprocess.PIPE, check=False)
    assert done.returncode == 3


# The manual page.


def page(source):
    done = subprocess.run(
        ["mandoc", "-T", "utf8", "-O", "width=300",
         source / "tools" / "certmap.1"], check=True,
        stdout=subprocess.PIPE).stdout.decode()
    return re.sub(".\b", "", done)


def test_page_tells_every_option(source):
    text = page(source)
    told = set()
    for verb in VERBS:
        done = run("help", verb)
        assert done.returncode == 0
        told |= set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*",
                               done.stdout.decode()))
        assert f"certmap {verb}" in text
    assert len(told) > 12
    missing = [option for option in told
               if not re.search(rf"(?<![\w-]){option}(?![\w-])", text)]
    assert not missing


def test_page_tells_every_key_and_finding(source):
    text = page(source)
    words = set().union(*KEYS.values())
    header = (source / "tools" / "findings.h").read_text()
    found = re.findall(r'X\(\w+, \w+, "([a-z-]+)"', header)
    assert len(found) > 40
    missing = [word for word in words | set(found)
               if not re.search(rf"(?<![\w-]){word}(?![\w-])", text)]
    assert not missing


def test_completion_knows_every_verb_and_option(source):
    text = (source / "tools" / "certmap.bash-completion").read_text()
    for verb in VERBS:
        options = re.findall(r"--[a-z][a-z-]*",
                             run("help", verb).stdout.decode())
        assert options and verb in text
        assert not [option for option in options if option not in text]
    subprocess.run(["bash", "-n"], input=text, text=True, check=True)
