/*
 * incoming/: CRLs that an administrator dropped in without knowing the hash
 * of their key.
 */
#include "store_parts.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Which trusted certificate's key signed the CRL?  Every one that bears its
 * issuer's name is tried. */
static const struct cm_trusted *
find_signer(const struct cm_trusted_list *list, struct cm_crl_source *source,
            const struct cm_crl_facts *facts, struct cm_detail *why)
{
    const struct cm_trusted *trusted;
    EVP_PKEY *key;

    for (size_t i = 0; i < list->count; i++) {
        trusted = &list->list[i];
        if (X509_NAME_cmp(X509_get_subject_name(trusted->x509),
                          facts->issuer) != 0)
            continue;
        key = X509_get0_pubkey(trusted->x509);
        if (key != NULL && cm_crl_verify(source, key, why))
            return trusted;
    }
    return NULL;
}

static const struct cm_trusted *
find_any_signer(const struct cm_snapshot *trusted,
                struct cm_crl_source *source, const struct cm_crl_facts *facts,
                struct cm_detail *why)
{
    const struct cm_trusted *signer;

    cm_detail_set(why, "no trusted CA bears its issuer's name");
    signer = find_signer(&trusted->ntauth, source, facts, why);
    if (signer == NULL)
        signer = find_signer(&trusted->intermediates, source, facts, why);
    if (signer == NULL)
        signer = find_signer(&trusted->anchors, source, facts, why);
    return signer;
}

const struct cm_trusted *
cm_store_find_signer(const struct cm_snapshot *trusted, int source_fd,
                     struct cm_crl_facts *facts, struct cm_detail *detail)
{
    const struct cm_trusted *signer = NULL;
    struct cm_crl_source *source;

    memset(facts, 0, sizeof(*facts));
    source = cm_crl_source_open(source_fd, detail);
    if (source == NULL)
        return NULL;
    if (cm_crl_read_facts(source, facts, detail) == CM_OK)
        signer = find_any_signer(trusted, source, facts, detail);
    cm_crl_source_free(source);
    return signer;
}

static void
take_in(struct cm_store_repair *repair, int folder, const char *name)
{
    const struct cm_trusted *signer = NULL;
    struct cm_crl_facts facts = {0};
    char scope[CM_STORE_KEY_TEXT];
    struct cm_detail why = {""};
    int fd;

    if (cm_store_open_file(folder, name, CM_CRL_MAX_FILE, &fd, NULL, &why) ==
        CM_STORE_FILE_READ)
        signer = cm_store_find_signer(repair->trusted, fd, &facts, &why);
    cm_crl_facts_clear(&facts);
    if (signer == NULL)
        cm_store_repair_log(repair, CM_LOG_WARNING, "incoming", name,
                            "is refused", why.text);
    else if (cm_store_repair_publish(repair, fd, signer->x509,
                                     signer->spki_sha256, "incoming", name,
                                     scope))
        unlinkat(folder, name, 0);
    if (fd >= 0)
        close(fd);
}

void
cm_store_repair_incoming(struct cm_store_repair *repair)
{
    struct cm_detail why = {""};
    struct cm_text_list names;
    int folder;

    if (cm_store_open_folder(repair->writer->root, "incoming", &folder,
                             &why) != CM_STORE_FILE_READ) {
        cm_store_repair_failed(repair, "incoming", why.text);
        return;
    }
    if (cm_store_names(folder, &names, &why)) {
        for (size_t i = 0; i < names.count; i++)
            take_in(repair, folder, names.items[i]);
        cm_text_list_clear(&names);
    } else {
        cm_store_repair_failed(repair, "incoming", why.text);
    }
    close(folder);
}
