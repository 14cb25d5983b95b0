// SPDX-License-Identifier: BSD-3-Clause
// epoll_create(2), epoll_ctl(2), epoll_wait(2) and their kin.
#include "file/epoll.h"

#include "file/fd_table.h"
#include "file/poll.h"
#include "linux/calls.h"
#include "linux/clock.h"
#include "memory/user_copy.h"

#define EXCLUSIVE_ALLOWED                                                                          \
    ((u32)(EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE))

s64 sys_epoll_create1(u32 flags)
{
    struct file *f;
    int error;

    if (flags & ~(u32)EPOLL_CLOEXEC)
        return -EINVAL;
    error = epoll_create(&f);
    return error ? error : fd_install(f, flags & EPOLL_CLOEXEC, 0);
}

s64 sys_epoll_create(int size)
{
    return size <= 0 ? -EINVAL : sys_epoll_create1(0);
}

static int control(struct file *epoll_file, int operation, struct file *f, int fd,
                   struct epoll_event *event)
{
    struct epoll *e = epoll_of(epoll_file);

    if ((f->flags | epoll_file->flags) & O_PATH)
        return -EBADF;
    if (!f->ops->poll)
        return -EPERM;
    if (!e || f == epoll_file)
        return -EINVAL;
    if (operation != EPOLL_CTL_DEL && (event->events & (u32)EPOLLEXCLUSIVE)) {
        if (operation == EPOLL_CTL_MOD || epoll_of(f) || (event->events & ~EXCLUSIVE_ALLOWED))
            return -EINVAL;
    }
    event->events |= EPOLLERR | EPOLLHUP;
    switch (operation) {
    case EPOLL_CTL_ADD:
        return epoll_add(e, f, fd, event);
    case EPOLL_CTL_DEL:
        return epoll_remove(e, f, fd);
    case EPOLL_CTL_MOD:
        return epoll_modify(e, f, fd, event);
    default:
        return -EINVAL;
    }
}

s64 sys_epoll_ctl(int epoll_fd, int operation, int fd, uaddr_t user_event)
{
    struct epoll_event event = {0, 0};
    struct file *epoll_file, *f;
    s64 result = -EBADF;

    if (operation != EPOLL_CTL_DEL && user_read(&event, user_event, sizeof(event)))
        return -EFAULT;
    epoll_file = fd_get(epoll_fd);
    if (!epoll_file)
        return -EBADF;
    f = fd_get(fd);
    if (f) {
        result = control(epoll_file, operation, f, fd, &event);
        file_put(f);
    }
    file_put(epoll_file);
    return result;
}

static s64 wait_until_deadline(int epoll_fd, uaddr_t events, int max, u64 deadline)
{
    struct file *f;
    struct epoll *e;
    s64 result;

    if (max <= 0 || (u64)max > INT32_MAX / sizeof(struct epoll_event))
        return -EINVAL;
    if (!user_range(events, (u64)max * sizeof(struct epoll_event)))
        return -EFAULT;
    f = fd_get(epoll_fd);
    if (!f)
        return -EBADF;
    e = epoll_of(f);
    result = e ? epoll_collect(e, events, max, deadline) : -EINVAL;
    file_put(f);
    return result;
}

static u64 milliseconds(int timeout)
{
    return poll_deadline(timeout < 0 ? DEADLINE_NONE : (u64)timeout * 1000000);
}

s64 sys_epoll_wait(int epoll_fd, uaddr_t events, int max, int timeout)
{
    return wait_until_deadline(epoll_fd, events, max, milliseconds(timeout));
}

static s64 wait_masked(int epoll_fd, uaddr_t events, int max, u64 deadline, uaddr_t mask,
                       size_t set_size)
{
    int error = poll_mask_set(mask, set_size);

    if (error)
        return error;
    return poll_mask_restore(mask, wait_until_deadline(epoll_fd, events, max, deadline));
}

s64 sys_epoll_pwait(int epoll_fd, uaddr_t events, int max, int timeout, uaddr_t mask,
                    size_t set_size)
{
    return wait_masked(epoll_fd, events, max, milliseconds(timeout), mask, set_size);
}

s64 sys_epoll_pwait2(int epoll_fd, uaddr_t events, int max, uaddr_t timeout, uaddr_t mask,
                     size_t set_size)
{
    u64 ns = DEADLINE_NONE;
    int error;

    if (timeout) {
        error = timespec_read(timeout, &ns);
        if (error)
            return error;
    }
    return wait_masked(epoll_fd, events, max, poll_deadline(ns), mask, set_size);
}
