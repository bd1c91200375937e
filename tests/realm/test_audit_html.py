"""The page of certmap audit, in a real browser."""

import os
import re
import shutil
import subprocess
import threading
from html.parser import HTMLParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from auditing import Accounts, Audit
from realm import COMMAND

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.skipif(not COMMAND, reason="this build has no command"),
    pytest.mark.skipif(not BROWSER, reason="not installed: chromium"),
]
MAKER = re.compile(r"^(http://)?[\w.-]+\.(google|googleapis|gvt1)\.com\b")
HOSTILE = '<script>document.title="taken"</script>'
IMAGE = '<img src="http://127.0.0.1/x.png" onerror="alert(1)">'


class Dom(HTMLParser):
    """Tags, what the charts and tiles say, and the text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.charts, self.tiles = {}, {}, {}
        self.kinds, self.title, self.text = {}, "", ""
        self.alternatives = []
        self._row = self._tile = None
        self._in = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags[tag] = self.tags.get(tag, 0) + 1
        self._in.append(tag)
        if attrs.get("role") == "img":
            self.alternatives.append(attrs.get("aria-label"))
        if "data-chart" in attrs:
            chart = self.charts.setdefault(attrs["data-chart"], {})
            if "data-label" in attrs:
                chart[attrs["data-label"]] = int(attrs["data-count"])
            else:
                self._row = (chart, int(attrs["data-count"]))
        if "data-tile" in attrs:
            self._tile = attrs["data-tile"]
        if "data-kind" in attrs:
            kind = attrs["data-kind"]
            self.kinds[kind] = self.kinds.get(kind, 0) + 1

    def handle_endtag(self, tag):
        while self._in and self._in.pop() != tag:
            pass

    def handle_data(self, data):
        self.text += data
        if self._in and self._in[-1] == "title":
            self.title += data
        if self._row and self._in and self._in[-1] == "th":
            chart, count = self._row
            chart[data] = count
            self._row = None
        if self._tile and self._in and self._in[-1] == "b":
            self.tiles[self._tile] = int(data)
            self._tile = None


class Listener:
    """A proxy that lets nothing through and counts who asks, but for what a
    browser asks its maker by itself."""

    def __enter__(self):
        self.asked = asked = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                if not MAKER.search(self.path):
                    asked.append(self.path)
                self.send_error(503)

            do_CONNECT = do_POST = do_GET

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def browse(folder, page, *options):
    """Returns the page as the browser has it, what its console says, and what
    it asked the network for."""
    home = folder / "home"
    home.mkdir(exist_ok=True)
    with Listener() as listener:
        done = subprocess.run(
            [BROWSER, "--headless", "--no-sandbox", "--disable-gpu",
             "--disable-dev-shm-usage", "--disable-background-networking",
             "--disable-component-update", "--disable-sync",
             "--disable-default-apps", "--no-first-run",
             "--disable-breakpad", "--disable-crash-reporter",
             "--enable-logging=stderr", f"--user-data-dir={home / 'data'}",
             f"--proxy-server={listener.url}",
             "--proxy-bypass-list=<-loopback>", *options, "--dump-dom",
             page.as_uri()],
            env=dict(os.environ, HOME=str(home)), text=True,
            stdin=subprocess.DEVNULL, capture_output=True, timeout=120,
            check=False)
    assert done.returncode == 0, done.stderr
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    assert done.stdout.strip(), done.stderr
    return Dom(done.stdout), console, listener.asked


@pytest.fixture(scope="module")
def audited(tmp_path_factory, world):
    """A report as JSON and as a page, with hostile text in it."""
    folder = tmp_path_factory.mktemp("page")
    accounts = Accounts(world)
    text = accounts.ldif() + (
        f"dn: uid={HOSTILE}\nkrbPrincipalName: x@CORP.TEST\n"
        f"altSecurityIdentities: X509:<I>CN={IMAGE}<SR>01\n\n"
        f"dn: uid=style\nkrbPrincipalName: y@CORP.TEST\n"
        "altSecurityIdentities: X509:<I>CN=</style></code><b>\"&'<SR>01\n")
    (folder / "all.ldif").write_text(text)
    audit = Audit(folder, world, directory=f"ldif:{folder / 'all.ldif'}",
                  ldap={"schema": "mit"})
    page = folder / "page.html"
    return folder, page, audit.json("--html", page)


@pytest.fixture(scope="module")
def browsed(audited):
    folder, page, _ = audited
    return browse(folder, page)


def test_the_browser_has_nothing_to_complain_about(browsed):
    _, console, asked = browsed
    assert not console and not asked


def test_a_complaint_would_be_seen(tmp_path, audited):
    """That the test above can fail: a page of other making does."""
    page = tmp_path / "other.html"
    text = audited[1].read_text().replace(
        "</body>", '<img src="http://elsewhere.test/x"><style>p{}</style></body>')
    page.write_text(text)
    _, console, _ = browse(tmp_path, page)
    assert any("Content Security Policy" in line for line in console)
    page.write_text(re.sub("<meta http-equiv[^>]*>", "", text))
    _, _, asked = browse(tmp_path, page)
    assert asked


def test_text_is_text(browsed):
    dom, _, _ = browsed
    assert dom.title == "Card mappings of CORP.TEST"
    assert not {"script", "img", "link", "iframe", "object"} & set(dom.tags)
    assert dom.tags["style"] == 1
    assert HOSTILE in dom.text and IMAGE in dom.text
    assert "</style></code><b>\"&'" in dom.text


def test_the_charts_have_the_right_numbers(browsed, audited):
    dom, _, _ = browsed
    report = audited[2]
    people = report["accounts"]
    assert dom.charts["strength"] == {
        "strong": people["strong"], "weak only": people["weak"],
        "none": people["none"]}
    assert dom.charts["kinds"] == {
        kind: count for kind, count in report["counts"].items() if count}
    assert dom.charts["issuers"] == {
        one["name"]: one["strong"] + one["weak"] for one in report["issuers"]
        if one["strong"] + one["weak"]}
    ends = report["certificates"]
    assert dom.charts["expiry"] == {
        "expired": ends["expired"], **ends["end"], "later": ends["later"]}
    assert dom.alternatives == [
        f"{label}: {count}" for label, count in dom.charts["expiry"].items()]


def test_tiles_and_table(browsed, audited):
    dom, _, _ = browsed
    report = audited[2]
    severities = [one["severity"] for one in report["findings"]]
    assert dom.tiles == {
        "accounts": report["accounts"]["read"],
        "values": report["values"]["certificate"],
        "errors": severities.count("error"),
        "warnings": severities.count("warning"),
        "certificates": report["certificates"]["known"]}
    assert dom.kinds == dom.charts["kinds"]


def test_it_needs_nothing_else(audited):
    text = audited[1].read_text()
    assert not re.search(r"<[^>]*\b(src|href|on\w+|style)=", text)
    assert "url(" not in text and "@import" not in text
    assert "default-src 'none'" in text
