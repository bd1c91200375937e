"""Published PIV test cards log in to a real realm, with their own CAs and
their CRLs on loopback: the addresses inside the certificates do not exist.

conformance.test_piv_* judge every card, CRL and OCSP signer of the set.
"""

import copy
import json
import os
import subprocess
from pathlib import Path

import pytest

import nginx
import realm
import revocation

DATA = Path(os.environ.get("CERTMAP_TESTDATA")
            or Path(__file__).resolve().parents[3] / "shared" / "data")
PIV = DATA / "icam-piv"

pytestmark = [
    pytest.mark.skipif(not PIV.is_dir(),
                       reason="no test data: CERTMAP_TESTDATA names it"),
    pytest.mark.skipif(not nginx.PROGRAM, reason="not installed: nginx-light"),
]

ROOT = PIV / "roots" / "00_ICAM_Test_Card_Root_CA.crt"
SIGNING = PIV / "ca" / "ICAM_Test_Card_PIV_Signing_CA_-_gold_gen3.crt"
CRLS = ("ICAMTestCardGen3SigningCA.crl", "ICAMTestCardRootCA.crl")

CARDS = ["46_Golden_FIPS_201-2_PIV", "47_Golden_FIPS_201-2_PIV_SAN_Order"]


def pem(path):
    """A certificate of the set as PEM, whatever it is."""
    for form in ("DER", "PEM"):
        done = subprocess.run(
            ["openssl", "x509", "-inform", form, "-in", path],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
        if done.returncode == 0:
            return done.stdout
    raise AssertionError(f"{path} is no certificate")


def identity(folder, scratch):
    """The card's PIV Authentication certificate and key, for kinit."""
    (p12,) = (PIV / "cards" / folder).glob("ICAM_Test_Card*PIV_Auth*.p12")
    both = scratch / f"{folder}.pem"
    subprocess.run(["openssl", "pkcs12", "-legacy", "-in", p12, "-passin",
                    "pass:", "-nodes", "-out", both], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    both.chmod(0o600)
    (scratch / f"{folder}.crt").write_bytes(pem(both))
    return scratch / f"{folder}.crt", f"FILE:{both},{both}"


@pytest.fixture
def piv(world, tmp_path):
    """The world, with the set's root for PKINIT and its CA as client pool."""
    own = copy.copy(world)
    own.stock_roots = tmp_path / "stock-roots.pem"
    own.stock_roots.write_bytes(world.stock_roots.read_bytes() + pem(ROOT))
    own.pool = tmp_path / "pool.pem"
    own.pool.write_bytes(world.pool.read_bytes() + pem(SIGNING))
    (tmp_path / "piv-root.pem").write_bytes(pem(ROOT))
    (tmp_path / "piv-ca.pem").write_bytes(pem(SIGNING))
    return own


@pytest.fixture
def kdc(piv, tmp_path):
    with nginx.Nginx(tmp_path / "web") as web:
        for name in CRLS:
            (web.html / name).write_bytes((PIV / "crls" / name).read_bytes())
        store = tmp_path / "piv-store"
        store.mkdir(mode=0o755)
        relations = piv.certmap(
            anchors=f"FILE:{tmp_path}/piv-root.pem",
            intermediates=f"FILE:{tmp_path}/piv-ca.pem",
            ntauth=f"FILE:{tmp_path}/piv-ca.pem", revocation="require",
            use_subject_alt_name="false", store=store,
            crl_url=" ".join(f"{web.url}/{name}" for name in CRLS),
            # The responders that the cards name must not be looked for.
            revocation_sources="crl",
            indicators={"fresh": "revocation:checked"})
        with realm.Kdc(tmp_path / "kdc", piv, workers=2,
                       realms={"CORP.TEST": relations}) as one:
            yield one


def issuer_serial(kdc, cert):
    code, output = kdc.certmap("show", "--json", cert)
    assert code == 0, output
    (value,) = [row["value"] for row in json.loads(output)["mappings"]
                if row["form"] == "issuer-serial"]
    return value


@pytest.mark.parametrize("folder", CARDS)
def test_card_logs_in_once_its_status_is_known(kdc, tmp_path, folder):
    cert, card = identity(folder, tmp_path)
    kdc.add_principals("holder")
    kdc.set_mappings("holder", issuer_serial(kdc, cert))
    early = kdc.kinit("holder", card)
    assert early.audit["reason"] == "revocation-unknown", early.log
    revocation.refresh(kdc)
    audit = revocation.becomes(kdc, "holder", card, "ok")
    assert audit["mapping"] == "issuer-serial"
    assert audit["indicators"] == "fresh"
