// SPDX-License-Identifier: BSD-3-Clause
// Small operations, as an ordinary Linux program: run it on the host and as a unikernel, compare.
// Prints `name nanoseconds`, the median of several rounds each.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 9

static uint64_t now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void measure(const char *name, long count, void (*run)(long count))
{
    double ns[ROUNDS];

    run(count / 10 + 1);
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t start = now();
        run(count);
        ns[i] = (double)(now() - start) / (double)count;
    }
    qsort(ns, ROUNDS, sizeof(ns[0]), compare);
    printf("%s %.1f\n", name, ns[ROUNDS / 2]);
    fflush(stdout);
}

static void run_getpid(long n)
{
    while (n--)
        getppid(); // glibc caches neither, but getpid may be folded
}

static int tmp_fd;

static void run_read(long n)
{
    char c;

    while (n--)
        if (pread(tmp_fd, &c, 1, 0) != 1)
            abort();
}

static void run_clock(long n)
{
    struct timespec t;

    while (n--)
        clock_gettime(CLOCK_MONOTONIC, &t);
}

static void run_mmap(long n)
{
    while (n--) {
        char *p = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (p == MAP_FAILED)
            abort();
        for (int i = 0; i < 65536; i += 4096)
            p[i] = 1;
        munmap(p, 65536);
    }
}

static int there[2], back[2];

static void *pipe_echo(void *arg)
{
    char c;

    while (read(there[0], &c, 1) == 1 && c != 'q')
        if (write(back[1], &c, 1) != 1)
            abort();
    return NULL;
}

static void run_pipe(long n)
{
    char c = 'x';

    while (n--)
        if (write(there[1], &c, 1) != 1 || read(back[0], &c, 1) != 1)
            abort();
}

static _Atomic int turn;

static void futex_wait_for(int mine)
{
    int seen;

    while ((seen = atomic_load(&turn)) != mine)
        syscall(SYS_futex, &turn, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
}

static void futex_pass(int to)
{
    atomic_store(&turn, to);
    syscall(SYS_futex, &turn, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static long futex_rounds;

static void *futex_echo(void *arg)
{
    for (long i = futex_rounds; i--;) {
        futex_wait_for(1);
        futex_pass(0);
    }
    return NULL;
}

static void run_futex(long n)
{
    pthread_t t;

    futex_rounds = n;
    if (pthread_create(&t, NULL, futex_echo, NULL))
        abort();
    while (n--) {
        futex_pass(1);
        futex_wait_for(0);
    }
    pthread_join(t, NULL);
}

static void *nothing(void *arg)
{
    return arg;
}

static void run_thread(long n)
{
    while (n--) {
        pthread_t t;
        if (pthread_create(&t, NULL, nothing, NULL))
            abort();
        pthread_join(t, NULL);
    }
}

int main(void)
{
    pthread_t echo;

    tmp_fd = open("/tmp", O_TMPFILE | O_RDWR, 0600);
    if (tmp_fd < 0 || write(tmp_fd, "x", 1) != 1 || pipe(there) || pipe(back))
        return 1;
    measure("getppid", 1000000, run_getpid);
    measure("read-1-byte", 500000, run_read);
    measure("clock_gettime", 1000000, run_clock);
    measure("mmap-touch-munmap-64k", 5000, run_mmap);
    if (pthread_create(&echo, NULL, pipe_echo, NULL))
        return 1;
    measure("pipe-ping-pong", 20000, run_pipe);
    if (write(there[1], "q", 1) != 1)
        return 1;
    pthread_join(echo, NULL);
    measure("futex-ping-pong", 20000, run_futex);
    measure("thread-create-join", 2000, run_thread);
    return 0;
}
