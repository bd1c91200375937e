"""A real 389 Directory Server for tests: in a folder of its own, on loopback,
ended by pid.

    with Ds389(folder) as server:
        server.modify(ldif)
        ... server.ldap, server.ldapi ...

Nothing outside its folder is written: dscreate takes every path, and whether
there is a systemd, from a defaults.inf below the PREFIX of its environment.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import urllib.parse
from pathlib import Path

from ports import free_port
from realm import SBIN, until

START_SECONDS = 60
DEFAULTS = Path("/usr/share/dirsrv/inf/defaults.inf")
#: What krb5-kdc-ldap brings for this server: LDIF for ldapmodify.
KERBEROS_SCHEMA = Path("/usr/share/doc/krb5-kdc-ldap/kerberos.ldif.gz")

if not DEFAULTS.exists() or not shutil.which("dscreate", path=SBIN):
    MISSING = "not installed: 389-ds-base"
elif os.geteuid() != 0:
    MISSING = "389-DS is set up by root only"
else:
    MISSING = None


class Ds389:
    """One instance with one suffix and its backend userroot.

    Over ldapi the test's own user is the directory manager.
    """

    name = "certmaptest"
    admin_dn = "cn=Directory Manager"
    admin_password = "admin-secret"

    def __init__(self, folder, suffix="dc=example,dc=com"):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.suffix = suffix
        self.port = free_port()
        # A socket path must be short, whatever the test's folder is called.
        self._short = tempfile.TemporaryDirectory(prefix="ds389.")
        self._prefix = Path(self._short.name)
        self._config = self._prefix / f"etc/dirsrv/slapd-{self.name}"
        self._process = None

    @property
    def ldap(self):
        return f"ldap://127.0.0.1:{self.port}"

    @property
    def ldapi(self):
        return "ldapi://" + urllib.parse.quote(
            str(self._prefix / "run/ldapi"), safe="")

    # Its life.

    def __enter__(self):
        try:
            self._create()
            return self.start()
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_):
        self.stop()
        self._short.cleanup()

    def start(self):
        log = self.folder / "ns-slapd.log"
        with open(log, "ab") as stream:
            self._process = subprocess.Popen(
                ["/usr/sbin/ns-slapd", "-D", self._config, "-i",
                 self._prefix / "run/pid", "-d", "0"], cwd=self._prefix,
                stdin=subprocess.DEVNULL, stdout=stream, stderr=stream)
        # Whoever may bind may reach the socket.
        for path in (self._prefix, self._prefix / "run"):
            path.chmod(0o755)
        until(lambda: self._process.poll() is not None or self._answers(),
              "ns-slapd", START_SECONDS)
        if self._process.poll() is not None:
            raise RuntimeError(log.read_text(errors="replace"))
        return self

    def stop(self):
        """Ends it politely; harmless when it does not run."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(timeout=START_SECONDS)
        self._process = None

    def _answers(self):
        try:
            socket.create_connection(("127.0.0.1", self.port)).close()
        except OSError:
            return False
        return True

    # What it holds.

    def modify(self, ldif):
        """Change records, or entries to add."""
        return self.tool("ldapmodify", "-a", text=ldif)

    def search(self, *words, base=None):
        return self.tool("ldapsearch", "-LLL", "-o", "ldif-wrap=no", "-b",
                         self.suffix if base is None else base, *words)

    def access_log(self):
        return (self._prefix / f"var/log/dirsrv/slapd-{self.name}/access"
                ).read_text()

    def tool(self, name, *words, text="", bind=None, status=0):
        """One of ldap-utils, as the manager or as bind=(DN, password)."""
        who = (["-Q", "-Y", "EXTERNAL", "-H", self.ldapi] if bind is None
               else ["-x", "-D", bind[0], "-w", bind[1], "-H", self.ldap])
        return self._run(name, *who, *words, text=text, status=status)

    # Inside.

    def _create(self):
        for name in ("etc/default", "share/dirsrv/inf", "shm", "var/lib",
                     "var/log", "run/lock"):
            (self._prefix / name).mkdir(parents=True)
        for name in ("schema", "config"):
            shutil.copytree(f"/etc/dirsrv/{name}",
                            self._prefix / "etc/dirsrv" / name)
        (self._prefix / "share/dirsrv/inf/defaults.inf").write_text(
            self._defaults())
        answers = self.folder / "dscreate.inf"
        answers.write_text(
            "[general]\nstart = False\nstrict_host_checking = False\n"
            "full_machine_name = localhost\n"
            f"[slapd]\ninstance_name = {self.name}\nport = {self.port}\n"
            f"root_password = {self.admin_password}\n"
            "self_sign_cert = False\n[backend-userroot]\n"
            f"suffix = {self.suffix}\ncreate_suffix_entry = True\n")
        self._run("dscreate", "-v", "from-file", answers,
                  environment={"PREFIX": str(self._prefix)})
        dse = self._config / "dse.ldif"
        dse.write_text(dse.read_text().replace(
            "nsslapd-localhost: ",
            "nsslapd-listenhost: 127.0.0.1\nnsslapd-localhost: ", 1))

    def _defaults(self):
        """Debian's, with every path that is written moved below the
        prefix."""
        own = {"with_systemd": "0", "user": "root", "group": "root",
               "prefix": self._prefix, "sysconf_dir": self._prefix / "etc",
               "initconfig_dir": self._prefix / "etc/default",
               "tmpfiles_d": self._prefix / "etc",
               "local_state_dir": self._prefix / "var",
               "run_dir": self._prefix / "run",
               "ldapi": self._prefix / "run/ldapi",
               "pid_file": self._prefix / "run/pid"}
        text = DEFAULTS.read_text()
        for key, value in own.items():
            text, count = re.subn(rf"(?m)^{key} = .*$", f"{key} = {value}",
                                  text)
            assert count == 1, key
        text = re.sub(r"(?m)^(\w+ = )/dev/shm/", rf"\1{self._prefix}/shm/",
                      text)
        return re.sub(r"(?m)^(\w+ = )(/(?:etc/dirsrv|var|run)/)",
                      rf"\1{self._prefix}\2", text)

    def _run(self, *command, text="", environment=None, status=0):
        done = subprocess.run(
            [str(part) for part in command], input=text, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=180,
            env={"PATH": SBIN, "LDAPNOINIT": "1", "LC_ALL": "C.UTF-8",
                 **(environment or {})}, check=False)
        if done.returncode != status:
            raise RuntimeError(f"{command[0]} exited {done.returncode}: "
                               f"{done.stdout}")
        return done.stdout
