"""What a systemd unit takes from its service, without systemd: the same
mounts, capabilities and privileges, had with unshare and setpriv.

    confine = sandbox.words(Path("/lib/systemd/system/krb5-kdc.service"))
    subprocess.run([*confine, "krb5kdc", "-n"])
"""

import json
import re

#: Directives that start and end the service, and confine nothing.
LIFE = {"Type", "PIDFile", "ExecStart", "ExecReload", "EnvironmentFile",
        "Restart"}
#: Old names of directives.
RENAMED = {"InaccessibleDirectories": "InaccessiblePaths",
           "ReadOnlyDirectories": "ReadOnlyPaths",
           "ReadWriteDirectories": "ReadWritePaths"}
KNOWN = {*RENAMED.values(), "CapabilityBoundingSet", "NoNewPrivileges",
         "PrivateDevices", "ProtectKernelTunables", "ProtectProc"}

#: Runs in a new mount namespace, then becomes the command.
APPLY = r'''
import json, os, re, stat, subprocess, sys
want = json.loads(sys.argv[1])

def mount(*words):
    subprocess.run(["/bin/mount", *words], check=True)

def replace(path, *words):
    # What lies below the old one would only be in the way.
    subprocess.run(["/bin/umount", "-l", "-R", path], check=False,
                   stderr=subprocess.PIPE)
    mount(*words, path)

def within(path, folders):
    return any(path == f or path.startswith(f.rstrip("/") + "/")
               for f in folders)

def mounted():
    with open("/proc/self/mountinfo", encoding="utf-8") as lines:
        return [re.sub(r"\\(\d{3})", lambda m: chr(int(m[1], 8)),
                       line.split()[4]) for line in lines]

if want["proc"]:
    replace("/proc", "-t", "proc", "-o", f"hidepid={want['proc']}", "proc")
if want["devices"]:
    replace("/dev", "-t", "tmpfs", "-o", "nosuid,noexec,mode=755", "tmpfs")
    for name, major, minor in (("null", 1, 3), ("zero", 1, 5), ("full", 1, 7),
                               ("random", 1, 8), ("urandom", 1, 9),
                               ("tty", 5, 0)):
        os.mknod(f"/dev/{name}", stat.S_IFCHR | 0o666, os.makedev(major, minor))
        os.chmod(f"/dev/{name}", 0o666)
writable = [os.path.realpath(p) for p in want["writable"] if os.path.exists(p)]
for path in writable:
    mount("--rbind", path, path)
frozen = [os.path.realpath(p) for p in want["frozen"]]
for path in frozen:
    mount("--rbind", path, path)
for path in want["hidden"]:
    if os.path.exists(path):
        mount("-t", "tmpfs", "-o", "ro,mode=000", "tmpfs", path)
for path in mounted():
    if within(path, want["readonly"]) and (
            within(path, frozen) or not within(path, writable)):
        mount("-o", "remount,bind,ro", path)
os.execvp(sys.argv[2], sys.argv[2:])
'''


def directives(unit):
    """The [Service] section: name -> value, paths as lists."""
    body = re.search(r"^\[Service\]\n(.*?)(?=^\[|\Z)", unit.read_text(),
                     re.S | re.M)[1]
    found = {}
    for name, value in re.findall(r"^(\w+)=(.*)$", body, re.M):
        name = RENAMED.get(name, name)
        assert name in KNOWN | LIFE, f"{unit}: {name}= is not imitated"
        found[name] = f"{found.get(name, '')} {value}".strip()
    for name in RENAMED.values():
        # "-": ignored where it is not there, as this does with all.
        found[name] = [path.lstrip("-")
                       for path in found.get(name, "").split()]
    return found


def words(unit, frozen=()):
    """Words before a command that shall run as the unit's service.

    frozen: folders that are read only too, although the unit would let the
    service write there: what stands for /etc in a temporary folder."""
    given = directives(unit)
    want = {"hidden": given["InaccessiblePaths"],
            "readonly": given["ReadOnlyPaths"],
            "writable": given["ReadWritePaths"],
            "frozen": list(map(str, frozen)),
            "devices": given.get("PrivateDevices") == "yes",
            "proc": given.get("ProtectProc")}
    if given.get("ProtectKernelTunables") == "yes":
        want["readonly"] += ["/proc/sys", "/sys"]
    kept = "".join(f",+{name[4:].lower()}"
                   for name in given["CapabilityBoundingSet"].split())
    privileges = ["--no-new-privs"] if given["NoNewPrivileges"] == "yes" else []
    return ["unshare", "--mount", "/usr/bin/python3", "-c", APPLY,
            json.dumps(want), "setpriv", "--bounding-set", f"-all{kept}",
            "--inh-caps", "-all", *privileges]
