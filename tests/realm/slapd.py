"""A real slapd for tests: in a folder of its own, on loopback, ended by pid.

    with Slapd(folder, authority=Authority("Test CA")) as slapd:
        slapd.add(ldif)
        ... slapd.ldap, slapd.ldaps, slapd.ldapi ...
"""

import datetime
import gzip
import ipaddress
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import time
import urllib.parse

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ports import free_port

START_SECONDS = 20
SCHEMA_FOLDER = pathlib.Path("/etc/ldap/schema")
KERBEROS_SCHEMA = pathlib.Path(
    "/usr/share/doc/krb5-kdc-ldap/kerberos.openldap.ldif.gz")

# What the tests use of the Kerberos schema, where the package that brings
# the whole is not installed.
KERBEROS_FALLBACK = """\
dn: cn=kerberos,cn=schema,cn=config
objectClass: olcSchemaConfig
cn: kerberos
olcAttributeTypes: ( 2.16.840.1.113719.1.301.4.1.1 NAME 'krbPrincipalName'
  EQUALITY caseExactIA5Match SYNTAX 1.3.6.1.4.1.1466.115.121.1.26 )
olcAttributeTypes: ( 1.2.840.113554.1.4.1.6.1 NAME 'krbCanonicalName'
  EQUALITY caseExactIA5Match SYNTAX 1.3.6.1.4.1.1466.115.121.1.26
  SINGLE-VALUE )
olcAttributeTypes: ( 2.16.840.1.113719.1.301.4.6.1
  NAME 'krbPrincipalExpiration' EQUALITY generalizedTimeMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.24 SINGLE-VALUE )
olcAttributeTypes: ( 2.16.840.1.113719.1.301.4.8.1 NAME 'krbTicketFlags'
  EQUALITY integerMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )
olcObjectClasses: ( 2.16.840.1.113719.1.301.6.8.1 NAME 'krbPrincipalAux'
  SUP top AUXILIARY MAY ( krbPrincipalName $ krbCanonicalName $
  krbPrincipalExpiration ) )
olcObjectClasses: ( 2.16.840.1.113719.1.301.6.16.1
  NAME 'krbTicketPolicyAux' SUP top AUXILIARY MAY krbTicketFlags )
"""

# Attributes of other directories, and a class that lets one entry hold
# everything an account can.
TEST_SCHEMA = """\
dn: cn=certmaptest,cn=schema,cn=config
objectClass: olcSchemaConfig
cn: certmaptest
olcAttributeTypes: ( 2.16.840.1.113730.3.1.610 NAME 'nsAccountLock'
  EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15
  SINGLE-VALUE )
olcAttributeTypes: ( 2.16.840.1.113730.3.8.12.39 NAME 'ipaNTSecurityIdentifier'
  EQUALITY caseIgnoreIA5Match SYNTAX 1.3.6.1.4.1.1466.115.121.1.26 )
olcObjectClasses: ( 1.3.6.1.4.1.4203.666.100.1 NAME 'certmapTestAccount'
  SUP top AUXILIARY MAY ( altSecurityIdentities $ userPrincipalName $
  sAMAccountName $ userAccountControl $ objectSid $ whenCreated $
  accountExpires $ lockoutTime $ nsAccountLock $ ipaNTSecurityIdentifier ) )
"""

# OpenLDAP's msuser schema declares no matching rules: such attributes cannot
# be searched by value, indexed, or lose one value of several.  Active
# Directory's own rules are added here.
MSUSER_RULES = {
    "altSecurityIdentities": "caseIgnoreMatch",
    "userPrincipalName": "caseIgnoreMatch",
    "sAMAccountName": "caseIgnoreMatch",
    "objectSid": "octetStringMatch",
    "userAccountControl": "integerMatch",
}

DEFAULT_INDEXES = (
    "objectClass eq",
    "krbPrincipalName eq",
    "uid eq",
    "userPrincipalName eq",
    "sAMAccountName eq",
    "altSecurityIdentities eq",
)


