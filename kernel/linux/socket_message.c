// SPDX-License-Identifier: BSD-3-Clause
// sendto(2), sendmsg(2), sendmmsg(2) and their receiving kin.
#include "base/string.h"
#include "file/fd_table.h"
#include "linux/calls.h"
#include "linux/clock.h"
#include "linux/sockets.h"
#include "memory/heap.h"
#include "memory/user_copy.h"

#define CONTROL_SIZE_MAX 20480u // net.core.optmem_max
#define MESSAGES_MAX     1024u  // UIO_MAXIOV

struct user_message { // struct msghdr of the ABI
    uaddr_t name;
    s32 name_size;
    u32 pad;
    uaddr_t vectors;
    u64 vector_count;
    uaddr_t control;
    u64 control_size;
    u32 flags;
    u32 pad2;
};
_Static_assert(sizeof(struct user_message) == 56, "struct msghdr");

struct user_messages { // struct mmsghdr
    struct user_message message;
    u32 size;
    u32 pad;
};

static bool nonblock(const struct file *f, u32 flags)
{
    return (flags & MSG_DONTWAIT) || (f->flags & O_NONBLOCK);
}

s64 sys_sendto(int fd, uaddr_t buffer, size_t size, u32 flags, uaddr_t address, int address_size)
{
    struct socket_address a = {.size = 0};
    struct message m = {.flags = flags & ~MSG_BATCH, .address = &a};
    struct socket *s;
    struct file *f;
    struct io io;
    s64 result = socket_get(fd, &f, &s);

    if (result)
        return result;
    io_init_user(&io, buffer, size);
    m.io = &io;
    m.nonblock = nonblock(f, flags);
    if (address)
        result = socket_address_read(address, address_size, &a);
    if (!result)
        result = s->ops->send(s, &m);
    file_put(f);
    return result;
}

s64 sys_recvfrom(int fd, uaddr_t buffer, size_t size, u32 flags, uaddr_t address,
                 uaddr_t address_size)
{
    struct socket_address a = {.size = 0};
    struct message m = {.flags = flags, .address = address ? &a : NULL};
    struct socket *s;
    struct file *f;
    struct io io;
    int error;
    s64 result = socket_get(fd, &f, &s);

    if (result)
        return result;
    io_init_user(&io, buffer, size);
    m.io = &io;
    m.nonblock = nonblock(f, flags);
    result = s->ops->receive(s, &m);
    file_put(f);
    if (result < 0)
        return result;
    error = socket_address_write(address, address_size, &a);
    return error ? error : result;
}

// Copies the control data of a send into the kernel. *out may become NULL; free it with heap_free.
static int control_read(const struct user_message *u, void **out)
{
    *out = NULL;
    if (!u->control || !u->control_size)
        return 0;
    if (u->control_size > CONTROL_SIZE_MAX)
        return -ENOBUFS;
    *out = heap_alloc(u->control_size);
    if (!*out)
        return -ENOBUFS;
    if (!user_read(*out, u->control, u->control_size))
        return 0;
    heap_free(*out);
    return -EFAULT;
}

// As sendto, but a size that is too large is cut. [verify_iovec has always done so]
static int name_read(const struct user_message *u, struct socket_address *a)
{
    if (u->name_size < 0)
        return -EINVAL;
    if (!u->name)
        return 0;
    return socket_address_read(u->name, min(u->name_size, (s32)ADDRESS_SIZE_MAX), a);
}

static int vectors_read(const struct user_message *u, struct iovec **vectors, struct io *io)
{
    int error;

    if (u->vector_count > MESSAGES_MAX)
        return -EMSGSIZE;
    error = io_read_vectors(u->vectors, u->vector_count, vectors);
    if (!error)
        io_init_vectors(io, *vectors, u->vector_count);
    return error;
}

static s64 send_one(struct file *f, uaddr_t from, u32 flags)
{
    struct socket_address a = {.size = 0};
    struct message m = {.flags = flags, .address = &a, .nonblock = nonblock(f, flags)};
    struct socket *s = socket_of(f);
    struct iovec *vectors;
    struct user_message u;
    void *control = NULL;
    struct io io;
    s64 result;

    if (user_read(&u, from, sizeof(u)))
        return -EFAULT;
    result = name_read(&u, &a);
    if (!result)
        result = vectors_read(&u, &vectors, &io);
    if (result)
        return result;
    result = control_read(&u, &control);
    if (!result) {
        m.io = &io;
        m.control = control;
        m.control_size = control ? u.control_size : 0;
        result = s->ops->send(s, &m);
    }
    heap_free(control);
    heap_free(vectors);
    return result;
}

