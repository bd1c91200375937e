"""Heimdal's KDC, as a yardstick: stock PKINIT with nothing on.

Debian's heimdal-kdc cannot be installed beside krb5-kdc, so it is run from a
folder into which its packages were unpacked (README.md)."""

import signal
import subprocess
from pathlib import Path

import realm
from heimdal_client import library_path


class Heimdal:
    """A KDC with what bench_kdc.py asks of realm.Kdc.

    mit   a realm.Kdc that is not started: its port, KDC certificate and
          client configuration are used
    root  the folder with usr/lib/heimdal-servers/kdc"""

    def __init__(self, root, mit, workers):
        self.root, self.mit, self.workers = Path(root), mit, workers
        self.folder, self.port = mit.folder, mit.port
        self.log_file = self.folder / "heimdal.log"
        self.conf = self.folder / "heimdal.conf"
        self._process = None
        self._write()

    def _write(self):
        name = self.mit.realm
        sections = {
            "libdefaults": {"default_realm": name},
            "logging": {"kdc": f"0-/FILE:{self.log_file}"},
            "kdc": {
                "database": {"dbname": self.folder / "heimdal",
                             "mkey_file": self.folder / "heimdal.mkey",
                             "log_file": self.folder / "heimdal.changes",
                             "acl_file": self.folder / "none.acl"},
                "enable-pkinit": "yes",
                "pkinit_identity": f"FILE:{self.folder / name}.pem,"
                                   f"{self.folder / name}.key",
                "pkinit_anchors": f"FILE:{self.mit.world.roots}",
                "pkinit_principal_in_certificate": "yes",
                "num-kdc-processes": self.workers}}
        self.conf.write_text("".join(
            f"[{title}]\n{realm.profile(body)}\n"
            for title, body in sections.items()))

    def environment(self, side="kdc"):
        if side == "client":
            return self.mit.environment("client")
        return {"PATH": realm.SBIN, "LC_ALL": "C.UTF-8",
                "HOME": str(self.folder), "KRB5_CONFIG": str(self.conf),
                "LD_LIBRARY_PATH": library_path(self.root)}

    def add_principals(self, *names):
        kadmin = [self.root / "usr/bin/kadmin.heimdal", "-l", "-c", self.conf,
                  "-r", self.mit.realm]
        commands = [["init", "--realm-max-ticket-life=1h",
                     "--realm-max-renewable-life=1h", self.mit.realm]]
        commands += [["add", "--random-password", "--use-defaults", name]
                     for name in names]
        for command in commands:
            subprocess.run([*kadmin, *command], env=self.environment(),
                           stdin=subprocess.DEVNULL, check=True,
                           stdout=subprocess.DEVNULL)

    def __enter__(self):
        self._process = subprocess.Popen(
            [self.root / "usr/lib/heimdal-servers/kdc", "-c", self.conf,
             f"--ports={self.port}", "--addresses=127.0.0.1"],
            env=self.environment(), stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        realm.until(self._listens, "Heimdal's KDC starting")
        return self

    def __exit__(self, *_):
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(realm.START_SECONDS)

    def _listens(self):
        with open("/proc/net/tcp", encoding="ascii") as table:
            return (len(self.worker_pids()) >= self.workers and
                    any(f":{self.port:04X} 00000000:0000 0A" in line
                        for line in table))

    @property
    def pid(self):
        return self._process.pid

    worker_pids = realm.Kdc.worker_pids

    def locate(self, identity):
        return self.mit.locate(identity)

    def log(self):
        return self.log_file.read_text(errors="replace")
