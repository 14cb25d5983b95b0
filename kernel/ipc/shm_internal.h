// SPDX-License-Identifier: BSD-3-Clause
// What shm.c (segments) and shm_control.c (commands) share. All under shm_table.lock.
#pragma once

#include "ipc/ids.h"
#include "ipc/shm.h"

#define SHM_SIZE_MAX 18446744073692774399ul // shmmax, shmall: SHMMAX of Linux

struct file;

struct shm_segment {
    struct ipc_object object;
    struct file *file;
    u8 *memory;
    u64 size;
    u32 pins;   // references to the file that are no attaches
    bool owned; // the table's reference is one of them
    u64 attach_time, detach_time, change_time;
    int creator, last_user;
};

extern struct ipc_table shm_table;

u64 shm_now(void); // seconds since 1970
u64 shm_attaches(const struct shm_segment *s);
// IPC_RMID: the table's reference is the caller's now, for file_put without the lock. NULL: done before
struct file *shm_disown(struct shm_segment *s);
