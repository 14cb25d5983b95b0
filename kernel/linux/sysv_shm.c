// SPDX-License-Identifier: BSD-3-Clause
// shmget(2), shmat(2), shmdt(2), shmctl(2).
#include "ipc/shm.h"
#include "linux/calls.h"
#include "memory/user_copy.h"

s64 sys_shmget(int key, u64 size, u32 flags)
{
    return shm_get(key, size, flags);
}

s64 sys_shmat(int id, uaddr_t at, u32 flags)
{
    uaddr_t place;
    int error = shm_attach(id, at, flags, &place);

    return error ? error : (s64)place;
}

s64 sys_shmdt(uaddr_t at)
{
    return shm_detach(at);
}

static s64 information(u32 command, uaddr_t buffer)
{
    struct shminfo64 limits;
    struct shm_info usage;
    int last, error;

    shm_usage(&limits, &usage, &last);
    error = command == IPC_INFO ? user_write(buffer, &limits, sizeof(limits))
                                : user_write(buffer, &usage, sizeof(usage));
    return error ? error : last;
}

static s64 status(int id, u32 command, uaddr_t buffer)
{
    struct shmid64_ds ds;
    int found, error = shm_stat(id, command != IPC_STAT, command == SHM_STAT_ANY, &ds, &found);

    if (error)
        return error;
    if (user_write(buffer, &ds, sizeof(ds)))
        return -EFAULT;
    return command == IPC_STAT ? 0 : found;
}

s64 sys_shmctl(int id, u32 command, uaddr_t buffer)
{
    struct shmid64_ds ds;

    if ((int)command < 0 || id < 0)
        return -EINVAL;
    switch (command) {
    case IPC_INFO:
    case SHM_INFO:
        return information(command, buffer);
    case IPC_STAT:
    case SHM_STAT:
    case SHM_STAT_ANY:
        return status(id, command, buffer);
    case IPC_SET:
        return user_read(&ds, buffer, sizeof(ds)) ? -EFAULT : shm_set(id, &ds);
    case IPC_RMID:
        return shm_remove(id);
    case SHM_LOCK:
    case SHM_UNLOCK:
        return shm_lock(id, command == SHM_LOCK);
    default:
        return -EINVAL;
    }
}
