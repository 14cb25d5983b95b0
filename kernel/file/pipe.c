// SPDX-License-Identifier: BSD-3-Clause
// Pipes: read, write, poll and control. A wake-up goes to one sleeping reader (or writer), and only
// when the pipe stops being empty (or full); whoever was woken passes it on if he leaves something
// over. So two threads that play ping-pong switch once a message, and never meet on a lock.
#include "file/pipe.h"

#include <asm/ioctls.h>
#include <asm/signal.h>
#include <linux/capability.h>
#include <linux/fcntl.h>
#include <linux/stat.h>

#include "base/printf.h"
#include "file/inode.h"
#include "memory/heap.h"
#include "memory/user_copy.h"
#include "process/process.h"
#include "process/signal.h"
#include "thread/thread.h"

#define READ_EVENTS  (POLLIN | POLLRDNORM)
#define WRITE_EVENTS (POLLOUT | POLLWRNORM)

static struct slab_cache pipe_cache = SLAB_CACHE("pipe", struct pipe);

struct pipe *pipe_new(void)
{
    struct pipe *p = slab_alloc(&pipe_cache);

    if (!p)
        return NULL;
    pipe_ring_init(&p->ring, PIPE_SLOTS);
    wait_queue_init(&p->read_wait);
    wait_queue_init(&p->write_wait);
    return p;
}

void pipe_free(struct pipe *p)
{
    pipe_ring_free(&p->ring);
    slab_free(&pipe_cache, p);
}

struct pipe *pipe_of(const struct file *f)
{
    return f->ops == &pipe_ops ? f->data : NULL;
}

static bool data_or_end(void *arg)
{
    struct pipe *p = arg;
    return !p->claimed && (p->ring.used || !p->writers);
}

static bool room_or_no_reader(void *arg)
{
    struct pipe *p = arg;
    return p->ring.used < p->ring.capacity || !p->readers;
}

// Sleeps with the lock released until there is data, or no writer. Sets *waited.
static int wait_for_data(struct pipe *p, bool nonblock, bool *waited)
{
    if (data_or_end(p))
        return 0;
    if (nonblock)
        return -EAGAIN;
    *waited = true;
    return wait_until_locked(&p->read_wait, &p->lock, DEADLINE_NONE,
                             WAIT_INTERRUPTIBLE | WAIT_EXCLUSIVE, data_or_end, p);
}

// After taking data: tells the writers of the room. A reader who slept may have taken a wake-up
// that others need too.
static void reader_done(struct pipe *p, bool was_full, bool waited)
{
    bool wake_writer = was_full && p->ring.used < p->ring.capacity;
    bool wake_reader = waited && data_or_end(p);

    lock_release(&p->lock);
    if (wake_writer)
        wait_queue_wake_one(&p->write_wait, WRITE_EVENTS);
    if (wake_reader)
        wait_queue_wake_one(&p->read_wait, READ_EVENTS);
}

static s64 pipe_read(struct file *f, struct io *io, u64 *position)
{
    struct pipe *p = f->data;
    bool waited = false, was_full;
    s64 result;

    if (!io->left)
        return 0;
    lock_acquire(&p->lock);
    result = wait_for_data(p, f->flags & O_NONBLOCK, &waited);
    was_full = p->ring.used == p->ring.capacity;
    if (!result && p->ring.used)
        result = pipe_ring_read(&p->ring, io);
    reader_done(p, was_full, waited);
    return result;
}

void pipe_send_signal(void)
{
    siginfo_t info = {.si_signo = SIGPIPE, .si_code = SI_USER};

    info.si_pid = thread_process()->pid;
    info.si_uid = credentials_now()->uid;
    signal_send_thread(thread_current(), &info, /*force=*/false);
}

