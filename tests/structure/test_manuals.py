"""The manual pages say everything that the code knows."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
CONFIGURATION = ROOT / "plugin" / "certmap.5"
COMMAND = ROOT / "tools" / "certmap.1"
OPERATION = ROOT / "plugin" / "certmap.7"
PAGES = (CONFIGURATION, COMMAND, OPERATION)

pytestmark = pytest.mark.skipif(not shutil.which("mandoc"),
                                reason="not installed: mandoc")


def plain(page):
    """The page as a reader sees it, on long lines."""
    done = subprocess.run(
        ["mandoc", "-T", "utf8", "-O", "width=500", str(page)], check=True,
        stdout=subprocess.PIPE)
    return re.sub(".\b", "", done.stdout.decode())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_page_passes_lint(page):
    done = subprocess.run(
        ["mandoc", "-T", "lint", "-W", "warning", str(page)], text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    assert done.returncode == 0, done.stdout


def missing(words, text):
    """The words that do not stand in the text by themselves."""
    return [word for word in words
            if not re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", text)]


def reasons():
    """Each reason's token and number."""
    header = (ROOT / "mapping" / "reason.h").read_text()
    found = re.findall(r'X\(CM_\w+, "([a-z-]+)", (\d+),', header)
    assert len(found) > 20
    return found


@pytest.mark.parametrize("page", (CONFIGURATION, OPERATION),
                         ids=lambda page: page.name)
def test_every_reason_is_explained(page):
    """As "token (number)", with what to do about it below."""
    text = plain(page)
    assert not [f"{token} ({number})" for token, number in reasons()
                if f"{token} ({number})" not in text]


def test_every_number_is_in_the_table_of_what_kinit_says():
    table = plain(OPERATION).partition("kinit says")[2]
    table = table.partition("Behind it stands")[0]
    shown = re.findall(r"^ +(\d+) {2,}\S", table, re.M)
    assert shown == sorted({number for _, number in reasons()
                            if number != "0"})


def test_every_end_of_a_login_is_explained():
    """The tokens of certmap login --json, in its section."""
    text = "".join((ROOT / "tools" / name).read_text() for name in (
        "login_words.c", "login_pin_words.c", "login_output.c"))
    words = set(re.findall(r'\{\s*"([a-z]+(?:-[a-z]+)*)",\s*"[A-Z]', text))
    words |= set(re.findall(r'\{\s*"([a-z]+(?:-[a-z]+)*)",\s*$', text, re.M))
    assert len(words) > 60
    section = plain(COMMAND).partition("login [NAME]\n")[2]
    assert not missing(words, section.partition("\nENVIRONMENT")[0])


def test_every_option_of_login_is_explained():
    text = (ROOT / "tools" / "login.c").read_text()
    options = re.findall(r'\{"([a-z0-9-]+)", (?:no|required)_argument', text)
    assert len(options) > 8
    section = plain(COMMAND).partition("login [NAME]\n")[2]
    assert not missing([f"--{name}" for name in options],
                       section.partition("\nENVIRONMENT")[0])


def test_every_verb_has_its_place_in_operation():
    """What somebody who runs a KDC uses each one for."""
    verbs = re.findall(r"&cm_verb_(\w+)",
                       (ROOT / "tools" / "tool.c").read_text())
    assert len(verbs) > 12
    text = plain(OPERATION)
    assert not missing([f"certmap {verb.replace('_', '-')}"
                        for verb in verbs], text)


@pytest.mark.parametrize("kind", ("MODE", "ENFORCE", "REVOCATION"))
def test_every_mode_has_its_place_in_operation(kind):
    """The words of the relations that an administrator turns."""
    text = "".join((ROOT / "plugin" / name).read_text()
                   for name in ("config_values.c", "config_revocation.c"))
    words = re.findall(rf'\{{"([a-z]+)", CM_{kind}_\w+\}}', text)
    assert len(words) == 3
    assert not missing(words, plain(OPERATION))


@pytest.mark.skipif(not os.environ.get("CERTMAP_RELATIONS"),
                    reason="this build has no configuration reader")
def test_every_relation_is_explained():
    text = plain(CONFIGURATION)
    listed = subprocess.run([os.environ["CERTMAP_RELATIONS"]], check=True,
                            text=True, stdout=subprocess.PIPE)
    relations = listed.stdout.split()
    assert len(relations) > 20
    assert not missing([name.split(".")[-1] for name in relations], text)
