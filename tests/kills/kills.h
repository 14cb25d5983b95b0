// SPDX-License-Identifier: BSD-3-Clause
// What kills.c and its workers share.
#pragma once

#include <pthread.h>
#include <stdbool.h>

#define EXIT_PARTNER_GONE 3 // a worker whose partner was killed
#define COMMON            4
#define SLOTS_MAX         16

struct shared { // memory of all
    pthread_mutex_t own[SLOTS_MAX]; // each worker holds its own for ever
    pthread_mutex_t common[COMMON]; // and these for a moment
    unsigned long steps[SLOTS_MAX];
    unsigned long sum;
};

extern struct shared *shared;
extern int semaphores;

struct worker {
    const char *name;
    void (*step)(int slot); // what it does again and again
};
extern const struct worker workers[];
extern const int worker_count;

// Takes what must be free when the worker has ended: locks on a file, a semaphore, a robust mutex.
void own_locks(int slot);
bool locks_free(int slot); // by another process
