// SPDX-License-Identifier: BSD-3-Clause
// mq_open(2), mq_unlink(2), mq_timedsend(2), mq_timedreceive(2), mq_notify(2), mq_getsetattr(2).
#include "ipc/mqueue.h"

#include "base/string.h"
#include "file/fd_table.h"
#include "file/file.h"
#include "linux/calls.h"
#include "linux/clock.h"
#include "linux/clocks.h"
#include "memory/heap.h"
#include "memory/user_copy.h"
#include "net/netlink.h"
#include "process/process.h"
#include "thread/thread.h"

#define NAME_SIZE  256
#define SIGNAL_MAX 64

static int read_name(char name[NAME_SIZE], uaddr_t from)
{
    s64 size = user_read_string(name, from, NAME_SIZE);

    if (size < 0)
        return (int)size;
    if (!size)
        return -ENOENT;
    for (s64 i = 0; i < size; i++)
        if (name[i] == '/')
            return -EACCES;
    return !strcmp(name, ".") || !strcmp(name, "..") ? -EACCES : 0;
}

s64 sys_mq_open(uaddr_t user_name, u32 flags, u32 mode, uaddr_t attributes)
{
    char name[NAME_SIZE];
    struct mq_attr a;
    struct file *f;
    int error;

    if (attributes && user_read(&a, attributes, sizeof(a)))
        return -EFAULT;
    error = read_name(name, user_name);
    if (!error)
        error = mqueue_open(name, flags, mode, attributes ? &a : NULL, &f);
    return error ? error : fd_install(f, /*close_on_exec=*/true, 0);
}

s64 sys_mq_unlink(uaddr_t user_name)
{
    char name[NAME_SIZE];
    int error = read_name(name, user_name);

    return error ? error : mqueue_unlink(name);
}

static int find(int fd, struct file **out, struct mqueue **out_queue)
{
    struct file *f = fd_get(fd);

    *out_queue = f ? mqueue_of(f) : NULL;
    if (f && !*out_queue)
        file_put(f);
    *out = f;
    return *out_queue ? 0 : -EBADF;
}

// An absolute time of CLOCK_REALTIME as a deadline.
static int read_deadline(uaddr_t timeout, u64 *out)
{
    u64 ns;
    int error;

    *out = DEADLINE_NONE;
    if (!timeout)
        return 0;
    error = timespec_read(timeout, &ns);
    if (!error && ns < 1ull << 62)
        *out = clock_deadline(CLOCK_KIND_REALTIME, ns, /*absolute=*/true);
    return error;
}

static s64 send(struct file *f, struct mqueue *q, uaddr_t from, size_t size, u32 priority,
                u64 deadline)
{
    struct mqueue_message *m;
    int error;

    if (!file_writable(f))
        return -EBADF;
    if (size > mqueue_message_size(q))
        return -EMSGSIZE;
    m = heap_alloc(sizeof(*m) + size);
    if (!m)
        return -ENOMEM;
    m->size = size;
    m->priority = priority;
    error = user_read(m->data, from, size);
    if (!error)
        error = mqueue_send(q, m, f->flags & O_NONBLOCK, deadline);
    if (error)
        heap_free(m);
    return error;
}

s64 sys_mq_timedsend(int fd, uaddr_t from, size_t size, u32 priority, uaddr_t timeout)
{
    struct mqueue *q;
    struct file *f;
    u64 deadline;
    s64 result = read_deadline(timeout, &deadline);

    if (result)
        return result;
    if (priority >= MQ_PRIO_MAX)
        return -EINVAL;
    result = find(fd, &f, &q);
    if (result)
        return result;
    result = send(f, q, from, size, priority, deadline);
    file_put(f);
    return result;
}

static s64 receive(struct file *f, struct mqueue *q, uaddr_t to, size_t size, uaddr_t priority,
                   u64 deadline)
{
    struct mqueue_message *m;
    s64 result;

    if (!file_readable(f))
        return -EBADF;
    if (size < mqueue_message_size(q))
        return -EMSGSIZE;
    result = mqueue_receive(q, f->flags & O_NONBLOCK, deadline, &m);
    if (result)
        return result;
    result = (s64)m->size;
    if ((priority && user_write_u32(priority, m->priority)) || user_write(to, m->data, m->size))
        result = -EFAULT;
    heap_free(m);
    return result;
}

s64 sys_mq_timedreceive(int fd, uaddr_t to, size_t size, uaddr_t priority, uaddr_t timeout)
{
    struct mqueue *q;
    struct file *f;
    u64 deadline;
    s64 result = read_deadline(timeout, &deadline);

    if (!result)
        result = find(fd, &f, &q);
    if (result)
        return result;
    result = receive(f, q, to, size, priority, deadline);
    file_put(f);
    return result;
}

// SIGEV_THREAD: the C library's thread waits at a netlink socket for the cookie that it gave.
static int read_cookie(struct mqueue_notice *n)
{
    struct socket *s;
    int error;

    if (user_read(n->cookie, (uaddr_t)n->event.sigev_value.sival_ptr, sizeof(n->cookie)))
        return -EFAULT;
    n->socket = fd_get(n->event.sigev_signo);
    if (!n->socket)
        return -EBADF;
    s = socket_of(n->socket);
    error = s ? netlink_post(s, NULL, 0) : -ENOTSOCK;
    if (error) {
        file_put(n->socket);
        n->socket = NULL;
    }
    return error;
}

static int read_event(struct mqueue_notice *n, uaddr_t from)
{
    const struct sigevent *e = &n->event;

    *n = (struct mqueue_notice){ .pid = thread_process()->pid };
    if (user_read(&n->event, from, sizeof(n->event)))
        return -EFAULT;
    if (e->sigev_notify == SIGEV_THREAD)
        return read_cookie(n);
    if (e->sigev_notify != SIGEV_NONE && e->sigev_notify != SIGEV_SIGNAL)
        return -EINVAL;
    if (e->sigev_notify == SIGEV_SIGNAL && (e->sigev_signo < 0 || e->sigev_signo > SIGNAL_MAX))
        return -EINVAL;
    return 0;
}

s64 sys_mq_notify(int fd, uaddr_t user_event)
{
    struct mqueue_notice n = { 0 };
    struct mqueue *q;
    struct file *f;
    int error = user_event ? read_event(&n, user_event) : 0;

    if (!error)
        error = find(fd, &f, &q);
    if (!error) {
        error = mqueue_notify(q, user_event ? &n : NULL);
        file_put(f);
    }
    if (error && n.socket)
        file_put(n.socket);
    return error;
}

s64 sys_mq_getsetattr(int fd, uaddr_t new_attributes, uaddr_t old_attributes)
{
    struct mq_attr new, old;
    struct mqueue *q;
    struct file *f;
    int error;

    if (new_attributes && user_read(&new, new_attributes, sizeof(new)))
        return -EFAULT;
    if (new_attributes && (new.mq_flags & ~O_NONBLOCK))
        return -EINVAL;
    error = find(fd, &f, &q);
    if (error)
        return error;
    mqueue_attributes(q, &old);
    old.mq_flags = f->flags & O_NONBLOCK;
    if (new_attributes) {
        lock_acquire(&f->lock);
        f->flags = (f->flags & ~(u32)O_NONBLOCK) | (u32)new.mq_flags;
        lock_release(&f->lock);
    }
    file_put(f);
    return old_attributes ? user_write(old_attributes, &old, sizeof(old)) : 0;
}
