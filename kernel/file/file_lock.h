// SPDX-License-Identifier: BSD-3-Clause
// Advisory locks: flock(2), and the record locks of fcntl(2), of processes (F_SETLK) and of open files
// (F_OFD_SETLK). The two families do not see each other, as on Linux.
#pragma once

#include "file/file.h"

// LOCK_SH, LOCK_EX or LOCK_UN; waits unless LOCK_NB. -EWOULDBLOCK, -ERESTARTSYS, -EINVAL, -ENOLCK
must_check int file_lock_flock(struct file *f, int operation);

// F_GETLK, F_SETLK, F_SETLKW and their OFD forms on a struct flock of the 64-bit ABI, in kernel memory.
// -EAGAIN, -EBADF (access mode), -EINVAL, -EOVERFLOW, -ENOLCK, -EDEADLK, -ERESTARTSYS
must_check int file_lock_control(struct file *f, int command, struct flock *lock);

void file_lock_closed(struct file *f);      // a descriptor of the current process was closed
void file_lock_released(struct file *f);    // the open file goes away
void file_lock_inode_gone(struct inode *i); // frees the (empty) state
