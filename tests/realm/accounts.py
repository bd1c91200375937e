"""Accounts of a directory, for tests: LDIF entries and realm settings."""

from pathlib import Path

CLASSES = ("inetOrgPerson", "posixAccount", "krbPrincipalAux",
           "certmapTestAccount")
SUFFIX = "dc=example,dc=com"


def account(name, *mappings, rdn=None, principal=None, realm="CORP.TEST",
            suffix=SUFFIX, **attributes):
    """One entry of the `mit` and `posix` schemas; principal False: none."""
    lines = [f"dn: uid={rdn or name},{suffix}"]
    lines += [f"objectClass: {value}" for value in CLASSES]
    lines += [f"uid: {rdn or name}", f"cn: {name}", f"sn: {name}",
              "uidNumber: 1000", "gidNumber: 1000",
              f"homeDirectory: /home/{name}"]
    if principal is not False:
        lines.append(f"krbPrincipalName: {principal or f'{name}@{realm}'}")
    lines += [f"altSecurityIdentities: {value}" for value in mappings]
    lines += [f"{key}: {value}" for key, value in attributes.items()]
    return "\n".join(lines) + "\n\n"


def settings(folder, *uris, bind_dn=None, password=None, **changes):
    """The relations that make a realm ask a directory."""
    ldap = {"uri": " ".join(uris), "base": SUFFIX, "schema": "mit"}
    if bind_dn:
        secret = Path(folder) / "ldap.secret"
        secret.write_text(password)
        secret.chmod(0o600)
        ldap.update(bind_dn=bind_dn, password_file=secret)
    ldap.update(changes)
    return {"directory": "ldap", "ldap": ldap}


def reader(folder, *servers, **changes):
    """settings() for servers of class Slapd, as their reader."""
    uris = [server.ldap for server in servers]
    return settings(folder, *uris, bind_dn=servers[0].reader_dn,
                    password=servers[0].reader_password, **changes)
