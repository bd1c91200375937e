"""A Samba AD domain controller for tests: the real Active Directory schema,
in a folder of its own, ended by pid.

    with Samba(folder, authority=Authority("Directory CA")) as server:
        server.add(ldif)
        ... server.ldapi, or server.ldaps within server.enter ...

Samba's ports are fixed, so it has a network of its own: LDAPI is reached from
everywhere, LDAPS by programs that start with server.enter.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import urllib.parse
from pathlib import Path

from realm import SBIN, until

START_SECONDS = 60
NEEDED = {"samba-tool": "samba-ad-dc", "samba": "samba-ad-dc",
          "ldbmodify": "ldb-tools", "unshare": "util-linux",
          "nsenter": "util-linux"}
PROVISION = Path("/usr/share/samba/setup/provision.ldif")

#: Brings the loopback of a new network up without iproute2: SIOCSIFFLAGS with
#: IFF_UP | IFF_LOOPBACK | IFF_RUNNING.
LOOPBACK_UP = """\
import fcntl, os, socket, struct, sys
with socket.socket() as s:
    fcntl.ioctl(s, 0x8914, struct.pack("16sh22x", b"lo", 0x49))
os.execv(sys.argv[1], sys.argv[1:])
"""


def _missing():
    for program, package in NEEDED.items():
        if not shutil.which(program, path=SBIN):
            return f"not installed: {package}"
    if not PROVISION.exists():
        return "not installed: samba-ad-provision"
    if os.geteuid() != 0:
        return "a Samba domain is provisioned by root only"
    done = subprocess.run(["/usr/bin/unshare", "-n", "true"], check=False,
                          stderr=subprocess.DEVNULL)
    return "no network namespaces here" if done.returncode else None


MISSING = _missing()


class Samba:
    """The domain ad.test with one controller, provisioned anew."""

    realm = "AD.TEST"
    suffix = "DC=ad,DC=test"
    configuration = f"CN=Configuration,{suffix}"
    users = f"CN=Users,{suffix}"
    admin_dn = f"CN=Administrator,{users}"
    admin_password = "Admin-secret1"

    def __init__(self, folder, authority):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        # A socket path must be short, whatever the test's folder is called;
        # and who binds may be someone else than root.
        self._short = tempfile.TemporaryDirectory(prefix="samba.")
        self._data = Path(self._short.name)
        self._data.chmod(0o755)
        self.ca_file = authority.write(self.folder / "ca.pem")
        self._certificate = authority.issue(self.folder)
        self._config = self._data / "smb.conf"
        self._process = None

    # Where it listens.

    @property
    def ldapi(self):
        """For binds with a password; nobody is known without one."""
        return self._socket("private/ldapi")

    @property
    def ldapi_as_system(self):
        """For root: whoever opens it is the system."""
        return self._socket("private/ldap_priv/ldapi")

    ldaps = "ldaps://127.0.0.1"  # within its network

    @property
    def enter(self):
        """Words before a command that shall run within its network."""
        return ["nsenter", f"--net=/proc/{self._process.pid}/ns/net"]

    def _socket(self, name):
        return "ldapi://" + urllib.parse.quote(str(self._data / name),
                                               safe="")

    # Its life.

    def __enter__(self):
        try:
            self._provision()
            return self.start()
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_):
        self.stop()
        self._short.cleanup()

    def start(self):
        log = self.folder / "samba.log"
        with open(log, "ab") as stream:
            self._process = subprocess.Popen(
                ["/usr/bin/unshare", "-n", "/usr/bin/python3", "-c",
                 LOOPBACK_UP, "/usr/sbin/samba", "-F", "--no-process-group",
                 "-M", "single", "-s", self._config, "--debug-stdout"],
                stdin=subprocess.DEVNULL, stdout=stream, stderr=stream)
        until(lambda: self._process.poll() is not None or self._answers(),
              "samba", START_SECONDS)
        if self._process.poll() is not None:
            raise RuntimeError(log.read_text(errors="replace"))
        # LDAPI is for whoever may bind.
        (self._data / "private").chmod(0o711)
        return self

    def stop(self):
        """Ends it politely; harmless when it does not run."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(timeout=START_SECONDS)
        self._process = None

    def _answers(self):
        return self._call("ldapsearch", "-x", "-H", self.ldapi, "-s", "base",
                          "-b", "").returncode == 0

    # What it holds.

    def add(self, ldif):
        return self._as_admin("ldapadd", ldif)

    def modify(self, ldif):
        return self._as_admin("ldapmodify", ldif)

    def search(self, dn, *words):
        """One entry as the administrator sees it, "" if it is not there."""
        done = self._call("ldapsearch", "-LLL", "-x", "-D", self.admin_dn,
                          "-w", self.admin_password, "-H", self.ldapi, "-s",
                          "base", "-b", dn, *words)
        return done.stdout if done.returncode == 0 else ""

    @property
    def database(self):
        """The file that ldbsearch and ldbmodify take with -H."""
        return self._data / "private/sam.ldb.d" / (
            self.suffix.upper() + ".ldb")

    def write(self, dn, attribute, value):
        """Sets what no server lets anybody set, such as whenCreated."""
        return self.run("ldbmodify", "-H", self.database, text=(
            f"dn: {dn}\nchangetype: modify\nreplace: {attribute}\n"
            f"{attribute}: {value}\n"))

    def _as_admin(self, name, ldif):
        return self.run(name, "-x", "-D", self.admin_dn, "-w",
                        self.admin_password, "-H", self.ldapi, text=ldif)

    def run(self, *command, text=""):
        done = self._call(*command, text=text)
        if done.returncode != 0:
            raise RuntimeError(f"{command[0]}: {done.stdout}")
        return done.stdout

    # Inside.

    def _call(self, *command, text=""):
        return subprocess.run(
            [str(part) for part in command], input=text, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=180,
            env={"PATH": SBIN, "LDAPNOINIT": "1", "LC_ALL": "C.UTF-8",
                 "HOME": str(self.folder)}, check=False)

    def _provision(self):
        self.run("samba-tool", "domain", "provision",
                 f"--targetdir={self._data}", f"--realm={self.realm}",
                 "--domain=ADTEST", "--server-role=dc", "--dns-backend=NONE",
                 f"--adminpass={self.admin_password}", "--host-name=dc1",
                 "--host-ip=127.0.0.1", "--use-rfc2307")
        certificate, key = self._certificate
        relations = {
            "netbios name": "DC1", "realm": self.realm, "workgroup": "ADTEST",
            "server role": "active directory domain controller",
            "server services": "ldap", "private dir": self._data / "private",
            "state directory": self._data / "state",
            "cache directory": self._data / "cache",
            "lock directory": self._data, "pid directory": self._data / "run",
            "ncalrpc dir": self._data / "run/ncalrpc",
            "log file": self._data / "log", "interfaces": "lo",
            "bind interfaces only": "yes", "tls certfile": certificate,
            "tls keyfile": key, "tls cafile": self.ca_file}
        # Or LDAPI would take no password: it is not encrypted either.
        relations["ldap server require strong auth"] = "no"
        (self._data / "run").mkdir(exist_ok=True)
        self._config.write_text("[global]\n" + "".join(
            f"\t{key} = {value}\n" for key, value in relations.items()))
