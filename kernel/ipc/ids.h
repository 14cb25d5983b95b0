// SPDX-License-Identifier: BSD-3-Clause
// What the three kinds of System V objects have in common: keys, identifiers, owners and rights.
// There is one table a kind; the table's lock guards the table and every object in it. [sysvipc(7)]
#pragma once

#include <asm/ipcbuf.h>
#include <linux/ipc.h>

#include "thread/lock.h"

struct ipc_object { // the first member of each kind's own struct
    int key, id;
    u32 uid, gid, cuid, cgid;
    u32 mode;
    bool removed; // IPC_RMID: not in the table any more
};

struct ipc_table {
    struct lock lock;
    struct ipc_object **slots; // heap memory
    u32 capacity, count;
    u32 next_slot;             // where the search for a free one begins
    u32 sequence;              // part of new identifiers
    u32 limit;                 // objects, at most
};

#define IPC_TABLE(most) { LOCK_INIT, NULL, 0, 0, 0, 0, (most) }

#define IPC_MAY_READ  0444u
#define IPC_MAY_WRITE 0222u

// All of these are called with the table's lock held.

// Enters an object with this key and the rights of `flags`; it belongs to the current process.
// -ENOSPC: the table is full, -ENOMEM
must_check int ipc_add(struct ipc_table *t, struct ipc_object *o, int key, u32 flags);
void ipc_remove(struct ipc_table *t, struct ipc_object *o);
struct ipc_object *ipc_find(const struct ipc_table *t, int id);          // NULL: none
struct ipc_object *ipc_find_slot(const struct ipc_table *t, u32 slot);   // for *_STAT; NULL: none
struct ipc_object *ipc_find_key(const struct ipc_table *t, int key);     // NULL: none
u32 ipc_last_slot(const struct ipc_table *t);                            // the highest in use, or 0
// May the current process do what these mode bits say (any of the three triples)? -EACCES
must_check int ipc_permission(const struct ipc_object *o, u32 wanted);
// May it change or remove the object? -EPERM
must_check int ipc_may_control(const struct ipc_object *o);
void ipc_describe(const struct ipc_object *o, struct ipc64_perm *out);
// IPC_SET's part. -EINVAL: no such user or group
must_check int ipc_set(struct ipc_object *o, const struct ipc64_perm *from);
// The common part of shmget, semget and msgget for a key that is there already. -EEXIST, -EACCES
must_check int ipc_reopen(const struct ipc_object *o, u32 flags);