class Authority:
    """A certificate authority for TLS servers."""

    def __init__(self, name):
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.key = ec.generate_private_key(ec.SECP256R1())
        constraints = x509.BasicConstraints(ca=True, path_length=0)
        self.certificate = (
            self._builder(self.name, self.key.public_key(), -1, 30)
            .add_extension(constraints, critical=True)
            .sign(self.key, hashes.SHA256()))

    def _builder(self, subject, public_key, first_day, last_day):
        now = datetime.datetime.utcnow()
        return (x509.CertificateBuilder()
                .subject_name(subject)
                .issuer_name(self.name)
                .public_key(public_key)
                .serial_number(x509.random_serial_number())
                .not_valid_before(now + datetime.timedelta(days=first_day))
                .not_valid_after(now + datetime.timedelta(days=last_day)))

    def write(self, path):
        """Writes the CA's own certificate as PEM."""
        path = pathlib.Path(path)
        path.write_bytes(
            self.certificate.public_bytes(serialization.Encoding.PEM))
        return path

    def issue(self, folder, stem="server", dns=("localhost",),
              addresses=("127.0.0.1", "::1"), expired=False):
        """Writes folder/stem.pem and folder/stem.key; returns both paths."""
        folder = pathlib.Path(folder)
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([
            x509.NameAttribute(NameOID.COMMON_NAME, (dns or ("nobody",))[0])])
        names = [x509.DNSName(name) for name in dns]
        names += [x509.IPAddress(ipaddress.ip_address(a)) for a in addresses]
        first, last = (-20, -10) if expired else (-1, 20)
        certificate = (
            self._builder(subject, key.public_key(), first, last)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .sign(self.key, hashes.SHA256()))
        cert_path, key_path = folder / f"{stem}.pem", folder / f"{stem}.key"
        cert_path.write_bytes(
            certificate.public_bytes(serialization.Encoding.PEM))
        key_path.touch(mode=0o600)
        key_path.write_bytes(key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption()))
        return cert_path, key_path


