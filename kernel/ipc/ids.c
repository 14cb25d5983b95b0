// SPDX-License-Identifier: BSD-3-Clause
// System V identifiers: the slot in a table, and above it a sequence number that grows each time the
// search for a free slot wraps around, so that a stale identifier soon means nothing.
#include "ipc/ids.h"

#include <linux/capability.h>

#include "base/string.h"
#include "file/inode.h"
#include "memory/heap.h"
#include "process/process.h"
#include "thread/thread.h"

#define SLOT_BITS    15
#define SLOT_MASK    ((1u << SLOT_BITS) - 1)
#define SEQUENCE_MAX (0x7fffffffu >> SLOT_BITS)
#define CYCLE_MIN    64u // slots before the search wraps
#define RIGHTS       0777u

static int grow(struct ipc_table *t, u32 capacity)
{
    struct ipc_object **slots;

    if (capacity <= t->capacity)
        return 0;
    slots = heap_alloc(capacity * sizeof(struct ipc_object *));
    if (!slots)
        return -ENOMEM;
    if (t->slots)
        memcpy(slots, t->slots, t->capacity * sizeof(struct ipc_object *));
    heap_free(t->slots);
    t->slots = slots;
    t->capacity = capacity;
    return 0;
}

// A free slot, cyclically. There is one: fewer than `cycle` are in use.
static u32 take_slot(struct ipc_table *t, u32 cycle)
{
    u32 slot = t->next_slot;

    for (u32 i = 0; i < cycle; i++, slot++) {
        if (slot >= cycle) {
            slot = 0;
            t->sequence = t->sequence >= SEQUENCE_MAX ? 0 : t->sequence + 1;
        }
        if (!t->slots[slot])
            break;
    }
    t->next_slot = slot + 1;
    return slot;
}

int ipc_add(struct ipc_table *t, struct ipc_object *o, int key, u32 flags)
{
    const struct credentials *c = credentials_now();
    u32 cycle = min(max(t->count + t->count / 2 + 1, CYCLE_MIN), 1u << SLOT_BITS), slot;

    assert(lock_held(&t->lock));
    if (t->count >= t->limit)
        return -ENOSPC;
    if (grow(t, cycle))
        return -ENOMEM;
    slot = take_slot(t, cycle);
    o->key = key;
    o->id = (int)(t->sequence << SLOT_BITS | slot);
    o->uid = o->cuid = c->euid;
    o->gid = o->cgid = c->egid;
    o->mode = flags & RIGHTS;
    o->removed = false;
    t->slots[slot] = o;
    t->count++;
    return 0;
}

void ipc_remove(struct ipc_table *t, struct ipc_object *o)
{
    assert(lock_held(&t->lock));
    o->removed = true;
    t->slots[(u32)o->id & SLOT_MASK] = NULL;
    if (--t->count)
        return;
    heap_free(t->slots);
    t->slots = NULL;
    t->capacity = 0;
}

struct ipc_object *ipc_find_slot(const struct ipc_table *t, u32 slot)
{
    assert(lock_held(&t->lock));
    return slot < t->capacity ? t->slots[slot] : NULL;
}

struct ipc_object *ipc_find(const struct ipc_table *t, int id)
{
    struct ipc_object *o = id < 0 ? NULL : ipc_find_slot(t, (u32)id & SLOT_MASK);

    return o && o->id == id ? o : NULL;
}

struct ipc_object *ipc_find_key(const struct ipc_table *t, int key)
{
    assert(lock_held(&t->lock));
    for (u32 i = 0; i < t->capacity; i++)
        if (t->slots[i] && t->slots[i]->key == key)
            return t->slots[i];
    return NULL;
}

u32 ipc_last_slot(const struct ipc_table *t)
{
    u32 last = 0;

    for (u32 i = 0; i < t->capacity; i++)
        if (t->slots[i])
            last = i;
    return last;
}

static bool in_group(const struct credentials *c, u32 gid)
{
    return c->egid == gid || credentials_in_group(c, gid);
}

int ipc_permission(const struct ipc_object *o, u32 wanted)
{
    const struct credentials *c = credentials_now();
    u32 granted = o->mode;

    wanted = wanted >> 6 | wanted >> 3 | wanted;
    if (c->euid == o->cuid || c->euid == o->uid)
        granted >>= 6;
    else if (in_group(c, o->cgid) || in_group(c, o->gid))
        granted >>= 3;
    return (wanted & ~granted & 7) && !inode_capable(CAP_IPC_OWNER) ? -EACCES : 0;
}

int ipc_may_control(const struct ipc_object *o)
{
    u32 uid = credentials_now()->euid;

    return uid == o->cuid || uid == o->uid || inode_capable(CAP_SYS_ADMIN) ? 0 : -EPERM;
}

void ipc_describe(const struct ipc_object *o, struct ipc64_perm *out)
{
    *out = (struct ipc64_perm){
        .key = o->key,
        .uid = o->uid,
        .gid = o->gid,
        .cuid = o->cuid,
        .cgid = o->cgid,
        .mode = o->mode,
        .seq = (unsigned short)((u32)o->id >> SLOT_BITS),
    };
}

int ipc_set(struct ipc_object *o, const struct ipc64_perm *from)
{
    if (from->uid == ~0u || from->gid == ~0u)
        return -EINVAL;
    o->uid = from->uid;
    o->gid = from->gid;
    o->mode = (o->mode & ~RIGHTS) | (from->mode & RIGHTS);
    return 0;
}

int ipc_reopen(const struct ipc_object *o, u32 flags)
{
    if ((flags & IPC_CREAT) && (flags & IPC_EXCL))
        return -EEXIST;
    return ipc_permission(o, flags & RIGHTS);
}
