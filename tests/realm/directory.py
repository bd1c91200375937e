"""The C program directory_probe: cm_directory_*() without a KDC."""

import json
import os
import subprocess

#: For what libldap 2.5 itself never frees: the default TLS priorities that
#: given ones replace, and a notice of disconnection.
LIBLDAP_LEAKS = {"ASAN_OPTIONS": "detect_leaks=0"}


class Directory:
    """One cm_directory; each method is one call and returns its answer.

    within: words before the program's name."""

    def __init__(self, *relations, environment=None, within=()):
        self._process = subprocess.Popen(
            [*within, os.environ["CERTMAP_DIRECTORY_PROBE"],
             *map(str, relations)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=dict(os.environ, **(environment or {})))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        status = self._process.wait(timeout=60)
        self._process.stdout.close()
        assert status == 0, f"directory_probe ended with {status}"

    @property
    def pid(self):
        return self._process.pid

    def send(self, *words):
        """Starts a call; receive() waits for its answer."""
        self._process.stdin.write(" ".join(words) + "\n")
        self._process.stdin.flush()

    def receive(self):
        line = self._process.stdout.readline()
        assert line, "directory_probe ended"
        return json.loads(line)

    def call(self, *words):
        self.send(*words)
        return self.receive()

    def check(self):
        return self.call("check")

    def find(self, principal, upn=""):
        return self.call("find", principal, upn)

    def find_in_child(self, principal):
        return self.call("fork", principal)

    def find_by_other(self, principal):
        """By the second handle of a probe with shared=true."""
        return self.call("other", principal)

    def probe(self):
        return self.call("probe")

    def walk(self, limit):
        return self.call("walk", str(limit))

    def sweep(self, ldap_filter, stop=None):
        return self.call("sweep", ldap_filter,
                         *([] if stop is None else [str(stop)]))