// Puts in what fits, and wakes a reader if there was nothing before. Lock held.
static s64 write_some(struct pipe *p, struct io *io, bool packet)
{
    bool was_empty = !p->ring.used;
    s64 moved = pipe_ring_reserve(&p->ring);

    if (moved < 0)
        return moved;
    if (io->left > PIPE_BUF || pipe_ring_fits(&p->ring, io->left))
        moved = pipe_ring_write(&p->ring, io, packet);
    if (moved > 0 && (was_empty || p->polled))
        wait_queue_wake_one(&p->read_wait, READ_EVENTS);
    return moved;
}

// Lock held on entry, released on return.
static s64 write_locked(struct pipe *p, struct io *io, bool packet, bool nonblock)
{
    bool waited = false, wake_writer;
    s64 done = 0, result = 0;

    while (io->left) {
        result = p->readers ? write_some(p, io, packet) : -EPIPE;
        if (result < 0)
            break;
        done += result;
        if (!io->left)
            break;
        if (result && p->ring.used < p->ring.capacity)
            continue; // a page was merged into, or the buffers have a hole
        result = nonblock ? -EAGAIN : 0;
        if (result)
            break;
        waited = true;
        result = wait_until_locked(&p->write_wait, &p->lock, DEADLINE_NONE,
                                   WAIT_INTERRUPTIBLE | WAIT_EXCLUSIVE, room_or_no_reader, p);
        if (result)
            break;
    }
    wake_writer = waited && room_or_no_reader(p);
    lock_release(&p->lock);
    if (wake_writer)
        wait_queue_wake_one(&p->write_wait, WRITE_EVENTS);
    if (result == -EPIPE)
        pipe_send_signal();
    return done ? done : result;
}

s64 pipe_write_io(struct pipe *p, struct io *io, bool packet, bool nonblock)
{
    lock_acquire(&p->lock);
    if (!io->left) {
        lock_release(&p->lock);
        return 0;
    }
    return write_locked(p, io, packet, nonblock);
}

static s64 pipe_write(struct file *f, struct io *io, u64 *position)
{
    u32 flags = f->flags;
    return pipe_write_io(f->data, io, flags & O_DIRECT, flags & O_NONBLOCK);
}

int pipe_claim(struct pipe *p, bool nonblock)
{
    bool waited = false;
    int error;

    lock_acquire(&p->lock);
    error = wait_for_data(p, nonblock, &waited);
    if (!error && p->ring.used) {
        p->claimed = true;
        return 1;
    }
    reader_done(p, false, waited);
    return error;
}

void pipe_unclaim(struct pipe *p, size_t taken)
{
    bool was_full;

    lock_acquire(&p->lock);
    was_full = p->ring.used == p->ring.capacity;
    p->claimed = false;
    pipe_ring_drop(&p->ring, taken);
    reader_done(p, was_full, /*waited=*/true);
}

s64 pipe_wait_room(struct pipe *p, bool nonblock)
{
    s64 result = 0;

    lock_acquire(&p->lock);
    if (!room_or_no_reader(p))
        result = nonblock ? -EAGAIN
                          : wait_until_locked(&p->write_wait, &p->lock, DEADLINE_NONE,
                                              WAIT_INTERRUPTIBLE, room_or_no_reader, p);
    if (!result && !p->readers)
        result = -EPIPE;
    if (!result)
        result = (s64)((p->ring.capacity - p->ring.used) * PAGE_SIZE);
    lock_release(&p->lock);
    if (result == -EPIPE)
        pipe_send_signal();
    return result;
}

// Without the lock: each answer is right at some instant, and who changes it wakes afterwards.
static u32 pipe_poll(struct file *f, struct poll_table *table)
{
    struct pipe *p = f->data;
    u32 events = 0;

    if (table)
        __atomic_store_n(&p->polled, true, __ATOMIC_RELAXED); // pairs with write_some
    if (file_readable(f)) {
        poll_wait(table, &p->read_wait);
        if (!pipe_ring_empty(&p->ring))
            events |= READ_EVENTS;
        // f->position: see fifo_open; a pipe has no position.
        if (!__atomic_load_n(&p->writers, __ATOMIC_RELAXED) && f->position != p->writer_opens)
            events |= POLLHUP;
    }
    if (file_writable(f)) {
        poll_wait(table, &p->write_wait);
        if (!pipe_ring_full(&p->ring))
            events |= WRITE_EVENTS;
        if (!__atomic_load_n(&p->readers, __ATOMIC_RELAXED))
            events |= POLLERR;
    }
    return events;
}

