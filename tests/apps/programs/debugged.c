// SPDX-License-Identifier: BSD-3-Clause
// What the debuggers of cases/debuggers.sh look at: a recursion, threads, a child, a fault.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile int global = 5;

static int deep(int n)
{
    return n ? deep(n - 1) + 1 : global;
}

static void *work(void *arg)
{
    __atomic_fetch_add(&global, 1, __ATOMIC_SEQ_CST);
    return arg;
}

int main(int argc, char **argv)
{
    pthread_t t[3];
    int status = 0;
    printf("start %d\n", deep(5));
    for (int i = 0; i < 3; i++)
        pthread_create(&t[i], NULL, work, NULL);
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], NULL);
    pid_t child = fork();
    if (!child)
        _exit(3);
    waitpid(child, &status, 0);
    printf("end %d %d\n", global, WEXITSTATUS(status));
    fflush(stdout);
    if (argc > 1)
        *(volatile int *)(long)(argv[1][0] - 'x') = 1; // "x": address 0
    return 0;
}
