// SPDX-License-Identifier: BSD-3-Clause
// pipe(2).
#include <linux/fcntl.h>

#include "file/fd_table.h"
#include "file/pipe.h"
#include "linux/calls.h"
#include "memory/user_copy.h"

s64 sys_pipe(uaddr_t fds)
{
    return sys_pipe2(fds, 0);
}

s64 sys_pipe2(uaddr_t fds, u32 flags)
{
    bool close_on_exec = flags & O_CLOEXEC;
    struct file *read_end, *write_end;
    int fd[2], error;

    if (flags & ~(u32)(O_CLOEXEC | O_NONBLOCK | O_DIRECT))
        return -EINVAL;
    error = pipe_create(flags & (O_NONBLOCK | O_DIRECT), &read_end, &write_end);
    if (error)
        return error;
    fd[0] = fd_install(read_end, close_on_exec, 0);
    if (fd[0] < 0) {
        file_put(write_end);
        return fd[0];
    }
    fd[1] = fd_install(write_end, close_on_exec, 0);
    error = fd[1] < 0 ? fd[1] : user_write(fds, fd, sizeof(fd));
    if (!error)
        return 0;
    fd_close(fd[0]);
    if (fd[1] >= 0)
        fd_close(fd[1]);
    return error;
}
