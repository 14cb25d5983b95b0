// SPDX-License-Identifier: BSD-3-Clause
// getsockopt(2), setsockopt(2) at SOL_SOCKET, for every family. [socket(7)]
#include <linux/capability.h>

#include "base/string.h"
#include "linux/clock.h"
#include "memory/user_copy.h"
#include "net/filter.h"
#include "net/settings.h"
#include "net/socket.h"
#include "process/process.h"
#include "thread/thread.h"

#define BUFFER_MIN_SEND    4608u
#define BUFFER_MIN_RECEIVE 2304u

static const struct {
    int name;
    u32 flag;
} flag_options[] = {
    {SO_REUSEADDR, SOCKET_REUSE_ADDRESS}, {SO_REUSEPORT, SOCKET_REUSE_PORT},
    {SO_KEEPALIVE, SOCKET_KEEP_ALIVE},    {SO_BROADCAST, SOCKET_BROADCAST},
    {SO_OOBINLINE, SOCKET_OOB_INLINE},    {SO_DONTROUTE, SOCKET_DONT_ROUTE},
    {SO_TIMESTAMP_OLD, SOCKET_TIMESTAMP}, {SO_PASSCRED, SOCKET_PASS_CRED},
    {SO_NO_CHECK, SOCKET_NO_CHECK},
};

static u32 flag_of(int name)
{
    for (size_t i = 0; i < array_count(flag_options); i++)
        if (flag_options[i].name == name)
            return flag_options[i].flag;
    return 0;
}

// As Linux, which keeps its books in buffers of twice the size that was asked for.
static u32 buffer_size(int value, u32 least, enum net_setting most, bool force)
{
    u32 wanted = (u32)value;

    if (!force || value < 0)
        wanted = min(wanted, net_setting(most));
    return max(min(wanted, 1u << 29) * 2, least);
}

static int timeout_read(uaddr_t value, u32 size, u64 *out)
{
    struct __kernel_old_timeval tv;

    if (size < sizeof(tv))
        return -EINVAL;
    if (user_read(&tv, value, sizeof(tv)))
        return -EFAULT;
    if (tv.tv_usec < 0 || tv.tv_usec >= 1000000)
        return -EDOM;
    if (tv.tv_sec < 0)
        *out = 0;
    else if (!tv.tv_sec && !tv.tv_usec)
        *out = DEADLINE_NONE;
    else
        *out = (u64)tv.tv_sec > UINT64_MAX / 2000000000
                   ? DEADLINE_NONE
                   : (u64)tv.tv_sec * 1000000000 + (u64)tv.tv_usec * 1000;
    return 0;
}

static int linger_read(struct socket *s, uaddr_t value, u32 size)
{
    int linger[2]; // struct linger

    if (size < sizeof(linger))
        return -EINVAL;
    if (user_read(linger, value, sizeof(linger)))
        return -EFAULT;
    s->linger_on = linger[0] != 0;
    s->linger_seconds = linger[1];
    return 0;
}

