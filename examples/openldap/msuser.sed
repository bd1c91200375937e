# Adds matching rules to OpenLDAP's msuser schema.
#
#   sed -f msuser.sed /etc/ldap/schema/msuser.schema > msuser.schema
#   sed -f msuser.sed /etc/ldap/schema/msuser.ldif > msuser.ldif
#
# As shipped, that schema gives these attributes no matching rules: slapd then
# neither indexes them nor finds an account by them, nor deletes one value of
# several.  The rules are those of Active Directory.
/NAME 'altSecurityIdentities'/a\
  EQUALITY caseIgnoreMatch
/NAME 'userPrincipalName'/a\
  EQUALITY caseIgnoreMatch
/NAME 'sAMAccountName'/a\
  EQUALITY caseIgnoreMatch
/NAME 'objectSid'/a\
  EQUALITY octetStringMatch
