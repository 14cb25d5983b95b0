// SPDX-License-Identifier: BSD-3-Clause
// eventfd(2).
#include "file/eventfd.h"

#include "file/fd_table.h"
#include "linux/calls.h"

s64 sys_eventfd2(u32 count, u32 flags)
{
    struct file *f;
    int error;

    if (flags & ~(EFD_SEMAPHORE | EFD_CLOEXEC | EFD_NONBLOCK))
        return -EINVAL;
    error = eventfd_create(count, flags, &f);
    return error ? error : fd_install(f, flags & EFD_CLOEXEC, 0);
}

s64 sys_eventfd(u32 count)
{
    return sys_eventfd2(count, 0);
}
