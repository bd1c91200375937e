"""A realm that asks about revocation, and what CAs publish: CRLs and an
OCSP responder.  All on loopback, all with faults on demand."""

import contextlib
import datetime
import http.server
import os
import subprocess
import threading
import time
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

import pki
import realm

HOUR = datetime.timedelta(hours=1)
OCSP_SIGNING = "1.3.6.1.5.5.7.3.9"
#: Seconds in which every worker has looked at the store again.
NOTICED = 0.6
#: What kinit says of error 72.
REVOKED = "Revoked"
#: A CRL that ended a day ago.
ENDED = {"age": 48 * HOUR, "life": 24 * HOUR}


class Publisher:
    """One CA's revocations, numbered as they are published."""

    def __init__(self, authority):
        self.authority = authority
        self.number = 0
        self.revoked = {}

    def revoke(self, identity, reason=x509.ReasonFlags.key_compromise):
        self.revoked[identity.cert.serial_number] = reason

    def crl(self, *, age=HOUR, life=24 * HOUR):
        """A CRL as it was published that long ago, in DER."""
        self.number += 1
        made = pki.now() - age
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.authority.cert.subject)
            .last_update(made).next_update(made + life)
            .add_extension(x509.CRLNumber(self.number), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(
                    self.authority.cert.public_key()), critical=False))
        for serial, reason in self.revoked.items():
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder().serial_number(serial)
                .revocation_date(made)
                .add_extension(x509.CRLReason(reason), critical=False)
                .build())
        return builder.sign(self.authority.key, hashes.SHA256()).public_bytes(
            serialization.Encoding.DER)


class Store:
    """A revocation store and what is dropped into it by hand."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.mkdir(mode=0o755)

    def drop(self, **crls):
        """Puts CRLs into incoming/, as an administrator without a network
        would."""
        incoming = self.folder / "incoming"
        incoming.mkdir(mode=0o755, exist_ok=True)
        for name, crl in crls.items():
            (incoming / f"{name}.crl").write_bytes(crl)

    def files(self, pattern, authority=None):
        base = self.folder
        if authority:
            base = base / "crl" / authority.spki_sha256
        found = sorted(base.rglob(pattern))
        assert found, f"no {pattern} in {base}"
        return found


class Responder:
    """`openssl ocsp` behind a web server of our own, which keeps it on
    loopback and makes the faults.

    fault  None, "500", "hang", "flood" (megabytes), "other" (an answer about
           another serial number)
    """

    FLOOD = 8 * 1024 * 1024

    def __init__(self, folder, authority, signer):
        self.folder = Path(folder)
        self.folder.mkdir()
        self.authority = authority
        self.index = self.folder / "index.txt"
        self.index.write_text("")
        self.fault = None
        self.asked = 0
        self.waiting = threading.Event()
        self.release = threading.Event()
        authority.write(self.folder, "ca")
        signer.write(self.folder, "signer")
        self._server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self._server.server_port}/"

    def stop(self):
        self.release.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def know(self, identity, revoked=False):
        """Writes one line of the CA's index."""
        cert = identity.cert
        form = "%y%m%d%H%M%SZ"
        gone = f"{pki.now().strftime(form)},keyCompromise" if revoked else ""
        serial = f"{cert.serial_number:x}".upper()
        serial = serial.zfill(len(serial) + len(serial) % 2)
        lines = [line for line in self.index.read_text().splitlines()
                 if f"\t{serial}\t" not in line]
        lines.append("\t".join((
            "R" if revoked else "V", cert.not_valid_after.strftime(form),
            gone, serial, "unknown", f"/CN={serial}")))
        self.index.write_text("\n".join(lines) + "\n")

    def answer(self, request):
        if self.fault == "other":
            request = self._about_another()
        done = subprocess.run(
            ["openssl", "ocsp", "-index", self.index, "-CA",
             self.folder / "ca.pem", "-rsigner", self.folder / "signer.pem",
             "-rkey", self.folder / "signer.key", "-ndays", "1", "-reqin",
             "/dev/stdin", "-respout", "/dev/stdout"],
            input=request, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _about_another(self):
        done = subprocess.run(
            ["openssl", "ocsp", "-issuer", self.folder / "ca.pem", "-serial",
             "0x7777", "-no_nonce", "-reqout", "/dev/stdout"],
            stdout=subprocess.PIPE, check=True)
        return done.stdout

    def _handler(self):
        responder = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                responder.asked += 1
                size = int(self.headers["Content-Length"])
                request = self.rfile.read(size)
                if responder.fault == "hang":
                    responder.waiting.set()
                    responder.release.wait(60)
                    return
                with contextlib.suppress(ConnectionError):
                    self._respond(request)

            def _respond(self, request):
                if responder.fault == "500":
                    self.send_error(500)
                    return
                body = (b"0" * responder.FLOOD if responder.fault == "flood"
                        else responder.answer(request))
                self.send_response(200)
                self.send_header("Content-Type", "application/ocsp-response")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        return Handler


def refresh(kdc, *statuses):
    """certmap refresh, which exits with one of these (0).  Its network part
    becomes nobody, where it can become somebody else.  Returns what it
    says."""
    user = ["--user", "nobody"] if os.getuid() == 0 else []
    code, output = kdc.certmap("refresh", *user)
    assert code in (statuses or (0,)), f"exit {code}: {output}"
    return output


class Setting:
    """A realm that requires status: one card, one store, two CAs.

    plugins is the KDC's wiring, if not that of make_kdc."""

    def __init__(self, make_kdc, world, folder, plugins=None, **relations):
        self.world = world
        self.store = Store(folder)
        self.issuing = Publisher(world.issuing)
        self.root = Publisher(world.root)
        self.card = world.card("alice")
        certmap = world.certmap(
            revocation="require", store=self.store.folder,
            indicators={"fresh": "revocation:checked"})
        certmap.update(relations)
        wiring = {"plugins": plugins} if plugins else {}
        self.kdc = make_kdc(workers=2, realms={"CORP.TEST": certmap}, **wiring)
        self.kdc.add_principals("alice", "bob")
        self.kdc.add_password("paul")
        for name in ("alice", "bob"):
            self.kdc.set_mappings(name, world.card(name).mappings()["ski"])

    def publish(self, **options):
        """Both CAs' CRLs, dropped in and taken up; options are the issuing
        CA's.  refresh raises an alarm (1) if one has ended and is needed."""
        self.store.drop(issuing=self.issuing.crl(**options),
                        root=self.root.crl())
        self.refresh(0, 1 if options == ENDED else 0)

    def refresh(self, *statuses):
        return refresh(self.kdc, *statuses)

    def log_in(self, who="alice"):
        return self.kdc.kinit(who, self.world.card(who))

    def becomes(self, reason, who="alice"):
        return becomes(self.kdc, who, self.world.card(who), reason)


def becomes(kdc, principal, card, reasons):
    """Every worker answers so (one reason, or any of a set), for longer than
    a worker may take to notice; returns the last audit line."""
    expected = {reasons} if isinstance(reasons, str) else reasons
    audits = []

    def answers():
        settled = time.monotonic() + NOTICED
        while time.monotonic() < settled:
            audits.append(kdc.kinit(principal, card).audit)
            if audits[-1]["reason"] not in expected:
                return False
        return True
    realm.until(answers, lambda: f"{principal}: {reasons}, last "
                f"{[audit['reason'] for audit in audits[-6:]]}")
    return audits[-1]
