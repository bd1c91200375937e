"""The audit lines of a KDC's log."""

import re

AUDIT = re.compile(
    r"certmap: (?P<verdict>authorized|refused) (?P<fields>reason=.*)")
FIELD = re.compile(r'([a-z_0-9]+)=("(?:[^"\\]|\\.)*"|\S*)')


def audit_lines(text):
    """Audit lines as dictionaries; the first word is "verdict"."""
    found = []
    for line in text.splitlines():
        if match := AUDIT.search(line):
            fields = {key: value.strip('"')
                      for key, value in FIELD.findall(match["fields"])}
            found.append({"verdict": match["verdict"], "line": line,
                          **fields})
    return found
