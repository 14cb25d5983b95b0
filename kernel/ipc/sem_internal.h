// SPDX-License-Identifier: BSD-3-Clause
// What sem.c (operations) and sem_control.c (commands) share. All under sem_table.lock.
#pragma once

#include "base/list.h"
#include "ipc/ids.h"
#include "ipc/sem.h"
#include "thread/wait.h"

struct sem {
    u16 value;
    int pid; // of the last operation
};

struct sem_set {
    struct ipc_object object;
    u64 operation_time, change_time; // seconds
    struct list waiting;             // of struct sem_wait
    struct list undos;               // of struct sem_undo
    struct wait_queue changed;
    u32 sleepers; // threads that will still look at it: the last one frees a removed set
    u32 count;
    struct sem sems[];
};

struct sem_undo { // of one process, for one set
    struct list node;
    int pid;
    s16 adjust[];
};

struct sem_wait {
    struct list node;
    struct sem_set *set;
    struct sem_undo *undo; // NULL: no operation has SEM_UNDO
    const struct sembuf *operations;
    u32 count;
    u32 blocking; // index of the operation that waits
    int result;   // of the last attempt
};

extern struct ipc_table sem_table;
extern u32 sem_total; // semaphores of all sets

struct sem_set *sem_find(int id);  // NULL: none
void sem_changed(struct sem_set *s); // wakes who waits
void sem_free(struct sem_set *s);  // it is removed, and nobody sleeps on it
u64 sem_now(void);                 // seconds since 1970
