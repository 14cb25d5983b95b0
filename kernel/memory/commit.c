// SPDX-License-Identifier: BSD-3-Clause
// How much private memory has been promised. The host fills pages on demand, so a promise costs
// nothing; but a family with a limit must hear ENOMEM from mmap rather than die by the host's hand.
//
// With --memory: all private writable memory counts, except stacks and MAP_NORESERVE (threads and
// garbage collectors promise themselves far more than they use), and the sum may not pass the
// limit. Without: as Linux's heuristic (vm.overcommit_memory 0), only a single absurd wish is
// refused.
#include "memory/commit.h"

#include "memory/area.h"

#include "abi/boot.h"
#include "base/panic.h"

static struct {
    bool strict;
    u64 limit;     // bytes; 0: none
    u64 committed; // bytes, of the family; atomic
} commit;

void commit_init(const struct boot_info *boot)
{
    commit.strict = boot->memory_limit != 0;
    commit.limit = boot->memory_limit ? boot->memory_limit : boot->host_memory;
}

bool commit_counts(u32 flags)
{
    return (flags & AREA_WRITE) && !(flags & (AREA_SHARED | AREA_NORESERVE | AREA_STACK));
}

int commit_reserve(u64 size)
{
    u64 now = __atomic_add_fetch(&commit.committed, size, __ATOMIC_RELAXED);
    if (commit.limit && (commit.strict ? now : size) > commit.limit) {
        __atomic_sub_fetch(&commit.committed, size, __ATOMIC_RELAXED);
        return -ENOMEM;
    }
    return 0;
}

void commit_release(u64 size)
{
    u64 before = __atomic_fetch_sub(&commit.committed, size, __ATOMIC_RELAXED);
    assert(before >= size);
}

u64 commit_total(void)
{
    return __atomic_load_n(&commit.committed, __ATOMIC_RELAXED);
}

int commit_add(struct address_space *s, u64 size)
{
    int error = commit_reserve(size);
    if (!error)
        __atomic_add_fetch(&s->committed, size, __ATOMIC_RELAXED);
    return error;
}

void commit_remove(struct address_space *s, u64 size)
{
    commit_release(size);
    __atomic_sub_fetch(&s->committed, size, __ATOMIC_RELAXED);
}
