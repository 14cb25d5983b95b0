// SPDX-License-Identifier: BSD-3-Clause
// process_vm_readv(2) and process_vm_writev(2). A member sees only its own memory, so the other process
// can only be the caller itself.
#include "file/io.h"
#include "linux/calls.h"
#include "memory/heap.h"
#include "memory/user_copy.h"
#include "process/process.h"
#include "thread/thread.h"

struct side { // one of the two lists of buffers
    struct iovec *vectors;
    size_t count, at;
    u64 done; // bytes of vectors[at]
};

static bool side_left(struct side *s)
{
    while (s->at < s->count && s->done == s->vectors[s->at].iov_len) {
        s->at++;
        s->done = 0;
    }
    return s->at < s->count;
}

static uaddr_t side_address(const struct side *s)
{
    return (uaddr_t)s->vectors[s->at].iov_base + s->done;
}

// Bytes copied until a fault or the end of either side; -EFAULT if the fault is at the first.
static s64 transfer(struct side *to, struct side *from)
{
    s64 total = 0;

    while (side_left(to) && side_left(from)) {
        u64 size = min(to->vectors[to->at].iov_len - to->done,
                       from->vectors[from->at].iov_len - from->done);
        if (user_copy(side_address(to), side_address(from), size))
            return total ? total : -EFAULT;
        to->done += size;
        from->done += size;
        total += (s64)size;
    }
    return total;
}

static s64 process_vm(int pid, uaddr_t local, u64 local_count, uaddr_t remote, u64 remote_count,
                      u64 flags, bool write)
{
    struct side here = {.count = local_count}, there = {.count = remote_count};

    if (flags)
        return -EINVAL;
    s64 result = io_read_vectors(local, local_count, &here.vectors);
    if (result)
        return result;
    result = io_read_vectors(remote, remote_count, &there.vectors);
    if (!result && side_left(&there) && side_left(&here))
        result = pid != thread_process()->pid && !thread_exists(pid) ? -ESRCH
                 : write ? transfer(&there, &here)
                         : transfer(&here, &there);
    heap_free(there.vectors);
    heap_free(here.vectors);
    return result;
}

s64 sys_process_vm_readv(int pid, uaddr_t local, u64 local_count, uaddr_t remote, u64 remote_count,
                         u64 flags)
{
    return process_vm(pid, local, local_count, remote, remote_count, flags, false);
}

s64 sys_process_vm_writev(int pid, uaddr_t local, u64 local_count, uaddr_t remote, u64 remote_count,
                          u64 flags)
{
    return process_vm(pid, local, local_count, remote, remote_count, flags, true);
}
