"""A realm for tests: krb5kdc, kinit and a database in a temporary folder.

    with Kdc(folder, world) as kdc:
        kdc.add_principals("alice", "bob")
        login = kdc.kinit("alice", world.card("alice"))
        assert login.ok and login.audit["reason"] == "ok"

Nothing outside the folder is read or written, everything listens on
loopback, and what was started is ended by its process id.
"""

import dataclasses
import os
import re
import shutil
import signal
import subprocess
import time
import weakref
from pathlib import Path

import pki
from audits import audit_lines
from kldap import Kldap
from ports import free_port

MODULE = os.environ.get("CERTMAP_MODULE")
COMMAND = os.environ.get("CERTMAP_COMMAND")
#: The folder of our KDB module, and which module it stands on in tests that
#: do not say; none: that module is used directly.
KDB_FOLDER = os.environ.get("CERTMAP_KDB_FOLDER")
KDB_INNER = os.environ.get("CERTMAP_KDB_INNER")
#: What krb5kdc must load first, where the module needs it (sanitizers).
PRELOAD = os.environ.get("CERTMAP_KDC_PRELOAD")
#: For programs that load a module of a build with sanitizers.
SANITIZER = ({"LD_PRELOAD": PRELOAD, "ASAN_OPTIONS": "detect_leaks=0"}
             if PRELOAD else {})
SBIN = "/usr/sbin:/usr/bin:/sbin:/bin"
START_SECONDS = 20
PASSWORD = "correct horse"

#: The wiring that enforces: certmap alone decides, and if it is missing
#: nobody does.
ENFORCE = {"certauth": {"module": f"certmap:{MODULE}",
                        "enable_only": "certmap"}}
#: The wiring of observe mode: the built-in modules decide.
OBSERVE = {"certauth": {"module": f"certmap:{MODULE}",
                        "enable_only": ["pkinit_san", "pkinit_eku",
                                        "certmap"]}}
#: The kdcpreauth modules: around stock PKINIT, instead of it, and for what is
#: stapled to replies.
PREAUTH = {"kdcpreauth": {"module": [f"certmap:{MODULE}",
                                     f"certmap_ocsp:{MODULE}"],
                          "disable": "pkinit"}}
#: Both with it: the KDC does not wait.
WRAP = {**ENFORCE, **PREAUTH}
WRAP_OBSERVE = {**OBSERVE, **PREAUTH}


