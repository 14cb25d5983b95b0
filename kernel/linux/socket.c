// SPDX-License-Identifier: BSD-3-Clause
// socket(2), socketpair(2), bind(2), connect(2), listen(2), accept(2), shutdown(2), names and
// options.
#include "linux/sockets.h"

#include "file/fd_table.h"
#include "file/inode.h"
#include "linux/calls.h"
#include "linux/descriptor.h"
#include "memory/user_copy.h"
#include "net/inet.h"

int socket_get(int fd, struct file **out_file, struct socket **out)
{
    struct file *f = fd_get(fd);
    int error;

    if (!f)
        return -EBADF;
    *out_file = f;
    *out = socket_of(f);
    if (*out)
        return 0;
    error = f->flags & O_PATH ? -EBADF : -ENOTSOCK;
    file_put(f);
    return error;
}

int socket_address_read(uaddr_t from, int size, struct socket_address *out)
{
    if (size < 0 || size > (int)ADDRESS_SIZE_MAX)
        return -EINVAL;
    *out = (struct socket_address){.size = (u32)size};
    return user_read(out->bytes, from, (size_t)size);
}

int socket_address_write(uaddr_t to, uaddr_t user_size, const struct socket_address *a)
{
    u32 room;

    if (!to)
        return 0;
    if (user_read_u32(&room, user_size))
        return -EFAULT;
    if ((s32)room < 0)
        return -EINVAL;
    room = min(room, a->size);
    if ((room && user_write(to, a->bytes, room)) || user_write_u32(user_size, a->size))
        return -EFAULT;
    return 0;
}

static int type_check(int type)
{
    if (((u32)type & ~SOCK_TYPE_MASK) & ~(SOCK_CLOEXEC | SOCK_NONBLOCK))
        return -EINVAL;
    return 0;
}

s64 sys_socket(int family, int type, int protocol)
{
    struct socket *s;
    struct file *f;
    int error = type_check(type);

    if (!error)
        error = socket_create(family, type & (int)SOCK_TYPE_MASK, protocol, &s);
    if (!error)
        error = socket_file(s, (u32)type & SOCK_NONBLOCK, &f);
    return error ? error : fd_install(f, (u32)type & SOCK_CLOEXEC, 0);
}

// Two connected sockets as files.
static int pair_create(int family, int type, int protocol, struct file *out[2])
{
    struct socket *a, *b;
    int error = socket_create(family, type & (int)SOCK_TYPE_MASK, protocol, &a);

    if (error)
        return error;
    error = socket_file(a, (u32)type & SOCK_NONBLOCK, &out[0]);
    if (error)
        return error;
    error = socket_create(family, type & (int)SOCK_TYPE_MASK, protocol, &b);
    if (!error)
        error = socket_file(b, (u32)type & SOCK_NONBLOCK, &out[1]);
    if (error) {
        file_put(out[0]);
        return error;
    }
    error = a->ops->pair ? a->ops->pair(a, b) : -EOPNOTSUPP;
    if (!error)
        return 0;
    file_put(out[0]);
    file_put(out[1]);
    return error;
}

s64 sys_socketpair(int family, int type, int protocol, uaddr_t fds)
{
    struct file *files[2];
    int error = type_check(type);

    if (!error)
        error = pair_create(family, type, protocol, files);
    if (error)
        return error;
    return descriptor_pair(files, (u32)type & SOCK_CLOEXEC, fds);
}

s64 sys_bind(int fd, uaddr_t address, int size)
{
    struct socket_address a;
    struct socket *s;
    struct file *f;
    int error = socket_get(fd, &f, &s);

    if (error)
        return error;
    error = socket_address_read(address, size, &a);
    s->mode = f->inode->mode & 0777;
    if (!error)
        error = s->ops->bind ? s->ops->bind(s, &a) : -EOPNOTSUPP;
    file_put(f);
    return error;
}

s64 sys_connect(int fd, uaddr_t address, int size)
{
    struct socket_address a;
    struct socket *s;
    struct file *f;
    int error = socket_get(fd, &f, &s);

    if (error)
        return error;
    error = socket_address_read(address, size, &a);
    if (!error)
        error = s->ops->connect ? s->ops->connect(s, &a, f->flags & O_NONBLOCK) : -EOPNOTSUPP;
    file_put(f);
    return error;
}

