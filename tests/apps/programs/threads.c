// SPDX-License-Identifier: BSD-3-Clause
// Threads, a mutex, a condition, thread-local data, and a time-out.
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t ready = PTHREAD_COND_INITIALIZER;
static _Thread_local int mine;
static int turn, total;

static void *run(void *arg)
{
    int me = (int)(long)arg;

    for (int i = 0; i < 1000; i++) {
        pthread_mutex_lock(&lock);
        while (turn % 4 != me)
            pthread_cond_wait(&ready, &lock);
        turn++;
        total += ++mine;
        pthread_cond_broadcast(&ready);
        pthread_mutex_unlock(&lock);
    }
    return (void *)(long)mine;
}

int main(void)
{
    struct timespec t;
    pthread_t threads[4];
    void *result;

    for (long i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, run, (void *)i);
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], &result);
        printf("thread %d: %ld\n", i, (long)result);
    }
    clock_gettime(CLOCK_REALTIME, &t);
    t.tv_nsec += 20000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_nsec -= 1000000000;
        t.tv_sec++;
    }
    pthread_mutex_lock(&lock);
    int error = pthread_cond_timedwait(&ready, &lock, &t);
    printf("total %d, %s\n", total, error == ETIMEDOUT ? "timed out" : "woken");
    return 5;
}
