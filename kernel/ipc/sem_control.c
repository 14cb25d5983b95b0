// SPDX-License-Identifier: BSD-3-Clause
// semctl's commands, and /proc/sysvipc/sem.
#include "inspect/text.h"
#include "ipc/sem_internal.h"
#include "process/process.h"
#include "thread/thread.h"

int sem_stat(int id, bool slot, bool any, struct semid64_ds *out, int *out_id)
{
    const struct sem_set *s;
    int error = -EINVAL;

    lock_acquire(&sem_table.lock);
    s = slot && id >= 0 ? (void *)ipc_find_slot(&sem_table, (u32)id) : sem_find(id);
    if (s)
        error = any ? 0 : ipc_permission(&s->object, IPC_MAY_READ);
    if (!error) {
        *out = (struct semid64_ds){
            .sem_otime = (long)s->operation_time,
            .sem_ctime = (long)s->change_time,
            .sem_nsems = s->count,
        };
        ipc_describe(&s->object, &out->sem_perm);
        *out_id = s->object.id;
    }
    lock_release(&sem_table.lock);
    return error;
}

int sem_set_owner(int id, const struct semid64_ds *from)
{
    struct sem_set *s;
    int error = -EINVAL;

    lock_acquire(&sem_table.lock);
    s = sem_find(id);
    if (s)
        error = ipc_may_control(&s->object);
    if (!error)
        error = ipc_set(&s->object, &from->sem_perm);
    if (!error)
        s->change_time = sem_now();
    lock_release(&sem_table.lock);
    return error;
}

static void remove_set(struct sem_set *s)
{
    ipc_remove(&sem_table, &s->object);
    sem_total -= s->count;
    if (s->sleepers)
        sem_changed(s);
    else
        sem_free(s);
}

int sem_remove(int id)
{
    struct sem_set *s;
    int error = -EINVAL;

    lock_acquire(&sem_table.lock);
    s = sem_find(id);
    if (s)
        error = ipc_may_control(&s->object);
    if (!error)
        remove_set(s);
    lock_release(&sem_table.lock);
    return error;
}

void sem_end(void)
{
    lock_acquire(&sem_table.lock);
    for (u32 i = 0; i < sem_table.capacity; i++)
        if (sem_table.slots[i])
            remove_set((void *)sem_table.slots[i]);
    lock_release(&sem_table.lock);
}

// Threads whose first operation that cannot be done is on this semaphore.
static s64 waiters(const struct sem_set *s, int number, bool for_zero)
{
    const struct sem_wait *w;
    s64 count = 0;

    list_for_each(w, &s->waiting, node) {
        const struct sembuf *o = &w->operations[w->blocking];
        count += o->sem_num == number && !o->sem_op == for_zero;
    }
    return count;
}

static s64 query(const struct sem_set *s, int number, int command)
{
    switch (command) {
    case GETVAL:
        return s->sems[number].value;
    case GETPID:
        return s->sems[number].pid;
    default:
        return waiters(s, number, command == GETZCNT);
    }
}

s64 sem_query(int id, int number, int command)
{
    const struct sem_set *s;
    s64 result = -EINVAL;

    lock_acquire(&sem_table.lock);
    s = sem_find(id);
    if (s)
        result = ipc_permission(&s->object, IPC_MAY_READ);
    if (!result)
        result = number < 0 || (u32)number >= s->count ? -EINVAL : query(s, number, command);
    lock_release(&sem_table.lock);
    return result;
}

// No process shall undo what it did before the value was set.
static void set_one(struct sem_set *s, u32 number, u16 value)
{
    struct sem_undo *u;

    list_for_each(u, &s->undos, node)
        u->adjust[number] = 0;
    s->sems[number].value = value;
    s->sems[number].pid = thread_process()->pid;
}

int sem_set_value(int id, int number, int value)
{
    struct sem_set *s;
    int error = -EINVAL;

    if (value < 0 || value > SEMVMX)
        return -ERANGE;
    lock_acquire(&sem_table.lock);
    s = sem_find(id);
    if (s && number >= 0 && (u32)number < s->count)
        error = ipc_permission(&s->object, IPC_MAY_WRITE);
    if (!error) {
        set_one(s, (u32)number, (u16)value);
        s->change_time = sem_now();
        sem_changed(s);
    }
    lock_release(&sem_table.lock);
    return error;
}

int sem_count(int id, bool write)
{
    const struct sem_set *s;
    int result = -EINVAL;

    lock_acquire(&sem_table.lock);
    s = sem_find(id);
    if (s)
        result = ipc_permission(&s->object, write ? IPC_MAY_WRITE : IPC_MAY_READ);
    if (!result)
        result = (int)s->count;
    lock_release(&sem_table.lock);
    return result;
}

int sem_get_all(int id, u16 *values, u32 count)
{
    const struct sem_set *s;
    int error = -EIDRM;

    lock_acquire(&sem_table.lock);
    s = sem_find(id);
    if (s && s->count == count) {
        for (u32 i = 0; i < count; i++)
            values[i] = s->sems[i].value;
        error = 0;
    }
    lock_release(&sem_table.lock);
    return error;
}

int sem_set_all(int id, const u16 *values, u32 count)
{
    struct sem_set *s;
    int error = -EIDRM;

    for (u32 i = 0; i < count; i++)
        if (values[i] > SEMVMX)
            return -ERANGE;
    lock_acquire(&sem_table.lock);
    s = sem_find(id);
    if (s && s->count == count) {
        for (u32 i = 0; i < count; i++)
            set_one(s, i, values[i]);
        s->change_time = sem_now();
        sem_changed(s);
        error = 0;
    }
    lock_release(&sem_table.lock);
    return error;
}

void sem_usage(int command, struct seminfo *out, int *out_last)
{
    *out = (struct seminfo){
        .semmap = SEMMAP,
        .semmni = SEMMNI,
        .semmns = SEMMNS,
        .semmnu = SEMMNU,
        .semmsl = SEMMSL,
        .semopm = SEMOPM,
        .semume = SEMUME,
        .semusz = SEMUSZ,
        .semvmx = SEMVMX,
        .semaem = SEMAEM,
    };
    lock_acquire(&sem_table.lock);
    if (command == SEM_INFO) {
        out->semusz = (int)sem_table.count;
        out->semaem = (int)sem_total;
    }
    *out_last = (int)ipc_last_slot(&sem_table);
    lock_release(&sem_table.lock);
}

void sem_show(struct text *t)
{
    text_add(t, "       key      semid perms      nsems   uid   gid  cuid  cgid      otime      "
                "ctime\n");
    lock_acquire(&sem_table.lock);
    for (u32 i = 0; i < sem_table.capacity; i++) {
        const struct sem_set *s = (void *)sem_table.slots[i];
        if (s)
            text_add(t, "%10d %10d  %4o %10u %5u %5u %5u %5u %10lu %10lu\n", s->object.key,
                     s->object.id, s->object.mode, s->count, s->object.uid, s->object.gid,
                     s->object.cuid, s->object.cgid, (unsigned long)s->operation_time,
                     (unsigned long)s->change_time);
    }
    lock_release(&sem_table.lock);
}
