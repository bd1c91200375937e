# Every library, with the Debian package that holds its headers.
find_package(PkgConfig REQUIRED)

function(certmap_require target module package)
    pkg_check_modules(${target} QUIET IMPORTED_TARGET ${module})
    if(NOT TARGET PkgConfig::${target})
        message(FATAL_ERROR "${module} was not found by pkg-config; "
            "on Debian: apt-get install ${package}")
    endif()
endfunction()

certmap_require(CRYPTO libcrypto libssl-dev)
certmap_require(KRB5 krb5 libkrb5-dev)
certmap_require(KDB kdb libkrb5-dev)
# The KDC's event loop; only its headers come from the package.
certmap_require(VERTO libverto libverto-dev)
certmap_require(KADM kadm-server libkrb5-dev)
certmap_require(LDAP ldap libldap-dev)
certmap_require(LBER lber libldap-dev)
# 7.85: CURLOPT_PROTOCOLS_STR.
certmap_require(CURL libcurl>=7.85 libcurl4-openssl-dev)
certmap_require(JANSSON jansson libjansson-dev)
certmap_require(P11KIT p11-kit-1 libp11-kit-dev)
certmap_require(CMOCKA cmocka libcmocka-dev)
find_package(Threads REQUIRED)
