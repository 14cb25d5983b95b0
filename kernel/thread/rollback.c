// SPDX-License-Identifier: BSD-3-Clause
#include "thread/rollback.h"

#include "base/string.h"

// The record of l among the locks that v holds; NULL: there was no room for it.
static struct held_lock *record_of(struct vcpu *v, const struct lock *l)
{
    u32 i = min(v->held_count, (u32)LOCKS_HELD);

    while (i && v->held[i - 1].lock != l)
        i--;
    return i ? &v->held[i - 1] : NULL;
}

static bool can_go_back(const struct held_lock *h)
{
    return (h->state & HELD_KIND) == HELD_ROLLBACK;
}

void rollback_begin(const struct lock *l)
{
    struct vcpu *v = vcpu_this();
    struct held_lock *h = record_of(v, l);

    if (v->held_count == 1)
        v->rollback_count = 0;
    if (h && h->state == HELD_CLEAN)
        __atomic_store_n(&h->state, HELD_ROLLBACK | (u64)v->rollback_count << HELD_ROLLBACK_SHIFT,
                         __ATOMIC_RELEASE); // before what follows
}

void rollback_end(const struct lock *l)
{
    struct vcpu *v = vcpu_this();
    struct held_lock *h = record_of(v, l);

    if (!h || (!can_go_back(h) && h->state != HELD_TOO_MANY))
        return;
    u32 first = can_go_back(h) ? (u32)(h->state >> HELD_ROLLBACK_SHIFT) : 0;
    __atomic_store_n(&h->state, HELD_CLEAN, __ATOMIC_RELEASE); // behind what came before
    __atomic_store_n(&v->rollback_count, first, __ATOMIC_RELEASE);
}

// There is no room for more: the sections under way can't be taken back.
static void rollback_full(struct vcpu *v)
{
    for (u32 i = 0; i < v->held_count && i < LOCKS_HELD; i++)
        if (can_go_back(&v->held[i]))
            v->held[i].state = HELD_TOO_MANY;
    v->rollback_count = 0;
}

void rollback_save(const void *at, u64 size)
{
    struct vcpu *v = vcpu_this();
    struct rollback_word *w = &v->rollback[v->rollback_count];

    if (unlikely(v->rollback_count >= ROLLBACK_MAX)) {
        rollback_full(v);
        return;
    }
    w->at = (u64)(uintptr_t)at;
    w->size = size;
    if (likely(size == sizeof(w->old)))
        __builtin_memcpy(&w->old, at, sizeof(w->old));
    else
        memcpy(&w->old, at, size);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    v->rollback_count++;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

void rollback_insert_after(const struct list *at)
{
    rollback_word(&at->next);
    rollback_word(&at->next->previous);
}

void rollback_remove(const struct list *node)
{
    rollback_word(&node->previous->next);
    rollback_word(&node->next->previous);
    rollback_word(&node->next);
    rollback_word(&node->previous);
}

// The words from `first` on, up to `end`, the last one first.
static void restore(const struct vcpu *v, u32 first, u32 end)
{
    while (end-- > first) {
        const struct rollback_word *u = &v->rollback[end];
        memcpy((void *)u->at, &u->old, u->size);
    }
}

void rollback_all(struct vcpu *v)
{
    u32 end = v->rollback_count;

    for (u32 i = min(v->held_count, (u32)LOCKS_HELD); i-- > 0;) {
        const struct held_lock *h = &v->held[i];
        u32 first = (u32)(h->state >> HELD_ROLLBACK_SHIFT);
        if (!can_go_back(h))
            continue;
        if (__atomic_load_n(&h->lock->holder, __ATOMIC_ACQUIRE) == (u32)v->index + 1)
            restore(v, first, end);
        end = first;
    }
    v->rollback_count = 0;
}

void rollback_acquire(struct lock *l)
{
    struct vcpu *v = vcpu_this();

    if (!v->held_count)
        v->rollback_count = 0;
    lock_acquire_as(l, HELD_ROLLBACK | (u64)v->rollback_count << HELD_ROLLBACK_SHIFT);
}

void lock_acquire_clean(struct lock *l)
{
    lock_acquire_as(l, HELD_CLEAN);
}

void lock_acquire_repairable(struct lock *l, const struct lock_repair *repair)
{
    lock_acquire_as(l, (u64)repair);
}

const struct lock_repair *lock_repair_of(const struct held_lock *h)
{
    return h->state & ~0xffffull && !(h->state & HELD_KIND) ? (const struct lock_repair *)h->state : NULL;
}

u64 lock_state(const struct lock *l)
{
    const struct held_lock *h = record_of(vcpu_this(), l);

    return h ? h->state : HELD_TORN;
}

void lock_acquire_again(struct lock *l, u64 state)
{
    if ((state & HELD_KIND) == HELD_ROLLBACK || state == HELD_TOO_MANY)
        rollback_acquire(l);
    else
        lock_acquire_as(l, state);
}