static s64 pipe_ioctl(struct file *f, u32 command, u64 argument)
{
    struct pipe *p = f->data;
    size_t bytes;

    if (command != FIONREAD)
        return -ENOTTY;
    lock_acquire(&p->lock);
    bytes = pipe_ring_bytes(&p->ring);
    lock_release(&p->lock);
    return user_write_u32(argument, (u32)bytes);
}

// F_SETPIPE_SZ: the size is rounded up to a power of two of pages. Returns the new size.
static s64 set_size(struct pipe *p, u64 size)
{
    const struct credentials *c = credentials_now();
    u32 slots = 1;
    bool wake;
    int error;

    if (size > 1u << 31)
        return -EINVAL;
    while (slots * PAGE_SIZE < size)
        slots *= 2;
    lock_acquire(&p->lock);
    error = 0;
    if (slots > p->ring.capacity && slots * PAGE_SIZE > PIPE_SIZE_MAX &&
        !(c->cap_effective >> CAP_SYS_RESOURCE & 1))
        error = -EPERM;
    if (!error)
        error = pipe_ring_resize(&p->ring, slots);
    wake = !error && p->ring.used < slots;
    lock_release(&p->lock);
    if (wake)
        wait_queue_wake(&p->write_wait, WRITE_EVENTS);
    return error ? error : (s64)(slots * PAGE_SIZE);
}

static s64 pipe_control(struct file *f, u32 command, u64 argument)
{
    struct pipe *p = f->data;

    switch (command) {
    case F_SETPIPE_SZ:
        return set_size(p, (u32)argument);
    case F_GETPIPE_SZ:
        return (s64)(p->ring.capacity * PAGE_SIZE);
    default:
        return -EINVAL;
    }
}

void pipe_leave(struct pipe *p, struct inode *inode, bool reads, bool writes)
{
    bool last;

    lock_acquire(&p->lock);
    p->readers -= reads;
    p->writers -= writes;
    lock_release(&p->lock);
    // Each end must hear that the other has gone, or (EPOLLET) that it may have.
    wait_queue_wake(&p->read_wait, READ_EVENTS | POLLHUP);
    wait_queue_wake(&p->write_wait, WRITE_EVENTS | POLLERR);
    lock_acquire(&inode->lock);
    last = --p->files == 0;
    if (last)
        inode->pipe = NULL;
    lock_release(&inode->lock);
    if (last)
        pipe_free(p);
}

static void pipe_release(struct file *f)
{
    pipe_leave(f->data, f->inode, file_readable(f), file_writable(f));
}

static void pipe_describe(struct file *f, char *out, size_t size)
{
    snprintf(out, size, "pipe:[%lu]", f->inode->number);
}

const struct file_ops pipe_ops = {
    .read = pipe_read,
    .write = pipe_write,
    .poll = pipe_poll,
    .ioctl = pipe_ioctl,
    .control = pipe_control,
    .release = pipe_release,
    .describe = pipe_describe,
};

int pipe_create(u32 flags, struct file **out_read, struct file **out_write)
{
    struct pipe *p = pipe_new();
    struct inode *inode;
    int error;

    if (!p)
        return -ENOMEM;
    error = file_create_anonymous(&pipe_ops, S_IFIFO | 0600, p, O_RDONLY | flags, out_read);
    if (error) {
        pipe_free(p);
        return error;
    }
    inode = (*out_read)->inode;
    inode->pipe = p;
    p->files = p->readers = p->reader_opens = p->writer_opens = 1;
    error = file_create(&pipe_ops, inode_get(inode), NULL, O_WRONLY | flags, out_write);
    if (error) {
        file_put(*out_read);
        return error;
    }
    (*out_write)->data = p;
    p->files = 2;
    p->writers = 1;
    p->anonymous = true;
    return 0;
}
