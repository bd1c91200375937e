"""A real nginx for tests: a folder of its own, on loopback, ended by its pid.

    with Nginx(folder, "location / { root html; }") as nginx:
        (nginx.html / "ca.crl").write_bytes(crl)
        ... nginx.url + "/ca.crl" ...
        assert nginx.requests()[-1]["uri"] == "/ca.crl"
"""

import json
import os
import shutil
import signal
import subprocess
import urllib.request
from pathlib import Path

from realm import SBIN, free_port, until

PROGRAM = shutil.which("nginx", path=SBIN)
FIELDS = ("uri", "status", "ssl_protocol", "ssl_session_reused", "connection",
          "http_host", "http_user_agent")

CONFIG = """\
daemon off;
{user}
worker_processes 1;
pid nginx.pid;
events {{ worker_connections 64; }}
http {{
    log_format lines escape=json '{{{fields}}}';
    access_log access.log lines;
    client_body_temp_path tmp; proxy_temp_path tmp; fastcgi_temp_path tmp;
    uwsgi_temp_path tmp; scgi_temp_path tmp;
    types {{ application/ocsp-response ors; }}
    default_type application/octet-stream;
    gzip off;
    server {{
        listen {address}:{port}{ssl};
        root html;
        {body}
    }}
    server {{
        listen 127.0.0.1:{marker};
        return 204;
    }}
}}
"""


class Nginx:
    """One server; body is what stands in its server block."""

    def __init__(self, folder, body="", address="127.0.0.1", tls=False):
        self.folder = Path(folder)
        self.html = self.folder / "html"
        self.html.mkdir(parents=True)
        self.address, self.tls = address, tls
        self.port, self._marker = free_port(), free_port()
        self.configure(body)
        self._process, self._marks = None, 0

    @property
    def url(self):
        return f"http{'s' if self.tls else ''}://{self.address}:{self.port}"

    def configure(self, body):
        fields = ", ".join(f'"{name}": "${name}"' for name in FIELDS)
        fields = fields.replace('"$uri"', '"$request_uri"')
        (self.folder / "nginx.conf").write_text(CONFIG.format(
            user="user root root;" if os.getuid() == 0 else "",
            fields=fields, address=self.address, port=self.port,
            marker=self._marker,
            ssl=" ssl" if self.tls else "", body=body))

    def __enter__(self):
        # The process lives until __exit__ ends it.
        self._process = subprocess.Popen(
            [PROGRAM, "-p", str(self.folder), "-c", "nginx.conf", "-e",
             "error.log"], stdin=subprocess.DEVNULL)
        until(self.workers, "nginx has a worker")
        return self

    def __exit__(self, *_):
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def workers(self):
        pid = self._process.pid
        if self._process.poll() is not None:
            raise AssertionError((self.folder / "error.log").read_text())
        path = Path(f"/proc/{pid}/task/{pid}/children")
        return set(path.read_text().split())

    def reload(self, body):
        """Serves by another configuration, with other workers only."""
        old = self.workers()
        self.configure(body)
        self._process.send_signal(signal.SIGHUP)
        until(lambda: (new := self.workers()) and not new & old,
              "nginx has other workers")

    def requests(self):
        """What was asked so far, in order."""
        # A request is logged after it was answered: one more, and what came
        # before it is there.
        mark = f"/{self._marker}/{self._marks}"
        self._marks += 1
        urllib.request.urlopen(
            f"http://127.0.0.1:{self._marker}{mark}", timeout=10).close()
        rows = until(lambda: self._logged(mark), "nginx logs")
        return [row for row in rows
                if not row["uri"].startswith(f"/{self._marker}/")]

    def _logged(self, mark):
        """The rows up to the mark; others may have asked since."""
        rows = [json.loads(line) for line in
                (self.folder / "access.log").read_text().splitlines()]
        uris = [row["uri"] for row in rows]
        return rows[:uris.index(mark) + 1] if mark in uris else None
