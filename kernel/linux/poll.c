// SPDX-License-Identifier: BSD-3-Clause
// poll(2), ppoll(2).
#include "file/poll.h"

#include <linux/personality.h>
#include <linux/resource.h>

#include "base/string.h"
#include "file/fd_table.h"
#include "linux/calls.h"
#include "linux/clock.h"
#include "memory/heap.h"
#include "memory/user_copy.h"
#include "process/process.h"
#include "thread/thread.h"

#define FDS_INLINE 12

struct poll_call {
    struct pollfd *fds; // kernel copy
    struct poll_entry *entries;
    struct pollfd fds_inline[FDS_INLINE];
    struct poll_entry entries_inline[FDS_INLINE];
};

static int call_alloc(struct poll_call *c, size_t count)
{
    c->fds = c->fds_inline;
    c->entries = c->entries_inline;
    if (count <= FDS_INLINE)
        return 0;
    c->fds = heap_alloc(count * sizeof(*c->fds));
    c->entries = heap_alloc(count * sizeof(*c->entries));
    if (c->fds && c->entries)
        return 0;
    heap_free(c->fds);
    heap_free(c->entries);
    return -ENOMEM;
}

static void call_free(struct poll_call *c)
{
    if (c->fds == c->fds_inline)
        return;
    heap_free(c->fds);
    heap_free(c->entries);
}

// Finds the files. Returns how many descriptors are bad, which is an answer at once.
static s64 entries_open(struct poll_call *c, size_t count)
{
    s64 bad = 0;

    for (size_t i = 0; i < count; i++) {
        struct pollfd *p = &c->fds[i];
        struct poll_entry *e = &c->entries[i];
        e->file = p->fd < 0 ? NULL : fd_get(p->fd);
        e->wanted = (u16)p->events;
        e->got = p->fd >= 0 && !e->file ? POLLNVAL : 0;
        bad += e->got != 0;
    }
    return bad;
}

static void entries_close(struct poll_call *c, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (c->entries[i].file)
            file_put(c->entries[i].file);
}

static int results_write(const struct poll_call *c, uaddr_t fds, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        u16 got = (u16)c->entries[i].got;
        uaddr_t at = fds + i * sizeof(struct pollfd) + offsetof(struct pollfd, revents);
        if (user_write(at, &got, sizeof(got)))
            return -EFAULT;
    }
    return 0;
}

static s64 poll_until(uaddr_t fds, size_t count, u64 deadline)
{
    struct poll_call c;
    s64 bad, result;

    if (count > thread_process()->limits[RLIMIT_NOFILE].rlim_cur)
        return -EINVAL;
    result = call_alloc(&c, count);
    if (result)
        return result;
    result = user_read(c.fds, fds, count * sizeof(struct pollfd));
    if (!result) {
        bad = entries_open(&c, count);
        result = poll_entries(c.entries, count, bad ? 0 : deadline);
        entries_close(&c, count);
        if (bad)
            result = bad + (result > 0 ? result : 0);
        if (result >= 0 && results_write(&c, fds, count))
            result = -EFAULT;
    }
    call_free(&c);
    return result;
}

static s64 poll_restart(struct thread *t)
{
    s64 result = poll_until(t->restart_data[0], t->restart_data[1], t->restart_data[2]);
    return result == -ERESTARTNOHAND ? -ERESTART_RESTARTBLOCK : result;
}

s64 sys_poll(uaddr_t fds, u32 count, int timeout)
{
    u64 deadline = poll_deadline(timeout < 0 ? DEADLINE_NONE : (u64)timeout * 1000000);
    s64 result = poll_until(fds, count, deadline);
    struct thread *t = thread_current();

    if (result != -ERESTARTNOHAND)
        return result;
    t->restart = poll_restart;
    t->restart_data[0] = fds;
    t->restart_data[1] = count;
    t->restart_data[2] = deadline;
    return -ERESTART_RESTARTBLOCK;
}

s64 sys_ppoll(uaddr_t fds, u32 count, uaddr_t timeout, uaddr_t mask, size_t set_size)
{
    struct __kernel_timespec left;
    u64 deadline = DEADLINE_NONE;
    s64 result;

    if (timeout) {
        result = timespec_read(timeout, &deadline);
        if (result)
            return result;
        deadline = poll_deadline(deadline);
    }
    result = poll_mask_set(mask, set_size);
    if (result)
        return result;
    result = poll_mask_restore(mask, poll_until(fds, count, deadline));
    if (!timeout || thread_process()->personality & STICKY_TIMEOUTS)
        return result;
    left = timespec_from_ns(poll_time_left(deadline));
    if (user_write(timeout, &left, sizeof(left)) && result == -ERESTARTNOHAND)
        return -EINTR; // a restart would wait too long
    return result;
}
