// SPDX-License-Identifier: BSD-3-Clause
// Copies the tree of an image into a staging folder; see pack_stage.h.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli/complain.h"
#include "cli/pack_setup.h"
#include "cli/pack_stage.h"
#include "cli/places.h"
#include "cli/progress.h"

static int write_all(int fd, const char *data, size_t size)
{
    while (size) {
        ssize_t done = write(fd, data, size);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return done ? -errno : -ENOSPC;
        data += done;
        size -= (size_t)done;
    }
    return 0;
}

static int copy_by_hand(int from, int to)
{
    static char buffer[1 << 16];
    ssize_t got;
    int result = 0;
    while (!result && (got = read(from, buffer, sizeof(buffer))) > 0)
        result = write_all(to, buffer, (size_t)got);
    return result ? result : got < 0 ? -errno : 0;
}

static int copy_part(int from, int to, off_t at, off_t end)
{
    static char buffer[1 << 16];
    while (at < end) {
        size_t size = end - at < (off_t)sizeof(buffer) ? (size_t)(end - at) : sizeof(buffer);
        ssize_t got = pread(from, buffer, size, at);
        if (got <= 0)
            return got ? -errno : 0; // it became shorter
        for (ssize_t done = 0, part; done < got; done += part)
            if ((part = pwrite(to, buffer + done, (size_t)(got - done), at + done)) <= 0)
                return part ? -errno : -ENOSPC;
        at += got;
    }
    return 0;
}

// A file with holes, as one with the same holes. [lseek(2), SEEK_DATA]
static int copy_sparse(int from, int to, off_t size)
{
    int result = 0;
    for (off_t data = 0, hole; !result && (data = lseek(from, data, SEEK_DATA)) >= 0; data = hole) {
        hole = lseek(from, data, SEEK_HOLE);
        result = hole < 0 ? -errno : copy_part(from, to, data, hole);
    }
    if (!result && errno != ENXIO)
        result = -errno;
    return !result && ftruncate(to, size) ? -errno : result;
}

// All bytes of one open file to another: shared blocks, else without the holes, else a copy within
// the kernel, else by hand.
static int copy_data(int from, int to)
{
    ssize_t done;
    struct stat s;
    if (!ioctl(to, FICLONE, from))
        return 0;
    if (!fstat(from, &s) && s.st_blocks < s.st_size / 512 - 8)
        return copy_sparse(from, to, s.st_size);
    while ((done = copy_file_range(from, NULL, to, NULL, 1 << 30, 0)) > 0)
        ;
    if (!done)
        return 0;
    if (errno == ENOSPC || errno == EDQUOT || errno == EIO)
        return -errno;
    return copy_by_hand(from, to); // goes on where the last call stopped
}

// *out_reading: the fault is with the file of the host, not with the copy.
static int copy_file(const struct node *n, const char *path, bool *out_reading)
{
    int to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), from = -1;
    if (to < 0)
        return -errno;
    int result;
    if (!n->host) {
        result = write_all(to, n->data, (size_t)n->stat.st_size);
    } else if ((from = open(n->host, O_RDONLY | O_CLOEXEC)) < 0) {
        result = -errno;
        *out_reading = true;
    } else {
        result = copy_data(from, to);
    }
    if (from >= 0)
        close(from);
    if (close(to) && !result)
        result = -errno;
    return result;
}

static int make_node(const struct node *n, const char *path, const char *linked, bool *out_reading)
{
    switch (n->stat.st_mode & S_IFMT) {
    case S_IFDIR:
        return mkdir(path, 0700) ? -errno : 0;
    case S_IFLNK:
        return symlink(n->target, path) ? -errno : 0;
    case S_IFREG:
        return linked ? (link(linked, path) ? -errno : 0) : copy_file(n, path, out_reading);
    case S_IFSOCK:
        return 0; // means nothing without the process behind it
    default:
        // Without root's rights there are no device nodes: the guest has its own /dev.
        return mknod(path, n->stat.st_mode & S_IFMT, n->stat.st_rdev) && errno != EPERM ? -errno
                                                                                        : 0;
    }
}

static bool is_same_file(const struct node *a, const struct node *b)
{
    return a->stat.st_ino == b->stat.st_ino && a->stat.st_dev == b->stat.st_dev;
}

