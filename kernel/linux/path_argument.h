// SPDX-License-Identifier: BSD-3-Clause
// Path arguments of system calls, and the checks that several of these calls share.
#pragma once

#include "file/path.h"

// path_lookup of a path in user memory. Address 0 with LOOKUP_EMPTY is "". Also -EFAULT, -ENOMEM.
must_check int path_argument(int dirfd, uaddr_t path, u32 lookup, struct dentry **out);
// Its parent and last component.
must_check int path_argument_parent(int dirfd, uaddr_t path, struct dentry **out,
                                    struct path_last *out_last);
// Notes a path that is not there for the host's side, if that wants to know (abi/boot.h).
void path_missing(const char *path);
// The dentry of a descriptor, or for a file without one a dentry of its own. -EBADF also for O_PATH
must_check int path_of_descriptor(int fd, struct dentry **out);
bool path_is_empty(uaddr_t path); // "", or address 0
int path_unlink(const char *path); // unlink(2) of a path in kernel memory
// LOOKUP_* for AT_SYMLINK_NOFOLLOW and AT_EMPTY_PATH.
u32 path_argument_lookup(int at_flags);

// May the current process remove this entry (a directory or not) from the locked directory? [may_delete]
// -EACCES, -EPERM, -ENOTDIR, -EISDIR, -EBUSY
must_check int entry_may_delete(struct inode *directory, struct dentry *entry, bool is_directory);
