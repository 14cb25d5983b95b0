// SPDX-License-Identifier: BSD-3-Clause
// Whole starts, from exec to exit: runs each command in turn, N times, and prints the medians. A command is
// the words up to the next `--`.
//
//     start 200 ./hello -- clade run hello.clade
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define COMMANDS_MAX 8

extern char **environ;

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double run_once(char **argv)
{
    posix_spawn_file_actions_t actions;
    double start = now();
    int status;
    pid_t pid;

    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    if (posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ)) {
        perror(argv[0]);
        exit(1);
    }
    waitpid(pid, &status, 0);
    posix_spawn_file_actions_destroy(&actions);
    if (status) {
        fprintf(stderr, "start: %s ended with status %#x\n", argv[0], (unsigned)status);
        exit(1);
    }
    return now() - start;
}

int main(int argc, char **argv)
{
    char **commands[COMMANDS_MAX];
    int count = 0, runs = argc > 2 ? atoi(argv[1]) : 0;
    double *ms;

    if (runs < 1) {
        fprintf(stderr, "usage: start RUNS COMMAND [ARG...] [-- COMMAND...]\n");
        return 2;
    }
    commands[count++] = argv + 2;
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "--") == 0 && count < COMMANDS_MAX) {
            argv[i] = NULL;
            commands[count++] = argv + i + 1;
        }
    }
    ms = calloc((size_t)(count * runs), sizeof(*ms));
    if (!ms)
        return 1;
    for (int r = -3; r < runs; r++)
        for (int c = 0; c < count; c++) {
            double t = run_once(commands[c]);
            if (r >= 0)
                ms[c * runs + r] = t;
        }
    for (int c = 0; c < count; c++) {
        qsort(ms + c * runs, (size_t)runs, sizeof(*ms), compare);
        printf("%s%s%s %.3f ms median, %.3f min, %.3f p90\n", commands[c][0],
               commands[c][1] ? " " : "", commands[c][1] ? commands[c][1] : "",
               ms[c * runs + runs / 2], ms[c * runs], ms[c * runs + runs * 9 / 10]);
    }
    free(ms);
    return 0;
}
