// SPDX-License-Identifier: BSD-3-Clause
// What the members do while they are killed.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kills.h"

#define ROUNDS     50
#define LOCK_TRIES 3000 // of 10 ms

static void lock_name(char *name, size_t size, int slot)
{
    snprintf(name, size, "kills-lock-%d", slot);
}

void own_locks(int slot)
{
    struct sembuf up = {(unsigned short)slot, 1, SEM_UNDO};
    struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 10};
    char name[64];

    lock_name(name, sizeof(name), slot);
    int fd = open(name, O_RDWR | O_CREAT, 0600);
    // A predecessor's partner may hold the file's description a moment longer.
    if (fd < 0 || flock(fd, LOCK_EX) || fcntl(fd, F_SETLK, &range) || semop(semaphores, &up, 1)) {
        perror("kills: own locks");
        _exit(9);
    }
    if (pthread_mutex_lock(&shared->own[slot]) == EOWNERDEAD)
        pthread_mutex_consistent(&shared->own[slot]);
}

bool locks_free(int slot)
{
    struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 10};
    char name[64];
    bool is_free;

    lock_name(name, sizeof(name), slot);
    int fd = open(name, O_RDWR);
    if (fd < 0)
        return true; // killed before it was made
    // Its children have the same open file, and may live a moment longer.
    for (int i = 0; i < LOCK_TRIES && flock(fd, LOCK_EX | LOCK_NB); i++)
        usleep(10000);
    is_free = !flock(fd, LOCK_EX | LOCK_NB) && !fcntl(fd, F_SETLK, &range);
    close(fd);
    unlink(name);
    return is_free;
}

// A child that echoes bytes, kept for as long as this worker lives.
static pid_t partner_of(int to[2], int from[2])
{
    pid_t pid = fork();
    char byte;

    if (pid)
        return pid;
    close(to[1]);
    close(from[0]);
    while (read(to[0], &byte, 1) == 1 && write(from[1], &byte, 1) == 1)
        ;
    _exit(0);
}

static void ping_pong(int write_end, int read_end)
{
    char byte = 'x';

    for (int i = 0; i < ROUNDS; i++)
        if (write(write_end, &byte, 1) != 1 || read(read_end, &byte, 1) != 1)
            _exit(EXIT_PARTNER_GONE);
}

static void step_pipe(int slot)
{
    static int to[2], from[2];
    static pid_t partner;

    if (!partner) {
        if (pipe(to) || pipe(from) || (partner = partner_of(to, from)) < 0)
            _exit(9);
        close(to[0]);
        close(from[1]);
    }
    ping_pong(to[1], from[0]);
}

static void step_unix(int slot)
{
    static int pair[2];
    static pid_t partner;

    if (!partner) {
        if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
            _exit(9);
        int other[2] = {pair[1], -1}, back[2] = {-1, pair[1]};
        other[1] = pair[0];
        partner = partner_of(other, back);
        close(pair[1]);
    }
    ping_pong(pair[0], pair[0]);
}

static void step_tcp(int slot)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(name);
    int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
    char text[1000] = "";

    if (bind(listener, (struct sockaddr *)&name, size) || listen(listener, 1) ||
        getsockname(listener, (struct sockaddr *)&name, &size) ||
        connect(client, (struct sockaddr *)&name, size))
        _exit(9);
    int server = accept(listener, NULL, NULL);
    for (int i = 0; i < 10; i++)
        if (send(client, text, sizeof(text), 0) < 0 || recv(server, text, sizeof(text), 0) <= 0)
            _exit(9);
    close(listener);
    close(client);
    close(server);
}

static void step_mutex(int slot)
{
    for (int i = 0; i < ROUNDS; i++) {
        pthread_mutex_t *m = &shared->common[i % COMMON];
        if (pthread_mutex_lock(m) == EOWNERDEAD)
            pthread_mutex_consistent(m);
        shared->sum++;
        if (i % 10 == 0)
            sched_yield();
        pthread_mutex_unlock(m);
    }
}

static void step_file(int slot)
{
    char name[64], other[64], text[3000] = "";

    snprintf(name, sizeof(name), "kills-file-%d", slot);
    snprintf(other, sizeof(other), "kills-other-%d", slot);
    int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (fd < 0)
        _exit(9);
    for (int i = 0; i < 5; i++)
        if (write(fd, text, sizeof(text)) < 0 || pread(fd, text, sizeof(text), 0) < 0)
            _exit(9);
    close(fd);
    rename(name, other);
    unlink(other);
}

static void step_fork(int slot)
{
    pid_t pid = fork();

    if (!pid)
        _exit(0);
    if (pid < 0 || waitpid(pid, NULL, 0) != pid)
        _exit(9);
}

static void step_exec(int slot)
{
    pid_t pid = vfork();

    if (!pid) {
        execl("/proc/self/exe", "kills", "nothing", NULL);
        _exit(9);
    }
    if (pid < 0 || waitpid(pid, NULL, 0) != pid)
        _exit(9);
}

static void step_semaphore(int slot)
{
    struct sembuf up = {(unsigned short)slot, 1, SEM_UNDO}, down = {(unsigned short)slot, -1, SEM_UNDO};

    for (int i = 0; i < ROUNDS; i++)
        if (semop(semaphores, &up, 1) || semop(semaphores, &down, 1))
            _exit(9);
}

static void *count_up(void *argument)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

    for (int i = 0; i < ROUNDS; i++) {
        pthread_mutex_lock(&mutex);
        ++*(unsigned long *)argument;
        sched_yield();
        pthread_mutex_unlock(&mutex);
    }
    return NULL;
}

static void step_threads(int slot)
{
    unsigned long sum = 0;
    pthread_t threads[3];

    for (int i = 0; i < 3; i++)
        if (pthread_create(&threads[i], NULL, count_up, &sum))
            _exit(9);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
}

static void step_memory(int slot)
{
    for (int i = 0; i < 10; i++) {
        char *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (p == MAP_FAILED)
            _exit(9);
        p[i << 12] = 1;
        mprotect(p, 1 << 16, PROT_READ);
        munmap(p, 1 << 20);
    }
}

static void step_events(int slot)
{
    int e = epoll_create1(0), event = eventfd(0, 0), timer = timerfd_create(CLOCK_MONOTONIC, 0);
    struct itimerspec soon = {.it_value.tv_nsec = 300000};
    struct epoll_event item = {.events = EPOLLIN}, out[2];

    if (e < 0 || epoll_ctl(e, EPOLL_CTL_ADD, event, &item) ||
        epoll_ctl(e, EPOLL_CTL_ADD, timer, &item) || timerfd_settime(timer, 0, &soon, NULL) ||
        epoll_wait(e, out, 2, -1) < 1)
        _exit(9);
    close(e);
    close(event);
    close(timer);
}


const struct worker workers[] = {
    {"pipe", step_pipe},           {"unix", step_unix},       {"tcp", step_tcp},
    {"mutex", step_mutex},         {"file", step_file},       {"fork", step_fork},
    {"exec", step_exec},           {"semaphore", step_semaphore}, {"threads", step_threads},
    {"memory", step_memory},       {"events", step_events},   {"mutex", step_mutex},
};
const int worker_count = sizeof(workers) / sizeof(workers[0]);
