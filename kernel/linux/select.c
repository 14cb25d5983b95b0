// SPDX-License-Identifier: BSD-3-Clause
// select(2), pselect6(2): bit sets of descriptors over the core of poll.
#include <linux/personality.h>

#include "file/poll.h"

#include "base/string.h"
#include "file/fd_table.h"
#include "linux/calls.h"
#include "linux/clock.h"
#include "memory/heap.h"
#include "memory/user_copy.h"
#include "process/process.h"
#include "thread/thread.h"

#define FDS_INLINE     1024 // descriptors in the sets, FD_SETSIZE
#define ENTRIES_INLINE 12   // descriptors that are asked for
#define FDS_MAX        (1 << 20)

#define READ_SET   (POLLRDNORM | POLLRDBAND | POLLIN | POLLHUP | POLLERR)
#define WRITE_SET  (POLLWRBAND | POLLWRNORM | POLLOUT | POLLERR)
#define EXCEPT_SET POLLPRI

enum { SET_READ, SET_WRITE, SET_EXCEPT, SET_COUNT };
static const u32 set_events[SET_COUNT] = {READ_SET, WRITE_SET, EXCEPT_SET};

struct select_call {
    u32 fd_count, word_count, entry_count;
    uaddr_t user[SET_COUNT];
    u64 *words; // SET_COUNT sets of word_count words
    struct poll_entry *entries;
    u32 entry_at, bit_count; // of the results
    u64 words_inline[SET_COUNT * FDS_INLINE / 64];
    struct poll_entry entries_inline[ENTRIES_INLINE];
};

static u64 *set_of(struct select_call *c, u32 set)
{
    return c->words + set * c->word_count;
}

static bool set_has(struct select_call *c, u32 set, u32 fd)
{
    return set_of(c, set)[fd / 64] >> (fd % 64) & 1;
}

static int sets_read(struct select_call *c)
{
    size_t size = c->word_count * sizeof(u64);

    c->words = c->words_inline;
    if (c->fd_count > FDS_INLINE)
        c->words = heap_alloc(SET_COUNT * size);
    if (!c->words)
        return -ENOMEM;
    memset(c->words, 0, SET_COUNT * size);
    for (u32 set = 0; set < SET_COUNT; set++)
        if (c->user[set] && user_read(set_of(c, set), c->user[set], size))
            return -EFAULT;
    return 0;
}

// Which events of fd are asked for.
static u32 fd_wanted(struct select_call *c, u32 fd)
{
    u32 wanted = 0;

    for (u32 set = 0; set < SET_COUNT; set++)
        if (set_has(c, set, fd))
            wanted |= set_events[set];
    return wanted;
}

// Calls visit for each descriptor that is in some set, in order.
static int fds_visit(struct select_call *c, int (*visit)(struct select_call *c, u32 fd))
{
    int error = 0;

    for (u32 word = 0; word < c->word_count && !error; word++) {
        u64 all =
            set_of(c, SET_READ)[word] | set_of(c, SET_WRITE)[word] | set_of(c, SET_EXCEPT)[word];
        for (; all && !error; all &= all - 1) {
            u32 fd = word * 64 + (u32)__builtin_ctzll(all);
            if (fd < c->fd_count)
                error = visit(c, fd);
        }
    }
    return error;
}

static int count_one(struct select_call *c, u32 fd)
{
    c->entry_count++;
    return 0;
}

static int open_one(struct select_call *c, u32 fd)
{
    struct poll_entry *e = &c->entries[c->entry_count];

    e->file = fd_get((int)fd);
    if (!e->file)
        return -EBADF;
    e->wanted = fd_wanted(c, fd);
    e->got = 0;
    c->entry_count++;
    return 0;
}

static int entries_open(struct select_call *c)
{
    c->entry_count = 0;
    (void)fds_visit(c, count_one);
    c->entries = c->entries_inline;
    if (c->entry_count > ENTRIES_INLINE)
        c->entries = heap_alloc(c->entry_count * sizeof(*c->entries));
    c->entry_count = 0;
    return c->entries ? fds_visit(c, open_one) : -ENOMEM;
}

