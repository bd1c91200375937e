#include "fetch_drop.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fetch_child.h"
#include "fetch_message.h"

enum {
    PROGRAM = CM_MESSAGE_SOCKET + 1, /* descriptors, in their places */
    ASIDE = PROGRAM + 1,             /* and above all of these */
    LOOKUP_BYTES = 16 * 1024
};

/* The sanitizers reserve more addresses than any limit would leave them. */
#if defined(__SANITIZE_ADDRESS__)
#define CM_LIMIT_MEMORY 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CM_LIMIT_MEMORY 0
#endif
#endif
#ifndef CM_LIMIT_MEMORY
#define CM_LIMIT_MEMORY 1
#endif

bool
cm_fetch_identity_find(const char *user, struct cm_fetch_identity *out,
                       struct cm_detail *detail)
{
    char buffer[LOOKUP_BYTES];
    struct passwd entry, *found = NULL;
    int error;

    memset(out, 0, sizeof(*out));
    if (user == NULL)
        return true;
    error = getpwnam_r(user, &entry, buffer, sizeof(buffer), &found);
    if (found == NULL) {
        cm_detail_set(detail, "the user %s: %s", user,
                      error != 0 ? strerror(error) : "there is none");
        return false;
    }
    if (found->pw_uid == 0 || found->pw_gid == 0) {
        cm_detail_set(detail, "the user %s is root, or of its group", user);
        return false;
    }
    out->change = geteuid() == 0;
    out->uid = found->pw_uid;
    out->gid = found->pw_gid;
    return true;
}

/* 0, 1 and 2 lead nowhere, the socket and the program have their places, and
 * that is all. */
static const char *
arrange_descriptors(int *socket)
{
    int program = open("/proc/self/exe", O_PATH | O_CLOEXEC);
    int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
    int aside;

    if (program < 0)
        return "opening this program";
    if (nowhere < 0)
        return "opening /dev/null";
    aside = fcntl(*socket, F_DUPFD_CLOEXEC, ASIDE);
    program = fcntl(program, F_DUPFD_CLOEXEC, ASIDE);
    nowhere = fcntl(nowhere, F_DUPFD_CLOEXEC, ASIDE);
    if (aside < 0 || program < 0 || nowhere < 0)
        return "moving descriptors";
    *socket = aside;
    for (int fd = 0; fd < CM_MESSAGE_SOCKET; fd++) {
        if (dup2(nowhere, fd) < 0)
            return "moving descriptors";
    }
    if (dup2(aside, CM_MESSAGE_SOCKET) < 0 ||
        dup3(program, PROGRAM, O_CLOEXEC) < 0)
        return "moving descriptors";
    *socket = CM_MESSAGE_SOCKET;
    return close_range(ASIDE, ~0U, 0) == 0 ? NULL : "closing descriptors";
}

/* Is the identity all there is, and is there no way back? */
static bool
is_for_good(const struct cm_fetch_identity *identity)
{
    uid_t real_uid, uid, saved_uid;
    gid_t real_gid, gid, saved_gid;

    if (getresuid(&real_uid, &uid, &saved_uid) != 0 ||
        getresgid(&real_gid, &gid, &saved_gid) != 0)
        return false;
    errno = EPERM;
    return real_uid == identity->uid && uid == identity->uid &&
           saved_uid == identity->uid && real_gid == identity->gid &&
           gid == identity->gid && saved_gid == identity->gid &&
           getgroups(0, NULL) == 0 && setresuid(0, 0, 0) != 0 &&
           setresgid(0, 0, 0) != 0 && setgroups(0, NULL) != 0;
}

static const char *
change_identity(const struct cm_fetch_identity *identity)
{
    if (setgroups(0, NULL) != 0)
        return "leaving all groups";
    if (setresgid(identity->gid, identity->gid, identity->gid) != 0)
        return "changing the group";
    if (setresuid(identity->uid, identity->uid, identity->uid) != 0)
        return "changing the user";
    return is_for_good(identity) ? NULL : "giving up root for good";
}

static bool
limit(__rlimit_resource_t resource, rlim_t most)
{
    struct rlimit now;

    if (getrlimit(resource, &now) != 0)
        return false;
    if (now.rlim_max == RLIM_INFINITY || now.rlim_max > most)
        now.rlim_max = most;
    now.rlim_cur = now.rlim_max;
    return setrlimit(resource, &now) == 0;
}

static const char *
confine(void)
{
    sigset_t none;

    umask(S_IRWXG | S_IRWXO);
    if (chdir("/") != 0)
        return "changing to the root folder";
    if (!limit(RLIMIT_CORE, 0) ||
        !limit(RLIMIT_NOFILE, CM_FETCH_CHILD_MAX_FILES) ||
        !limit(RLIMIT_FSIZE, CM_FETCH_CHILD_MAX_FILE) ||
        (CM_LIMIT_MEMORY && !limit(RLIMIT_AS, CM_FETCH_CHILD_MAX_MEMORY)))
        return "setting limits";
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return "renouncing privileges";
    sigemptyset(&none);
    return sigprocmask(SIG_SETMASK, &none, NULL) == 0 ? NULL
                                                      : "unblocking signals";
}

const char *
cm_fetch_become(const struct cm_fetch_identity *identity, int *socket)
{
    char name[] = "certmap", argument[] = CM_FETCH_WORKER_ARGUMENT;
    char *const argv[] = {name, argument, NULL};
    char *const environment[] = {NULL};
    const char *failed = arrange_descriptors(socket);

    if (failed == NULL && identity->change)
        failed = change_identity(identity);
    if (failed == NULL)
        failed = confine();
    if (failed != NULL)
        return failed;
    execveat(PROGRAM, "", argv, environment, AT_EMPTY_PATH);
    return "executing this program";
}
