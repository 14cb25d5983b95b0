// SPDX-License-Identifier: BSD-3-Clause
// eventfd(2): a counter that is a file. Reading takes all of it (or one, EFD_SEMAPHORE) and waits
// while it is 0; writing adds and waits while the sum would pass 2^64 - 2.
#include "file/eventfd.h"

#include <linux/stat.h>

#include "base/printf.h"
#include "memory/heap.h"

struct eventfd {
    struct lock lock;
    u64 count; // also read without the lock, by poll
    bool semaphore;
    struct wait_queue read_wait, write_wait;
};

struct addition { // what a writer waits for
    struct eventfd *e;
    u64 value;
};

static struct slab_cache eventfd_cache = SLAB_CACHE("eventfd", struct eventfd);

static bool is_positive(void *arg)
{
    const struct eventfd *e = arg;
    return e->count > 0;
}

static bool has_room(void *arg)
{
    const struct addition *a = arg;
    return ~0ull - a->e->count > a->value;
}

static void count_set(struct eventfd *e, u64 count)
{
    __atomic_store_n(&e->count, count, __ATOMIC_RELAXED); // pairs with eventfd_poll
}

static s64 eventfd_read(struct file *f, struct io *io, u64 *position)
{
    struct eventfd *e = f->data;
    u64 value;
    s64 result = 0;

    if (io->left < sizeof(value))
        return -EINVAL;
    lock_acquire(&e->lock);
    if (!e->count)
        result = (f->flags & O_NONBLOCK)
                     ? -EAGAIN
                     : wait_until_locked(&e->read_wait, &e->lock, DEADLINE_NONE,
                                         WAIT_INTERRUPTIBLE | WAIT_EXCLUSIVE, is_positive, e);
    if (result) {
        lock_release(&e->lock);
        return result;
    }
    value = e->semaphore ? 1 : e->count;
    count_set(e, e->count - value);
    lock_release(&e->lock);
    wait_queue_wake(&e->write_wait, POLLOUT | POLLWRNORM);
    if (is_positive(e)) // a semaphore: there is something for the next reader too
        wait_queue_wake_one(&e->read_wait, POLLIN | POLLRDNORM);
    return io_put(io, &value, sizeof(value));
}

static s64 eventfd_write(struct file *f, struct io *io, u64 *position)
{
    struct eventfd *e = f->data;
    struct addition a = {.e = e};
    s64 result = 0;

    if (io->left < sizeof(a.value))
        return -EINVAL;
    if (io_get(io, &a.value, sizeof(a.value)) != sizeof(a.value))
        return -EFAULT;
    if (a.value == ~0ull)
        return -EINVAL;
    lock_acquire(&e->lock);
    if (!has_room(&a))
        result = (f->flags & O_NONBLOCK)
                     ? -EAGAIN
                     : wait_until_locked(&e->write_wait, &e->lock, DEADLINE_NONE,
                                         WAIT_INTERRUPTIBLE, has_room, &a);
    if (!result)
        count_set(e, e->count + a.value);
    lock_release(&e->lock);
    if (result)
        return result;
    wait_queue_wake_one(&e->read_wait, POLLIN | POLLRDNORM);
    return sizeof(a.value);
}

static u32 eventfd_poll(struct file *f, struct poll_table *table)
{
    struct eventfd *e = f->data;
    u32 events = 0;
    u64 count;

    poll_wait(table, &e->read_wait);
    poll_wait(table, &e->write_wait);
    count = __atomic_load_n(&e->count, __ATOMIC_RELAXED); // pairs with count_set
    if (count > 0)
        events |= POLLIN;
    if (count == ~0ull)
        events |= POLLERR;
    if (count < ~0ull - 1)
        events |= POLLOUT;
    return events;
}

static void eventfd_release(struct file *f)
{
    slab_free(&eventfd_cache, f->data);
}

static void eventfd_describe(struct file *f, char *out, size_t size)
{
    snprintf(out, size, "anon_inode:[eventfd]");
}

static void eventfd_fdinfo(struct file *f, char *out, size_t size)
{
    const struct eventfd *e = f->data;
    snprintf(out, size, "eventfd-count: %16lx\neventfd-semaphore: %d\n", e->count, e->semaphore);
}

static const struct file_ops eventfd_ops = {
    .read = eventfd_read,
    .write = eventfd_write,
    .poll = eventfd_poll,
    .release = eventfd_release,
    .describe = eventfd_describe,
    .fdinfo = eventfd_fdinfo,
};

bool eventfd_is(const struct file *f)
{
    return f->ops == &eventfd_ops;
}

void eventfd_add(struct file *f, u64 value)
{
    struct eventfd *e = f->data;

    lock_acquire(&e->lock);
    count_set(e, ~0ull - e->count > value ? e->count + value : ~0ull);
    lock_release(&e->lock);
    wait_queue_wake_one(&e->read_wait, POLLIN | POLLRDNORM);
}

int eventfd_create(u64 count, u32 flags, struct file **out)
{
    struct eventfd *e = slab_alloc(&eventfd_cache);
    int error;

    if (!e)
        return -ENOMEM;
    e->count = count;
    e->semaphore = flags & EFD_SEMAPHORE;
    wait_queue_init(&e->read_wait);
    wait_queue_init(&e->write_wait);
    error = file_create_anonymous(&eventfd_ops, 0600, e, O_RDWR | (flags & EFD_NONBLOCK), out);
    if (error)
        slab_free(&eventfd_cache, e);
    return error;
}
