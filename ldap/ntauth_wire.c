/*
 * What the refresher and its network child say to each other about the NTAuth
 * object: a magic number, then fields, each a length of four octets and its
 * bytes.
 */
#include "ntauth_object.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ldap_connection.h"

enum { LENGTH = 4, MAGIC_LENGTH = 4, FLAG_STARTTLS = 1 };

static const char question_magic[MAGIC_LENGTH] = {'c', 'm', 'n', 'q'};
static const char answer_magic[MAGIC_LENGTH] = {'c', 'm', 'n', 'a'};

/* ---- Writing into a buffer of a size known before ---- */

struct writer {
    uint8_t *bytes;
    size_t len, capacity;
    bool failed;
};

static bool
start(struct writer *writer, size_t capacity, const char *magic)
{
    memset(writer, 0, sizeof(*writer));
    writer->bytes = malloc(capacity);
    if (writer->bytes == NULL)
        return false;
    writer->capacity = capacity;
    memcpy(writer->bytes, magic, MAGIC_LENGTH);
    writer->len = MAGIC_LENGTH;
    return true;
}

static void
put(struct writer *writer, const void *bytes, size_t len)
{
    uint8_t *p = writer->bytes + writer->len;

    if (writer->capacity - writer->len < LENGTH ||
        writer->capacity - writer->len - LENGTH < len) {
        writer->failed = true;
        return;
    }
    for (size_t i = 0; i < LENGTH; i++)
        p[i] = (uint8_t)(len >> (8 * (LENGTH - 1 - i)));
    memcpy(p + LENGTH, bytes, len);
    writer->len += LENGTH + len;
}

/* A text, or one octet that no text begins with. */
static void
put_text(struct writer *writer, const char *text)
{
    if (text == NULL)
        put(writer, "", 1);
    else
        put(writer, text, strlen(text));
}

/* ---- Reading ---- */

struct reader {
    const uint8_t *bytes;
    size_t len;
    bool failed;
};

static bool
begin(struct reader *reader, const uint8_t *bytes, size_t len,
      const char *magic)
{
    if (len < MAGIC_LENGTH || memcmp(bytes, magic, MAGIC_LENGTH) != 0)
        return false;
    reader->bytes = bytes + MAGIC_LENGTH;
    reader->len = len - MAGIC_LENGTH;
    reader->failed = false;
    return true;
}

static const uint8_t *
get(struct reader *reader, size_t *len)
{
    const uint8_t *p = reader->bytes;
    size_t size = 0;

    *len = 0;
    if (reader->failed || reader->len < LENGTH) {
        reader->failed = true;
        return NULL;
    }
    for (size_t i = 0; i < LENGTH; i++)
        size = size << 8 | p[i];
    if (size > reader->len - LENGTH) {
        reader->failed = true;
        return NULL;
    }
    reader->bytes += LENGTH + size;
    reader->len -= LENGTH + size;
    *len = size;
    return p + LENGTH;
}

/* NULL: it is not there, or the reader failed. */
static char *
get_text(struct reader *reader)
{
    size_t len;
    const uint8_t *p = get(reader, &len);
    char *text;

    if (p == NULL || (len == 1 && p[0] == '\0'))
        return NULL;
    text = cm_text_dup_clean(p, len);
    reader->failed = text == NULL;
    return text;
}

/* ---- The question ---- */

struct ca_content {
    uint8_t bytes[CM_NTAUTH_MAX_CA];
    size_t len;
};

static void
put_question(struct writer *writer, const struct cm_directory_config *config,
             const struct ca_content *ca, const char *secret)
{
    const uint8_t choices[] = {(uint8_t)config->bind,
                               config->starttls ? FLAG_STARTTLS : 0,
                               (uint8_t)config->uri_count};

    put(writer, choices, sizeof(choices));
    for (size_t i = 0; i < config->uri_count; i++)
        put_text(writer, config->uris[i]);
    put_text(writer, config->base);
    put_text(writer, config->bind_dn);
    put_text(writer, ca->len > 0 ? NULL : config->ca_file);
    put(writer, ca->bytes, ca->len);
    put_text(writer, config->ciphers);
    put_text(writer, config->ntauth_dn);
    if (secret != NULL)
        put(writer, secret, strlen(secret));
}

