"""A smart card: a SoftHSM2 token that holds one identity."""

import subprocess
import tempfile
from pathlib import Path

from realm import SBIN

#: pkcs11-tool writes no private certificate: C_CreateObject of PKCS #11.
ADD_PRIVATE = """\
import ctypes, pathlib, sys
library, token, pin, path, label, number = sys.argv[1:]
lib, ulong = ctypes.CDLL(library), ctypes.c_ulong
class Attribute(ctypes.Structure):
    _fields_ = [("type", ulong), ("value", ctypes.c_char_p), ("len", ulong)]
def call(name, *arguments):
    code = getattr(lib, name)(*arguments)
    assert code == 0, f"{name}: {code:#x}"
call("C_Initialize", None)
count, slots = ulong(16), (ulong * 16)()
call("C_GetSlotList", ctypes.c_ubyte(1), slots, ctypes.byref(count))
info, session, made = ctypes.create_string_buffer(512), ulong(), ulong()
for slot in slots[:count.value]:
    call("C_GetTokenInfo", ulong(slot), info)
    if info.raw[:32].decode().strip() == token:
        break
else:
    sys.exit("no such token")
call("C_OpenSession", ulong(slot), ulong(6), None, None,
     ctypes.byref(session))
call("C_Login", session, ulong(1), pin.encode(), ulong(len(pin)))
number_of = lambda value: bytes(ulong(value))
values = {0: number_of(1), 0x80: number_of(0), 1: b"\\1", 2: b"\\1",
          3: label.encode(), 0x102: bytes.fromhex(number),
          0x101: b"0\\0", 0x11: pathlib.Path(path).read_bytes()}
template = (Attribute * len(values))(
    *(Attribute(key, value, len(value)) for key, value in values.items()))
call("C_CreateObject", session, template, ulong(len(values)),
     ctypes.byref(made))
"""


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

    def add_certificate(self, identity, label, number, private=False):
        """One more certificate; private: seen after the PIN only."""
        path = self.folder / f"{label}.der"
        path.write_bytes(identity.der)
        if private:
            self._run("/usr/bin/python3", "-c", ADD_PRIVATE, self.LIBRARY,
                      self.label, self.PIN, str(path), label, f"{number:02x}")
        else:
            self._run("pkcs11-tool", "--module", self.LIBRARY,
                      "--token-label", self.label, "--login", "--pin",
                      self.PIN, "--write-object", str(path), "--type", "cert",
                      "--id", f"{number:02x}", "--label", label)

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
