// SPDX-License-Identifier: BSD-3-Clause
// pipe(2).
#include <linux/fcntl.h>

#include "file/pipe.h"
#include "linux/calls.h"
#include "linux/descriptor.h"

s64 sys_pipe(uaddr_t fds)
{
    return sys_pipe2(fds, 0);
}

s64 sys_pipe2(uaddr_t fds, u32 flags)
{
    struct file *ends[2];
    int error;

    if (flags & ~(u32)(O_CLOEXEC | O_NONBLOCK | O_DIRECT))
        return -EINVAL;
    error = pipe_create(flags & (O_NONBLOCK | O_DIRECT), &ends[0], &ends[1]);
    if (error)
        return error;
    return descriptor_pair(ends, flags & O_CLOEXEC, fds);
}