def until(condition, what, seconds=START_SECONDS):
    """Waits for a condition; returns its first true value.  What it waits for
    is text, or a function that says it when it has not come."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.02)
    said = what() if callable(what) else what
    raise AssertionError(f"{said}: not within {seconds} s")


def profile(relations, depth=1):
    """Nested dictionaries as the MIT profile library reads them.

    A list repeats its relation; None leaves it out."""
    indent, lines = "    " * depth, []
    for key, values in relations.items():
        for value in values if isinstance(values, list) else [values]:
            if isinstance(value, dict):
                lines += [f"{indent}{key} = {{", profile(value, depth + 1),
                          f"{indent}}}"]
            elif value is not None:
                lines.append(f"{indent}{key} = {value}")
    return "\n".join(lines)


class World:
    """The certificate authorities of a test session."""

    def __init__(self, folder, key_kind="ec"):
        self.folder = Path(folder)
        self.key_kind = key_kind
        self.root = pki.root("DC=test,DC=corp,CN=Corp Root",
                             key_kind=key_kind)
        self.issuing = self.root.authority("DC=test,DC=corp,CN=Corp CA 1",
                                           key_kind=key_kind)
        # Trusted by path, but not on the NTAuth list.
        self.web = self.root.authority("DC=test,DC=corp,CN=Corp Web CA")
        # Trusted by the KDC's own PKINIT, not by certmap.
        self.foreign = pki.root("O=Foreign,CN=Foreign Root")
        self.roots = pki.bundle(self.folder / "roots.pem", [self.root])
        self.pool = pki.bundle(self.folder / "pool.pem",
                               [self.issuing, self.web])
        self.ntauth = pki.bundle(self.folder / "ntauth.pem", [self.issuing])
        self.stock_roots = pki.bundle(self.folder / "stock-roots.pem",
                                      [self.root, self.foreign])
        # An empty one: what this machine's own holds is none of our business.
        self.store = self.folder / "store"
        self.store.mkdir(mode=0o755)
        self._cards = {}

    def card(self, who, **options):
        """A card of the issuing CA, without SAN, made once per name."""
        if who not in self._cards or options:
            self._cards[who] = self.issuing.issue(
                f"DC=test,DC=corp,CN={who}", **options)
        return self._cards[who]

    def san_card(self, who, realm_name):
        """A card that the built-in modules accept, too."""
        return self.issuing.issue(
            f"CN={who}", eku=(pki.PKINIT_CLIENT,),
            other_names=[(pki.PKINIT_SAN.dotted_string,
                          pki.kerberos_name(realm_name, who))])

    def certmap(self, **changes):
        """The certmap subsection that most tests use."""
        relations = {
            "anchors": f"FILE:{self.roots}",
            "intermediates": f"FILE:{self.pool}",
            "ntauth": f"FILE:{self.ntauth}",
            "revocation": "off",
            "store": self.store,
            "directory": "kdb"}
        relations.update(changes)
        return relations


@dataclasses.dataclass
class Login:
    """What became of one kinit."""

    status: int
    output: str
    audits: list
    log: str
    cache: str
    seconds: float

    @property
    def ok(self):
        return self.status == 0

    @property
    def audit(self):
        """The audit line; there must be exactly one."""
        assert len(self.audits) == 1, (
            f"{len(self.audits)} audit lines, one expected\n{self}")
        return self.audits[0]


class Kdc:
    """One krb5kdc, serving one realm or several.

    realms   name -> certmap subsection: a dictionary, text that stands in
             the realm as it is, or None for none
    plugins  the [plugins] section, a dictionary or text
    workers  number for krb5kdc -w
    pool     the client's pkinit_pool
    inner    the KDB module that has the data, where modules do not say
    stacked  our KDB module stands on it
    udp      False: TCP only, where no client sends anything twice
    """

    #: All there are, so that a failure can show their logs.
    made = weakref.WeakSet()

    def __init__(self, folder, world, realms=None, plugins=None, workers=0,
                 modules=None, pool=None, udp=True, inner=KDB_INNER or "db2",
                 stacked=bool(KDB_INNER)):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.world = world
        self.realms = realms or {"CORP.TEST": world.certmap()}
        self.realm = next(iter(self.realms))
        self.plugins = ENFORCE if plugins is None else plugins
        self.workers = workers
        self.dbmodules = modules or {}
        self.inner = inner
        self.ldap = (Kldap(self.folder)
                     if inner == "kldap" and not modules else None)
        self.stacked = stacked
        self.port = free_port()
        self.servers = [f"127.0.0.1:{self.port}"]
        self.kdc_conf = self.folder / "kdc.conf"
        self.log_file = self.folder / "kdc.log"
        self.pool = pool or world.pool
        self.udp = udp
        self.extra_environment = {}
        # Words before each program of the KDC's side, and before krb5kdc.
        self.enter, self.confine = [], []
        self._process = None
        self.own_environment = {}  # of krb5kdc, not of its tools
        self._caches = 0
        self._written = {}
        self.write_profiles()
        self.made.add(self)

    # Configuration.

    def write_profiles(self):
        """(Re)writes kdc.conf and the krb5.conf of KDC and client."""
        for name in self.realms:
            cert, key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
            if not cert.exists():
                self.world.root.kdc(name, self.world.key_kind).write(
                    self.folder, name)
            assert key.exists()
        self.log_file.touch()
        sections = {
            "kdcdefaults": {"kdc_listen": (f"127.0.0.1:{self.port}" if self.udp
                                           else '""'),
                            "kdc_tcp_listen": f"127.0.0.1:{self.port}",
                            # the default, 5, stalls a burst of clients
                            "kdc_tcp_listen_backlog": "64"},
            "logging": {"kdc": f"FILE:{self.log_file}"}}
        text = "".join(f"[{title}]\n{profile(body)}\n"
                       for title, body in sections.items())
        text += "[realms]\n" + "".join(map(self._realm, self.realms))
        text += "[plugins]\n" + (self.plugins if isinstance(self.plugins, str)
                                 else profile(self.plugins)) + "\n"
        text += "[dbmodules]\n" + profile(self._databases()) + "\n"
        self.kdc_conf.write_text(text)
        self._krb5_conf("krb5-kdc.conf", {})
        self._krb5_conf("krb5-client.conf", {
            "pkinit_anchors": f"FILE:{self.world.stock_roots}",
            "pkinit_pool": f"FILE:{self.pool}"})

    def _realm(self, name):
        relations = {
            "database_name": self.folder / f"{name}.db",
            "key_stash_file": self.folder / f"{name}.stash",
            "acl_file": self.folder / "none.acl",
            "max_life": "1h",
            "database_module": name,
            "pkinit_identity":
                f"FILE:{self.folder / name}.pem,{self.folder / name}.key",
            "pkinit_anchors": f"FILE:{self.world.stock_roots}"}
        ours = self.realms[name]
        text = profile(relations, 2) + "\n"
        if isinstance(ours, dict):
            text += profile({"certmap": ours}, 2) + "\n"
        elif ours:
            text += ours + "\n"
        return f"    {name} = {{\n{text}    }}\n"

    def _databases(self):
        usual = self.ldap.relations() if self.ldap else None
        modules = {name: self.dbmodules.get(name, usual or {
            "db_library": self.inner,
            "database_name": self.folder / f"{name}.db"})
            for name in self.realms}
        if not self.stacked:
            return modules
        stacked = {name: {**module, "db_library": "certmap",
                          "certmap_inner": module["db_library"]}
                   for name, module in modules.items()}
        return {"db_module_dir": KDB_FOLDER, **stacked}

    def tell_clients(self, relation):
        """Adds a line to the clients' [libdefaults], as they are now."""
        config = self.folder / "krb5-client.conf"
        config.write_text(config.read_text().replace(
            "[libdefaults]", f"[libdefaults]\n    {relation}"))

    def ask_first(self, other):
        """Clients of this KDC ask the other one first."""
        self.servers.insert(0, f"127.0.0.1:{other.port}")
        self.write_profiles()

    def _krb5_conf(self, file_name, extra):
        realms = {name: {"kdc": self.servers, **extra}
                  for name in self.realms}
        defaults = {"default_realm": self.realm, "dns_lookup_kdc": "false",
                    "dns_lookup_realm": "false", "rdns": "false",
                    "dns_canonicalize_hostname": "false"}
        (self.folder / file_name).write_text(
            f"[libdefaults]\n{profile(defaults)}\n"
            f"[realms]\n{profile(realms)}\n")

    def environment(self, side="kdc"):
        """The environment of the KDC's tools, or of the client."""
        # Whatever opens the database loads our module.  In another locale
        # glibc's fnmatch() waits for ever for a lock under the sanitizer.
        sanitizer = ({**SANITIZER, "LC_ALL": "C"}
                     if SANITIZER and self.stacked and side == "kdc" else {})
        if SANITIZER and side == "client":  # stock PKINIT's own leaks
            sanitizer = {"ASAN_OPTIONS": "detect_leaks=0"}
        return {"PATH": SBIN, "LC_ALL": "C.UTF-8", "HOME": str(self.folder),
                **sanitizer,
                "TMPDIR": str(self.folder),
                "KRB5_KDC_PROFILE": str(self.kdc_conf),
                "KRB5_CONFIG": str(self.folder / f"krb5-{side}.conf"),
                **self.extra_environment}

    # Database.

    def create_database(self):
        for name in self.realms:
            if self.ldap:
                self.ldap.create(self, name)
            else:
                self.tool("kdb5_util", "-r", name, "create", "-s", "-P",
                          "master")

    def copy_database(self, other):
        """The other KDC's database, as a replica has it."""
        if other.ldap:
            self.ldap.stop()
            self.ldap = other.ldap
            self.write_profiles()
        for name in self.realms:
            for path in other.folder.glob(f"{name}.[ds][bt]*"):
                shutil.copy2(path, self.folder)

    def add_principals(self, *names, options="-nokey +requires_preauth"):
        """Principals that have no password, as card accounts do."""
        self.kadmin(*(f"addprinc {options} {name}" for name in names))

    def add_password(self, *names):
        self.kadmin(*(f'addprinc -pw "{PASSWORD}" {name}' for name in names))

    def set_mappings(self, name, *values):
        """The values of altSecurityIdentities, in the KDC's database."""
        suffixes = [""] + [f".{i}" for i in range(2, len(values) + 1)]
        self.kadmin(*(f'setstr {name} altSecurityIdentities{s} "{v}"'
                      for s, v in zip(suffixes, values)))

    def kadmin(self, *commands):
        """kadmin.local, one process for all commands."""
        done = self.tool("kadmin.local", "-r", self.realm,
                         stdin="\n".join(commands) + "\n")
        bad = [line for line in done.splitlines()
               if not line.startswith("kadmin.local:  ")  # the echo
               and re.search(r"(?i)error|while|unknown|usage", line)]
        assert not bad, f"kadmin.local: {bad}"
        return done

    # Life.

    def __enter__(self):
        if not (self.folder / f"{self.realm}.stash").exists():
            self.create_database()
        return self.start()

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Ends it, and what its database is in."""
        self.stop()
        if self.ldap:
            self.ldap.stop()

    def start(self):
        command = [*self.enter, *self.confine, "krb5kdc", "-n"]
        for name in self.realms:
            command += ["-r", name]
        if self.workers:
            command += ["-w", str(self.workers)]
        errors = self.folder / "kdc.stderr"
        environment = self.environment()
        environment.update(SANITIZER)
        environment.update(self.own_environment)
        with open(errors, "wb") as stream:
            self._process = subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL,
                stdout=stream, stderr=stream)
        until(lambda: (self._process.poll() is not None
                       or b"starting" in errors.read_bytes()),
              "krb5kdc starting")
        assert self._process.poll() is None, (
            errors.read_text() + self.log_file.read_text())
        return self

    def stop(self):
        """Ends it; returns its exit status."""
        if self._process is None:
            return None
        process, self._process = self._process, None
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            return process.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            raise

    def restart(self):
        self.stop()
        self.write_profiles()
        return self.start()

    @property
    def pid(self):
        return self._process.pid

    def worker_pids(self):
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children")
        return [int(pid) for pid in children.read_text().split()]

    def running(self):
        return self._process is not None and self._process.poll() is None

    # Clients.

    def kinit(self, principal, identity=None, *, password=None, options=(),
              pin=None, seconds=40, realm=None):
        """Logs in with a file identity, a card ("PKCS11:...") or a password.

        realm: of the principal, if it is not the KDC's first one."""
        self._caches += 1
        cache = f"FILE:{self.folder}/cc{self._caches}"
        command = ["kinit", "-c", cache, *options]
        if identity is not None:
            command += ["-X", f"X509_user_identity={self.locate(identity)}"]
        command.append(f"{principal}@{realm}" if realm else principal)
        before, started = self.log_size(), time.monotonic()
        done = subprocess.run(
            command, env=self.environment("client"), text=True,
            input=f"{pin or password}\n" if pin or password else "",
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=seconds, check=False, start_new_session=True)
        log = self.log(before)
        return Login(done.returncode, done.stdout, audit_lines(log), log,
                     cache, time.monotonic() - started)

    def kinit_password(self, principal):
        return self.kinit(principal, password=PASSWORD)

    def locate(self, identity):
        """The X509_user_identity of a pki.Identity or a card."""
        if isinstance(identity, str):
            return identity
        if identity not in self._written:
            stem = f"id{len(self._written) + 1}"
            self._written[identity] = identity.write(self.folder, stem)
        cert, key = self._written[identity]
        return f"FILE:{cert},{key}"

    def klist(self, login, *options):
        return self.client("klist", *options, "-c", login.cache)

    def client(self, *command):
        return self.tool(*command, side="client")

    def kvno(self, login, service):
        """Asks for a service ticket; returns (status, output)."""
        done = subprocess.run(
            ["kvno", "-c", login.cache, service], check=False, text=True,
            env=self.environment("client"), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return done.returncode, done.stdout

    # Log.

    def log_size(self):
        return self.log_file.stat().st_size

    def log(self, start=0):
        with open(self.log_file, "rb") as stream:
            stream.seek(start)
            return stream.read().decode(errors="replace")

    # Programs.

    def tool(self, *command, stdin="", side="kdc", status=0):
        """Runs a program in the realm's environment; returns its output."""
        enter = self.enter if side == "kdc" else []
        done = subprocess.run(
            [*enter, *map(str, command)], env=self.environment(side),
            input=stdin, text=True, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, timeout=120, check=False)
        assert done.returncode == status, (
            f"{command[0]} exited {done.returncode}: {done.stdout}")
        return done.stdout

    def certmap(self, *arguments, status=None):
        """The certmap command with this realm's kdc.conf; (status, output)."""
        done = subprocess.run(
            [*self.enter, COMMAND, arguments[0], "-c", str(self.kdc_conf),
             *map(str, arguments[1:])],
            env=self.environment(), text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60,
            check=False)
        assert status is None or done.returncode == status, done.stdout
        return done.returncode, done.stdout
