#include "crlfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "filelist.h"

struct collection {
    struct cm_tool *tool;
    struct cm_crl_files *files;
    size_t seen; /* CRLs, those left out included */
};

/* Is a file whose content was refused a CRL at all?  One too large to be read
 * whole is given the benefit of the doubt: it is refused either way. */
static bool
is_crl(int fd)
{
    struct stat status;
    X509_CRL *crl;
    BIO *bio;

    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) ||
        lseek(fd, 0, SEEK_SET) != 0)
        return false;
    if (status.st_size > CM_CRLFILE_MAX_DOUBT)
        return true;
    bio = BIO_new_fd(fd, BIO_NOCLOSE);
    if (bio == NULL)
        return false;
    crl = d2i_X509_CRL_bio(bio, NULL);
    if (crl == NULL && lseek(fd, 0, SEEK_SET) == 0)
        crl = PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL);
    BIO_free(bio);
    ERR_clear_error();
    X509_CRL_free(crl);
    return crl != NULL;
}

static bool
add_fd(const struct collection *collection, const char *path, int fd,
       struct cm_detail *detail)
{
    struct cm_detail why = {""};
    enum cm_reason reason;

    reason = cm_crl_files_add(collection->files, fd, &why);
    if (reason == CM_OK)
        return true;
    if (why.text[0] == '\0')
        cm_detail_set(&why, "%s", cm_reason_text(reason));
    if (reason == CM_REVOCATION_UNKNOWN && is_crl(fd)) {
        cm_tool_error(collection->tool, "%s is left out: %s", path, why.text);
        return true;
    }
    cm_detail_set(detail,
                  reason == CM_REVOCATION_UNKNOWN ? "%.256s holds no CRL: %s"
                                                  : "%.256s: %s",
                  path, why.text);
    return false;
}

static bool
add_file(void *context, const char *path, struct cm_detail *detail)
{
    struct collection *collection = context;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool ok;

    if (fd < 0) {
        cm_detail_set(detail, "cannot open %s: %s", path, strerror(errno));
        return false;
    }
    ok = add_fd(collection, path, fd, detail);
    collection->seen += ok;
    close(fd);
    return ok;
}

bool
cm_crlfile_collect(struct cm_tool *tool, const char *path,
                   struct cm_crl_files *files, struct cm_detail *detail)
{
    struct collection collection = {tool, files, 0};

    if (!cm_filelist_each(path, add_file, &collection, detail))
        return false;
    if (collection.seen > 0)
        return true;
    cm_detail_set(detail, "%s holds no CRL", path);
    return false;
}
