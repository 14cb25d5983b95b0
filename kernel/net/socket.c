// SPDX-License-Identifier: BSD-3-Clause
// Sockets as files.
#include "net/settings.h"
#include "net/socket.h"

#include <linux/stat.h>

#include "base/printf.h"
#include "file/inode.h"
#include "file/pipe.h"
#include "linux/clock.h"
#include "net/filter.h"
#include "net/inet.h"
#include "net/netlink.h"
#include "net/packet_tap.h"
#include "net/unix.h"
#include "net/wiring.h"

static const struct socket_family *const families[] = {&unix_family, &inet_family, &inet6_family,
                                                       &netlink_family, &packet_family};

int socket_create(int family, int type, int protocol, struct socket **out)
{
    net_start();
    for (size_t i = 0; i < array_count(families); i++)
        if (families[i]->family == family)
            return families[i]->create(type, protocol, out);
    return -EAFNOSUPPORT;
}

void socket_init(struct socket *s, const struct socket_ops *ops, int family, int type)
{
    s->ops = ops;
    s->family = family;
    s->type = type;
    s->send_buffer = net_setting(SET_WMEM_DEFAULT);
    s->receive_buffer = net_setting(SET_RMEM_DEFAULT);
    s->send_timeout = s->receive_timeout = DEADLINE_NONE;
    s->receive_low = 1;
    s->peer = (struct ucred){0, ~0u, ~0u};
}

static s64 socket_read(struct file *f, struct io *io, u64 *position)
{
    struct socket *s = f->data;
    struct message m = {.io = io, .nonblock = f->flags & O_NONBLOCK};

    if (!io->left)
        return 0;
    return s->ops->receive(s, &m);
}

static s64 socket_write(struct file *f, struct io *io, u64 *position)
{
    struct socket *s = f->data;
    struct message m = {.io = io, .nonblock = f->flags & O_NONBLOCK};

    return s->ops->send(s, &m);
}

static u32 socket_poll(struct file *f, struct poll_table *table)
{
    struct socket *s = f->data;
    return s->ops->poll(s, table);
}

static s64 socket_ioctl(struct file *f, u32 command, u64 argument)
{
    struct socket *s = f->data;
    s64 result = s->ops->ioctl ? s->ops->ioctl(s, command, argument) : -ENOTTY;

    return result == -ENOTTY ? inet_ioctl(s, command, argument) : result; // about interfaces
}

static int socket_map(struct file *f, u64 offset, u64 size, bool shared, struct map_extent *out)
{
    struct socket *s = f->data;
    return s->ops->map ? s->ops->map(s, offset, size, out) : -ENODEV;
}

static void socket_release(struct file *f)
{
    struct socket *s = f->data;
    filter_drop(s);
    s->ops->release(s);
}

static void socket_describe(struct file *f, char *out, size_t size)
{
    snprintf(out, size, "socket:[%lu]", f->inode->number);
}

static const struct file_ops socket_file_ops = {
    .read = socket_read,
    .write = socket_write,
    .poll = socket_poll,
    .ioctl = socket_ioctl,
    .map = socket_map,
    .release = socket_release,
    .describe = socket_describe,
};

struct socket *socket_of(const struct file *f)
{
    return f->ops == &socket_file_ops ? f->data : NULL;
}

int socket_file(struct socket *s, u32 flags, struct file **out)
{
    int error = file_create_anonymous(&socket_file_ops, S_IFSOCK | 0777, s,
                                      O_RDWR | (flags & O_NONBLOCK), out);
    if (error)
        s->ops->release(s);
    return error;
}

int socket_take_error(struct socket *s)
{
    return -__atomic_exchange_n(&s->error, 0, __ATOMIC_RELAXED); // pairs with whoever sets it
}

u64 socket_deadline(u64 timeout)
{
    u64 deadline;

    if (timeout == DEADLINE_NONE || __builtin_add_overflow(clock_monotonic(), timeout, &deadline))
        return DEADLINE_NONE;
    return deadline;
}

int socket_wait_error(int error, u64 timeout)
{
    if (error == -ETIMEDOUT)
        return -EAGAIN;
    return error == -ERESTARTSYS && timeout != DEADLINE_NONE ? -EINTR : error;
}

s64 socket_broken_pipe(u32 message_flags)
{
    if (!(message_flags & MSG_NOSIGNAL))
        pipe_send_signal();
    return -EPIPE;
}
