"""The configuration files under examples/, as they are, through a real KDC.

Paths, servers and ports of the test take the place of the example's; nothing
else is changed.
"""

import accounts
import realm
from slapd import Authority, Slapd

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
        "certmap:certmap.so": f"certmap:{realm.MODULE}",
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
