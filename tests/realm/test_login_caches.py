"""Where certmap login puts tickets: as kinit does, cache by cache."""

import re
import subprocess

import pytest

import realm
import stacking
from exchanging import exchange

NAMES = ("alice", "bob", "carol")


@pytest.fixture(scope="module")
def kdc(tmp_path_factory, world):
    with realm.Kdc(tmp_path_factory.mktemp("caches"), world,
                   plugins=realm.WRAP) as kdc:
        kdc.add_principals(*NAMES)
        for name in NAMES:
            kdc.set_mappings(name, world.card(name).mappings()["ski"])
        yield kdc


def run(kdc, *command, **environment):
    done = subprocess.run(
        list(map(str, command)), text=True, check=False,
        env={**kdc.environment("client"), **environment},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT)
    return done.stdout


def by_kinit(kdc, world, name, where):
    said = run(kdc, "kinit", "-X",
               f"X509_user_identity={kdc.locate(world.card(name))}", name,
               KRB5CCNAME=where)
    assert said == ""


def by_login(kdc, world, name, where):
    done = exchange(kdc, f"principal:{name}", identity=world.card(name),
                    environment={"KRB5CCNAME": where})
    assert done.end == "done", done
    shown = run(kdc, "klist", "-c", done.cache)
    assert f"Default principal: {name}@{stacking.REALM}" in shown
    return done


def contents(kdc, where):
    """The principals of a collection, the primary one first, and what is in
    its caches but for times and file names."""
    listed = run(kdc, "klist", "-A", "-C", "-f", KRB5CCNAME=where)
    listed = re.sub(r"(?m)^\S+ \S+  \S+ \S+ ", "TIMES", listed)
    listed = re.sub(r"(?m)^Ticket cache: .*", "CACHE", listed)
    caches = [one.strip() for one in
              re.sub(r"\n\s+", "", listed).split("CACHE")]
    assert caches.pop(0) == ""
    return caches[:1] + sorted(caches[1:])


@pytest.mark.parametrize("kind", ["FILE", "DIR"])
@pytest.mark.parametrize("order", [
    "alice", "alice alice", "alice bob", "alice bob alice",
    "alice bob carol bob"])
def test_as_kinit(kdc, world, tmp_path, kind, order):
    """Each login into the default cache, by either program."""
    if kind == "DIR":
        (tmp_path / "kinit").mkdir()
        (tmp_path / "login").mkdir()
    kinit, login = (f"{kind}:{tmp_path}/{who}" for who in ("kinit", "login"))
    for name in order.split():
        by_kinit(kdc, world, name, kinit)
        by_login(kdc, world, name, login)
        found = contents(kdc, login)
        assert found == contents(kdc, kinit)
        # What a renewal by the same means reads.
        assert "pa_type" in found[0] and "X509_user_identity" in found[0]
    assert len(found) == (1 if kind == "FILE" else len(set(order.split())))


def test_named_cache(kdc, world, tmp_path):
    """The default one is then nobody's business."""
    (tmp_path / "dir").mkdir()
    where = f"DIR:{tmp_path}/dir"
    by_login(kdc, world, "alice", where)
    done = exchange(kdc, "principal:bob", identity=world.card("bob"),
                    cache=f"FILE:{tmp_path}/named",
                    environment={"KRB5CCNAME": where})
    assert done.cache == f"FILE:{tmp_path}/named"
    assert len(contents(kdc, where)) == 1


def test_name_of_the_cache(kdc, world, tmp_path):
    """What is said is what KRB5CCNAME and -c take."""
    (tmp_path / "dir").mkdir()
    where = f"DIR:{tmp_path}/dir"
    first = by_login(kdc, world, "alice", where)
    second = by_login(kdc, world, "bob", where)
    assert first.cache.startswith("DIR::") and first.cache != second.cache


def test_files_are_the_users_alone(kdc, world, tmp_path):
    by_login(kdc, world, "alice", f"FILE:{tmp_path}/cc")
    assert (tmp_path / "cc").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("kind", ["FILE", "DIR"])
def test_refused(kdc, world, tmp_path, kind):
    """Not a byte of what was there changes, and nothing is added."""
    (tmp_path / "there").mkdir()
    where = f"{kind}:{tmp_path}/there" + ("/cc" if kind == "FILE" else "")
    by_login(kdc, world, "alice", where)
    before = {path: path.read_bytes()
              for path in (tmp_path / "there").iterdir()}
    for name, card in (("bob", "alice"), ("nobody", "alice"), ("alice", "bob")):
        done = exchange(kdc, f"principal:{name}", identity=world.card(card),
                        environment={"KRB5CCNAME": where})
        assert done.end == "refused", done
    assert before == {path: path.read_bytes()
                      for path in (tmp_path / "there").iterdir()}


@pytest.mark.parametrize("words, flags, lifetime", [
    # Longer than the realm allows: the KDC makes it renewable instead.
    ({}, "R", 3600),
    ({"lifetime": 600}, "", 600),
    ({"flags": "f"}, "FR", 3600),
    ({"flags": "fp", "lifetime": 600}, "FP", 600),
    ({"renewable": 7200, "lifetime": 600}, "R", 600)])
def test_what_is_asked_for(kdc, world, tmp_path, words, flags, lifetime):
    kdc.kadmin(f'modprinc -maxrenewlife "1 day" krbtgt/{stacking.REALM}',
               'modprinc -maxrenewlife "1 day" alice')
    done = exchange(kdc, "principal:alice", identity=world.card("alice"),
                    cache=f"FILE:{tmp_path}/cc", **words)
    shown = run(kdc, "klist", "-f", "-c", done.cache)
    letters = re.search(r"Flags: (\w+)", shown)[1]
    assert {letter for letter in "FPR" if letter in letters} == set(flags)
    assert (done.renew_until > 0) == ("R" in flags)
    issued = (tmp_path / "cc").stat().st_mtime
    assert abs(done.ends - issued - lifetime) < 30
