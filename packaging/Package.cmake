# The Debian packages: krb5-certmap for the KDC, and krb5-certmap-tools with the
# command, which a workstation or a web server has without a KDC.  The store's
# folder is made by postinst: dpkg might otherwise make /var/lib/krb5kdc before
# krb5-kdc has closed it to others.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME krb5-certmap)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT ${CERTMAP_PACKAGE_MAINTAINER})
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE
    GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_STRIP_FILES ON)

set(CPACK_COMPONENTS_ALL kdc tools)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
# krb5-certmap needs krb5-certmap-tools of the same version.
set(CPACK_DEBIAN_ENABLE_COMPONENT_DEPENDS ON)
set(CPACK_COMPONENT_KDC_DEPENDS tools)

# ---- krb5-certmap ----

set(CPACK_DEBIAN_KDC_PACKAGE_NAME krb5-certmap)
set(CPACK_COMPONENT_KDC_DESCRIPTION
"smart-card logon policy for the MIT Kerberos KDC
A plugin for krb5kdc that makes smart-card logon work the way an Active
Directory domain does it: a card is accepted only if the issuing CA is on the
NTAuth list, the certificate is not revoked (CRL or OCSP), and it maps to the
account by UPN, altSecurityIdentities or SID. Accounts are in OpenLDAP, 389-DS,
Active Directory or the database of the KDC.
.
The command certmap, in krb5-certmap-tools, populates the directory, explains a
decision with the code of the KDC, and keeps revocation data fresh.
.
Installing the package changes no realm: kdc.conf names the module.")
# The module follows what is there of newer plugin interfaces (config_host.h),
# not what was there before 1.20.
set(CPACK_DEBIAN_KDC_PACKAGE_DEPENDS
    "krb5-kdc (>= 1.20), krb5-pkinit, adduser")
# kadmin.local is in krb5-admin-server, which a replica does without; https and
# ldaps are verified against the system's CAs unless a file is named.
set(CPACK_DEBIAN_KDC_PACKAGE_RECOMMENDS
    "ca-certificates, krb5-admin-server, openssl")
set(CPACK_DEBIAN_KDC_PACKAGE_SUGGESTS "krb5-kdc-ldap, slapd")
set(CPACK_DEBIAN_KDC_PACKAGE_CONTROL_EXTRA
    ${CMAKE_CURRENT_SOURCE_DIR}/postinst
    ${CMAKE_CURRENT_SOURCE_DIR}/prerm
    ${CMAKE_CURRENT_SOURCE_DIR}/postrm)

# ---- krb5-certmap-tools ----

set(CPACK_DEBIAN_TOOLS_PACKAGE_NAME krb5-certmap-tools)
set(CPACK_COMPONENT_TOOLS_DESCRIPTION
"smart-card logon for MIT Kerberos: the command certmap
Logs in with the card in the reader, says what a certificate tells about its
holder, and judges it; on a KDC it also populates the directory, explains a
decision with the code of the KDC, and keeps revocation data fresh.
.
It needs no KDC on the same host: the module for that is in krb5-certmap.")
set(CPACK_DEBIAN_TOOLS_PACKAGE_DEPENDS krb5-pkinit)
set(CPACK_DEBIAN_TOOLS_PACKAGE_RECOMMENDS "opensc, p11-kit-modules")
set(CPACK_DEBIAN_TOOLS_PACKAGE_SUGGESTS "krb5-certmap, krb5-user")
# Before they were two, krb5-certmap had these files.
set(CPACK_DEBIAN_TOOLS_PACKAGE_BREAKS
    "krb5-certmap (<< ${PROJECT_VERSION})")
set(CPACK_DEBIAN_TOOLS_PACKAGE_REPLACES
    "krb5-certmap (<= ${PROJECT_VERSION})")
include(CPack)
