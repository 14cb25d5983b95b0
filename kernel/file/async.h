// SPDX-License-Identifier: BSD-3-Clause
// O_ASYNC: a signal whenever a file becomes ready. [fcntl(2), F_SETOWN, F_SETSIG]
#pragma once

#include "file/file.h"

// Starts or ends it, as O_ASYNC of f->flags changes; fd is what si_fd says. Does nothing for files that can't
// (regular ones, epolls, ...). -ENOMEM
must_check int file_async_set(struct file *f, int fd, bool on);
// The file has got an owner, which hears of urgent data. [socket(7)] -ENOMEM
must_check int file_async_own(struct file *f, int fd);
void file_async_end(struct file *f); // the file goes away
