// SPDX-License-Identifier: BSD-3-Clause
// System V semaphore sets. [semop(2), semctl(2)]
#pragma once

#include <linux/sem.h>

#include "base/types.h"

struct text;

// count: semaphores of a new set, or at least those of the one that is there.
must_check s64 sem_get(int key, int count, u32 flags);
// All operations, or none: sleeps until they can be done at once. -EAGAIN also at the deadline.
must_check int sem_operate(int id, const struct sembuf *operations, u32 count, u64 deadline);

// semctl's commands. slot: `id` is a slot of the table (SEM_STAT); *out_id the identifier there.
must_check int sem_stat(int id, bool slot, bool any, struct semid64_ds *out, int *out_id);
must_check int sem_set_owner(int id, const struct semid64_ds *from);
must_check int sem_remove(int id);
must_check s64 sem_query(int id, int number, int command); // GETVAL, GETPID, GETNCNT, GETZCNT
must_check int sem_set_value(int id, int number, int value);
// GETALL, SETALL: how many there are (-EACCES: not to be read, or written); then all of them.
must_check int sem_count(int id, bool write);
must_check int sem_get_all(int id, u16 *values, u32 count);
must_check int sem_set_all(int id, const u16 *values, u32 count);
void sem_usage(int command, struct seminfo *out, int *out_last); // IPC_INFO, SEM_INFO

bool sem_undoes(int pid);      // has adjustments
void sem_undo(int pid);        // the process ends: its adjustments are applied
void sem_show(struct text *t); // /proc/sysvipc/sem
void sem_end(void);
