"""Logins of every kind leave nothing behind in the KDC: no block that nobody
frees, and no memory that grows with their number."""

import os
import shutil

import pytest

import mixture
import realm
from slapd import Authority, Slapd

LOAD = os.environ.get("CERTMAP_LOAD")
#: Logins after which everything is there that stays: threads, connections,
#: caches; and then as many again, in which nothing may be added.
SETTLED, MORE = 300, 900
LOOKS = 3
#: Bytes: less than 900 logins that lose 1 kB each.
GROWTH = 800 * 1024
#: Of a thread that is started later, with its stack and its connection.
THREAD = 400 * 1024
CHECKED = 60


@pytest.fixture
def make_mixture(tmp_path, world):
    server = Slapd(tmp_path / "slapd", Authority("Directory CA"))
    with server:
        yield lambda **relations: mixture.Mixture(
            tmp_path / "realm", world, server, LOAD, timeout="20s",
            **relations)


def level(mixed):
    """Memory and threads after some more logins.  What some of them need for
    a moment comes and goes; what is lost stays, so that the least counts."""
    looks = []
    for _ in range(LOOKS):
        mixed.run(SETTLED // LOOKS)
        looks.append(mixed.memory())
    return min(looks), mixed.threads()


@pytest.mark.skipif(bool(realm.PRELOAD),
                    reason="the sanitizer keeps what is freed for a while")
def test_memory_does_not_grow(make_mixture):
    mixed = make_mixture()
    with mixed.kdc:
        mixed.fill_cache()
        settled, before = level(mixed)
        mixed.run(MORE - SETTLED)
        memory, after = level(mixed)
        assert memory - settled < GROWTH + max(0, after - before) * THREAD
        assert mixed.kdc.kinit_password("paul").ok


def assert_clean(mixed, folder):
    report = mixture.report(folder)
    assert mixture.was_checked(report), report[-3000:]
    found = mixture.leaks(report)
    assert not found, "\n\n".join(found)


@pytest.mark.skipif(bool(realm.PRELOAD) or not shutil.which("valgrind"),
                    reason="no valgrind, or a build with sanitizers")
def test_nothing_is_lost_under_valgrind(make_mixture, tmp_path):
    mixed = make_mixture()
    mixture.under_valgrind(mixed.kdc, tmp_path)
    with mixed.kdc:
        mixed.run(CHECKED)
    assert_clean(mixed, tmp_path)
    assert "Invalid read" not in mixture.report(tmp_path)
    assert "Invalid write" not in mixture.report(tmp_path)


@pytest.mark.skipif(not realm.PRELOAD, reason="a build without sanitizers")
def test_nothing_is_lost_under_asan(make_mixture, tmp_path):
    mixed = make_mixture()
    mixture.under_asan(mixed.kdc, tmp_path, realm.PRELOAD)
    with mixed.kdc:
        mixed.run(SETTLED)
    assert_clean(mixed, tmp_path)


REPORTS = {
    "asan": ("""==1==Processing thread 1.

Direct leak of 64 byte(s) in 1 object(s) allocated from:
    #0 0x7f in malloc (/lib/libasan.so.8+0x1)
    #1 0x7f in cm_search ocsp/search.c:10

SUMMARY: AddressSanitizer: 64 byte(s) leaked
""", 1),
    "asan-nothing": ("""==1==Processing thread 1.
""", 0),
    "valgrind": ("""==1== 
==1== 64 bytes in 1 blocks are definitely lost in loss record 1 of 2
==1==    at 0x48: malloc (vg_replace_malloc.c:381)
==1==    by 0x52: cm_search (search.c:10)
==1== 
==1== LEAK SUMMARY:
""", 1),
    "valgrind-nothing": ("""==1== HEAP SUMMARY:
==1== 
==1== LEAK SUMMARY:
==1==    definitely lost: 0 bytes in 0 blocks
""", 0),
}


@pytest.mark.parametrize("name", REPORTS)
def test_a_leak_would_be_noticed(name):
    text, count = REPORTS[name]
    assert mixture.was_checked(text)
    assert len(mixture.leaks(text)) == count
