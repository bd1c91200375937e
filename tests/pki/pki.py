"""Certificates made at test time.

A second pair of eyes beside testcert.c: nothing here uses the project's own
code, and `mappings()` writes altSecurityIdentities values from the rules in
[MS-PKCA] 3.1.5.2.1.3 alone.
"""

import datetime
import functools
import hashlib
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID, ObjectIdentifier as OID

CLIENT_AUTH = "1.3.6.1.5.5.7.3.2"
SERVER_AUTH = "1.3.6.1.5.5.7.3.1"
SMARTCARD_LOGON = "1.3.6.1.4.1.311.20.2.2"
PKINIT_CLIENT = "1.3.6.1.5.2.3.4"
PKINIT_KDC = "1.3.6.1.5.2.3.5"
LOGON = (CLIENT_AUTH, SMARTCARD_LOGON)

UPN = OID("1.3.6.1.4.1.311.20.2.3")
PKINIT_SAN = OID("1.3.6.1.5.2.2")
SID_EXTENSION = OID("1.3.6.1.4.1.311.25.2")
SID_VALUE = "1.3.6.1.4.1.311.25.2.1"

DAY = datetime.timedelta(days=1)


def now(days=0):
    """A moment that many days from now, as certificates write it."""
    return datetime.datetime.utcnow().replace(microsecond=0) + days * DAY


def tlv(tag, *contents):
    """One DER element."""
    body = b"".join(contents)
    if len(body) < 0x80:
        return bytes([tag, len(body)]) + body
    size = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(size)]) + size + body


def der_oid(dotted):
    first, second, *rest = (int(part) for part in dotted.split("."))
    out = bytearray()
    for number in [first * 40 + second, *rest]:
        chunk = [number & 0x7F]
        while number := number >> 7:
            chunk.append(0x80 | (number & 0x7F))
        out += bytes(reversed(chunk))
    return tlv(0x06, bytes(out))


def kerberos_name(realm, *components):
    """KRB5PrincipalName of RFC 4556 section 3.2.2."""
    strings = b"".join(tlv(0x1B, c.encode()) for c in components)
    name_type = 1 if len(components) == 1 else 2
    principal = tlv(0x30, tlv(0xA0, tlv(0x02, bytes([name_type]))),
                    tlv(0xA1, tlv(0x30, strings)))
    return tlv(0x30, tlv(0xA0, tlv(0x1B, realm.encode())),
               tlv(0xA1, principal))


def sid_extension(sid):
    """The SID extension of [MS-WCCE] 2.2.2.7.7.4."""
    value = tlv(0xA0, tlv(0x04, sid.encode()))
    return tlv(0x30, tlv(0xA0, der_oid(SID_VALUE), value))


@functools.lru_cache(maxsize=None)
def key(kind, slot):
    """One key for each kind and slot, made at first use."""
    if kind.startswith("rsa"):
        return rsa.generate_private_key(65537, int(kind[3:]))
    return ec.generate_private_key(ec.SECP256R1())


def name(text):
    """"DC=test,DC=corp,CN=Root" in encoding order."""
    types = {"CN": NameOID.COMMON_NAME, "O": NameOID.ORGANIZATION_NAME,
             "OU": NameOID.ORGANIZATIONAL_UNIT_NAME,
             "DC": NameOID.DOMAIN_COMPONENT, "C": NameOID.COUNTRY_NAME}
    parts = (part.split("=", 1) for part in text.split(","))
    return x509.Name([x509.NameAttribute(types[t], v) for t, v in parts])


def some_serial():
    """A serial number at random.  It is odd: one that ends in 00 makes another
    fault of a mapping whose octets are turned round."""
    return x509.random_serial_number() | 1


