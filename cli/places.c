// SPDX-License-Identifier: BSD-3-Clause
// Where clade keeps things for a user, and how temporary folders go away again.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cli/complain.h"
#include "cli/places.h"
#include "cli/text.h"

static char *cache_home(void)
{
    const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (xdg && xdg[0] == '/')
        return keep_path(xdg, "clade");
    if (home && home[0] == '/')
        return keep_path(home, ".cache/clade");
    return keep_format("/tmp/clade-%u", (unsigned)getuid());
}

// Makes `path` and the folders above it.
static int make_folders(char *path)
{
    int refused = 0; // why a folder above may be missing
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        int result = mkdir(path, 0777);
        *slash = '/';
        if (result && errno != EEXIST && errno != ENOENT)
            refused = -errno;
    }
    if (!mkdir(path, 0700) || errno == EEXIST)
        return 0;
    return errno == ENOENT && refused ? refused : -errno;
}

static int make_place(char *path)
{
    struct stat s;
    int result = 0;
    if (stat(path, &s))
        result = make_folders(path);
    // Somebody else's folder (under /tmp) must not decide what runs.
    if (!result && (stat(path, &s) || (s.st_uid != geteuid() && geteuid() != 0)))
        result = -EPERM;
    return result;
}

const char *place_file(const char *name, bool make)
{
    char *home = cache_home();
    if (make)
        (void)make_place(home);
    return keep_path(home, name);
}

const char *place(const char *name)
{
    char *path = keep_path(cache_home(), name);
    int result = make_place(path);
    if (result < 0) {
        complain(-result, "cannot use %s: %s; XDG_CACHE_HOME may name a better place", path,
                 strerror(-result));
        return NULL;
    }
    return path;
}

static int remove_at(int parent, const char *name)
{
    if (!unlinkat(parent, name, 0))
        return 0;
    if (errno != EISDIR && errno != EPERM)
        return errno == ENOENT ? 0 : -errno;
    (void)fchmodat(parent, name, 0700, 0);
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *d;
    if (!folder)
        return -errno;
    while ((d = readdir(folder)))
        if (strcmp(d->d_name, ".") && strcmp(d->d_name, ".."))
            (void)remove_at(fd, d->d_name);
    closedir(folder);
    return unlinkat(parent, name, AT_REMOVEDIR) && errno != ENOENT ? -errno : 0;
}

int remove_tree(const char *path)
{
    return remove_at(AT_FDCWD, path);
}

// The process that stays behind. Ctrl-C and the end of the terminal must not reach it.
static void wait_and_remove(int fd, const char *path)
{
    char byte;
    setsid();
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    // Nobody writes: this ends when the last copy of the other end is gone.
    while (read(fd, &byte, 1) < 0 && errno == EINTR)
        ;
    remove_tree(path);
    _exit(0);
}

int remove_later(const char *path, int *out_fd, int *out_pid)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC))
        return complain(errno, "no pipe: %s", strerror(errno));
    *out_pid = fork();
    if (*out_pid < 0) {
        int error = errno;
        close(ends[0]);
        close(ends[1]);
        return complain(error, "no process: %s", strerror(error));
    }
    if (!*out_pid) {
        // The terminal, pipes of a shell, and locks must not be kept by this process.
        int null = open("/dev/null", O_RDWR);
        for (int fd = 0; fd < 3 && null >= 0; fd++)
            dup2(null, fd);
        dup2(ends[0], 3);
        syscall(SYS_close_range, 4u, ~0u, 0u);
        wait_and_remove(3, path);
    }
    close(ends[0]);
    *out_fd = ends[1];
    return 0;
}
