"""Revocation in a realm: what a CA publishes reaches the next login of every
worker without a restart, and whatever is missing, wrong or broken refuses."""

import json

import pytest

from revocation import ENDED, HOUR, REVOKED


def test_a_card_is_revoked(make_setting):
    """No restart, two workers, the same processes throughout."""
    setting = make_setting()
    workers = setting.kdc.worker_pids()
    assert setting.log_in().audit["reason"] == "revocation-unknown"
    setting.publish()
    audit = setting.becomes("ok")
    assert audit["revocation"] == "checked"
    assert audit["choices"] == "-"
    assert audit["indicators"] == "fresh"
    states = [word.split(":") for word in audit["status"].split(",")]
    assert [word[:2] for word in states] == [["good", "crl"]] * 2
    assert all(3600 <= int(age) < 4000 for _, _, age, _ in states)
    setting.issuing.revoke(setting.card)
    setting.publish(age=HOUR / 2)
    audit = setting.becomes("revoked")
    assert audit["status"].startswith("revoked:crl:18")
    assert "keyCompromise" in audit["detail"]
    login = setting.log_in()
    assert not login.ok and REVOKED in login.output, login.output
    assert setting.log_in("bob").audit["reason"] == "ok"
    assert setting.kdc.kinit_password("paul").ok
    assert setting.kdc.worker_pids() == workers


def test_the_issuing_ca_is_revoked(make_setting):
    setting = make_setting()
    setting.publish()
    setting.becomes("ok")
    setting.root.revoke(setting.world.issuing)
    setting.publish(age=HOUR / 2)
    audit = setting.becomes("revoked")
    assert [word.split(":")[0] for word in audit["status"].split(",")] == [
        "good", "revoked"]


def test_explain_says_what_the_kdc_says(make_setting):
    setting = make_setting()
    setting.publish()
    setting.issuing.revoke(setting.card)
    setting.publish(age=HOUR / 2)
    path, _ = setting.card.write(setting.kdc.folder, "explained")
    _, output = setting.kdc.certmap("explain", "--json", path,
                                    "alice@CORP.TEST", status=1)
    told = json.loads(output)
    assert told["reason"] == setting.log_in().audit["reason"] == "revoked"
    revocation = told["revocation"]
    assert (revocation["mode"], revocation["checked"],
            revocation["softened_by"]) == ("require", False, None)
    leaf, issuing = revocation["certificates"]
    assert leaf["subject"] == "CN=alice,DC=corp,DC=test"
    assert (leaf["state"], leaf["source"], leaf["reason"]) == (
        "revoked", "crl", "keyCompromise")
    assert issuing["state"] == "good" and issuing["reason"] is None
    assert leaf["next_update"] > leaf["this_update"]


def test_older_crl_does_not_take_it_back(make_setting):
    """A CRL number that goes back is refused; the card stays revoked."""
    setting = make_setting()
    before = setting.issuing.crl()
    setting.issuing.revoke(setting.card)
    setting.publish(age=HOUR / 2)
    setting.becomes("revoked")
    setting.store.drop(issuing=before)
    assert "older than what was seen" in setting.refresh()
    setting.becomes("revoked")


def test_override(make_setting):
    """Nobody vouches, and the administrator lets in; not the revoked."""
    setting = make_setting()
    setting.issuing.revoke(setting.card)
    setting.publish(**ENDED)
    assert setting.log_in("bob").audit["reason"] == "revocation-unknown"
    setting.kdc.certmap("override", "--revocation", "soft", "--until", "1h",
                        "--reason", "the CA burns", status=0)
    audit = setting.becomes("ok", "bob")
    assert (audit["choices"], audit["revocation"], audit["indicators"]) == (
        "override", "unchecked", "-")
    assert "the CA burns" in audit["detail"]
    setting.becomes("revoked")
    setting.kdc.certmap("override", "--clear", status=0)
    setting.becomes("revocation-unknown", "bob")


# What an expired CRL means, by policy.


@pytest.mark.parametrize("relations, listed, reason, choices", [
    ({}, False, "revocation-unknown", "-"),
    ({}, True, "revoked", "-"),
    ({"stale_grace": "12h"}, False, "revocation-unknown", "-"),
    ({"stale_grace": "2d"}, False, "ok", "stale_grace"),
    ({"stale_grace": "2d"}, True, "revoked", "-"),
    ({"revocation": "soft"}, False, "ok", "revocation=soft"),
    ({"revocation": "soft"}, True, "revoked", "-"),
    ({"revocation": "off"}, False, "ok", "revocation=off"),
    ({"revocation": "off"}, True, "ok", "revocation=off"),
], ids=lambda value: str(value).replace(" ", ""))
def test_expired_crl(make_setting, relations, listed, reason, choices):
    setting = make_setting(**relations)
    if listed:
        setting.issuing.revoke(setting.card)
    setting.publish(**ENDED)
    audit = setting.becomes(reason)
    assert audit["choices"] == choices
    assert audit["indicators"] == "-"
    assert audit["revocation"] == (
        "off" if "off" in choices else "unchecked")


def test_policy_of_one_ca(make_setting, tmp_path):
    """An issuer block softens what one CA issues, and nothing else."""
    setting = make_setting(issuer={"corp": {
        "certificate": tmp_path / "issuing.pem", "revocation": "soft"}})
    (tmp_path / "issuing.pem").write_bytes(setting.world.issuing.pem)
    assert setting.log_in().audit["choices"] == "revocation=soft"
    assert "issuer.corp(revocation=soft)" in setting.kdc.log()