class Identity:
    """A certificate and its key."""

    def __init__(self, cert, private_key, issuer_text, subject_text):
        self.cert = cert
        self.key = private_key
        self.issuer_text = issuer_text
        self.subject_text = subject_text

    @property
    def pem(self):
        return self.cert.public_bytes(serialization.Encoding.PEM)

    @property
    def der(self):
        return self.cert.public_bytes(serialization.Encoding.DER)

    @property
    def key_pem(self):
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption())

    @property
    def spki_sha256(self):
        return hashlib.sha256(self.cert.public_key().public_bytes(
            serialization.Encoding.DER,
            serialization.PublicFormat.SubjectPublicKeyInfo)).hexdigest()

    def write(self, folder, stem):
        """Writes STEM.pem and STEM.key; returns their paths."""
        folder = Path(folder)
        paths = folder / f"{stem}.pem", folder / f"{stem}.key"
        paths[0].write_bytes(self.pem)
        paths[1].write_bytes(self.key_pem)
        paths[1].chmod(0o600)
        return paths

    def mappings(self):
        """altSecurityIdentities values by form (plain names only)."""
        number = self.cert.serial_number
        serial = number.to_bytes((number.bit_length() + 7) // 8, "little")
        ski = x509.SubjectKeyIdentifier.from_public_key(
            self.cert.public_key()).digest
        issuer, subject = self.issuer_text, self.subject_text
        return {
            "issuer-serial": f"X509:<I>{issuer}<SR>{serial.hex()}",
            "ski": f"X509:<SKI>{ski.hex()}",
            "sha1-pukey":
                f"X509:<SHA1-PUKEY>{hashlib.sha1(self.der).hexdigest()}",
            "issuer-subject": f"X509:<I>{issuer}<S>{subject}",
            "subject": f"X509:<S>{subject}",
        }


class Authority(Identity):
    """A CA: an identity that issues others."""

    def issue(self, subject, *, key_kind="rsa2048", slot=None, serial=None,
              eku=LOGON, upn=None, rfc822=None, sid=None, policies=(),
              not_before=None, not_after=None, ca=False, ski=True,
              key_usage=True, digest=None, other_names=(), extensions=()):
        private_key = key(key_kind, slot or subject)
        builder = (
            x509.CertificateBuilder()
            .subject_name(name(subject))
            .issuer_name(self.cert.subject if self.cert else name(subject))
            .public_key(private_key.public_key())
            .serial_number(serial or some_serial())
            .not_valid_before(not_before or now(-1))
            .not_valid_after(not_after or now(30))
            .add_extension(x509.BasicConstraints(ca, None), critical=True))
        if key_usage:
            builder = builder.add_extension(usage(ca), critical=True)
        if ski:
            builder = builder.add_extension(
                x509.SubjectKeyIdentifier.from_public_key(
                    private_key.public_key()), critical=False)
        if eku:
            builder = builder.add_extension(
                x509.ExtendedKeyUsage([OID(o) for o in eku]), critical=False)
        names = [x509.OtherName(OID(o), v) for o, v in other_names]
        if upn:
            names.append(x509.OtherName(UPN, tlv(0x0C, upn.encode())))
        if rfc822:
            names.append(x509.RFC822Name(rfc822))
        if names:
            builder = builder.add_extension(
                x509.SubjectAlternativeName(names), critical=False)
        if policies:
            builder = builder.add_extension(x509.CertificatePolicies(
                [x509.PolicyInformation(OID(p), None) for p in policies]),
                critical=False)
        raw = list(extensions)
        if sid:
            raw.append((SID_EXTENSION.dotted_string, sid_extension(sid)))
        for oid, value in raw:
            builder = builder.add_extension(
                x509.UnrecognizedExtension(OID(oid), value), critical=False)
        cert = builder.sign(self.key or private_key, digest or hashes.SHA256())
        kind = Authority if ca else Identity
        return kind(cert, private_key, self.subject_text or subject, subject)

    def authority(self, subject, slot=None, key_kind="ec", **options):
        """A CA below this one."""
        return self.issue(subject, key_kind=key_kind, slot=slot or subject,
                          eku=(), ca=True, **options)

    def kdc(self, realm, key_kind="ec"):
        """The KDC's own certificate (RFC 4556 section 3.2.4)."""
        return self.issue(
            f"CN=KDC of {realm}", key_kind=key_kind, eku=(PKINIT_KDC,),
            other_names=[(PKINIT_SAN.dotted_string,
                          kerberos_name(realm, "krbtgt", realm))])

    def tls(self, address="127.0.0.1"):
        """A TLS server certificate for a loopback address."""
        private_key = key("ec", f"tls {self.subject_text}")
        cert = (
            x509.CertificateBuilder().subject_name(name("CN=localhost"))
            .issuer_name(self.cert.subject)
            .public_key(private_key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now(-1)).not_valid_after(now(30))
            .add_extension(x509.SubjectAlternativeName(
                [x509.DNSName("localhost"),
                 x509.IPAddress(ipaddress.ip_address(address))]), False)
            .sign(self.key, hashes.SHA256()))
        return Identity(cert, private_key, self.subject_text, "CN=localhost")


def root(subject, **options):
    """A self-signed CA."""
    return Authority(None, None, None, None).authority(subject, **options)


def usage(ca):
    return x509.KeyUsage(
        digital_signature=not ca, content_commitment=False,
        key_encipherment=False, data_encipherment=False, key_agreement=False,
        key_cert_sign=ca, crl_sign=ca, encipher_only=False,
        decipher_only=False)


def bundle(path, identities):
    """A PEM file of several certificates."""
    path = Path(path)
    path.write_bytes(b"".join(i.pem for i in identities))
    return path
