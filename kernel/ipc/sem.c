// SPDX-License-Identifier: BSD-3-Clause
// Semaphore sets: making them, operations on them, and what a process's end undoes.
//
// A thread that cannot go on stands on set->waiting, with the operation that stops it, and tries all
// its operations again whenever the set changes: it does them itself, in sem_try, with the lock held.
#include "base/string.h"
#include "ipc/sem_internal.h"
#include "linux/clock.h"
#include "memory/heap.h"
#include "process/process.h"
#include "thread/rollback.h"
#include "thread/thread.h"

#define NS_PER_SECOND 1000000000ull

struct ipc_table sem_table = IPC_TABLE(SEMMNI);
u32 sem_total;

u64 sem_now(void)
{
    return clock_realtime() / NS_PER_SECOND;
}

struct sem_set *sem_find(int id)
{
    return (void *)ipc_find(&sem_table, id);
}

void sem_changed(struct sem_set *s)
{
    if (!list_empty(&s->waiting))
        wait_queue_wake(&s->changed, ~0u);
}

void sem_free(struct sem_set *s)
{
    struct list *node;

    while ((node = list_pop_front(&s->undos)) != NULL)
        heap_free(list_entry(node, struct sem_undo, node));
    heap_free(s);
}

static s64 set_create(int key, u32 count, u32 flags)
{
    struct sem_set *s;
    int error;

    if (!count)
        return -EINVAL;
    if (sem_total + count > SEMMNS)
        return -ENOSPC;
    s = heap_alloc(sizeof(*s) + count * sizeof(s->sems[0]));
    if (!s)
        return -ENOMEM;
    list_init(&s->waiting);
    list_init(&s->undos);
    wait_queue_init(&s->changed);
    s->count = count;
    s->change_time = sem_now();
    error = ipc_add(&sem_table, &s->object, key, flags);
    if (error) {
        heap_free(s);
        return error;
    }
    sem_total += count;
    return s->object.id;
}

s64 sem_get(int key, int count, u32 flags)
{
    const struct sem_set *s;
    s64 result;

    if (count < 0 || count > SEMMSL)
        return -EINVAL;
    lock_acquire(&sem_table.lock);
    s = key == IPC_PRIVATE ? NULL : (void *)ipc_find_key(&sem_table, key);
    if (!s && key != IPC_PRIVATE && !(flags & IPC_CREAT))
        result = -ENOENT;
    else if (!s)
        result = set_create(key, (u32)count, flags);
    else if ((flags & IPC_CREAT) && (flags & IPC_EXCL))
        result = -EEXIST;
    else if ((u32)count > s->count)
        result = -EINVAL;
    else
        result = ipc_reopen(&s->object, flags);
    if (s && !result)
        result = s->object.id;
    lock_release(&sem_table.lock);
    return result;
}

// One operation. 0, -EAGAIN: it has to wait, -ERANGE
static int operate_one(struct sem_wait *w, const struct sembuf *o)
{
    struct sem *sem = &w->set->sems[o->sem_num];
    int value = sem->value + o->sem_op, adjust;

    if (!o->sem_op && sem->value)
        return -EAGAIN;
    if (value < 0)
        return -EAGAIN;
    if (value > SEMVMX)
        return -ERANGE;
    if (o->sem_flg & SEM_UNDO) {
        adjust = w->undo->adjust[o->sem_num] - o->sem_op;
        if (adjust < -SEMAEM - 1 || adjust > SEMAEM)
            return -ERANGE;
        rollback_word(&w->undo->adjust[o->sem_num]);
        w->undo->adjust[o->sem_num] = (s16)adjust;
    }
    rollback_word(&sem->value);
    sem->value = (u16)value;
    return 0;
}

static void revert_one(struct sem_wait *w, const struct sembuf *o)
{
    w->set->sems[o->sem_num].value = (u16)(w->set->sems[o->sem_num].value - o->sem_op);
    if (o->sem_flg & SEM_UNDO)
        w->undo->adjust[o->sem_num] = (s16)(w->undo->adjust[o->sem_num] + o->sem_op);
}

