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
struct path_context *path_context_share(struct path_context *c); // put as often
void path_context_put(struct path_context *c);
struct path_context *path_context_now(void); // of the current thread: its own, or its process's
must_check int path_context_unshare(void); // the current thread gets one of its own, if it shares it. -ENOMEM

#define LOOKUP_FOLLOW    1u // follow a symbolic link at the end
#define LOOKUP_DIRECTORY 2u // it must be a directory
#define LOOKUP_PARENT    4u // give the parent, and the last component in *out_last
#define LOOKUP_EMPTY     8u // AT_EMPTY_PATH: "" is the directory descriptor itself
#define LOOKUP_BENEATH   16u
#define LOOKUP_NO_SYMLINKS 32u
#define LOOKUP_IN_ROOT   64u
#define LOOKUP_NO_MAGIC  128u
#define LOOKUP_NO_CROSS  256u // RESOLVE_NO_XDEV

enum path_last_kind { PATH_NAME, PATH_DOT, PATH_DOT_DOT, PATH_ROOT };

struct path_last { // the last component
    enum path_last_kind kind;
    bool slash; // "name/": it must be a directory
    size_t size;
    char name[256]; // terminated
};

// dirfd: AT_FDCWD or a descriptor. path is kernel memory. *out is referenced.
// A name that a magic link gives to something without a name (a pipe) is a dentry that is its own parent.
// -ENOENT, -ENOTDIR, -ELOOP, -EACCES, -ENAMETOOLONG, -EBADF, -EXDEV (LOOKUP_BENEATH)
must_check int path_lookup(int dirfd, const char *path, u32 flags, struct dentry **out,
                           struct path_last *out_last);
// Reads a path of at most PATH_MAX from user memory into the heap (free with heap_free).
must_check int path_read(uaddr_t from, char **out);
// open(2). flags O_*, mode with the umask not yet applied.
must_check int path_open(int dirfd, const char *path, u32 flags, u32 mode, struct file **out);

// The same with LOOKUP_* restrictions added, for openat2.
must_check int path_open_restricted(int dirfd, const char *path, u32 flags, u32 mode, u32 restrict_flags,
                                    struct file **out);
// Opens what a dentry names (the caller keeps its reference). Permission, O_CREAT and O_TRUNC are not
// looked at.
must_check int dentry_open(struct dentry *d, u32 flags, struct file **out);

// Looks a name up in a directory, permission not checked, no mount or link followed. -ENOENT, -ENOTDIR
must_check int path_child(struct dentry *directory, const char *name, size_t size, struct dentry **out);

struct dentry *path_root(void);    // the current process's, referenced
struct dentry *path_working(void);
u32 path_umask(void);
// Root and working directory of the kernel while there is no process yet.
void path_set_boot_root(struct dentry *root);
must_check int path_context_create(struct dentry *root, u32 umask, struct path_context **out);

// Mounts fs over the directory at `path`. -ENOENT, -ENOTDIR
must_check int path_mount(struct file_system *fs, const char *path);
// The same over a directory that was looked up; the list of mounts takes over fs.
must_check int mount_attach(struct file_system *fs, struct dentry *at);
// Takes the topmost mount off: umount2(2). `root`: of the mounted file system. -EINVAL, -EBUSY
must_check int mount_detach(struct dentry *root, bool lazily);
