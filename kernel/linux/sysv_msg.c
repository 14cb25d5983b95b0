// SPDX-License-Identifier: BSD-3-Clause
// msgget(2), msgsnd(2), msgrcv(2), msgctl(2).
#include "ipc/msg.h"
#include "linux/calls.h"
#include "memory/heap.h"
#include "memory/user_copy.h"

s64 sys_msgget(int key, u32 flags)
{
    return msg_get(key, flags);
}

s64 sys_msgsnd(int id, uaddr_t from, size_t size, u32 flags)
{
    struct msg *m;
    u64 type;
    int error;

    if (user_read_u64(&type, from))
        return -EFAULT;
    if (size > MSGMAX || id < 0 || (s64)type < 1)
        return -EINVAL;
    m = heap_alloc(sizeof(*m) + size);
    if (!m)
        return -ENOMEM;
    m->type = (s64)type;
    m->size = size;
    error = user_read(m->data, from + sizeof(type), size);
    if (!error)
        error = msg_send(id, m, flags);
    if (error)
        heap_free(m);
    return error;
}

s64 sys_msgrcv(int id, uaddr_t to, size_t size, s64 type, u32 flags)
{
    struct msg *m;
    s64 result;

    if (id < 0 || (s64)size < 0)
        return -EINVAL;
    if ((flags & MSG_COPY) && ((flags & MSG_EXCEPT) || !(flags & IPC_NOWAIT)))
        return -EINVAL;
    result = msg_receive(id, size, type, flags, &m);
    if (result)
        return result;
    size = min(size, m->size);
    if (user_write_u64(to, (u64)m->type) || user_write(to + sizeof(u64), m->data, size))
        result = -EFAULT;
    heap_free(m);
    return result ? result : (s64)size;
}

static s64 information(int command, uaddr_t buffer)
{
    struct msginfo info;
    int last;

    msg_usage(command, &info, &last);
    return user_write(buffer, &info, sizeof(info)) ? -EFAULT : last;
}

static s64 status(int id, int command, uaddr_t buffer)
{
    struct msqid64_ds ds;
    int found, error = msg_stat(id, command != IPC_STAT, command == MSG_STAT_ANY, &ds, &found);

    if (error)
        return error;
    if (user_write(buffer, &ds, sizeof(ds)))
        return -EFAULT;
    return command == IPC_STAT ? 0 : found;
}

s64 sys_msgctl(int id, int command, uaddr_t buffer)
{
    struct msqid64_ds ds;

    if (id < 0 || command < 0)
        return -EINVAL;
    switch (command) {
    case IPC_INFO:
    case MSG_INFO:
        return information(command, buffer);
    case IPC_STAT:
    case MSG_STAT:
    case MSG_STAT_ANY:
        return status(id, command, buffer);
    case IPC_SET:
        return user_read(&ds, buffer, sizeof(ds)) ? -EFAULT : msg_set(id, &ds);
    case IPC_RMID:
        return msg_remove(id);
    default:
        return -EINVAL;
    }
}
