// SPDX-License-Identifier: BSD-3-Clause
// Members that somebody kills at any moment, and a first process that looks whether anything of them stayed
// behind: it restarts each, and checks that its pipe and socket are closed, its locks free, its semaphore
// undone, its robust mutex handed on.
//
//     kills DEATHS [self]      ends when so many were killed; self: it kills them itself
//     kills bomb               forks until it can't
//     kills eat                a child takes memory until it is killed
//
// Prints "kills: ..." and ends with 0 if nothing was lost. A line "LOST ..." says what was.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kills.h"

#define SLOTS       12
#define PATIENCE_MS 60000

struct shared *shared;
int semaphores;

static struct slot {
    pid_t pid;
    int life; // a pipe whose other end only the worker and its children have
    int peer; // a socket, the same
} slots[SLOTS];
static unsigned long deaths, ends, orphans, inherited, lost;

static void say_lost(int slot, const char *what)
{
    printf("LOST %s: %s\n", workers[slot % worker_count].name, what);
    lost++;
}

static void start(int slot)
{
    int life[2], peer[2];

    if (pipe2(life, O_CLOEXEC) || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, peer)) {
        perror("kills: descriptors");
        exit(2);
    }
    shared->steps[slot] = 0;
    pid_t pid = fork();
    if (pid < 0) {
        perror("kills: fork");
        exit(2);
    }
    if (!pid) {
        signal(SIGPIPE, SIG_IGN);
        for (int i = 0; i < SLOTS; i++) {
            close(slots[i].life);
            close(slots[i].peer);
        }
        close(life[0]);
        close(peer[0]);
        own_locks(slot);
        for (;;) {
            workers[slot % worker_count].step(slot);
            __atomic_add_fetch(&shared->steps[slot], 1, __ATOMIC_RELAXED);
        }
    }
    close(life[1]);
    close(peer[1]);
    slots[slot] = (struct slot){pid, life[0], peer[0]};
}

static bool ended(int fd)
{
    struct pollfd p = {fd, POLLIN, 0};
    char byte;

    return poll(&p, 1, PATIENCE_MS) == 1 && read(fd, &byte, 1) == 0;
}

// Everything that the worker had must be free.
static void check_gone(int slot)
{
    struct timespec until;

    if (!ended(slots[slot].life))
        say_lost(slot, "its pipe is still open");
    if (!ended(slots[slot].peer))
        say_lost(slot, "its socket is still open");
    close(slots[slot].life);
    close(slots[slot].peer);
    if (!locks_free(slot))
        say_lost(slot, "its file is still locked");
    if (semctl(semaphores, slot, GETVAL) != 0)
        say_lost(slot, "its semaphore is not undone");
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_MS / 1000;
    int error = pthread_mutex_timedlock(&shared->own[slot], &until);
    if (error == EOWNERDEAD) {
        inherited++;
        pthread_mutex_consistent(&shared->own[slot]);
    }
    if (error && error != EOWNERDEAD)
        say_lost(slot, "its robust mutex is not handed on");
    else
        pthread_mutex_unlock(&shared->own[slot]);
}

static void one_end(void)
{
    int status;
    pid_t pid = waitpid(-1, &status, 0);

    for (int i = 0; i < SLOTS; i++) {
        if (slots[i].pid != pid)
            continue;
        if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
            deaths++;
        else if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_PARTNER_GONE)
            ends++;
        else
            say_lost(i, strsignal(WIFSIGNALED(status) ? WTERMSIG(status) : 0));
        check_gone(i);
        start(i);
        return;
    }
    orphans++;
}

// Each worker must still get on.
static void check_alive(void)
{
    for (int i = 0; i < SLOTS; i++) {
        unsigned long before = shared->steps[i];
        int waited = 0;
        while (__atomic_load_n(&shared->steps[i], __ATOMIC_RELAXED) == before) {
            usleep(10000);
            if (waitpid(slots[i].pid, NULL, WNOHANG | WNOWAIT) || waited++ * 10 > PATIENCE_MS)
                break;
        }
        if (waited * 10 > PATIENCE_MS)
            say_lost(i, "it does not get on");
    }
}

static void stop_all(void)
{
    for (int i = 0; i < SLOTS; i++)
        if (slots[i].pid > 1) // never a group, or all
            kill(slots[i].pid, SIGKILL);
    while (waitpid(-1, NULL, 0) > 0)
        ;
    for (int i = 0; i < SLOTS; i++) {
        slots[i].pid = 0;
        check_gone(i);
    }
}

static void *killer(void *argument)
{
    unsigned seed = (unsigned)getpid();

    for (;;) {
        struct timespec wait = {0, (rand_r(&seed) % 4000) * 1000};
        nanosleep(&wait, NULL);
        pid_t pid = slots[(unsigned)rand_r(&seed) % SLOTS].pid;
        if (pid > 1)
            kill(pid, SIGKILL);
    }
    return argument;
}

static void share(void)
{
    pthread_mutexattr_t robust;

    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    semaphores = semget(IPC_PRIVATE, SLOTS, 0600);
    if (shared == MAP_FAILED || semaphores < 0) {
        perror("kills: shared memory");
        exit(2);
    }
    pthread_mutexattr_init(&robust);
    pthread_mutexattr_setpshared(&robust, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&robust, PTHREAD_MUTEX_ROBUST);
    for (int i = 0; i < SLOTS; i++)
        pthread_mutex_init(&shared->own[i], &robust);
    for (int i = 0; i < COMMON; i++)
        pthread_mutex_init(&shared->common[i], &robust);
}

// Forks as long as it can; EAGAIN must be what stops it, and room must come back.
static int bomb(void)
{
    int count = 0, pid;

    while ((pid = fork()) > 0)
        count++;
    if (!pid)
        for (;;)
            pause();
    if (errno != EAGAIN)
        return 1;
    signal(SIGTERM, SIG_IGN);
    for (kill(0, SIGTERM); count; count--)
        if (wait(NULL) < 0)
            return 2;
    pid = fork();
    if (!pid)
        _exit(0);
    return pid < 0 || wait(NULL) != pid;
}

// A child that takes more memory than the family may have is killed; this process is not.
static int eat(void)
{
    const size_t piece = 2 << 20;
    int status;
    pid_t pid = fork();

    while (!pid) {
        char *p = mmap(NULL, piece, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (p == MAP_FAILED)
            _exit(3);
        memset(p, 1, piece);
        usleep(5000);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return 1;
    return !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL;
}

int main(int argc, char **argv)
{
    unsigned long wanted = argc > 1 ? strtoul(argv[1], NULL, 0) : 100;
    pthread_t thread;

    if (argc > 1 && !strcmp(argv[1], "nothing")) // what the worker "exec" runs
        return 0;
    if (argc > 1 && !strcmp(argv[1], "bomb"))
        return bomb();
    if (argc > 1 && !strcmp(argv[1], "eat"))
        return eat();
    share();
    for (int i = 0; i < SLOTS; i++)
        start(i);
    if (argc > 2 && pthread_create(&thread, NULL, killer, NULL))
        return 2;
    printf("ready\n");
    fflush(stdout);
    while (deaths < wanted)
        one_end();
    if (argc <= 2)
        printf("enough\n");
    fflush(stdout);
    if (argc > 2)
        pthread_cancel(thread);
    check_alive();
    stop_all();
    semctl(semaphores, 0, IPC_RMID);
    printf("kills: %lu killed, %lu ended with their partner, %lu orphans, %lu mutexes inherited, %lu lost\n", deaths,
           ends, orphans, inherited, lost);
    return lost != 0;
}
