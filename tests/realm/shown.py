"""The command lines that README.md and the manual pages show."""

import re
from pathlib import Path

PAGES = {"README.md": "README.md", "certmap.1": "tools/certmap.1",
         "certmap.5": "plugin/certmap.5", "certmap.7": "plugin/certmap.7"}


def lines(source, page):
    """Those of a page, in its order, without their prompts."""
    text = (Path(source) / PAGES[page]).read_text()
    return readme(text) if page.endswith(".md") else manual(text)


def readme(text):
    """Indented by four, outside of fences and tables, and what stands in a
    sentence with its operands; what follows a "#" is for the reader."""
    text = re.sub(r"^```.*?^```$", "", text, flags=re.S | re.M)
    text = re.sub(r" \\\n\s+", " ", text)
    found = re.findall(
        r"^    (?:\$ )?(\S.*?)(?: +# .*)?$|"
        r"`((?:certmap [a-z-]+|apt|ldapmodify|systemctl) [^`]+)`", text, re.M)
    return [" ".join((block or inline).split()) for block, inline in found]


def manual(text):
    """Behind .Dl, and in literal blocks that are no configuration."""
    found = [(match.start(), match[1]) for match in re.finditer(
        r"^\.Dl [$#] (.*)$", text, re.M)]
    for block in re.finditer(r"^\.Bd -literal.*?\n(.*?)^\.Ed$", text,
                             re.S | re.M):
        if re.match(r"(certmap(?! ?:)|kadmin:) ?", block[1]):
            found += [(block.start(1) + number, line) for number, line
                      in enumerate(block[1].splitlines())]
    return [re.sub(r"\\e", r"\\\\", line) for _, line in sorted(found)]