static void call_free(struct select_call *c)
{
    for (u32 i = 0; i < c->entry_count; i++)
        file_put(c->entries[i].file);
    if (c->entries != c->entries_inline)
        heap_free(c->entries);
    if (c->words != c->words_inline)
        heap_free(c->words);
}

// Leaves in the sets only what came true for fd; entry_at runs through the entries alongside.
static int result_one(struct select_call *c, u32 fd)
{
    const struct poll_entry *e = &c->entries[c->entry_at++];

    for (u32 set = 0; set < SET_COUNT; set++) {
        if (!set_has(c, set, fd))
            continue;
        if (e->got & set_events[set])
            c->bit_count++;
        else
            set_of(c, set)[fd / 64] &= ~(1ull << (fd % 64));
    }
    return 0;
}

// Writes the sets back. The number of bits, or -EFAULT.
static s64 results_write(struct select_call *c)
{
    (void)fds_visit(c, result_one);
    for (u32 set = 0; set < SET_COUNT; set++)
        if (c->user[set] && user_write(c->user[set], set_of(c, set), c->word_count * sizeof(u64)))
            return -EFAULT;
    return c->bit_count;
}

static s64 select_until(struct select_call *c, int count, u64 deadline)
{
    s64 result;

    if (count < 0)
        return -EINVAL;
    c->fd_count = (u32)min(count, FDS_MAX);
    c->word_count = (c->fd_count + 63) / 64;
    c->entry_count = 0;
    c->entries = c->entries_inline;
    result = sets_read(c);
    if (!result)
        result = entries_open(c);
    if (!result)
        result = poll_entries(c->entries, c->entry_count, deadline);
    if (result >= 0)
        result = results_write(c);
    call_free(c);
    return result;
}

s64 sys_select(int count, uaddr_t reads, uaddr_t writes, uaddr_t excepts, uaddr_t timeout)
{
    struct select_call c = {.user = {reads, writes, excepts}};
    struct __kernel_old_timeval tv;
    u64 deadline = DEADLINE_NONE, ns;
    s64 result;

    if (timeout) {
        struct __kernel_timespec ts;
        if (user_read(&tv, timeout, sizeof(tv)))
            return -EFAULT;
        ts.tv_sec = tv.tv_sec + tv.tv_usec / 1000000;
        ts.tv_nsec = tv.tv_usec % 1000000 * 1000;
        if (timespec_to_ns(&ts, &ns))
            return -EINVAL;
        deadline = poll_deadline(ns);
    }
    result = select_until(&c, count, deadline);
    if (!timeout || thread_process()->personality & STICKY_TIMEOUTS)
        return result;
    ns = poll_time_left(deadline);
    tv.tv_sec = (__kernel_long_t)(ns / 1000000000);
    tv.tv_usec = (__kernel_long_t)(ns % 1000000000 / 1000);
    if (user_write(timeout, &tv, sizeof(tv)) && result == -ERESTARTNOHAND)
        return -EINTR; // a restart would wait too long
    return result;
}

s64 sys_pselect6(int count, uaddr_t reads, uaddr_t writes, uaddr_t excepts, uaddr_t timeout,
                 uaddr_t mask_argument)
{
    struct select_call c = {.user = {reads, writes, excepts}};
    struct __kernel_timespec left;
    u64 deadline = DEADLINE_NONE, mask[2] = {0, 0}; // address and size
    s64 result;

    if (mask_argument && user_read(mask, mask_argument, sizeof(mask)))
        return -EFAULT;
    if (timeout) {
        result = timespec_read(timeout, &deadline);
        if (result)
            return result;
        deadline = poll_deadline(deadline);
    }
    result = poll_mask_set(mask[0], mask[1]);
    if (result)
        return result;
    result = poll_mask_restore(mask[0], select_until(&c, count, deadline));
    if (!timeout || thread_process()->personality & STICKY_TIMEOUTS)
        return result;
    left = timespec_from_ns(poll_time_left(deadline));
    if (user_write(timeout, &left, sizeof(left)) && result == -ERESTARTNOHAND)
        return -EINTR;
    return result;
}
