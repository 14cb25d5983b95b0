// SPDX-License-Identifier: BSD-3-Clause
// Threads of one process on several CPUs: how arithmetic scales, and what they cost each other at a mutex, a
// condition variable, a barrier, and the allocator. Lines `name figure`: ns of an operation, the least of some
// rounds. two-threads-against-one is the time of two threads that compute, by that of one, times 1000: 1000 is
// a speed-up of 2, 1053 one of 1.9.
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

enum { THREADS = 2, ROUNDS = 7 };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

// The least time of several rounds of `count` threads.
static double least(void *(*entry)(void *), int count)
{
    double best = 1e18;
    for (int round = 0; round < ROUNDS; round++) {
        pthread_t threads[8];
        double start = now();
        for (intptr_t i = 0; i < count; i++)
            pthread_create(&threads[i], NULL, entry, (void *)i);
        for (int i = 0; i < count; i++)
            pthread_join(threads[i], NULL);
        double took = now() - start;
        best = took < best ? took : best;
    }
    return best;
}

static void *arithmetic(void *argument)
{
    volatile uint64_t result;
    uint64_t x = (uint64_t)(intptr_t)argument;
    for (uint64_t i = 0; i < 100000000; i++)
        x = x * 6364136223846793005ull + i;
    result = x;
    (void)result;
    return NULL;
}

enum { LOCKS = 200000, TURNS = 20000, WAITS = 20000, ALLOCATIONS = 300000, MAPS = 10000 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t barrier;
static volatile uint64_t shared;

static void *contended_mutex(void *unused)
{
    for (int i = 0; i < LOCKS; i++) {
        pthread_mutex_lock(&mutex);
        for (int k = 0; k < 20; k++)
            shared++;
        pthread_mutex_unlock(&mutex);
    }
    return unused;
}

static void *turns(void *argument)
{
    for (int i = 0; i < TURNS; i++) {
        pthread_mutex_lock(&mutex);
        while (shared % THREADS != (uint64_t)(intptr_t)argument)
            pthread_cond_wait(&condition, &mutex);
        shared++;
        pthread_cond_signal(&condition);
        pthread_mutex_unlock(&mutex);
    }
    return NULL;
}

static void *barriers(void *unused)
{
    for (int i = 0; i < WAITS; i++)
        pthread_barrier_wait(&barrier);
    return unused;
}

static void *allocate(void *unused)
{
    void *kept[64] = {0};
    for (unsigned i = 0; i < ALLOCATIONS; i++) {
        unsigned at = i * 2654435761u % 64;
        free(kept[at]);
        kept[at] = malloc(16 + i * 40503u % 2000);
        memset(kept[at], 1, 16);
    }
    for (int i = 0; i < 64; i++)
        free(kept[i]);
    return unused;
}

static void *map(void *unused)
{
    for (int i = 0; i < MAPS; i++) {
        char *at = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        at[0] = at[4096] = 1;
        munmap(at, 65536);
    }
    return unused;
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    pthread_barrier_init(&barrier, NULL, THREADS);
    double one = least(arithmetic, 1);
    printf("two-threads-against-one-x1000 %.0f\n", least(arithmetic, THREADS) / one * 1000);
    printf("contended-mutex %.1f\n", least(contended_mutex, THREADS) / LOCKS / THREADS);
    shared = 0;
    printf("condition-turns %.0f\n", least(turns, THREADS) / TURNS / THREADS);
    printf("barrier %.0f\n", least(barriers, THREADS) / WAITS);
    printf("malloc-free-2-threads %.1f\n", least(allocate, THREADS) / ALLOCATIONS / THREADS);
    printf("mmap-touch-munmap-2-threads %.0f\n", least(map, THREADS) / MAPS / THREADS);
    return 0;
}