/* What is too large, or cannot be read here, is left to the child. */
static void
read_ca(const struct cm_directory_config *config, struct ca_content *out)
{
    ssize_t n;
    int fd;

    out->len = 0;
    fd = config->ca_file == NULL
             ? -1
             : open(config->ca_file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return;
    do {
        n = read(fd, out->bytes + out->len, sizeof(out->bytes) - out->len);
        out->len += n > 0 ? (size_t)n : 0;
    } while (n > 0 && out->len < sizeof(out->bytes));
    if (n != 0)
        out->len = 0;
    (void)close(fd);
}

bool
cm_ntauth_question(const struct cm_directory_config *config, uint8_t **out,
                   size_t *len, struct cm_detail *detail)
{
    char secret[CM_LDAP_MAX_SECRET + 1];
    bool has_secret = config->password_file != NULL;
    struct ca_content ca;
    struct writer writer;

    read_ca(config, &ca);
    if (has_secret &&
        !cm_ldap_read_secret(config->password_file, secret, detail))
        return false;
    if (!start(&writer, CM_NTAUTH_MAX_PAYLOAD, question_magic)) {
        cm_detail_set(detail, "out of memory");
    } else {
        put_question(&writer, config, &ca, has_secret ? secret : NULL);
        if (writer.failed) {
            cm_detail_set(detail, "the directory's configuration is too long");
            explicit_bzero(writer.bytes, writer.capacity);
            free(writer.bytes);
            writer.bytes = NULL;
        }
    }
    if (has_secret)
        explicit_bzero(secret, sizeof(secret));
    *out = writer.bytes;
    *len = writer.len;
    return writer.bytes != NULL;
}

static bool
get_choices(struct reader *reader, struct cm_directory_config *out)
{
    size_t len;
    const uint8_t *p = get(reader, &len);

    if (p == NULL || len != 3 || p[0] > CM_BIND_GSSAPI ||
        p[1] > FLAG_STARTTLS || p[2] == 0 || p[2] > CM_DIRECTORY_MAX_URIS)
        return false;
    out->kind = CM_DIRECTORY_LDAP;
    out->bind = (enum cm_bind)p[0];
    out->starttls = p[1] == FLAG_STARTTLS;
    out->uri_count = p[2];
    return true;
}

/* What follows the last text: bytes that are nobody's to look at. */
static bool
get_secret(struct reader *reader, char **out)
{
    const uint8_t *p;
    size_t len;

    if (reader->len == 0)
        return true;
    p = get(reader, &len);
    if (p == NULL || len == 0 || len > CM_LDAP_MAX_SECRET || reader->len != 0)
        return false;
    *out = strndup((const char *)p, len);
    return *out != NULL && strlen(*out) == len;
}

/* libldap takes a path only. */
static bool
keep_ca(const uint8_t *bytes, size_t len, char **path, int *fd)
{
    *fd = memfd_create("ca", MFD_CLOEXEC);
    if (*fd < 0)
        return false;
    return write(*fd, bytes, len) == (ssize_t)len &&
           asprintf(path, "/proc/self/fd/%d", *fd) >= 0;
}

static bool
get_ca(struct reader *reader, struct cm_directory_config *out, int *fd)
{
    const uint8_t *p;
    size_t len;

    out->ca_file = get_text(reader);
    p = get(reader, &len);
    if (p == NULL)
        return false;
    if (len == 0)
        return true;
    return out->ca_file == NULL && keep_ca(p, len, &out->ca_file, fd);
}

static bool
get_question(struct reader *reader, struct cm_directory_config *out, int *ca)
{
    if (!get_choices(reader, out))
        return false;
    for (size_t i = 0; i < out->uri_count; i++) {
        out->uris[i] = get_text(reader);
        if (out->uris[i] == NULL)
            return false;
    }
    out->base = get_text(reader);
    out->bind_dn = get_text(reader);
    if (out->base == NULL || !get_ca(reader, out, ca))
        return false;
    out->ciphers = get_text(reader);
    out->ntauth_dn = get_text(reader);
    return !reader->failed && get_secret(reader, &out->password);
}

bool
cm_ntauth_question_read(const uint8_t *bytes, size_t len,
                        struct cm_directory_config *out, int *ca)
{
    struct reader reader;

    memset(out, 0, sizeof(*out));
    *ca = -1;
    if (begin(&reader, bytes, len, question_magic) &&
        get_question(&reader, out, ca))
        return true;
    cm_directory_config_clear(out);
    if (*ca >= 0)
        (void)close(*ca);
    *ca = -1;
    return false;
}

/* ---- The answer ---- */

bool
cm_ntauth_answer(const struct cm_ntauth_object *object, uint8_t **out,
                 size_t *len)
{
    size_t size = MAGIC_LENGTH + LENGTH + strlen(object->dn);
    struct writer writer;

    for (size_t i = 0; i < object->count; i++)
        size += LENGTH + object->values[i].len;
    if (size > CM_NTAUTH_MAX_ANSWER || !start(&writer, size, answer_magic))
        return false;
    put_text(&writer, object->dn);
    for (size_t i = 0; i < object->count; i++)
        put(&writer, object->values[i].bytes, object->values[i].len);
    *out = writer.bytes;
    *len = writer.len;
    return true;
}

static bool
get_value(struct reader *reader, struct cm_ntauth_object *out)
{
    const uint8_t *p;
    size_t len;

    p = get(reader, &len);
    return p != NULL && out->count < CM_NTAUTH_MAX_VALUES &&
           cm_ntauth_object_add(out, p, len);
}

bool
cm_ntauth_answer_read(const uint8_t *bytes, size_t len,
                      struct cm_ntauth_object *out)
{
    struct reader reader;
    bool ok;

    memset(out, 0, sizeof(*out));
    ok = len <= CM_NTAUTH_MAX_ANSWER &&
         begin(&reader, bytes, len, answer_magic);
    if (ok) {
        out->dn = get_text(&reader);
        ok = out->dn != NULL;
    }
    while (ok && reader.len > 0)
        ok = get_value(&reader, out);
    if (!ok)
        cm_ntauth_object_clear(out);
    return ok;
}
