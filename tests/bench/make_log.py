#!/usr/bin/env python3
"""A KDC's log for `certmap report`: LINES audit lines of PRINCIPALS people.

    make_log.py LINES PRINCIPALS > kdc.log

One in seventeen is unmapped, one in ten of the others mapped weakly.
"""

import sys

LINE = (
    'certmap: {verdict} realm="CORP.TEST" mode=observe '
    'principal="user{i}@CORP.TEST" requested="user{i}@CORP.TEST" '
    'account="uid=user{i},ou=people,dc=corp,dc=test" mapping={mapping} '
    "strength={strength} revocation=checked "
    "status=good:crl:720:store,good:crl:90000:store choices=mode=observe "
    "warnings={warnings} hw_authent=false ms=12 sha256={number:064x} "
    "serial=4d{i:08x} not_after=2040-01-01T00:00:00Z "
    'issuer="DC=test,DC=corp,CN=Corp CA 1" subject="DC=test,DC=corp,CN=user{i}"'
    ' upn="user{i}@corp.test" indicators=- detail=-\n')


def line(i):
    if i % 17 == 0:
        words = {"verdict": "refused reason=no-mapping", "mapping": "none",
                 "strength": "none", "warnings": "-"}
    else:
        weak = i % 10 == 0
        words = {"verdict": "authorized reason=ok",
                 "mapping": "upn" if weak else "issuer-serial",
                 "strength": "weak" if weak else "strong",
                 "warnings": "weak" if weak else "-"}
    return LINE.format(i=i, number=i * 7919 + 1, **words)


def main():
    count, people = map(int, sys.argv[1:])
    lines = [line(i) for i in range(people)]
    for i in range(count):
        sys.stdout.write(
            f"Nov {1 + i * 20 // count:02} {i // 3600 % 24:02}:"
            f"{i // 60 % 60:02}:{i % 60:02} kdc1 krb5kdc[17](info): "
            + lines[i * 31 % people])


if __name__ == "__main__":
    main()
