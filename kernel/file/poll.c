// SPDX-License-Identifier: BSD-3-Clause
// One pass over the files asks each what is ready and leaves a waiter on its queues; while nothing
// is, the thread sleeps on a queue of its own, which those waiters wake. Later passes only ask.
//
// Locks: a file's queue > poll_session.sleep. The pass itself holds none.
#include "file/poll.h"

#include "linux/clock.h"
#include "memory/heap.h"
#include "memory/user_copy.h"
#include "net/work.h"
#include "process/signal.h"
#include "thread/thread.h"

#define WAITERS_INLINE 8

struct poll_session;

struct poll_waiter {
    struct waiter waiter;
    struct poll_session *session;
    u32 key; // events that matter
};

struct poll_chunk { // more waiters than stand in the session
    struct poll_chunk *next;
    u32 used;
    struct poll_waiter waiters[(PAGE_SIZE - 16) / sizeof(struct poll_waiter)];
};

struct poll_session {
    struct poll_table table;
    struct wait_queue sleep;
    u32 key;        // of the file that is being asked
    int error;      // of add
    bool triggered; // atomic
    u32 used;
    struct poll_waiter waiters[WAITERS_INLINE];
    struct poll_chunk *chunks;
};

static bool poll_waiter_wake(struct waiter *w, u32 events)
{
    struct poll_waiter *p = container_of(w, struct poll_waiter, waiter);

    if (!(events & p->key))
        return false;
    __atomic_store_n(&p->session->triggered, true, __ATOMIC_SEQ_CST); // pairs with is_triggered
    wait_queue_wake(&p->session->sleep, events);
    return true;
}

static struct poll_waiter *waiter_take(struct poll_session *s)
{
    struct poll_chunk *chunk = s->chunks;

    if (s->used < WAITERS_INLINE)
        return &s->waiters[s->used++];
    if (!chunk || chunk->used == array_count(chunk->waiters)) {
        chunk = heap_alloc(sizeof(*chunk));
        if (!chunk)
            return NULL;
        chunk->next = s->chunks;
        s->chunks = chunk;
    }
    return &chunk->waiters[chunk->used++];
}

static void session_add(struct poll_table *table, struct wait_queue *q)
{
    struct poll_session *s = container_of(table, struct poll_session, table);
    struct poll_waiter *p = waiter_take(s);

    if (!p) {
        s->error = -ENOMEM;
        return;
    }
    *p = (struct poll_waiter){.waiter = {.wake = poll_waiter_wake}, .session = s, .key = s->key};
    waiter_add(q, &p->waiter);
}

static void session_end(struct poll_session *s)
{
    for (u32 i = 0; i < s->used; i++)
        waiter_remove(&s->waiters[i].waiter);
    while (s->chunks) {
        struct poll_chunk *chunk = s->chunks;
        for (u32 i = 0; i < chunk->used; i++)
            waiter_remove(&chunk->waiters[i].waiter);
        s->chunks = chunk->next;
        heap_free(chunk);
    }
}

static bool is_triggered(void *arg)
{
    struct poll_session *s = arg;
    return __atomic_load_n(&s->triggered, __ATOMIC_SEQ_CST); // pairs with poll_waiter_wake
}

// Asks every file; waiters are left only until the first that is ready.
static s64 ask_all(struct poll_session *s, struct poll_entry *entries, size_t count, bool add)
{
    struct poll_table *table = add ? &s->table : NULL;
    s64 ready = 0;

    for (size_t i = 0; i < count; i++) {
        struct poll_entry *e = &entries[i];
        if (!e->file)
            continue;
        s->key = e->wanted | POLLERR | POLLHUP;
        e->got = file_poll(e->file, table) & s->key;
        if (e->got) {
            ready++;
            table = NULL;
        }
    }
    return ready;
}

s64 poll_entries(struct poll_entry *entries, size_t count, u64 deadline)
{
    struct poll_session s;
    bool last = deadline == 0, first = true;
    s64 result;

    s.table.add = session_add;
    wait_queue_init(&s.sleep);
    s.used = 0;
    s.error = 0;
    s.chunks = NULL;
    if (last)
        net_work();
    for (;;) {
        __atomic_store_n(&s.triggered, false, __ATOMIC_SEQ_CST); // what comes now is seen again
        result = ask_all(&s, entries, count, first && !last);
        if (!result)
            result = s.error;
        if (!result && thread_interrupted())
            result = -ERESTARTNOHAND;
        if (result || last)
            break;
        first = false;
        if (net_work_all() && is_triggered(&s)) // saves the way through the idle loop
            continue;
        last = wait_until(&s.sleep, deadline, WAIT_INTERRUPTIBLE, is_triggered, &s) == -ETIMEDOUT;
    }
    session_end(&s);
    return result;
}

u64 poll_deadline(u64 ns)
{
    u64 deadline;

    if (ns == DEADLINE_NONE || ns == 0)
        return ns;
    return __builtin_add_overflow(clock_monotonic(), ns, &deadline) ? DEADLINE_NONE : deadline;
}

u64 poll_time_left(u64 deadline)
{
    u64 now = deadline ? clock_monotonic() : 0;
    return deadline > now ? deadline - now : 0;
}

int poll_mask_set(uaddr_t mask, size_t set_size)
{
    signal_set_t set;

    if (!mask)
        return 0;
    if (set_size != sizeof(set))
        return -EINVAL;
    if (user_read_u64(&set, mask))
        return -EFAULT;
    signal_set_blocked_temporarily(set);
    return 0;
}

s64 poll_mask_restore(uaddr_t mask, s64 result)
{
    if (mask && result != -ERESTARTNOHAND && result != -EINTR)
        signal_restore_blocked(thread_current());
    return result;
}
