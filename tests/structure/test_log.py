"""Who may write into the KDC's log, and from where.

com_err() writes to files that the KDC's main thread reopens at any moment.
What runs on a thread writes into the journal (plugin/journal.h), which the
main thread empties; whether it does so is for unit.test_journal.
"""

import re
from pathlib import Path

PLUGIN = Path(__file__).resolve().parent.parent.parent / "plugin"
#: The KDC's log itself, and who may hand it on: to the journal, and to the
#: certauth and KDB modules, which have no thread.
DIRECT = "kdcpreauth_answer.c"
USES = {
    "kdcpreauth.c": ["cm_journal_new(&cm_kdc_log)"],
    "certauth.c": ["cm_realms_new(&cm_kdc_log)"],
    "kdb_module.c": ["cm_kdb_log_nobodys(context, &cm_kdc_log, client,"],
    "kdb_module_state.c": ["cm_realms_new(&cm_kdc_log)"],
}
#: What else of libkrb5 and libc would write a line.
WRITES = re.compile(r"\b(com_err(_va)?|krb5_klog_syslog|v?syslog|openlog"
                    r"|perror|v?printf|puts|fputs|v?fprintf|v?dprintf)\s*\(")


def code(path):
    """The text without comments and strings."""
    text = re.sub(r"/\*.*?\*/", " ", path.read_text(), flags=re.S)
    return re.sub(r'"(?:[^"\\\n]|\\.)*"', '""', text)


def sources(*folders):
    found = [path for folder in folders
             for path in sorted((PLUGIN.parent / folder).glob("*.c"))]
    assert found
    return found


def test_one_file_writes_into_the_log():
    found = {path.name for path in sources("mapping", "ocsp", "ldap", "plugin")
             if WRITES.search(code(path))}
    assert found == {DIRECT}


def test_the_log_itself_is_handed_on_to_few():
    found = {}
    for path in sources("plugin"):
        text = code(path)
        uses = len(re.findall(r"\bcm_kdc_log\b", text))
        if path.name == DIRECT or not uses:
            continue
        found[path.name] = [use for use in USES.get(path.name, [])
                            if use in text]
        assert uses == len(found[path.name]), (
            f"{path.name} uses the KDC's log in another way")
    assert found == USES


def test_realms_that_threads_use_write_into_the_journal():
    text = code(PLUGIN / "kdcpreauth.c")
    made = re.findall(r"cm_realms_new\((.*?)\);", text, flags=re.S)
    assert made == ["cm_journal_log(module->journal)"]
    # What the stock module's keeper says goes the same way.
    assert re.search(r"name_line\(.*?\{\s*cm_log_write\(cm_journal_log\(",
                     text, flags=re.S)


def test_audit_lines_are_written_on_the_loop():
    """The job's run is what a thread does: it writes no line."""
    text = code(PLUGIN / "kdcpreauth_login.c")
    run = re.search(r"\nrun\(struct cm_job .*?\n}\n", text, flags=re.S)[0]
    assert not re.search(r"write|end_|cm_kdc_(?!login\b)|respond|journal_flush", run)
    done = re.search(r"\ndone\(struct cm_job .*?\n}\n", text, flags=re.S)[0]
    assert "cm_journal_flush(" in done
