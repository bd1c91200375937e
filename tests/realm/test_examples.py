"""The configuration files under examples/, as they are, through a real KDC.

Paths, servers and ports of the test take the place of the example's; nothing
else is changed.
"""

import contextlib
import gzip
import os
import re
import subprocess
import tempfile
import urllib.parse
from pathlib import Path

import pytest

import accounts
import realm
from directory import Directory
from slapd import KERBEROS_SCHEMA, Authority, Slapd

REALM = "EXAMPLE.COM"
POLICY = "2.16.840.1.101.3.2.1.3.13"


def use(kdc, source, servers, world):
    """Puts the examples in place of the files that Kdc wrote."""
    folder = kdc.folder
    (folder / "ldap.secret").write_text(servers[0].reader_password)
    (folder / "ldap.secret").chmod(0o600)
    (folder / "pool").mkdir()
    (folder / "pool" / "cas.pem").write_bytes(world.pool.read_bytes())
    (folder / "ntauth").mkdir()
    (folder / "ntauth" / "ca.pem").write_bytes(world.ntauth.read_bytes())
    changes = {
        "/etc/krb5kdc/certmap/roots.pem": world.roots,
        "/etc/krb5kdc/certmap/intermediates": folder / "pool",
        "/etc/krb5kdc/certmap/ntauth": folder / "ntauth",
        "/etc/krb5kdc/certmap/ldap.secret": folder / "ldap.secret",
        "/etc/krb5kdc/kdc.": folder / f"{REALM}.",
        ":certmap.so": f":{realm.MODULE}",
        "ldaps://ldap1.example.com ldaps://ldap2.example.com":
            " ".join(server.ldaps for server in servers)
            # No public CA has certified the servers of the test.
            + f"\n                ca_file = {servers[0].ca_file}",
        "/etc/krb5/roots.pem": world.roots,
        "/etc/krb5/intermediates": folder / "pool",
        "kdc1.example.com": f"127.0.0.1:{kdc.port}",
        "kdc2.example.com": f"127.0.0.1:{kdc.port}"}
    # What a package sets at build time, the test must set for its folder.
    own = kdc.kdc_conf.read_text()
    place = "".join(f"{line}\n" for line in own.splitlines() if any(
        word in line for word in ("_listen", "[kdcdefaults]", "[logging]",
                                  "kdc = FILE:")))
    place += "[realms]\n" + realm.profile({REALM: {
        "database_name": folder / f"{REALM}.db",
        "key_stash_file": folder / f"{REALM}.stash"}}) + "\n"
    for example, target in (("kdc.conf", kdc.kdc_conf),
                            ("krb5.conf", folder / "krb5-client.conf")):
        text = (source / "examples" / example).read_text()
        for old, new in changes.items():
            text = text.replace(old, str(new))
        relations = [line for line in text.splitlines()
                     if not line.lstrip().startswith("#")]
        assert not any("/etc/" in line for line in relations)
        target.write_text(text)
    config = folder / "krb5-kdc.conf"
    config.write_text(config.read_text() + place)


def test_examples(make_kdc, world, source, tmp_path):
    authority = Authority("Directory CA")
    card = world.issuing.issue("CN=alice", policies=(POLICY,))
    with Slapd(tmp_path / "one", authority=authority) as one, \
            Slapd(tmp_path / "two", authority=authority) as two:
        for server in (one, two):
            server.add(accounts.account("alice", card.mappings()["ski"],
                                        realm=REALM))
        kdc = make_kdc(start=False, realms={REALM: None})
        use(kdc, source, (one, two), world)
        kdc.start()
        kdc.add_principals("alice", "bob")
        kdc.kadmin("addprinc -randkey host/s",
                   "setstr host/s require_auth smartcard")
        login = kdc.kinit("alice", card)
        assert login.ok, login
        assert login.audit["indicators"] == "smartcard"
        assert kdc.kvno(login, "host/s")[0] == 0
        refused = kdc.kinit("bob", card)
        assert refused.audit["reason"] == "account-not-found"


