// SPDX-License-Identifier: BSD-3-Clause
// timerfd_create(2), timerfd_settime(2), timerfd_gettime(2).
#include "file/timerfd.h"

#include <linux/timerfd.h>

#include "file/fd_table.h"
#include "linux/calls.h"
#include "linux/clock.h"
#include "memory/user_copy.h"

s64 sys_timerfd_create(int clock, u32 flags)
{
    struct file *f;
    int error;

    if (flags & ~(u32)(TFD_CLOEXEC | TFD_NONBLOCK))
        return -EINVAL;
    error = timerfd_create(clock, flags, &f);
    return error ? error : fd_install(f, flags & (u32)TFD_CLOEXEC, 0);
}

static int setting_read(uaddr_t from, struct timerfd_setting *out)
{
    struct __kernel_itimerspec spec;

    if (user_read(&spec, from, sizeof(spec)))
        return -EFAULT;
    if (timespec_to_ns(&spec.it_value, &out->value) ||
        timespec_to_ns(&spec.it_interval, &out->interval))
        return -EINVAL;
    return 0;
}

static int setting_write(uaddr_t to, const struct timerfd_setting *setting)
{
    struct __kernel_itimerspec spec = {
        .it_interval = timespec_from_ns(setting->interval),
        .it_value = timespec_from_ns(setting->value),
    };

    return user_write(to, &spec, sizeof(spec));
}

// The timerfd of descriptor fd, in a referenced file.
static int timerfd_get_fd(int fd, struct file **out_file, struct timerfd **out)
{
    struct file *f = fd_get(fd);

    if (!f)
        return -EBADF;
    *out_file = f;
    *out = timerfd_of(f);
    if (*out)
        return 0;
    file_put(f);
    return -EINVAL;
}

s64 sys_timerfd_settime(int fd, u32 flags, uaddr_t new_setting, uaddr_t old_setting)
{
    struct timerfd_setting setting, old;
    struct timerfd *t;
    struct file *f;
    int error = setting_read(new_setting, &setting);

    if (error)
        return error;
    if (flags & ~(u32)(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET))
        return -EINVAL;
    error = timerfd_get_fd(fd, &f, &t);
    if (error)
        return error;
    error = timerfd_set(t, flags, &setting, &old);
    file_put(f);
    if (error)
        return error;
    return old_setting ? setting_write(old_setting, &old) : 0;
}

s64 sys_timerfd_gettime(int fd, uaddr_t out)
{
    struct timerfd_setting setting;
    struct timerfd *t;
    struct file *f;
    int error = timerfd_get_fd(fd, &f, &t);

    if (error)
        return error;
    timerfd_get(t, &setting);
    file_put(f);
    return setting_write(out, &setting);
}
