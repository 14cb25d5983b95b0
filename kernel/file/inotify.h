// SPDX-License-Identifier: BSD-3-Clause
// inotify(7): instances and their watches. What happens to files is announced by inotify_event()
// and dentry_event() of file/inode.h.
#pragma once

#include <linux/inotify.h>

#include "file/file.h"

struct inode;
struct inotify;

// A bit of inotify_event's mask, not for watches: the name has been unlinked (its file is still
// open).
#define INOTIFY_UNLINKED ((u32)IN_EXCL_UNLINK)

must_check int inotify_create(u32 flags, struct file **out);
struct inotify *inotify_of(const struct file *f); // NULL: another kind of file
// A watch of inode, or another mask for the one there is. Its descriptor, -EEXIST (IN_MASK_CREATE),
// -ENOSPC (too many), -ENOMEM
must_check int inotify_watch(struct inotify *n, struct inode *inode, u32 mask);
must_check int inotify_unwatch(struct inotify *n, int wd); // -EINVAL: no such watch

// The last reference to a watched inode has gone: IN_DELETE_SELF if it has no links, and the
// watches end.
void inotify_inode_gone(struct inode *inode);