def run(*command, text=""):
    done = subprocess.run(
        [str(part) for part in command], input=text, text=True, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
    assert done.returncode == 0, f"{command[0]}: {done.stdout}"
    return done.stdout


#: What a site may have had before: everybody edits their own entry.
GENEROUS = ("to attrs=userPassword by anonymous auth by * none",
            "to * by self write by * none")


def openldap_config(material, folder):
    """slapd.d and a database with the steps of examples/openldap/README.md
    on top of rules of its own."""
    config, data = folder / "slapd.d", folder / "db"
    config.mkdir()
    data.mkdir()
    schemas = [Path(f"/etc/ldap/schema/{name}.ldif").read_text()
               for name in ("core", "cosine", "inetorgperson", "nis")]
    schemas.append(run("sed", "-f", material / "msuser.sed",
                       "/etc/ldap/schema/msuser.ldif"))
    schemas.append(gzip.decompress(KERBEROS_SCHEMA.read_bytes()).decode())
    schemas.append((material / "certmap.ldif").read_text())
    run("/usr/sbin/slapadd", "-F", config, "-n", "0", text="\n".join([
        "dn: cn=config\nobjectClass: olcGlobal\ncn: config\n",
        "dn: cn=module,cn=config\nobjectClass: olcModuleList\ncn: module\n"
        "olcModulePath: /usr/lib/ldap\nolcModuleLoad: back_mdb\n",
        "dn: cn=schema,cn=config\nobjectClass: olcSchemaConfig\ncn: schema\n",
        *schemas,
        "dn: olcDatabase={0}config,cn=config\n"
        "objectClass: olcDatabaseConfig\nolcDatabase: {0}config\n"
        'olcAccess: to * by dn.base="gidNumber=%d+uidNumber=%d,cn=peercred,'
        'cn=external,cn=auth" manage\n' % (os.getgid(), os.getuid()),
        "dn: olcDatabase={1}mdb,cn=config\nobjectClass: olcDatabaseConfig\n"
        "objectClass: olcMdbConfig\nolcDatabase: {1}mdb\n"
        f"olcSuffix: {accounts.SUFFIX}\nolcDbDirectory: {data}\n"
        + "".join(f"olcAccess: {rule}\n" for rule in GENEROUS)]))
    run("/usr/sbin/slapmodify", "-F", config, "-n", "0", "-l",
        material / "database.ldif")
    return config


def openldap_people():
    def person(name, *lines):
        return "\n".join([
            f"dn: uid={name},{accounts.SUFFIX}", "objectClass: inetOrgPerson",
            "objectClass: certmapAccount", "objectClass: krbPrincipalAux",
            "objectClass: krbTicketPolicyAux", f"uid: {name}", f"cn: {name}",
            f"sn: {name}", "userPassword: secret",
            f"krbPrincipalName: {name}@{REALM}", *lines]) + "\n\n"
    return (f"dn: {accounts.SUFFIX}\nobjectClass: dcObject\n"
            "objectClass: organization\ndc: example\no: example\n\n"
            + "".join(f"dn: cn={name},{accounts.SUFFIX}\n"
                      "objectClass: organizationalRole\n"
                      f"objectClass: simpleSecurityObject\ncn: {name}\n"
                      "userPassword: secret\n\n"
                      for name in ("admin", "kdc"))
            + person("alice", "userPrincipalName: alice@example.com",
                     "altSecurityIdentities: X509:<SKI>00",
                     "altSecurityIdentities: X509:<SKI>01")
            + person("gone", "krbTicketFlags: 64"))


@contextlib.contextmanager
def openldap(config, data):
    """slapd on it; yields its URI."""
    run("/usr/sbin/slapadd", "-F", config, "-n", "1", text=data)
    with tempfile.TemporaryDirectory(prefix="slapd.") as short:
        uri = "ldapi://" + urllib.parse.quote(f"{short}/ldapi", safe="")
        process = subprocess.Popen(["/usr/sbin/slapd", "-d", "0", "-F",
                                    config, "-h", uri],
                                   stderr=subprocess.DEVNULL)
        try:
            realm.until(lambda: subprocess.run(
                ["ldapwhoami", "-x", "-H", uri], check=False,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL).returncode == 0, "slapd")
            yield uri
        finally:
            process.terminate()
            process.wait(20)


@pytest.mark.skipif(not KERBEROS_SCHEMA.exists(),
                    reason="not installed: krb5-kdc-ldap")
def test_openldap_material(source, tmp_path):
    """Schema, class, indexes and access rules: the KDC sees what decides,
    and nobody edits it on their own entry."""
    config = openldap_config(source / "examples" / "openldap", tmp_path)
    secret = tmp_path / "secret"
    secret.touch(mode=0o600)
    secret.write_text("secret")
    with openldap(config, openldap_people()) as uri:
        with Directory(f"uri={uri}", f"base={accounts.SUFFIX}",
                       f"bind_dn=cn=kdc,{accounts.SUFFIX}",
                       f"password_file={secret}",
                       "dns_domain=example.com") as directory:
            (alice,) = directory.find(f"alice@{REALM}",
                                      "ALICE@example.com")["accounts"]
            assert alice["mapping_count"] == 2 and not alice["disabled"]
            assert alice["created_state"] == 1
            (gone,) = directory.find(f"gone@{REALM}")["accounts"]
            assert gone["disabled"]

        def edit(attribute, value, status):
            done = subprocess.run(
                ["ldapmodify", "-x", "-H", uri, "-w", "secret", "-D",
                 f"uid=alice,{accounts.SUFFIX}"], text=True, check=False,
                input=f"dn: uid=alice,{accounts.SUFFIX}\nchangetype: modify\n"
                f"add: {attribute}\n{attribute}: {value}\n",
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            assert done.returncode == status, done.stdout
        edit("description", "mine", 0)
        run("ldapmodify", "-Q", "-Y", "EXTERNAL", "-H", uri, "-f",
            source / "examples" / "openldap" / "monitor.ldif")
        for name in ("cn=admin", "cn=kdc", "uid=alice"):
            done = subprocess.run(
                ["ldapsearch", "-x", "-LLL", "-H", uri, "-w", "secret", "-D",
                 f"{name},{accounts.SUFFIX}", "-s", "one", "-b",
                 "cn=Connections,cn=Monitor", "monitorConnectionOpsExecuting"],
                text=True, check=False, stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL)
            assert ("monitorConnectionOpsExecuting: " in done.stdout) == (
                name == "cn=admin"), done.stdout
        for attribute, value in (("altSecurityIdentities", "X509:<SKI>02"),
                                 ("krbPrincipalName", f"boss@{REALM}"),
                                 ("objectSid", "S-1-5-21-1-2-3-4"),
                                 ("krbTicketFlags", "0"), ("uid", "boss")):
            edit(attribute, value, 50)


@pytest.mark.skipif(bool(realm.PRELOAD),
                    reason="the quickstart's krb5kdc has no sanitizers")
def test_quickstart_keeps_running(tmp_path):
    """--keep leaves a realm that the printed commands use and stop."""
    environment = dict(os.environ, TMPDIR=str(tmp_path), CERTMAP_BUILD=str(
        Path(realm.MODULE).parent.parent))
    source = Path(__file__).resolve().parent.parent.parent
    done = subprocess.run(
        [source / "examples" / "quickstart", "--keep"], env=environment,
        text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, timeout=120, check=False)
    stop = re.search(r"Stop it:\n    (.*)\n", done.stdout)
    assert done.returncode == 0 and stop, done.stdout
    try:
        exports = re.findall(r"    (export \S+)\n", done.stdout)
        login = re.search(r"    (kinit -X \S+ alice)\n", done.stdout)[1]
        output = run("sh", "-c", "\n".join([
            *exports, f"echo 1234 | {login}", "klist"]))
        assert "Default principal: alice@CORP.TEST" in output
    finally:
        run("sh", "-c", stop[1])
    assert not list(tmp_path.glob("certmap-quickstart.*"))
