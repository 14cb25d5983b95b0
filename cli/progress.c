// SPDX-License-Identifier: BSD-3-Clause
// The progress line. It is redrawn at most ten times a second.
#include <stdbool.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "cli/progress.h"

#define FIRST_MS 500
#define NEXT_MS  100

static struct {
    bool asked;    // is standard error a terminal? known
    bool terminal; // it is
    bool shown;    // a line stands there now
    uint64_t due;  // when to draw next, in ms
} progress;

static uint64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

void progress_show(const char *what, uint64_t files, uint64_t bytes)
{
    if (!progress.asked) {
        progress.asked = true;
        progress.terminal = isatty(STDERR_FILENO);
        progress.due = now_ms() + FIRST_MS;
    }
    if (!progress.terminal || now_ms() < progress.due)
        return;
    progress.due = now_ms() + NEXT_MS;
    progress.shown = true;
    fprintf(stderr, "\r\033[Kclade: %s: %llu files, %.1f MiB", what, (unsigned long long)files,
            (double)bytes / (1 << 20));
}

void progress_clear(void)
{
    if (!progress.shown)
        return;
    progress.shown = false;
    fputs("\r\033[K", stderr);
}
