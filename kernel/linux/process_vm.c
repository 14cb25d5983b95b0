// SPDX-License-Identifier: BSD-3-Clause
// process_vm_readv(2) and process_vm_writev(2), by way of a buffer in the kernel.
#include "file/io.h"
#include "linux/calls.h"
#include "memory/heap.h"
#include "memory/user_copy.h"
#include "process/process.h"
#include "process/visit.h"

#define BUFFER 65536u

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

// One piece, from buffer to buffer. Bytes, or what went wrong.
static s64 piece(struct process *p, uaddr_t here, uaddr_t there, void *buffer, size_t size,
                 bool write)
{
    s64 n;

    if (!write) {
        n = process_memory_read(p, buffer, there, size);
        return n > 0 && user_write(here, buffer, (size_t)n) ? -EFAULT : n;
    }
    return user_read(buffer, here, size) ? -EFAULT
                                         : process_memory_write(p, there, buffer, size);
}

// Bytes copied until a fault or the end of either side; -EFAULT if the fault is at the first.
static s64 transfer(struct process *p, struct side *here, struct side *there, bool write)
{
    char *buffer = heap_alloc(BUFFER);
    s64 total = 0, n = buffer ? 0 : -ENOMEM;

    while (n >= 0 && side_left(here) && side_left(there)) {
        u64 size = min(here->vectors[here->at].iov_len - here->done,
                       there->vectors[there->at].iov_len - there->done);
        size = min(size, (u64)BUFFER);
        n = piece(p, side_address(here), side_address(there), buffer, size, write);
        if (n <= 0)
            break;
        here->done += (u64)n;
        there->done += (u64)n;
        total += n;
        if ((u64)n < size)
            break;
    }
    heap_free(buffer);
    return total ? total : n;
}

static s64 process_vm(int pid, uaddr_t local, u64 local_count, uaddr_t remote, u64 remote_count,
                      u64 flags, bool write)
{
    struct side here = {.count = local_count}, there = {.count = remote_count};
    struct process *p;

    if (flags)
        return -EINVAL;
    s64 result = io_read_vectors(local, local_count, &here.vectors);
    if (result)
        return result;
    result = io_read_vectors(remote, remote_count, &there.vectors);
    if (!result && side_left(&there) && side_left(&here)) {
        p = pid > 0 ? process_of_thread(pid) : NULL;
        result = p ? process_access(p) : -ESRCH;
        if (!result)
            result = transfer(p, &here, &there, write);
    }
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