s64 sys_sendmsg(int fd, uaddr_t message, u32 flags)
{
    struct socket *s;
    struct file *f;
    s64 result = socket_get(fd, &f, &s);

    if (result)
        return result;
    result = send_one(f, message, flags & ~MSG_BATCH);
    file_put(f);
    return result;
}

// Writes what a receive has learnt back to the user's struct at `to`.
static int received_write(uaddr_t to, const struct user_message *u, const struct message *m)
{
    u32 flags = m->out_flags | (m->flags & MSG_CMSG_CLOEXEC);

    if (u->name && m->address &&
        (user_write(u->name, m->address->bytes, min((u32)u->name_size, m->address->size)) ||
         user_write_u32(to + offsetof(struct user_message, name_size), m->address->size)))
        return -EFAULT;
    if (user_write_u32(to + offsetof(struct user_message, flags), flags) ||
        user_write_u64(to + offsetof(struct user_message, control_size), m->control_used))
        return -EFAULT;
    return 0;
}

static s64 receive_one(struct file *f, uaddr_t from, u32 flags)
{
    struct socket_address a = {.size = 0};
    struct message m = {.flags = flags, .nonblock = nonblock(f, flags)};
    struct socket *s = socket_of(f);
    struct iovec *vectors;
    struct user_message u;
    struct io io;
    s64 result;

    if (user_read(&u, from, sizeof(u)))
        return -EFAULT;
    if (u.name && u.name_size < 0)
        return -EINVAL;
    result = vectors_read(&u, &vectors, &io);
    if (result)
        return result;
    m.io = &io;
    m.address = u.name ? &a : NULL;
    m.control_to = u.control_size ? u.control : 0;
    m.control_room = u.control_size;
    result = s->ops->receive(s, &m);
    heap_free(vectors);
    if (result >= 0 && received_write(from, &u, &m))
        return -EFAULT;
    return result;
}

s64 sys_recvmsg(int fd, uaddr_t message, u32 flags)
{
    struct socket *s;
    struct file *f;
    s64 result = socket_get(fd, &f, &s);

    if (result)
        return result;
    result = receive_one(f, message, flags);
    file_put(f);
    return result;
}

// Runs `one` over an array of struct mmsghdr. An error behind the first message is left to the next
// call.
static s64 many(int fd, uaddr_t messages, u32 count, u32 flags, u64 deadline,
                s64 (*one)(struct file *f, uaddr_t at, u32 flags))
{
    struct socket *s;
    struct file *f;
    u32 done = 0;
    s64 result = socket_get(fd, &f, &s);

    if (result)
        return result;
    while (done < min(count, MESSAGES_MAX)) {
        uaddr_t at = messages + done * sizeof(struct user_messages);
        result = one(f, at, flags & ~MSG_WAITFORONE);
        if (result >= 0 && user_write_u32(at + offsetof(struct user_messages, size), (u32)result))
            result = -EFAULT;
        if (result < 0)
            break;
        done++;
        if (flags & MSG_WAITFORONE)
            flags |= MSG_DONTWAIT;
        if (deadline != DEADLINE_NONE && clock_monotonic() >= deadline)
            break;
    }
    if ((flags & MSG_BATCH) && s->ops->batch_end)
        s->ops->batch_end(s);
    file_put(f);
    return done ? done : result;
}

s64 sys_sendmmsg(int fd, uaddr_t messages, u32 count, u32 flags)
{
    return many(fd, messages, count, flags | MSG_BATCH, DEADLINE_NONE, send_one);
}

s64 sys_recvmmsg(int fd, uaddr_t messages, u32 count, u32 flags, uaddr_t timeout)
{
    u64 ns = DEADLINE_NONE;
    int error;

    if (timeout) {
        error = timespec_read(timeout, &ns);
        if (error)
            return error;
    }
    return many(fd, messages, count, flags & ~MSG_BATCH, socket_deadline(ns), receive_one);
}
