// SPDX-License-Identifier: BSD-3-Clause
// The references to files that a thread owns in the middle of a call, noted so that they can be given back if
// the host kills it there (process/killed.c). Few, and the last one goes first. Not all are noted: only
// those whose loss somebody at the other end would feel.
#pragma once

#include "thread/thread.h"

static inline void file_held(struct file *f)
{
    struct thread *t = thread_current();

    if (likely(t->held_count < FILES_HELD_MAX))
        t->held[t->held_count++] = f;
}

// The reference goes now, or belongs to an object from here on.
static inline void file_not_held(const struct file *f)
{
    struct thread *t = thread_current();
    u32 i = t->held_count;

    while (i && t->held[i - 1] != f)
        i--;
    if (i)
        t->held[i - 1] = t->held[--t->held_count];
}
