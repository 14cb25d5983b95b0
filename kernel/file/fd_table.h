// SPDX-License-Identifier: BSD-3-Clause
// A process's descriptors.
#pragma once

#include "base/types.h"

struct fd_table;
struct file;

must_check int fd_table_create(struct fd_table **out);
must_check int fd_table_copy(const struct fd_table *from, struct fd_table **out); // fork
struct fd_table *fd_table_share(struct fd_table *t); // clone(2) with CLONE_FILES; freed as often
void fd_table_free(struct fd_table *t);              // the last one closes all
// Its steps: one user less, true: that was the last; all are closed; the table goes.
must_check bool fd_table_leave(struct fd_table *t);
void fd_table_close(struct fd_table *t);
void fd_table_dispose(struct fd_table *t);
// The current process gets a table of its own, if it shares one. -ENOMEM
must_check int fd_table_unshare(void);
void file_closed(struct file *f); // what close(2) does with a file that has left the table
void fd_table_close_on_exec(struct fd_table *t);

// The current process's. fd_get returns a referenced file (file_put it) or NULL for a bad descriptor.
struct file *fd_get(int fd);
// Puts `file` (the caller's reference goes over) at the lowest free descriptor >= from. A descriptor, or
// -EMFILE (the reference is then dropped too).
must_check int fd_install(struct file *file, bool close_on_exec, int from);
int fd_close(int fd); // -EBADF
// dup2: at exactly `fd`, closing what is there.
must_check int fd_replace(int fd, struct file *file, bool close_on_exec);
must_check int fd_flags_get(int fd, bool *out_close_on_exec);
must_check int fd_flags_set(int fd, bool close_on_exec);
// The lowest open descriptor >= fd, or -1; for /proc/self/fd and close_range.
int fd_next(struct fd_table *t, int fd);
struct file *fd_table_get(struct fd_table *t, int fd); // as fd_get, of another table