static int set_number(struct socket *s, int name, int value)
{
    u32 flag = flag_of(name);

    if (flag && value)
        __atomic_or_fetch(&s->flags, flag, __ATOMIC_RELAXED); // pairs with its readers
    else if (flag)
        __atomic_and_fetch(&s->flags, ~flag, __ATOMIC_RELAXED);
    if (flag)
        return 0;
    switch (name) {
    case SO_SNDBUFFORCE:
    case SO_RCVBUFFORCE:
        if (!capable(CAP_NET_ADMIN))
            return -EPERM;
        if (name == SO_SNDBUFFORCE)
            s->send_buffer = buffer_size(value, BUFFER_MIN_SEND, SET_WMEM_MAX, /*force=*/true);
        else
            s->receive_buffer = buffer_size(value, BUFFER_MIN_RECEIVE, SET_RMEM_MAX, /*force=*/true);
        return 0;
    case SO_SNDBUF:
        s->send_buffer = buffer_size(value, BUFFER_MIN_SEND, SET_WMEM_MAX, /*force=*/false);
        return 0;
    case SO_RCVBUF:
        s->receive_buffer = buffer_size(value, BUFFER_MIN_RECEIVE, SET_RMEM_MAX, /*force=*/false);
        return 0;
    case SO_RCVLOWAT:
        s->receive_low = value > 0 ? value : value < 0 ? INT32_MAX : 1;
        return 0;
    case SO_PRIORITY:
        if ((value < 0 || value > 6) && !capable(CAP_NET_ADMIN))
            return -EPERM;
        s->priority = value;
        return 0;
    case SO_MARK: // without effect: there are no rules that look at it
        if (!capable(CAP_NET_ADMIN) && !capable(CAP_NET_RAW))
            return -EPERM;
        s->mark = (u32)value;
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

int socket_set_option(struct socket *s, int level, int name, uaddr_t value, u32 size)
{
    int number, error;

    if (level != SOL_SOCKET)
        return s->ops->set_option ? s->ops->set_option(s, level, name, value, size) : -EOPNOTSUPP;
    if (name == SO_BINDTODEVICE && s->ops->set_option) // a name, however short
        return s->ops->set_option(s, level, name, value, size);
    if (size < sizeof(number))
        return -EINVAL;
    error = filter_set_option(s, name, value, size);
    if (error != -ENOPROTOOPT)
        return error;
    switch (name) {
    case SO_SNDTIMEO_OLD:
        return timeout_read(value, size, &s->send_timeout);
    case SO_RCVTIMEO_OLD:
        return timeout_read(value, size, &s->receive_timeout);
    case SO_LINGER:
        return linger_read(s, value, size);
    default:
        if (user_read(&number, value, sizeof(number)))
            return -EFAULT;
        error = set_number(s, name, number);
        if (error == -ENOPROTOOPT && s->ops->set_option)
            error = s->ops->set_option(s, level, name, value, size);
        return error;
    }
}

static int value_write(uaddr_t to, u32 *size, const void *value, u32 value_size)
{
    *size = min(*size, value_size);
    return user_write(to, value, *size);
}

static int timeout_write(uaddr_t to, u32 *size, u64 timeout)
{
    struct __kernel_old_timeval tv = {0, 0};

    if (timeout != DEADLINE_NONE) {
        tv.tv_sec = (__kernel_long_t)(timeout / 1000000000);
        tv.tv_usec = (__kernel_long_t)(timeout % 1000000000 / 1000);
    }
    return value_write(to, size, &tv, sizeof(tv));
}

static int get_number(struct socket *s, int name, int *out)
{
    u32 flag = flag_of(name);

    switch (name) {
    case SO_TYPE:
        *out = s->type;
        return 0;
    case SO_DOMAIN:
        *out = s->family;
        return 0;
    case SO_PROTOCOL:
        *out = s->protocol;
        return 0;
    case SO_ERROR:
        *out = -socket_take_error(s);
        return 0;
    case SO_SNDBUF:
        *out = (int)s->send_buffer;
        return 0;
    case SO_RCVBUF:
        *out = (int)s->receive_buffer;
        return 0;
    case SO_ACCEPTCONN:
        *out = s->listening;
        return 0;
    case SO_RCVLOWAT:
        *out = s->receive_low;
        return 0;
    case SO_SNDLOWAT:
        *out = 1;
        return 0;
    case SO_PRIORITY:
        *out = s->priority;
        return 0;
    case SO_MARK:
        *out = (int)s->mark;
        return 0;
    default:
        *out = (__atomic_load_n(&s->flags, __ATOMIC_RELAXED) & flag) != 0; // pairs with set_number
        return flag ? 0 : -ENOPROTOOPT;
    }
}

int socket_get_option(struct socket *s, int level, int name, uaddr_t value, u32 *size)
{
    int number, error, linger[2] = {s->linger_on, s->linger_seconds};

    if (level != SOL_SOCKET)
        return s->ops->get_option ? s->ops->get_option(s, level, name, value, size) : -EOPNOTSUPP;
    switch (name) {
    case SO_SNDTIMEO_OLD:
        return timeout_write(value, size, s->send_timeout);
    case SO_RCVTIMEO_OLD:
        return timeout_write(value, size, s->receive_timeout);
    case SO_LINGER:
        return value_write(value, size, linger, sizeof(linger));
    case SO_PEERCRED:
        return value_write(value, size, &s->peer, sizeof(s->peer));
    default:
        error = get_number(s, name, &number);
        if (error == -ENOPROTOOPT)
            error = filter_get_option(s, name, value, size);
        else if (!error)
            error = value_write(value, size, &number, sizeof(number));
        if (error == -ENOPROTOOPT && s->ops->get_option)
            error = s->ops->get_option(s, level, name, value, size);
        return error;
    }
}
