// SPDX-License-Identifier: BSD-3-Clause
// Locks as they are where nobody is killed: for tests/stack, and tests/tcp.
#include "thread/lock.h"
#include "thread/rollback.h"

void lock_acquire_clean(struct lock *l)
{
    lock_acquire(l);
}

void rollback_acquire(struct lock *l)
{
    lock_acquire(l);
}

void rollback_begin(const struct lock *l)
{
}

void rollback_end(const struct lock *l)
{
}

void rollback_save(const void *at, u64 size)
{
}

void rollback_insert_after(const struct list *at)
{
}

void rollback_remove(const struct list *node)
{
}
