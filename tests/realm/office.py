"""A realm whose users log in with certmap login, and know no principal."""

import json
import re
import subprocess
from pathlib import Path

import accounts
import pki
import realm
import stacking
import terminal
from realm import COMMAND

UPN = "alice@corp.test"
DONE, REFUSED, MEND, ABSENT = 0, 1, 2, 3
QUESTION = re.compile(rb"(PIN of|Password of|Which one)[^\r\n]*: ")


class Office:
    """One realm, whose users have cards; none knows its principal."""

    def __init__(self, folder, world):
        self.folder, self.world = Path(folder), world
        self.stack = stacking.Stack(folder / "realm", world,
                                    plugins=realm.WRAP)
        self.runs = 0

    def open(self):
        kdc = self.kdc = self.stack.kdc
        kdc.add_principals("alice", "bob", "twin1", "twin2", "bare", "ski",
                           "locked")
        kdc.add_password("paul")
        self.issue()
        self.write_accounts()
        self.prepare()
        return self

    def issue(self):
        issue = self.world.issuing.issue
        self.cards = {
            "alice": issue("CN=alice", upn=UPN),
            "case": issue("CN=case", upn="ALICE@Corp.Test"),
            "suffix": issue("CN=suffix", upn="b.jones@mail.test"),
            # Two accounts, and no UPN that tells them apart.
            "twins": issue("CN=twins"),
            "bare": issue("CN=bare"),
            "ski": issue("CN=ski"),
            "nobody": issue("CN=nobody"),
            "stranger": issue("CN=stranger", upn="stranger@corp.test"),
            "unmapped": issue("CN=unmapped", upn="bob@corp.test"),
            "locked": issue("CN=locked", upn="locked@corp.test"),
            "old": issue("CN=old", upn=UPN, not_before=pki.now(-20),
                         not_after=pki.now(-10)),
            "web": issue("CN=web", eku=("1.3.6.1.5.5.7.3.1",)),
            "revoked": issue("CN=revoked", upn=UPN),
            "foreign": self.world.foreign.issue("CN=foreign", upn=UPN),
            "unlisted": self.world.web.issue("CN=unlisted", upn=UPN)}

    def write_accounts(self, *more):
        """Of the cards, and more ones of alice."""
        values = {name: card.mappings() for name, card in self.cards.items()}
        alice = [values[name]["ski"] for name in
                 ("alice", "case", "old", "revoked", "foreign", "unlisted")]
        alice += [card.mappings()["ski"] for card in more]
        self.stack.accounts(
            accounts.account("alice", *alice),
            accounts.account("bob", values["suffix"]["ski"],
                             userPrincipalName="b.jones@mail.test"),
            accounts.account("twin1", values["twins"]["ski"],
                             values["twins"]["issuer-serial"]),
            accounts.account("twin2", values["twins"]["ski"],
                             values["twins"]["issuer-serial"]),
            accounts.account("bare", values["bare"]["issuer-serial"]),
            accounts.account("ski", values["ski"]["ski"]),
            accounts.account("locked", values["locked"]["ski"]))

    def prepare(self):
        kdc = self.kdc
        kdc.kadmin("modprinc -allow_tix locked")
        self.deny = self.path("revoked")
        kdc.certmap("deny", "add", "--cert", self.deny, "--reason", "lost",
                    "--store", self.world.store, status=0)
        self.armor = kdc.kinit_password("paul").cache

    def path(self, name):
        return self.spec(name).split(",", maxsplit=1)[0]

    def spec(self, name):
        """The value of --identity for a card in a file."""
        return self.kdc.locate(self.cards[name]).removeprefix("FILE:")

    def environment(self, card=None):
        """That of a workstation, which has no kdc.conf."""
        own = self.kdc.environment("client")
        del own["KRB5_KDC_PROFILE"]
        own.update(KRB5CCNAME=f"FILE:{self.folder}/default", TERM="dumb")
        return {**own, **(card.environment if card else {})}

    def login(self, *arguments, card=None, environment=None):
        """Without a terminal; (status, JSON object, audit lines)."""
        self.runs += 1
        cache = f"FILE:{self.folder}/cc{self.runs}"
        before = self.kdc.log_size()
        done = subprocess.run(
            [COMMAND, "login", "--json", "--cache", cache,
             *map(str, arguments)],
            env={**self.environment(card), **(environment or {})}, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, timeout=120, check=False,
            start_new_session=True)
        assert done.stderr == "", done.stderr
        return (done.returncode, json.loads(done.stdout),
                realm.audit_lines(self.kdc.log(before)))

    def at_terminal(self, *arguments, answers=(), card=None, environment=None):
        """On a terminal, where each answer, or who finds it in what is shown,
        waits for its question; (status, what the terminal shows)."""
        def typed(answer):
            if callable(answer):
                return lambda text: f"{answer(text.decode())}\n".encode()
            return f"{answer}\n".encode()

        status, text, left = terminal.talk(
            [COMMAND, "login", *map(str, arguments)],
            {**self.environment(card), **(environment or {})},
            map(typed, answers), QUESTION)
        assert not left, f"nobody asked for {left}: {text}"
        return status, text.replace("\r\n", "\n")
