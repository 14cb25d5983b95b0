// SPDX-License-Identifier: BSD-3-Clause
// System V shared memory: segments of family pages. A segment's file is what address spaces map, and
// its references are the attaches: fork, exec, exit and munmap count by themselves. [shmop(2)]
#pragma once

#include <asm/shmbuf.h>

#include <linux/ipc.h>

#include "base/types.h"

struct address_space;
struct text;

// Of <linux/shm.h>, which cannot be read without libc.
#define SHM_RDONLY   010000u
#define SHM_RND      020000u
#define SHM_REMAP    040000u
#define SHM_EXEC     0100000u
#define SHM_HUGETLB  04000u
#define SHM_DEST     01000u // in mode: goes with the last attach
#define SHM_LOCKED   02000u
#define SHM_LOCK     11
#define SHM_UNLOCK   12
#define SHM_STAT     13
#define SHM_INFO     14
#define SHM_STAT_ANY 15
#define SHMMNI       4096
#define SHMMIN       1

struct shm_info {
    int used_ids;
    unsigned long shm_tot, shm_rss, shm_swp, swap_attempts, swap_successes;
};

must_check s64 shm_get(int key, u64 size, u32 flags);
// Maps the segment; the address goes to *out.
must_check int shm_attach(int id, uaddr_t at, u32 flags, uaddr_t *out);
must_check int shm_detach(uaddr_t at);

// shmctl's commands. slot: `id` is a slot of the table (SHM_STAT); *out_id the identifier there.
must_check int shm_stat(int id, bool slot, bool any, struct shmid64_ds *out, int *out_id);
must_check int shm_set(int id, const struct shmid64_ds *from);
must_check int shm_remove(int id);
must_check int shm_lock(int id, bool lock);
void shm_usage(struct shminfo64 *limits, struct shm_info *usage, int *out_last);

// The current process gives this memory up (exec, exit): the segments remember who and when.
void shm_leave(struct address_space *s);
void shm_show(struct text *t); // /proc/sysvipc/shm
void shm_end(void);            // the family ends: all segments go
