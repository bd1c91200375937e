#include "ldap_connection.h"

#include <string.h>
#include <strings.h>
#include <sys/time.h>
#include <unistd.h>

#include "backend.h"
#include "ldap_options.h"

/* Connecting to this fails at once: it keeps libldap from reconnecting. */
static const char nowhere[] = "ldapi://%2Fdev%2Fnull";

static int
milliseconds_left(int64_t deadline)
{
    int64_t left = deadline - cm_backend_now_ms();

    if (left <= 0)
        return 0;
    return left > INT32_MAX ? INT32_MAX : (int)left;
}

/* libldap's own word for what went wrong last. */
static void
explain(LDAP *handle, const char *what, struct cm_detail *detail)
{
    char *more = NULL;
    int code = LDAP_OTHER;

    (void)ldap_get_option(handle, LDAP_OPT_RESULT_CODE, &code);
    (void)ldap_get_option(handle, LDAP_OPT_DIAGNOSTIC_MESSAGE, &more);
    cm_detail_set(detail, "%s: %s%s%s", what, ldap_err2string(code),
                  more != NULL && *more != '\0' ? ": " : "",
                  more != NULL ? more : "");
    ldap_memfree(more);
}

enum cm_ldap_wait
cm_ldap_next(struct cm_ldap_connection *connection, int message_id,
             int64_t deadline, LDAPMessage **out, struct cm_detail *detail)
{
    int left = milliseconds_left(deadline);
    struct timeval timeout = {
        .tv_sec = left / 1000,
        .tv_usec = (suseconds_t)(left % 1000) * 1000,
    };
    int type;

    *out = NULL;
    type = left == 0 ? 0
                     : ldap_result(connection->handle, message_id,
                                   LDAP_MSG_ONE, &timeout, out);
    if (type > 0 && *out != NULL)
        return CM_LDAP_ANSWERED;
    ldap_msgfree(*out);
    *out = NULL;
    if (type == 0) {
        cm_detail_set(detail, "no answer in time");
        return CM_LDAP_TIMEOUT;
    }
    explain(connection->handle, "no answer", detail);
    return CM_LDAP_LOST;
}

void
cm_ldap_begin(struct cm_ldap_connection *connection, int64_t deadline)
{
    connection->wire.allowance = CM_LDAP_MAX_ANSWER;
    connection->wire.deadline = deadline;
}

/* Samba and 389-DS end their words with a new line. */
static void
trim(char *words)
{
    size_t len = words != NULL ? strlen(words) : 0;

    while (len > 0 && (words[len - 1] == '\n' || words[len - 1] == '\r' ||
                       words[len - 1] == ' '))
        words[--len] = '\0';
}

int
cm_ldap_result_code(struct cm_ldap_connection *connection,
                    LDAPMessage *message, const char *what,
                    struct cm_detail *detail)
{
    char *words = NULL;
    int code = -1;

    if (ldap_parse_result(connection->handle, message, &code, NULL, &words,
                          NULL, NULL, 1) != LDAP_SUCCESS) {
        cm_detail_set(detail, "%s: the answer cannot be decoded", what);
        code = -1;
    } else if (code != LDAP_SUCCESS) {
        trim(words);
        cm_detail_set(detail, "%s: %s%s%s", what, ldap_err2string(code),
                      words != NULL && *words != '\0' ? ": " : "",
                      words != NULL ? words : "");
    }
    ldap_memfree(words);
    return code;
}

/* Waits for the answer to a bind or an extended operation. */
static bool
await_success(struct cm_ldap_connection *connection, int message_id, int type,
              const char *what, int64_t deadline, struct cm_detail *detail)
{
    LDAPMessage *message;

    if (cm_ldap_next(connection, message_id, deadline, &message, detail) !=
        CM_LDAP_ANSWERED)
        return false;
    if (ldap_msgtype(message) != type) {
        ldap_msgfree(message);
        cm_detail_set(detail, "%s: the answer is of another kind", what);
        return false;
    }
    return cm_ldap_result_code(connection, message, what, detail) ==
           LDAP_SUCCESS;
}

bool
cm_ldap_uri_wants_tls(const struct cm_directory_config *config,
                      const char *uri)
{
    return strncasecmp(uri, "ldaps:", strlen("ldaps:")) == 0 ||
           (config->starttls &&
            strncasecmp(uri, "ldap:", strlen("ldap:")) == 0);
}

