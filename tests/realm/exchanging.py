"""The AS exchange of certmap login, by the program around it."""

import os
import subprocess
from types import SimpleNamespace

PROBE = os.environ.get("CERTMAP_LOGIN_PROBE")
#: For what stock PKINIT's client never frees where it finds fault with the
#: certificate, its path or its anchors.
PKINIT_LEAKS = {"ASAN_OPTIONS": "detect_leaks=0"}


def exchange(kdc, *names, identity=None, environment=None, **words):
    """login_probe with names ("upn:..."); its lines as attributes.

    identity     a pki.Identity, a Card, or a value of X509_user_identity
    environment  added to the client's
    log          what the KDC logged meanwhile
    """
    # libkrb5's PKINIT leaks the path of a certificate that has expired.
    told = {**kdc.environment("client"), "ASAN_OPTIONS": "detect_leaks=0",
            **(environment or {})}
    if hasattr(identity, "environment"):
        told.update(identity.environment)
        identity = identity.identity
    command = [PROBE, *(f"name={name}" for name in names),
               f"identity={kdc.locate(identity)}"]
    command += [f"{key}={value}" for key, value in words.items()]
    before = kdc.log_size()
    # No terminal: what asks on one fails.
    done = subprocess.run(
        command, env=told, text=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120,
        check=False, start_new_session=True)
    assert done.returncode == 0, done
    fields = dict(line.split("=", 1) for line in done.stdout.splitlines())
    for key in ("number", "name", "ends", "renew_until", "asked"):
        fields[key] = int(fields[key])
    return SimpleNamespace(**fields, errors=done.stderr, log=kdc.log(before))
