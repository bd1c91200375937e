"""What the KDC answers, as it comes over the wire."""

import os
import subprocess

PRINCIPAL = 1  # the type of a name (RFC 4120 section 6.2)
KRB_ERROR = 0x7e
STIME, SUSEC, E_DATA = 0xa4, 0xa5, 0xac
REFERENCE, COOKIE = -7731, 133
NAME_LOGIN = os.environ.get("CERTMAP_NAME_LOGIN")


def login(kdc, name, identity=None, kind=PRINCIPAL, canonicalize=True,
          pin="-", armor=None):
    """name_login; returns (what it prints, the KDC's replies)."""
    stem = kdc.folder / "reply"
    for path in kdc.folder.glob("reply.*"):
        path.unlink()
    where = kdc.locate(identity) if identity else "-"
    done = subprocess.run(
        [NAME_LOGIN, str(kind), name, where, str(int(canonicalize)),
         str(stem), pin, *([armor] if armor else [])],
        # What a card's library leaves behind is not what is looked for.
        env={**kdc.environment("client"), "ASAN_OPTIONS": "detect_leaks=0"},
        text=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60,
        check=False)
    assert done.returncode == 0, done.stderr
    answers = []
    while (path := stem.with_name(f"reply.{len(answers) + 1}")).exists():
        answers.append(path.read_bytes())
    return done.stdout.strip(), answers


def elements(der):
    """The elements of DER, each (tag, contents): a list for what is made of
    others."""
    out = []
    while der:
        tag, size, at = der[0], der[1], 2
        if size & 0x80:
            at += size & 0x7f
            size = int.from_bytes(der[2:at], "big")
        body, der = der[at:at + size], der[at + size:]
        out.append((tag, elements(body) if tag & 0x20 else body))
    return out


def error_fields(reply):
    """The fields of a KRB-ERROR but for the KDC's time; and its e-data, a
    list of (type, value)."""
    [(tag, [(_, fields)])] = elements(reply)
    assert tag == KRB_ERROR
    content = dict(fields)
    assert STIME in content and SUSEC in content
    del content[STIME], content[SUSEC]
    [(_, data)] = content.pop(E_DATA, [(0, b"")])
    return content, [_element(one) for _, seq in elements(data)
                     for _, one in seq]


def _element(fields):
    """Of TYPED-DATA or METHOD-DATA, whatever their tags."""
    (_, [(_, kind)]), (_, [(_, value)]) = fields
    return int.from_bytes(kind, "big", signed=True), value


def e_data(reply):
    return error_fields(reply)[1]
