// SPDX-License-Identifier: BSD-3-Clause
// Pseudoterminals: /dev/ptmx and /dev/pts. pty(7)
#pragma once

#include "base/types.h"

struct file;
struct file_system;
struct inode;

// The file system devpts; there is one.
must_check int pty_create(struct file_system **out);

// An open of /dev/ptmx or /dev/pts/ptmx: makes a new pair. -ENOMEM, -ENOSPC (too many)
must_check int pty_master_open(struct inode *inode, struct file *f);

// An open of /dev/pts/NUMBER. -EIO: locked (unlockpt), or its master has gone; -ENXIO: never was.
must_check int pty_slave_open(u32 number, struct file *f);
