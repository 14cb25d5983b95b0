// SPDX-License-Identifier: BSD-3-Clause
// io_setup(2), io_submit(2), io_getevents(2): the asynchronous I/O of libaio. All file data is memory, so a
// request is done within io_submit (as Linux does without O_DIRECT), and its event waits in the context.
//
// A context's id is the address of a page in user memory, since libaio looks there for a ring that it could read
// without a call. Ours is a page of zeros, which is no such ring. Contexts belong to an address space.
#include <linux/aio_abi.h>

#include "file/eventfd.h"
#include "file/fd_table.h"
#include "file/poll.h"
#include "linux/aio.h"
#include "linux/calls.h"
#include "linux/clock.h"
#include "linux/transfer.h"
#include "memory/heap.h"
#include "memory/user_copy.h"
#include "process/process.h"
#include "thread/thread.h"

#define EVENTS_MAX 65536u // fs.aio-max-nr

struct aio_context {
    struct list node; // of aio.contexts
    const struct address_space *space;
    uaddr_t id;
    u32 references;  // the list's, and one a call; guarded by aio.lock
    struct lock lock; // all below
    bool ended;
    u32 capacity, first, count; // events[(first + n) % capacity], n < count
    u32 reserved;               // requests that are being done
    struct io_event *events;
    struct wait_queue arrived;
};

static struct {
    struct lock lock; // outside of a context's
    struct list contexts;
} aio = { .contexts = { &aio.contexts, &aio.contexts } };

static struct slab_cache context_cache = SLAB_CACHE("aio_context", struct aio_context);

static struct aio_context *context_get(uaddr_t id)
{
    const struct address_space *s = thread_process()->space;
    struct aio_context *c;

    lock_acquire(&aio.lock);
    list_for_each(c, &aio.contexts, node)
    {
        if (c->space == s && c->id == id) {
            c->references++;
            lock_release(&aio.lock);
            return c;
        }
    }
    lock_release(&aio.lock);
    return NULL;
}

static void context_put(struct aio_context *c)
{
    bool last;

    lock_acquire(&aio.lock);
    last = !--c->references;
    lock_release(&aio.lock);
    if (last) {
        heap_free(c->events);
        slab_free(&context_cache, c);
    }
}

// Takes a context of the space off the list, the one called `id` or (0) any; the list's reference goes over.
static struct aio_context *context_take(const struct address_space *s, uaddr_t id)
{
    struct aio_context *c;

    lock_acquire(&aio.lock);
    list_for_each(c, &aio.contexts, node)
    {
        if (c->space == s && (!id || c->id == id)) {
            list_remove(&c->node);
            lock_release(&aio.lock);
            return c;
        }
    }
    lock_release(&aio.lock);
    return NULL;
}

static void context_end(struct aio_context *c)
{
    lock_acquire(&c->lock);
    c->ended = true;
    lock_release(&c->lock);
    wait_queue_wake(&c->arrived, ~0u);
    context_put(c);
}

void aio_space_end(const struct address_space *s)
{
    struct aio_context *c;

    while ((c = context_take(s, 0)))
        context_end(c);
}

static int context_create(u32 capacity, struct aio_context **out)
{
    struct aio_context *c = slab_alloc(&context_cache);
    int error = -ENOMEM;

    if (!c)
        return error;
    wait_queue_init(&c->arrived);
    c->references = 1;
    c->capacity = capacity;
    c->space = thread_process()->space;
    c->events = heap_alloc(capacity * sizeof(*c->events));
    if (c->events)
        error = address_space_map(thread_process()->space, 0, PAGE_SIZE, AREA_READ, AREA_READ, NULL, 0,
                                  false, false, NULL, &c->id);
    if (error) {
        context_put(c);
        return error;
    }
    *out = c;
    return 0;
}

s64 sys_io_setup(u32 count, uaddr_t out_id)
{
    struct aio_context *c;
    u64 id;
    int error;

    if (user_read_u64(&id, out_id))
        return -EFAULT;
    if (id || !count || count > INT32_MAX)
        return -EINVAL;
    if (count > EVENTS_MAX)
        return -EAGAIN;
    error = context_create(count, &c);
    if (error)
        return error;
    id = c->id;
    lock_acquire(&aio.lock);
    list_push_back(&aio.contexts, &c->node);
    lock_release(&aio.lock);
    if (!user_write_u64(out_id, id))
        return 0;
    return sys_io_destroy(id) ? -EINVAL : -EFAULT;
}