class Slapd:
    """One slapd with one database and three listeners.

    authority    issues the server's certificate; None: no TLS at all
    certificate  (cert, key) paths to use instead of one from authority
    access       olcAccess values; the default lets the reader and the test's
                 own user (over ldapi) read, and anonymous only bind
    limits       what the reader may read at once, as in olcLimits
    msuser_rules equality rules for attributes of the msuser schema; {}: that
                 schema as OpenLDAP ships it (then pass indexes too)
    """

    admin_password = "admin-secret"
    reader_password = "reader-secret"

    def __init__(self, folder, authority=None, certificate=None,
                 suffix="dc=example,dc=com", indexes=DEFAULT_INDEXES,
                 access=None, msuser_rules=None, limits=None):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.suffix = suffix
        self.admin_dn = f"cn=admin,{suffix}"
        self.reader_dn = f"cn=kdc,{suffix}"
        self.peer_dn = (f"gidNumber={os.getgid()}+uidNumber={os.getuid()},"
                        "cn=peercred,cn=external,cn=auth")
        self.access = access or (
            f'to attrs=userPassword by dn.base="{self.peer_dn}" write '
            'by anonymous auth by * none',
            f'to * by dn.base="{self.peer_dn}" write '
            f'by dn.base="{self.reader_dn}" read by * none')
        self.indexes = indexes
        self.limits = limits
        self.msuser_rules = (
            MSUSER_RULES if msuser_rules is None else msuser_rules)
        self.authority = authority
        self.certificate = certificate
        if authority is not None:
            self.ca_file = authority.write(self.folder / "ca.pem")
            if certificate is None:
                self.certificate = authority.issue(self.folder)
        # A socket path must be short, whatever the test's folder is called.
        self._short = tempfile.TemporaryDirectory(prefix="slapd.")
        self._process = None
        self.port, self.tls_port = free_port(), free_port()
        self._configure()
        self.load(self._base_ldif())

    # Where it listens.

    @property
    def ldap(self):
        return f"ldap://127.0.0.1:{self.port}"

    @property
    def ldaps(self):
        # Not localhost: libldap would look for this machine's host name.
        return f"ldaps://127.0.0.1:{self.tls_port}"

    @property
    def ldapi(self):
        path = os.path.join(self._short.name, "ldapi")
        return "ldapi://" + urllib.parse.quote(path, safe="")

    # Its life.

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()
        self._short.cleanup()

    def start(self):
        listeners = [self.ldapi, self.ldap]
        if self.certificate is not None:
            listeners.append(f"ldaps://127.0.0.1:{self.tls_port}")
        with open(self.folder / "slapd.log", "ab") as log:
            self._process = subprocess.Popen(
                ["/usr/sbin/slapd", "-d", "0", "-F", self._config,
                 "-h", " ".join(listeners)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self._wait_until_it_answers()
        return self

    def stop(self):
        """Ends it politely; harmless when it does not run."""
        self._end(signal.SIGTERM)

    def kill(self):
        """Ends it at once, as a crash would."""
        self._end(signal.SIGKILL)

    def crashed(self):
        return self._process.poll() == -signal.SIGSEGV

    def pause(self):
        """It keeps its connections and answers nothing."""
        self._process.send_signal(signal.SIGSTOP)
        # The signal takes a moment to reach every thread.
        os.waitpid(self._process.pid, os.WUNTRACED)

    def resume(self):
        self._process.send_signal(signal.SIGCONT)

    @property
    def pid(self):
        return self._process.pid

    # What it holds.

    def load(self, ldif):
        """Adds entries while it is stopped, operational attributes too."""
        self._tool("/usr/sbin/slapadd", "-q", "-F", self._config, "-n", "1",
                   text=ldif)

    def add(self, ldif):
        self._tool("/usr/bin/ldapadd", *self._as_peer(), text=ldif)

    def modify(self, ldif):
        self._tool("/usr/bin/ldapmodify", *self._as_peer(), text=ldif)

    def delete(self, dn):
        self._tool("/usr/bin/ldapdelete", *self._as_peer(), dn)

    # Inside.

    def _as_peer(self):
        return "-Q", "-Y", "EXTERNAL", "-H", self.ldapi

    def _tool(self, *command, text=""):
        environment = dict(os.environ, LDAPNOINIT="1")
        done = subprocess.run(
            [str(part) for part in command], input=text.encode(),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env=environment, timeout=120, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{command[0]}: {done.stdout.decode()}")

    def _end(self, number):
        if self._process is None:
            return
        self._process.send_signal(signal.SIGCONT)
        self._process.send_signal(number)
        self._process.wait(timeout=START_SECONDS)
        self._process = None

    def _wait_until_it_answers(self):
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                break
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except OSError:
                time.sleep(0.01)
        log = (self.folder / "slapd.log").read_text(errors="replace")
        self.stop()
        raise RuntimeError(f"slapd did not start: {log}")

    def _configure(self):
        self._config = self.folder / "slapd.d"
        self._config.mkdir()
        (self.folder / "db").mkdir()
        text = "\n".join([self._global_ldif(), self._schema_ldif(),
                          self._database_ldif()])
        self._tool("/usr/sbin/slapadd", "-F", self._config, "-n", "0",
                   text=text)

    def _global_ldif(self):
        lines = ["dn: cn=config", "objectClass: olcGlobal", "cn: config",
                 "olcSizeLimit: unlimited",
                 # Debian's; without it each answer calls syslog().
                 "olcLogLevel: none"]
        if self.certificate is not None:
            cert, key = self.certificate
            lines += [f"olcTLSCertificateFile: {cert}",
                      f"olcTLSCertificateKeyFile: {key}"]
        lines += ["", "dn: cn=module,cn=config",
                  "objectClass: olcModuleList", "cn: module",
                  "olcModulePath: /usr/lib/ldap",
                  "olcModuleLoad: back_mdb", ""]
        return "\n".join(lines)

    def _msuser_ldif(self):
        text = (SCHEMA_FOLDER / "msuser.ldif").read_text()
        for name, rule in self.msuser_rules.items():
            plain = f"  NAME '{name}'\n"
            assert text.count(plain) == 1, name
            text = text.replace(plain, f"{plain}  EQUALITY {rule}\n")
        return text

    def _schema_ldif(self):
        names = ("core", "cosine", "inetorgperson", "nis")
        parts = ["dn: cn=schema,cn=config\nobjectClass: olcSchemaConfig\n"
                 "cn: schema\n"]
        parts += [(SCHEMA_FOLDER / f"{name}.ldif").read_text()
                  for name in names]
        parts.append(self._msuser_ldif())
        if KERBEROS_SCHEMA.exists():
            parts.append(gzip.decompress(KERBEROS_SCHEMA.read_bytes())
                         .decode())
        else:
            parts.append(KERBEROS_FALLBACK)
        parts.append(TEST_SCHEMA)
        return "\n".join(parts)

    def _database_ldif(self):
        lines = ["dn: olcDatabase={1}mdb,cn=config",
                 "objectClass: olcDatabaseConfig",
                 "objectClass: olcMdbConfig",
                 "olcDatabase: {1}mdb",
                 f"olcSuffix: {self.suffix}",
                 f"olcRootDN: {self.admin_dn}",
                 f"olcRootPW: {self.admin_password}",
                 f"olcDbDirectory: {self.folder / 'db'}",
                 "olcDbMaxSize: 1073741824",
                 "olcDbNoSync: TRUE"]
        lines += [f"olcAccess: {rule}" for rule in self.access]
        lines += [f"olcDbIndex: {index}" for index in self.indexes]
        if self.limits:
            lines.append(f'olcLimits: dn.base="{self.reader_dn}" '
                         f"{self.limits}")
        return "\n".join(lines) + "\n"

    def _base_ldif(self):
        label = self.suffix.split(",")[0].split("=")[1]
        return (f"dn: {self.suffix}\n"
                "objectClass: dcObject\nobjectClass: organization\n"
                f"dc: {label}\no: {label}\n\n"
                f"dn: {self.reader_dn}\n"
                "objectClass: organizationalRole\n"
                "objectClass: simpleSecurityObject\n"
                f"cn: kdc\nuserPassword: {self.reader_password}\n")


class EditableSlapd(Slapd):
    """A slapd whose cn=config the test's own user may change."""

    def _database_ldif(self):
        return ("dn: olcDatabase={0}config,cn=config\n"
                "objectClass: olcDatabaseConfig\nolcDatabase: {0}config\n"
                f'olcAccess: to * by dn.base="{self.peer_dn}" manage\n\n'
                + super()._database_ldif())