// All operations or none. False: they have to wait. Called with the lock held.
static bool sem_try(void *arg)
{
    struct sem_wait *w = arg;
    bool altered = false;
    u32 i;

    rollback_begin(&sem_table.lock); // all or none, whatever comes
    if (w->set->object.removed) {
        w->result = -EIDRM;
        return true;
    }
    w->result = 0;
    for (i = 0; i < w->count && !w->result; i++)
        w->result = operate_one(w, &w->operations[i]);
    if (w->result) {
        w->blocking = --i;
        while (i-- > 0)
            revert_one(w, &w->operations[i]);
        return w->result != -EAGAIN || (w->operations[w->blocking].sem_flg & IPC_NOWAIT);
    }
    for (i = 0; i < w->count; i++) {
        rollback_word(&w->set->sems[w->operations[i].sem_num].pid);
        w->set->sems[w->operations[i].sem_num].pid = thread_process()->pid;
        altered |= w->operations[i].sem_op;
    }
    rollback_word(&w->set->operation_time);
    w->set->operation_time = sem_now();
    if (altered)
        sem_changed(w->set);
    return true;
}

static int undo_find(struct sem_set *s, struct sem_undo **out)
{
    int pid = thread_process()->pid;
    struct sem_undo *u;

    list_for_each(u, &s->undos, node) {
        if (u->pid == pid) {
            *out = u;
            return 0;
        }
    }
    u = heap_alloc(sizeof(*u) + s->count * sizeof(u->adjust[0]));
    if (!u)
        return -ENOMEM;
    u->pid = pid;
    rollback_begin(&sem_table.lock);
    rollback_insert_after(s->undos.previous);
    list_push_back(&s->undos, &u->node);
    rollback_end(&sem_table.lock);
    *out = u;
    return 0;
}

// Finds the set and checks the operations against it.
static int prepare(struct sem_wait *w, int id)
{
    bool alters = false, undoes = false;
    u32 highest = 0;
    int error;

    w->set = sem_find(id);
    if (!w->set)
        return -EINVAL;
    for (u32 i = 0; i < w->count; i++) {
        highest = max(highest, (u32)w->operations[i].sem_num);
        alters |= w->operations[i].sem_op;
        undoes |= w->operations[i].sem_flg & SEM_UNDO;
    }
    if (highest >= w->set->count)
        return -EFBIG;
    error = ipc_permission(&w->set->object, alters ? IPC_MAY_WRITE : IPC_MAY_READ);
    return error || !undoes ? error : undo_find(w->set, &w->undo);
}

static int sleep_on(struct sem_wait *w, u64 deadline)
{
    struct sem_set *s = w->set;
    int error;

    rollback_word(&s->sleepers);
    rollback_insert_after(s->waiting.previous);
    s->sleepers++;
    list_push_back(&s->waiting, &w->node);
    error = wait_until_locked(&s->changed, &sem_table.lock, deadline, WAIT_INTERRUPTIBLE, sem_try,
                              w);
    rollback_remove(&w->node);
    rollback_word(&s->sleepers);
    list_remove(&w->node);
    if (!--s->sleepers && s->object.removed)
        sem_free(s);
    if (error)
        return error == -ETIMEDOUT ? -EAGAIN : -EINTR; // never restarted: signal(7)
    return w->result;
}

int sem_operate(int id, const struct sembuf *operations, u32 count, u64 deadline)
{
    struct sem_wait w = { .operations = operations, .count = count };
    int error;

    lock_acquire_clean(&sem_table.lock);
    error = prepare(&w, id);
    if (!error)
        error = sem_try(&w) ? w.result : sleep_on(&w, deadline);
    lock_release(&sem_table.lock);
    return error;
}

static void undo_apply(struct sem_set *s, const struct sem_undo *u)
{
    for (u32 i = 0; i < s->count; i++) {
        int value = s->sems[i].value + u->adjust[i];

        if (!u->adjust[i])
            continue;
        s->sems[i].value = (u16)(value < 0 ? 0 : min(value, SEMVMX));
        s->sems[i].pid = u->pid;
    }
    s->operation_time = sem_now();
    sem_changed(s);
}

bool sem_undoes(int pid)
{
    const struct sem_undo *u;
    bool found = false;

    lock_acquire(&sem_table.lock);
    for (u32 i = 0; i < sem_table.capacity; i++) {
        const struct sem_set *s = (void *)sem_table.slots[i];
        if (!s)
            continue;
        list_for_each(u, &s->undos, node)
            found |= u->pid == pid;
    }
    lock_release(&sem_table.lock);
    return found;
}

void sem_undo(int pid)
{
    struct sem_undo *u, *next;

    lock_acquire(&sem_table.lock);
    for (u32 i = 0; i < sem_table.capacity; i++) {
        struct sem_set *s = (void *)sem_table.slots[i];
        if (!s)
            continue;
        list_for_each_safe(u, next, &s->undos, node) {
            if (u->pid != pid)
                continue;
            undo_apply(s, u);
            list_remove(&u->node);
            heap_free(u);
        }
    }
    lock_release(&sem_table.lock);
}
