// SPDX-License-Identifier: BSD-3-Clause
// From a path to a dentry: path_resolution(7).
#pragma once

#include "file/inode.h"

struct path_context { // what fork copies and CLONE_FS shares
    u32 references;
    struct lock lock;
    struct dentry *root, *working; // referenced
    u32 umask;
};

must_check int path_context_copy(const struct path_context *from, struct path_context **out);
void path_context_put(struct path_context *c);

#define LOOKUP_FOLLOW    1u // follow a symbolic link at the end
#define LOOKUP_DIRECTORY 2u // it must be a directory
#define LOOKUP_PARENT    4u // give the parent, and the last component in *out_last
#define LOOKUP_EMPTY     8u // AT_EMPTY_PATH: "" is the directory descriptor itself
#define LOOKUP_BENEATH   16u
#define LOOKUP_NO_SYMLINKS 32u
#define LOOKUP_IN_ROOT   64u
#define LOOKUP_NO_MAGIC  128u

struct path_last {
    const char *name; // within the path given
    size_t size;
    bool slash; // "name/": it must be a directory
};

// dirfd: AT_FDCWD or a descriptor. path is kernel memory. *out is referenced.
// -ENOENT, -ENOTDIR, -ELOOP, -EACCES, -ENAMETOOLONG, -EBADF, -EXDEV (LOOKUP_BENEATH)
must_check int path_lookup(int dirfd, const char *path, u32 flags, struct dentry **out,
                           struct path_last *out_last);
// Reads a path from user memory into a heap buffer of PATH_MAX (free with heap_free).
must_check int path_read(uaddr_t from, char **out);
// open(2). flags O_*, mode with the umask not yet applied.
must_check int path_open(int dirfd, const char *path, u32 flags, u32 mode, struct file **out);

// Mounts fs over the directory at `path`. -ENOENT, -ENOTDIR
must_check int path_mount(struct file_system *fs, const char *path);