s64 sys_io_destroy(u64 id)
{
    struct aio_context *c = id ? context_take(thread_process()->space, id) : NULL;

    if (!c)
        return -EINVAL;
    context_end(c);
    return address_space_unmap(thread_process()->space, id, PAGE_SIZE);
}

// Room for one event more, before its request is done.
static bool reserve(struct aio_context *c)
{
    bool room;

    lock_acquire(&c->lock);
    room = c->count + c->reserved < c->capacity;
    c->reserved += room;
    lock_release(&c->lock);
    return room;
}

// The request has its event, or (NULL) did not begin.
static void settle(struct aio_context *c, const struct io_event *event)
{
    lock_acquire(&c->lock);
    c->reserved--;
    if (event)
        c->events[(c->first + c->count++) % c->capacity] = *event;
    lock_release(&c->lock);
    if (event)
        wait_queue_wake(&c->arrived, ~0u);
}

// What io_submit itself refuses: *io is ready otherwise, and *out_copy to be freed.
static int prepare(const struct iocb *q, const struct file *f, struct io *io, struct iovec **out_copy)
{
    bool read = q->aio_lio_opcode == IOCB_CMD_PREAD || q->aio_lio_opcode == IOCB_CMD_PREADV;
    u64 size = q->aio_nbytes;
    int error;

    if (!(read ? file_readable(f) : file_writable(f)))
        return -EBADF;
    if (read ? !f->ops->read : !f->ops->write)
        return -EINVAL;
    if (q->aio_lio_opcode <= IOCB_CMD_PWRITE) {
        if (!user_range(q->aio_buf, size))
            return -EFAULT;
        io_init_user(io, q->aio_buf, size);
    } else {
        error = io_read_vectors(q->aio_buf, size, out_copy);
        if (error)
            return error;
        io_init_vectors(io, *out_copy, size);
    }
    io->append = q->aio_rw_flags & RWF_APPEND;
    return q->aio_offset < 0 || io->left > (u64)(INT64_MAX - q->aio_offset) ? -EINVAL : 0;
}

static int transfer(const struct iocb *q, struct file *f, s64 *out_result)
{
    struct iovec *copy = NULL;
    u64 position = (u64)q->aio_offset;
    struct io io;
    int error = prepare(q, f, &io, &copy);

    if (!error) {
        u64 *at = f->ops->seek ? &position : NULL;
        bool read = q->aio_lio_opcode == IOCB_CMD_PREAD || q->aio_lio_opcode == IOCB_CMD_PREADV;
        int wait = transfer_flags_check(f, (u32)q->aio_rw_flags, !read);
        if (wait == -EOPNOTSUPP)
            error = wait;
        else
            *out_result = wait ? wait : read ? file_read(f, &io, at) : file_write(f, &io, at);
        if (*out_result <= -ERESTARTSYS)
            *out_result = -EINTR;
    }
    heap_free(copy);
    return error;
}

// 0: done, with this result; otherwise io_submit's error.
static int perform(const struct iocb *q, struct file *f, s64 *out_result)
{
    switch (q->aio_lio_opcode) {
    case IOCB_CMD_PREAD:
    case IOCB_CMD_PWRITE:
    case IOCB_CMD_PREADV:
    case IOCB_CMD_PWRITEV:
        return transfer(q, f, out_result);
    case IOCB_CMD_FSYNC:
    case IOCB_CMD_FDSYNC:
        if (q->aio_buf || q->aio_offset || q->aio_nbytes || q->aio_rw_flags || !f->ops->sync)
            return -EINVAL;
        *out_result = f->ops->sync(f);
        return 0;
    default:
        return -EINVAL;
    }
}

static int submit_files(struct aio_context *c, uaddr_t at, const struct iocb *q, struct file *f,
                        struct file *told)
{
    struct io_event event = { .data = q->aio_data, .obj = at };
    s64 result = 0;
    int error;

    if (told && !eventfd_is(told))
        return -EINVAL;
    if (user_write_u32(at + offsetof(struct iocb, aio_key), 0))
        return -EFAULT;
    if (!reserve(c))
        return -EAGAIN;
    error = perform(q, f, &result);
    event.res = result;
    settle(c, error ? NULL : &event);
    if (!error && told)
        eventfd_add(told, 1);
    return error;
}

