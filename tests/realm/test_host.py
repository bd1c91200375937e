"""What the KDC does with a certauth module's answer.

Everything the project builds on in krb5kdc is proven here with a module that
answers what it is told (send_error.c), without the project's own module.
"""

import os
import re

import pytest

import realm

WIRING = {"certauth": {
    "module": f"send_error:{os.environ.get('CERTMAP_SEND_ERROR')}",
    "enable_only": "send_error"}}
ERROR_TABLE_BASE = -1765328384
#: Sent to the client as PREAUTH_FAILED (24) whatever the module said.
HIDDEN = (12, 18, 29, 60)


def reason_numbers(source):
    text = (source / "mapping" / "reason.h").read_text()
    rows = re.findall(r'X\(CM_\w+, "([a-z-]+)", (\d+),', text)
    assert len(rows) > 20
    return {token: int(number) for token, number in rows}


@pytest.fixture(scope="module")
def kdc(tmp_path_factory, world):
    folder = tmp_path_factory.mktemp("host")
    with realm.Kdc(folder, world, realms={"CORP.TEST": None},
                   plugins=WIRING) as kdc:
        numbers = [*range(60, 80), 0, 12, 18, 24, 29]
        kdc.add_principals(*(f"says{number}" for number in numbers))
        kdc.kadmin(*(f"setstr says{n} send_error {n}" for n in numbers))
        kdc.extra_environment = {"KRB5_TRACE": "/dev/stdout"}
        yield kdc


def received(login):
    """The error numbers that the client received, in order."""
    codes = re.findall(r"Received error from KDC: (-\d+)/", login.output)
    return [int(code) - ERROR_TABLE_BASE for code in codes]


def test_every_reason_number_reaches_the_client(kdc, world, source):
    for token, number in reason_numbers(source).items():
        login = kdc.kinit(f"says{number}", world.card("anybody"))
        assert login.ok == (number == 0), token
        if number:
            assert number in received(login)[1:], (token, login.output)


def test_kinit_says_what_the_manual_says(kdc, world, source):
    """certmap(7), the table of what the user sees."""
    page = (source / "plugin" / "certmap.7").read_text()
    rows = re.findall(r"^\.It (\d+) Ta (.*)$", page, re.M)
    assert len(rows) >= 10
    for number, text in rows:
        login = kdc.kinit(f"says{number}", world.card("anybody"))
        assert f"kinit: {text} while getting" in login.output, number


@pytest.mark.parametrize("number", HIDDEN)
def test_other_numbers_do_not(kdc, world, number):
    login = kdc.kinit(f"says{number}", world.card("anybody"))
    assert not login.ok
    assert 24 in received(login) and number not in received(login)


def test_discard_sends_the_client_to_another_kdc(kdc, world, make_kdc):
    """No answer at all: the client asks the next KDC, which accepts."""
    kdc.add_principals("torn")
    kdc.kadmin("setstr torn send_error discard")
    replica = make_kdc(replica_of=kdc, realms={"CORP.TEST": None},
                       plugins=WIRING)
    replica.kadmin("setstr torn send_error 0")
    replica.ask_first(kdc)
    before = kdc.log_size()
    login = replica.kinit("torn", world.card("anybody"))
    assert login.ok, login.output
    assert "NEEDED_PREAUTH: torn@" in kdc.log(before)
    assert "ISSUE" in login.log
