"""A smart card: a SoftHSM2 token that holds one identity."""

import subprocess
import tempfile
from pathlib import Path

from realm import SBIN


class Card:
    """kinit uses it with `identity`, in `environment`, with PIN."""

    PIN = "1234"
    LIBRARY = "/usr/lib/softhsm/libsofthsm2.so"

    def __init__(self, folder, identity, label="card"):
        self.folder = Path(folder)
        (self.folder / "tokens").mkdir(parents=True, exist_ok=True)
        self.configuration = self.folder / "softhsm2.conf"
        self.configuration.write_text(
            f"directories.tokendir = {self.folder}/tokens\n"
            "objectstore.backend = file\nlog.level = ERROR\n")
        self.label = label
        self._fill(identity)

    @property
    def environment(self):
        return {"SOFTHSM2_CONF": str(self.configuration)}

    @property
    def identity(self):
        return (f"PKCS11:module_name={self.LIBRARY}:token={self.label}"
                f":certlabel={self.label}")

    def _fill(self, identity):
        self._run("softhsm2-util", "--init-token", "--free", "--label",
                  self.label, "--pin", self.PIN, "--so-pin", "5678")
        with tempfile.TemporaryDirectory(dir=self.folder) as scratch:
            scratch = Path(scratch)
            _, key = identity.write(scratch, "card")
            (scratch / "card.der").write_bytes(identity.der)
            self._run("softhsm2-util", "--import", str(key), "--token",
                      self.label, "--label", self.label, "--id", "01",
                      "--pin", self.PIN)
            self._run("pkcs11-tool", "--module", self.LIBRARY,
                      "--token-label", self.label, "--login", "--pin",
                      self.PIN, "--write-object", str(scratch / "card.der"),
                      "--type", "cert", "--id", "01", "--label", self.label)

    def _run(self, *command):
        done = subprocess.run(
            command, env={"PATH": SBIN, **self.environment}, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        assert done.returncode == 0, f"{command[0]}: {done.stdout}"
