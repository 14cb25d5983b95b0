// SPDX-License-Identifier: BSD-3-Clause
// Runs a command under ptrace, steps through what its children execute, and prints each offset into the kernel's text
// that one of them reached. bench/order makes kernel/order.ld of it. With --tender: what the command and its children
// reach of build/clade itself, for tender/order.ld.
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define KERNEL_LOW 0x668000000000ul // abi/boot.h
#define TEXT_MAX   (1ul << 20)
#define TEXT_MIN   (256ul << 10) // no other executable mapping up there is that large
#define TENDER     0x70000000ul  // tender/build.mk

static unsigned char reached[TEXT_MAX];
static unsigned long base;

static void find_kernel(pid_t pid)
{
    unsigned long start, end;
    char path[64], line[512], rights[8];
    snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
    FILE *maps = fopen(path, "r");
    while (maps && fgets(line, sizeof(line), maps))
        if (sscanf(line, "%lx-%lx %7s", &start, &end, rights) == 3 && rights[2] == 'x' &&
            start >= KERNEL_LOW && end - start >= TEXT_MIN && strstr(line, ".clade"))
            base = start;
    if (maps)
        fclose(maps);
}

static void step(pid_t pid, int signal)
{
    static unsigned long steps;
    struct user_regs_struct r;
    if (ptrace(PTRACE_GETREGS, pid, 0, &r))
        return;
    if (!base && ++steps % 64 == 0)
        find_kernel(pid);
    if (base && r.rip - base < TEXT_MAX)
        reached[r.rip - base] = 1;
    ptrace(PTRACE_SINGLESTEP, pid, 0, signal);
}

int main(int argc, char **argv)
{
    bool tender = argc > 1 && !strcmp(argv[1], "--tender");
    argc -= tender;
    argv += tender;
    pid_t first = argc > 1 ? fork() : -1, pid;
    int status;
    if (first < 0) {
        fprintf(stderr, "usage: order [--tender] COMMAND [ARG...]\n");
        return 2;
    }
    if (first == 0) {
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        raise(SIGSTOP);
        dup2(STDERR_FILENO, STDOUT_FILENO);
        execvp(argv[1], argv + 1);
        _exit(127);
    }
    waitpid(first, &status, 0);
    ptrace(PTRACE_SETOPTIONS, first, 0,
           PTRACE_O_TRACEFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEVFORK | PTRACE_O_EXITKILL);
    if (tender)
        base = TENDER;
    ptrace(PTRACE_CONT, first, 0, 0);
    while ((pid = waitpid(-1, &status, __WALL)) > 0) {
        if (!WIFSTOPPED(status))
            continue;
        int signal = WSTOPSIG(status);
        if (signal == SIGTRAP || signal == SIGSTOP)
            signal = 0;
        if (pid == first && !tender)
            ptrace(PTRACE_CONT, pid, 0, signal);
        else
            step(pid, signal);
    }
    for (unsigned long i = 0; i < TEXT_MAX; i++)
        if (reached[i])
            printf("%lx\n", i);
    return base ? 0 : 1;
}
