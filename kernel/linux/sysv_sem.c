// SPDX-License-Identifier: BSD-3-Clause
// semget(2), semop(2), semtimedop(2), semctl(2).
#include "ipc/sem.h"
#include "linux/calls.h"
#include "linux/clock.h"
#include "memory/heap.h"
#include "memory/user_copy.h"
#include "thread/wait.h"

#define FEW 8 // operations that need no allocation

s64 sys_semget(int key, int count, u32 flags)
{
    return sem_get(key, count, flags);
}

static s64 operate(int id, const struct sembuf *operations, u32 count,
                   const struct __kernel_timespec *timeout)
{
    u64 ns, deadline = DEADLINE_NONE;

    if (count < 1 || id < 0)
        return -EINVAL;
    if (timeout) {
        int error = timespec_to_ns(timeout, &ns);
        if (error)
            return error;
        if (ns < 1ull << 62)
            deadline = clock_monotonic() + ns;
    }
    return sem_operate(id, operations, count, deadline);
}

s64 sys_semtimedop(int id, uaddr_t from, u32 count, uaddr_t user_timeout)
{
    struct sembuf few[FEW], *operations = few;
    struct __kernel_timespec timeout;
    s64 result = -EFAULT;

    if (user_timeout && user_read(&timeout, user_timeout, sizeof(timeout)))
        return -EFAULT;
    if (count > SEMOPM)
        return -E2BIG;
    if (count > FEW)
        operations = heap_alloc(count * sizeof(operations[0]));
    if (!operations)
        return -ENOMEM;
    if (!user_read(operations, from, count * sizeof(operations[0])))
        result = operate(id, operations, count, user_timeout ? &timeout : NULL);
    if (operations != few)
        heap_free(operations);
    return result;
}

s64 sys_semop(int id, uaddr_t operations, u32 count)
{
    return sys_semtimedop(id, operations, count, 0);
}

static s64 information(int command, uaddr_t buffer)
{
    struct seminfo info;
    int last;

    sem_usage(command, &info, &last);
    return user_write(buffer, &info, sizeof(info)) ? -EFAULT : last;
}

static s64 status(int id, int command, uaddr_t buffer)
{
    struct semid64_ds ds;
    int found, error = sem_stat(id, command != IPC_STAT, command == SEM_STAT_ANY, &ds, &found);

    if (error)
        return error;
    if (user_write(buffer, &ds, sizeof(ds)))
        return -EFAULT;
    return command == IPC_STAT ? 0 : found;
}

static s64 all(int id, bool set, uaddr_t array)
{
    int count = sem_count(id, set), error;
    size_t size = (size_t)count * sizeof(u16);
    u16 *values;

    if (count < 0)
        return count;
    values = heap_alloc(size);
    if (!values)
        return -ENOMEM;
    if (set) {
        error = user_read(values, array, size);
        if (!error)
            error = sem_set_all(id, values, (u32)count);
    } else {
        error = sem_get_all(id, values, (u32)count);
        if (!error)
            error = user_write(array, values, size);
    }
    heap_free(values);
    return error;
}

s64 sys_semctl(int id, int number, int command, u64 argument)
{
    struct semid64_ds ds;

    if (id < 0)
        return -EINVAL;
    switch (command) {
    case IPC_INFO:
    case SEM_INFO:
        return information(command, argument);
    case IPC_STAT:
    case SEM_STAT:
    case SEM_STAT_ANY:
        return status(id, command, argument);
    case GETALL:
    case SETALL:
        return all(id, command == SETALL, argument);
    case GETVAL:
    case GETPID:
    case GETNCNT:
    case GETZCNT:
        return sem_query(id, number, command);
    case SETVAL:
        return sem_set_value(id, number, (int)argument);
    case IPC_SET:
        return user_read(&ds, argument, sizeof(ds)) ? -EFAULT : sem_set_owner(id, &ds);
    case IPC_RMID:
        return sem_remove(id);
    default:
        return -EINVAL;
    }
}
