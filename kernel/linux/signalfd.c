// SPDX-License-Identifier: BSD-3-Clause
// signalfd(2).
#include "file/signalfd.h"

#include "file/fd_table.h"
#include "linux/calls.h"
#include "memory/user_copy.h"

s64 sys_signalfd4(int fd, uaddr_t mask, size_t set_size, u32 flags)
{
    signal_set_t wanted;
    struct file *f;
    int error;

    if (set_size != sizeof(wanted))
        return -EINVAL;
    if (user_read_u64(&wanted, mask))
        return -EFAULT;
    if (flags & ~(u32)(O_CLOEXEC | O_NONBLOCK))
        return -EINVAL;
    if (fd == -1) {
        error = signalfd_create(wanted, flags & O_NONBLOCK, &f);
        return error ? error : fd_install(f, flags & O_CLOEXEC, 0);
    }
    f = fd_get(fd);
    if (!f)
        return -EBADF;
    error = signalfd_set(f, wanted);
    file_put(f);
    return error ? error : fd;
}

s64 sys_signalfd(int fd, uaddr_t mask, size_t set_size)
{
    return sys_signalfd4(fd, mask, set_size, 0);
}