static int copy_tree(struct stage *s, struct pack *p)
{
    uint64_t files = 0, bytes = 0;
    for (struct node *n = p->tree->root->children; n; n = image_tree_next(n)) {
        const char *path = keep_format("%s%s", s->path, n->path), *linked = NULL;
        if (n->linked && is_same_file(n, n->linked))
            linked = keep_format("%s%s", s->path, n->linked->path);
        bool reading = false;
        int result = make_node(n, path, linked, &reading);
        if (result == -ENOENT && linked)
            result = make_node(n, path, NULL, &reading); // its first name comes later
        if (result < 0)
            return complain(-result, "cannot %s: %s",
                            reading ? keep_format("read %s", n->host)
                                    : keep_format("write %s to %s", n->path, s->path),
                            strerror(-result));
        if (S_ISREG(n->stat.st_mode) && !linked) {
            files++;
            bytes += (uint64_t)n->stat.st_size;
        }
        progress_show("copying", files, bytes);
    }
    return 0;
}

// Does a file keep its owner? All of a tree (--root) do. Beside --deb, which packs system users,
// what belongs to one of them. All others become root's: the image does not know their owners.
static bool keeps_owner(const struct pack *p, const struct node *n)
{
    if (p->settings->root)
        return true;
    return p->settings->debs.count && n->stat.st_uid <= PACK_SYSTEM_ID_MAX &&
           n->stat.st_gid <= PACK_SYSTEM_ID_MAX;
}

// Owners, modes and times, once nothing is written into the folders any more.
static int set_attributes(struct stage *s, struct pack *p)
{
    bool is_root = geteuid() == 0;
    for (struct node *n = p->tree->root; n; n = image_tree_next(n)) {
        const char *path = keep_format("%s%s", s->path, n->path);
        struct timespec times[2] = {n->stat.st_mtim, n->stat.st_mtim};
        bool failed = is_root && keeps_owner(p, n) && lchown(path, n->stat.st_uid, n->stat.st_gid);
        if (!S_ISLNK(n->stat.st_mode) && !failed)
            failed = chmod(path, n->stat.st_mode & 07777);
        if (!failed)
            failed = utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW);
        if (failed && errno != ENOENT) // a socket, or a device that could not be made
            return complain(errno, "cannot set the attributes of %s: %s", path, strerror(errno));
    }
    return 0;
}

// Folders that were left by a process that died together with its cleaner.
static void remove_stale(const char *folder)
{
    DIR *all = opendir(folder);
    struct dirent *d;
    while (all && (d = readdir(all))) {
        if (d->d_name[0] == '.')
            continue;
        const char *path = keep_path(folder, d->d_name);
        int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd >= 0 && !flock(fd, LOCK_EX | LOCK_NB))
            remove_tree(path);
        if (fd >= 0)
            close(fd);
    }
    if (all)
        closedir(all);
}

// Makes the folder. The cleaner is there before it, so no end of this process leaves it behind.
static int make_folder(struct stage *s, const char *folder)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    const char *path =
        keep_format("%s/%d.%lld.%ld", folder, (int)getpid(), (long long)t.tv_sec, t.tv_nsec);
    int result = remove_later(path, &s->cleaner_fd, &s->cleaner_pid);
    if (result < 0)
        return result;
    if (mkdir(path, 0700))
        return complain(errno, "cannot make a folder in %s: %s", folder, strerror(errno));
    s->lock = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (s->lock >= 0)
        flock(s->lock, LOCK_EX);
    s->path = path;
    return 0;
}

int stage_make(struct stage *s, struct pack *p)
{
    *s = (struct stage){.lock = -1, .cleaner_fd = -1};
    const char *folder = place("staging");
    if (!folder)
        return -EIO;
    // While this lock is held no folder is made or taken for stale.
    int lock = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (lock >= 0)
        flock(lock, LOCK_EX);
    remove_stale(folder);
    int result = make_folder(s, folder);
    if (lock >= 0)
        close(lock);
    if (result >= 0)
        result = copy_tree(s, p);
    return result < 0 ? result : set_attributes(s, p);
}

void stage_remove(struct stage *s)
{
    if (s->cleaner_fd < 0)
        return;
    close(s->cleaner_fd);
    if (s->lock >= 0)
        close(s->lock);
    waitpid(s->cleaner_pid, NULL, 0);
    s->cleaner_fd = -1;
}
