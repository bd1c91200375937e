"""What the objects need and what they show."""

import os
import re
import subprocess
from pathlib import Path

import pytest

#: All that mapping/ may ask of libc: memory, strings, sorting, formatting
#: into memory.  No file, socket, clock, environment, locale or log.
LIBC = set("""
    abort bsearch calloc free malloc qsort realloc reallocarray
    memchr memcmp memcpy memmem memmove memrchr memset mempcpy explicit_bzero
    strchr strchrnul strcmp strcspn strdup strlen strncmp strndup strnlen
    strpbrk strrchr strspn strstr strtol strtoul strtoull
    snprintf vsnprintf __assert_fail __errno_location
    __isoc99_strtoul __isoc23_strtol __isoc23_strtoul __isoc23_strtoull
    __stack_chk_fail __memcpy_chk __memmove_chk __memset_chk
    __snprintf_chk __vsnprintf_chk __explicit_bzero_chk
    _GLOBAL_OFFSET_TABLE_
""".split())

#: libcrypto has impure corners: files, sockets, clocks, configuration,
#: random numbers, engines, threads, the error queue's printers.
IMPURE_CRYPTO = re.compile(
    r"^(BIO_(?!free$|free_all$|new_mem_buf$|s_mem$|new$|ctrl$|read$|write$)"
    r"|.*_fp$|.*_file(name)?$|.*[Ll]oad_(locations|file|path|hosts|strings).*"
    r"|CONF_|NCONF_|CONFIG|OPENSSL_(config|init|issetugid|thread)"
    r"|RAND_|ENGINE_|DSO_|UI_|OSSL_STORE_|OSSL_HTTP_|OSSL_LIB_CTX_|ASYNC_"
    r"|X509_(cmp_current_time|gmtime_adj|time_adj|load)"
    r"|ASN1_TIME_(set|adj)$|X509_STORE|X509_verify_cert"
    r"|ERR_print_errors)")


def nm(*arguments):
    done = subprocess.run(["nm", *arguments], check=True, text=True,
                          stdout=subprocess.PIPE)
    return [line.split() for line in done.stdout.splitlines()
            if line and not line.endswith(":")]


def undefined(archive):
    rows = nm("--format=posix", archive)
    defined = {row[0] for row in rows if len(row) > 2 and row[1] != "U"}
    wanted = {row[0] for row in rows if len(row) > 1 and row[1] == "U"}
    return wanted - defined


def libcrypto():
    path = next(Path("/usr/lib").glob("*/libcrypto.so.3"))
    return {row[0].split("@")[0]
            for row in nm("-D", "--defined-only", "--format=posix",
                          str(path))}


def test_mapping_is_pure():
    crypto = libcrypto()
    wanted = undefined(os.environ["CERTMAP_MAPPING"])
    assert wanted, "the archive asks for nothing: is it empty?"
    strange = sorted(
        symbol for symbol in wanted - LIBC
        if symbol not in crypto or IMPURE_CRYPTO.match(symbol))
    assert not strange, f"mapping/ is not pure: it asks for {strange}"


def test_the_check_would_notice():
    crypto = libcrypto()
    for symbol in ("BIO_new_file", "X509_cmp_current_time", "RAND_bytes",
                   "X509_load_cert_file", "PEM_read_X509",
                   "OSSL_LIB_CTX_new", "X509_verify_cert"):
        assert symbol in crypto
        if symbol != "PEM_read_X509":  # asks for a FILE, hence for fopen
            assert IMPURE_CRYPTO.match(symbol), symbol
    for symbol in ("fopen", "time", "getenv", "socket", "gmtime_r", "open",
                   "clock_gettime", "syslog", "setlocale"):
        assert symbol not in LIBC and symbol not in crypto


@pytest.mark.skipif(not os.environ.get("CERTMAP_MODULE"),
                    reason="this build has no module")
def test_module_exports_its_entry_points_only():
    rows = nm("-D", "--defined-only", "--format=posix",
              os.environ["CERTMAP_MODULE"])
    assert {row[0] for row in rows} == {
        "certauth_certmap_initvt", "kdcpreauth_certmap_initvt",
        "kdcpreauth_certmap_ocsp_initvt"}


@pytest.mark.skipif(not os.environ.get("CERTMAP_MODULE"),
                    reason="this build has no module")
def test_module_is_hardened():
    done = subprocess.run(["readelf", "-lWd", os.environ["CERTMAP_MODULE"]],
                          check=True, text=True, stdout=subprocess.PIPE)
    assert "GNU_RELRO" in done.stdout
    assert re.search(r"BIND_NOW|FLAGS_1.*NOW", done.stdout)
    stack = re.search(r"GNU_STACK.*", done.stdout).group()
    assert " RWE " not in stack
