# Which Debian packages are needed, and how they are installed.  Sourced by
# tests/run and examples/quickstart.
# shellcheck shell=sh

packages_build="gcc libc6-dev cmake ninja-build pkgconf libssl-dev
    libkrb5-dev libldap-dev libcurl4-openssl-dev libjansson-dev
    libcmocka-dev libp11-kit-dev libverto-dev"

packages_realm="krb5-kdc krb5-admin-server krb5-pkinit krb5-user slapd
    ldap-utils softhsm2 opensc openssl"

packages_tests="389-ds-base binutils ca-certificates chromium debootstrap dpkg-dev
    file git krb5-kdc-ldap ldb-tools libverto-libev1 mandoc nginx-light
    openssh-client openssh-server python3 python3-cryptography python3-pytest
    samba-ad-dc samba-ad-provision systemd util-linux valgrind"

# The packages of the arguments that are not installed.
missing_packages() {
    for package in "$@"; do
        status=$(dpkg-query -W -f '${db:Status-Status}' "$package" \
            2>/dev/null) || status=none
        [ "$status" = installed ] || echo "$package"
    done
}

# install_packages NAME...: installs what is missing, and nothing when nothing
# is.  The services in the packages are not started: a policy-rc.d says no,
# unless the machine has one of its own.
install_packages() {
    command -v dpkg-query >/dev/null || {
        echo "this needs Debian 12, or all of this installed: $*" >&2
        return 0
    }
    # shellcheck disable=SC2046  # words are wanted
    set -- $(missing_packages "$@")
    [ $# -gt 0 ] || return 0
    if [ "$(id -u)" -ne 0 ]; then
        echo "Missing, and only root can install them: $*" >&2
        return 1
    fi
    echo "Installing what is missing: $*"
    (
        policy=/usr/sbin/policy-rc.d
        if [ ! -e "$policy" ]; then
            trap 'rm -f "$policy"' EXIT
            trap 'exit 1' HUP INT TERM
            printf '#!/bin/sh\nexit 101\n' >"$policy"
            chmod 755 "$policy"
        fi
        export DEBIAN_FRONTEND=noninteractive
        apt-get -qq update
        apt-get -qq -y --no-install-recommends install "$@"
    ) >"${TMPDIR:-/tmp}/certmap-install.$$" 2>&1 || {
        cat "${TMPDIR:-/tmp}/certmap-install.$$" >&2
        rm -f "${TMPDIR:-/tmp}/certmap-install.$$"
        return 1
    }
    rm -f "${TMPDIR:-/tmp}/certmap-install.$$"
}