static int submit_one(struct aio_context *c, uaddr_t at)
{
    struct file *f, *told = NULL;
    struct iocb q;
    int error;

    if (user_read(&q, at, sizeof(q)))
        return -EFAULT;
    if (q.aio_reserved2 || (s64)q.aio_nbytes < 0)
        return -EINVAL;
    f = fd_get((int)q.aio_fildes);
    if (!f)
        return -EBADF;
    if (q.aio_flags & IOCB_FLAG_RESFD)
        told = fd_get((int)q.aio_resfd);
    error = q.aio_flags & IOCB_FLAG_RESFD && !told ? -EBADF : submit_files(c, at, &q, f, told);
    if (told)
        file_put(told);
    file_put(f);
    return error;
}

s64 sys_io_submit(u64 id, s64 count, uaddr_t list)
{
    struct aio_context *c;
    s64 done = 0;
    int error = 0;
    u64 at;

    if (count < 0)
        return -EINVAL;
    c = context_get(id);
    if (!c)
        return -EINVAL;
    while (!error && done < count && done < (s64)c->capacity) {
        error = user_read_u64(&at, list + (u64)done * 8) ? -EFAULT : submit_one(c, at);
        done += !error;
    }
    context_put(c);
    return done ? done : error;
}

// Requests are done as soon as they are submitted, so there is none to cancel.
s64 sys_io_cancel(u64 id, uaddr_t request, uaddr_t result)
{
    u32 key;

    return user_read_u32(&key, request + offsetof(struct iocb, aio_key)) ? -EFAULT : -EINVAL;
}

struct aio_wait {
    struct aio_context *c;
    s64 wanted;
};

static bool enough(void *arg)
{
    const struct aio_wait *w = arg;
    bool yes;

    lock_acquire(&w->c->lock);
    yes = w->c->ended || w->c->count >= w->wanted;
    lock_release(&w->c->lock);
    return yes;
}

// Moves one event to user memory. 1, 0: there is none, -EFAULT: it stays.
static int take_event(struct aio_context *c, uaddr_t to)
{
    struct io_event event;
    int result = 0;

    lock_acquire(&c->lock);
    if (c->count) {
        event = c->events[c->first];
        c->first = (c->first + 1) % c->capacity;
        c->count--;
        c->reserved++; // its place, should it come back
        result = 1;
    }
    lock_release(&c->lock);
    if (!result)
        return 0;
    if (user_write(to, &event, sizeof(event)))
        result = -EFAULT;
    lock_acquire(&c->lock);
    c->reserved--;
    if (result < 0) {
        c->first = (c->first + c->capacity - 1) % c->capacity;
        c->events[c->first] = event;
        c->count++;
    }
    lock_release(&c->lock);
    return result;
}

// -ERESTARTNOHAND: a signal came before any event.
static s64 get_events(struct aio_context *c, s64 least, s64 most, uaddr_t events, u64 deadline)
{
    struct aio_wait w = { .c = c, .wanted = least };
    int taken = 1, error;
    s64 count = 0;

    if (least < 0 || most < least)
        return -EINVAL;
    error = wait_until(&c->arrived, deadline, WAIT_INTERRUPTIBLE, enough, &w);
    while (taken > 0 && count < most) {
        taken = take_event(c, events + (u64)count * sizeof(struct io_event));
        count += taken > 0;
    }
    if (count)
        return count;
    if (taken < 0)
        return taken;
    if (error == -ERESTARTSYS)
        return -ERESTARTNOHAND;
    return c->ended ? -EINVAL : 0;
}

static s64 find_and_get(u64 id, s64 least, s64 most, uaddr_t events, uaddr_t timeout)
{
    u64 deadline = DEADLINE_NONE;
    int error = timeout ? timespec_read(timeout, &deadline) : 0;
    struct aio_context *c;
    s64 result;

    if (error)
        return error;
    c = context_get(id);
    if (!c)
        return -EINVAL;
    result = get_events(c, least, most, events, timeout ? poll_deadline(deadline) : DEADLINE_NONE);
    context_put(c);
    return result;
}

s64 sys_io_getevents(u64 id, s64 least, s64 most, uaddr_t events, uaddr_t timeout)
{
    s64 result = find_and_get(id, least, most, events, timeout);

    return result == -ERESTARTNOHAND ? -EINTR : result;
}

s64 sys_io_pgetevents(u64 id, s64 least, s64 most, uaddr_t events, uaddr_t timeout, uaddr_t mask)
{
    u64 set[2] = { 0, 0 }; // where it is, and its size
    int error;

    if (mask && user_read(set, mask, sizeof(set)))
        return -EFAULT;
    error = poll_mask_set(set[0], set[1]);
    if (error)
        return error;
    return poll_mask_restore(set[0], find_and_get(id, least, most, events, timeout));
}
