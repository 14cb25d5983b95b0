// SPDX-License-Identifier: BSD-3-Clause
// Processes that talk, fork and make threads are killed at random moments, round after round; others end by
// themselves. Each must be seen to end as it did, and nothing may hang.
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHILDREN 4 // of which the first half is killed

static void *spin(void *arg)
{
    volatile long x = 0;

    for (int i = 0; i < 500000; i++)
        x += i;
    return arg;
}

// turns: 0: until it is killed.
static void work(int turns)
{
    char data[4096];
    pthread_t t;
    int pipes[2];

    if (pipe(pipes))
        _exit(1);
    for (int i = 1; !turns || i <= turns; i++) {
        if (write(pipes[1], data, (size_t)(100 + i % 3000)) < 0 ||
            read(pipes[0], data, sizeof(data)) <= 0)
            _exit(2);
        if (i % 50 == 0) {
            pid_t pid = fork();
            if (pid == 0)
                _exit(0);
            if (waitpid(pid, NULL, 0) != pid)
                _exit(3);
        }
        if (i % 97 == 0 && (pthread_create(&t, NULL, spin, NULL) || pthread_join(t, NULL)))
            _exit(4);
    }
    _exit(0);
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 100, killed = 0, ended = 0, other = 0;

    for (int r = 0; r < rounds; r++) {
        pid_t pids[CHILDREN];
        for (int i = 0; i < CHILDREN; i++) {
            pids[i] = fork();
            if (pids[i] < 0)
                return 1;
            if (pids[i] == 0)
                work(i < CHILDREN / 2 ? 0 : 1 + (r * 37 + i) % 200);
        }
        usleep((useconds_t)(r * 7919 % 3000));
        for (int i = 0; i < CHILDREN / 2; i++)
            kill(pids[i], SIGKILL);
        for (int i = 0; i < CHILDREN; i++) {
            int status;
            if (waitpid(pids[i], &status, 0) != pids[i])
                return 2;
            if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
                killed++;
            else if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
                ended++;
            else
                other++;
        }
    }
    while (waitpid(-1, NULL, 0) > 0)
        ;
    printf("killed %d, ended %d, other %d\n", killed, ended, other);
    return 0;
}
