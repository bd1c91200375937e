#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crl_judge.h"

#include <fcntl.h>
#include <unistd.h>

static enum cm_reason
reason_of(enum cm_status_state state)
{
    switch (state) {
    case CM_STATUS_GOOD:
        return CM_OK;
    case CM_STATUS_REVOKED:
        return CM_REVOKED;
    case CM_STATUS_STALE:
    case CM_STATUS_UNKNOWN:
        break;
    }
    return CM_REVOCATION_UNKNOWN;
}

enum cm_reason
crl_judge_path(void *context, const struct cm_path *path,
               struct cm_detail *detail)
{
    const struct crl_judge *judge = context;
    struct cm_crl_question question = {
        .path = path,
        .snapshot = judge->snapshot,
        .rules = judge->rules,
        .crls = cm_crl_files_provider(judge->files),
    };
    enum cm_reason reason = CM_OK, each;
    struct cm_status status;

    for (size_t i = 0; i + 1 < path->count; i++) {
        question.position = i;
        cm_crl_status(&question, &status);
        each = reason_of(status.state);
        if (each == CM_OK || reason == CM_REVOKED)
            continue;
        reason = each;
        *detail = status.detail;
    }
    return reason;
}

enum cm_reason
crl_judge_add(struct cm_crl_files *files, const char *path)
{
    struct cm_detail detail = {""};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    enum cm_reason reason;

    if (fd < 0)
        fail_msg("cannot open %s", path);
    reason = cm_crl_files_add(files, fd, &detail);
    if (reason != CM_OK && reason != CM_REVOCATION_UNKNOWN)
        fail_msg("%s: %s: %s", path, cm_reason_token(reason), detail.text);
    close(fd);
    return reason;
}