s64 sys_listen(int fd, int backlog)
{
    struct socket *s;
    struct file *f;
    int error = socket_get(fd, &f, &s);

    if (error)
        return error;
    error = s->ops->listen ? s->ops->listen(s, backlog) : -EOPNOTSUPP;
    file_put(f);
    return error;
}

// The file of a new connection, with its peer's address written to the user.
static int accept_file(struct file *listener, u32 flags, uaddr_t address, uaddr_t size,
                       struct file **out)
{
    struct socket *s = socket_of(listener), *accepted;
    struct socket_address a;
    int error =
        s->ops->accept ? s->ops->accept(s, listener->flags & O_NONBLOCK, &accepted) : -EOPNOTSUPP;

    if (!error)
        error = socket_file(accepted, flags & SOCK_NONBLOCK, out);
    if (error || !address)
        return error;
    error = accepted->ops->name(accepted, /*peer=*/true, &a);
    if (error && accepted->family != AF_UNIX)
        error = inet_name(accepted, /*peer=*/true, &a); // also of a connection that has ended by now
    if (error)
        error = -ECONNABORTED;
    else
        error = socket_address_write(address, size, &a);
    if (error)
        file_put(*out);
    return error;
}

s64 sys_accept4(int fd, uaddr_t address, uaddr_t size, u32 flags)
{
    struct socket *s;
    struct file *f, *accepted;
    int error;

    if (flags & ~(SOCK_CLOEXEC | SOCK_NONBLOCK))
        return -EINVAL;
    error = socket_get(fd, &f, &s);
    if (error)
        return error;
    error = accept_file(f, flags, address, size, &accepted);
    file_put(f);
    return error ? error : fd_install(accepted, flags & SOCK_CLOEXEC, 0);
}

s64 sys_accept(int fd, uaddr_t address, uaddr_t size)
{
    return sys_accept4(fd, address, size, 0);
}

s64 sys_shutdown(int fd, int how)
{
    struct socket *s;
    struct file *f;
    int error = socket_get(fd, &f, &s);

    if (error)
        return error;
    if (how < SHUT_RD || how > SHUT_RDWR)
        error = -EINVAL;
    else
        error =
            s->ops->shutdown ? s->ops->shutdown(s, how != SHUT_WR, how != SHUT_RD) : -EOPNOTSUPP;
    file_put(f);
    return error;
}

static s64 name_get(int fd, bool peer, uaddr_t address, uaddr_t size)
{
    struct socket_address a;
    struct socket *s;
    struct file *f;
    int error = socket_get(fd, &f, &s);

    if (error)
        return error;
    error = s->ops->name(s, peer, &a);
    if (!error)
        error = address ? socket_address_write(address, size, &a) : -EFAULT;
    file_put(f);
    return error;
}

s64 sys_getsockname(int fd, uaddr_t address, uaddr_t size)
{
    return name_get(fd, /*peer=*/false, address, size);
}

s64 sys_getpeername(int fd, uaddr_t address, uaddr_t size)
{
    return name_get(fd, /*peer=*/true, address, size);
}

s64 sys_setsockopt(int fd, int level, int name, uaddr_t value, int size)
{
    struct socket *s;
    struct file *f;
    int error = socket_get(fd, &f, &s);

    if (error)
        return error;
    error = size < 0 ? -EINVAL : socket_set_option(s, level, name, value, (u32)size);
    file_put(f);
    return error;
}

s64 sys_getsockopt(int fd, int level, int name, uaddr_t value, uaddr_t user_size)
{
    struct socket *s;
    struct file *f;
    u32 size;
    int error = socket_get(fd, &f, &s);

    if (error)
        return error;
    error = user_read_u32(&size, user_size);
    if (!error)
        error = (s32)size < 0 ? -EINVAL : socket_get_option(s, level, name, value, &size);
    if (!error)
        error = user_write_u32(user_size, size);
    file_put(f);
    return error;
}
