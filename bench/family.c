// SPDX-License-Identifier: BSD-3-Clause
// Processes and what they say to each other. Prints `name microseconds`, one median each.
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 7

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void measure(const char *name, int count, void (*run)(int count))
{
    double us[ROUNDS];

    run(count / 10 + 1);
    for (int i = 0; i < ROUNDS; i++) {
        double start = now();
        run(count);
        us[i] = (now() - start) / count;
    }
    qsort(us, ROUNDS, sizeof(us[0]), compare);
    printf("%s %.2f\n", name, us[ROUNDS / 2]);
    fflush(stdout);
}

static void reap(pid_t pid)
{
    int status;

    if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
        abort();
}

static void run_fork(int n)
{
    while (n--) {
        pid_t pid = fork();
        if (!pid)
            _exit(0);
        reap(pid);
    }
}

static void run_vfork(int n)
{
    while (n--) {
        pid_t pid = vfork();
        if (!pid)
            _exit(0);
        reap(pid);
    }
}

static void run_fork_exec(int n)
{
    while (n--) {
        pid_t pid = fork();
        if (!pid) {
            execl("/proc/self/exe", "family", "exit", NULL);
            _exit(1);
        }
        reap(pid);
    }
}

static void run_vfork_exec(int n)
{
    while (n--) {
        pid_t pid = vfork();
        if (!pid) {
            execl("/proc/self/exe", "family", "exit", NULL);
            _exit(1);
        }
        reap(pid);
    }
}

static int there[2], back[2];

static void echo(int in, int out)
{
    char c;

    while (read(in, &c, 1) == 1 && c != 'q')
        if (write(out, &c, 1) != 1)
            break;
    _exit(0);
}

static void run_echo(int n)
{
    char c = 'x';

    while (n--)
        if (write(there[1], &c, 1) != 1 || read(back[0], &c, 1) != 1)
            abort();
}

static void measure_echo(const char *name)
{
    pid_t pid = fork();

    if (!pid)
        echo(there[0], back[1]);
    measure(name, 3000, run_echo);
    if (write(there[1], "q", 1) != 1)
        abort();
    reap(pid);
}

static _Atomic int *turn;

static void futex_wait_for(int mine)
{
    int seen;

    while ((seen = atomic_load(turn)) != mine)
        syscall(SYS_futex, turn, FUTEX_WAIT, seen, NULL, NULL, 0);
}

static void futex_pass(int to)
{
    atomic_store(turn, to);
    syscall(SYS_futex, turn, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void run_futex(int n)
{
    while (n--) {
        futex_pass(1);
        futex_wait_for(0);
    }
}

static void measure_futex(void)
{
    pid_t pid;

    turn = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (turn == MAP_FAILED)
        abort();
    pid = fork();
    if (!pid)
        for (;;) {
            int seen;
            while ((seen = atomic_load(turn)) == 0)
                syscall(SYS_futex, turn, FUTEX_WAIT, seen, NULL, NULL, 0);
            if (seen == 2)
                _exit(0);
            futex_pass(0);
        }
    measure("shared-futex-between-members", 3000, run_futex);
    futex_pass(2);
    reap(pid);
}

static pid_t peer;
static sigset_t usr1;

static void run_kill(int n)
{
    int signal;

    while (n--)
        if (kill(peer, SIGUSR1) || sigwait(&usr1, &signal))
            abort();
}

static void measure_kill(void)
{
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    sigprocmask(SIG_BLOCK, &usr1, NULL);
    peer = fork();
    if (!peer)
        for (;;) {
            siginfo_t info;
            if (sigwaitinfo(&usr1, &info) < 0 || kill(getppid(), SIGUSR1))
                _exit(0);
        }
    measure("kill-between-members", 2000, run_kill);
    kill(peer, SIGKILL);
    waitpid(peer, NULL, 0);
}

int main(int argc, char **argv)
{
    const size_t big = 256u << 20;
    char *memory;

    if (argc > 1 && strcmp(argv[1], "order") == 0) { // bench/order steps through each once
        run_fork(1);
        run_fork_exec(1);
        run_vfork_exec(1);
    }
    if (argc > 1)
        return 0;
    measure("fork-exit-wait", 200, run_fork);
    measure("vfork-exit-wait", 200, run_vfork);
    measure("fork-exec-wait", 100, run_fork_exec);
    measure("vfork-exec-wait", 100, run_vfork_exec);
    if (pipe(there) || pipe(back))
        return 1;
    measure_echo("pipe-between-members");
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, there) || socketpair(AF_UNIX, SOCK_STREAM, 0, back))
        return 1;
    measure_echo("socketpair-between-members");
    measure_futex();
    measure_kill();
    memory = mmap(NULL, big, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return 1;
    memset(memory, 1, big);
    measure("fork-exit-wait-256M", 5, run_fork);
    return 0;
}