static bool
start_tls(struct cm_ldap_connection *connection,
          const struct cm_directory_config *config, const char *uri,
          int64_t deadline, struct cm_detail *detail)
{
    LDAP *handle = connection->handle;
    int message_id;
    bool ok;

    if (!cm_ldap_set_tls(handle, config, detail))
        return false;
    if (strncasecmp(uri, "ldap:", strlen("ldap:")) == 0) {
        if (ldap_start_tls(handle, NULL, NULL, &message_id) != LDAP_SUCCESS) {
            explain(handle, "StartTLS", detail);
            return false;
        }
        if (!await_success(connection, message_id, LDAP_RES_EXTENDED,
                           "StartTLS", deadline, detail))
            return false;
    }
    connection->wire.patient = true;
    ok = ldap_install_tls(handle) == LDAP_SUCCESS && ldap_tls_inplace(handle);
    connection->wire.patient = false;
    if (!ok) {
        /* libldap's words rarely name the cause. */
        explain(handle,
                "TLS (is the server's certificate current, for this host "
                "name and from ca_file?)",
                detail);
    }
    return ok;
}

/* Who we are, into CM_LDAP_MAX_SECRET + 1 bytes that the caller wipes. */
static bool
find_secret(const struct cm_directory_config *config, char *out,
            struct cm_detail *detail)
{
    if (config->password != NULL &&
        strlen(config->password) <= CM_LDAP_MAX_SECRET) {
        (void)stpcpy(out, config->password);
        return true;
    }
    if (config->password_file != NULL)
        return cm_ldap_read_secret(config->password_file, out, detail);
    cm_detail_set(detail, "bind_dn without password_file");
    return false;
}

/* Sends the bind.  An empty password would be anonymous (RFC 4513 5.1.2). */
static bool
send_bind(struct cm_ldap_connection *connection,
          const struct cm_directory_config *config, int *message_id,
          struct cm_detail *detail)
{
    char secret[CM_LDAP_MAX_SECRET + 1] = "";
    struct berval credentials = {0, secret};
    bool external = config->bind == CM_BIND_EXTERNAL;
    int code;

    if (!external) {
        if (!find_secret(config, secret, detail))
            return false;
        credentials.bv_len = strlen(secret);
    }
    code = ldap_sasl_bind(connection->handle, external ? "" : config->bind_dn,
                          external ? "EXTERNAL" : LDAP_SASL_SIMPLE,
                          &credentials, NULL, NULL, message_id);
    explicit_bzero(secret, sizeof(secret));
    if (code != LDAP_SUCCESS)
        explain(connection->handle, "bind", detail);
    return code == LDAP_SUCCESS;
}

static bool
do_bind(struct cm_ldap_connection *connection,
        const struct cm_directory_config *config, int64_t deadline,
        struct cm_detail *detail)
{
    int message_id = -1;

    switch (config->bind) {
    case CM_BIND_SIMPLE:
        if (config->bind_dn == NULL)
            return true; /* anonymous, by configuration */
        break;
    case CM_BIND_EXTERNAL:
        break;
    case CM_BIND_GSSAPI:
        cm_detail_set(detail, "GSSAPI would ask the KDC that is waiting");
        return false;
    }
    return send_bind(connection, config, &message_id, detail) &&
           await_success(connection, message_id, LDAP_RES_BIND, "bind",
                         deadline, detail);
}

static bool
set_up(struct cm_ldap_connection *connection,
       const struct cm_directory_config *config, const char *uri,
       int64_t deadline, struct cm_detail *detail)
{
    int left = milliseconds_left(deadline);

    if (left == 0 || !cm_ldap_set_options(connection->handle, left, detail))
        return false;
    if (cm_ldap_uri_wants_tls(config, uri) &&
        !start_tls(connection, config, uri, deadline, detail))
        return false;
    if (ldap_set_option(connection->handle, LDAP_OPT_URI, nowhere) !=
        LDAP_OPT_SUCCESS) {
        cm_detail_set(detail, "libldap does not take an option");
        return false;
    }
    return do_bind(connection, config, deadline, detail);
}

bool
cm_ldap_open(struct cm_ldap_connection *connection,
             const struct cm_directory_config *config, const char *uri,
             struct cm_resolve **pending, int64_t deadline,
             struct cm_detail *detail)
{
    LDAPURLDesc *url = NULL;

    memset(connection, 0, sizeof(*connection));
    cm_detail_set(detail, "no time left");
    if (ldap_url_parse(uri, &url) != LDAP_URL_SUCCESS) {
        cm_detail_set(detail, "not an LDAP URI");
        return false;
    }
    connection->wire.fd = cm_ldap_wire_connect(url, pending, deadline, detail);
    ldap_free_urldesc(url);
    if (connection->wire.fd < 0)
        return false;
    connection->pid = getpid();
    cm_ldap_begin(connection, deadline);
    connection->handle = cm_ldap_wire_handle(&connection->wire, uri);
    if (connection->handle == NULL) {
        cm_detail_set(detail, "out of memory");
        return false;
    }
    if (set_up(connection, config, uri, deadline, detail))
        return true;
    cm_ldap_close(connection);
    return false;
}

void
cm_ldap_close(struct cm_ldap_connection *connection)
{
    if (connection->handle == NULL)
        return;
    if (connection->pid != getpid())
        connection->wire.muted = true;
    (void)ldap_unbind_ext(connection->handle, NULL, NULL);
    connection->handle = NULL;
}
