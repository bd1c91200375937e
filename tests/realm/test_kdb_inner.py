"""Which module ours stands on, and what it says where it cannot."""

import json
import os
import shutil
import subprocess

import pytest

import realm
from stacking import REALM

OTHER = "OTHER.TEST"


class Wired(realm.Kdc):
    """A realm whose [dbmodules] is as the test writes it."""

    def __init__(self, folder, world, sections, folders=()):
        self._folders = [*map(str, folders), realm.KDB_FOLDER]
        super().__init__(folder, world, modules=sections, stacked=False,
                         realms={name: world.certmap() for name in sections})
        self.extra_environment.update(realm.SANITIZER)

    def _databases(self):
        return {"db_module_dir": self._folders, **super()._databases()}

    def refused(self):
        """What kdb5_util says when it cannot make the database."""
        done = subprocess.run(
            ["kdb5_util", "-r", REALM, "create", "-s", "-P", "master"],
            env=self.environment(), text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=30,
            check=False)
        assert done.returncode != 0, done.stdout
        return done.stdout


def section(inner):
    return {"db_library": "certmap", "certmap_inner": inner}


@pytest.mark.parametrize("inner, words", [
    (None, "certmap_inner is missing"),
    ("certmap", "certmap_inner = certmap: allowed"),
    ("../db2", "allowed: the name of another KDB module"),
    ("nothere", "there is no nothere.so")])
def test_inner_that_will_not_do(tmp_path, world, inner, words):
    kdc = Wired(tmp_path / "kdc", world, {REALM: section(inner)})
    said = kdc.refused()
    assert "KDB module certmap: " in said and words in said
    if realm.COMMAND:
        assert words in dict(checked(kdc))["kdb-inner"]


def checked(kdc):
    """What check says of the KDB module: pairs of token and text."""
    return [(found["token"], found["text"])
            for found in json.loads(kdc.certmap("check", "--json")[1])
            if found["token"] in ("kdb-inner", "kdb-module")]


def test_two_realms_need_one_inner(tmp_path, world):
    said = Wired(tmp_path / "kdc", world,
                 {REALM: section("db2"), OTHER: section("kldap")}).refused()
    assert "needs the same" in said


def test_the_kdc_does_not_start(make_kdc, world):
    """It stands on nothing after a change of the configuration."""
    kdc = make_kdc(stacked=True)
    kdc.stop()
    kdc.dbmodules = {REALM: {"db_library": "nothere"}}
    kdc.write_profiles()
    done = subprocess.run(["krb5kdc", "-n"], env=kdc.environment(), text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=30, check=False)
    assert done.returncode != 0
    assert "there is no nothere.so" in done.stdout + kdc.log()


def test_no_kdb_module(tmp_path, world):
    """A shared object without a table."""
    folder = tmp_path / "modules"
    folder.mkdir()
    shutil.copy(realm.MODULE, folder / "card.so")
    said = Wired(tmp_path / "kdc", world, {REALM: section("card")},
                 [folder]).refused()
    assert "it is no KDB module" in said


def test_not_a_shared_object(tmp_path, world):
    """What is found first counts, even where it will not do."""
    folder = tmp_path / "modules"
    folder.mkdir()
    (folder / "db2.so").write_text("nothing\n")
    said = Wired(tmp_path / "kdc", world, {REALM: section("db2")},
                 [folder]).refused()
    assert f"{folder}/db2.so" in said


@pytest.mark.parametrize("make", [shutil.copy, os.symlink])
def test_another_name_of_itself(tmp_path, world, make):
    folder = tmp_path / "modules"
    folder.mkdir()
    make(os.path.join(realm.KDB_FOLDER, "certmap.so"), folder / "other.so")
    said = Wired(tmp_path / "kdc", world, {REALM: section("other")},
                 [folder]).refused()
    assert "KDB module certmap: " in said and "itself" in said


def test_two_realms_on_one_inner(make_kdc, world):
    kdc = make_kdc(stacked=True, realms={REALM: world.certmap(),
                                         OTHER: world.certmap()})
    for name in (REALM, OTHER):
        kdc.tool("kadmin.local", "-r", name, "-q",
                 f'addprinc -pw "{realm.PASSWORD}" paul')
    assert not realm.COMMAND or not checked(kdc)
    for name in (REALM, OTHER):
        assert kdc.kinit("paul", password=realm.PASSWORD, realm=name).ok
