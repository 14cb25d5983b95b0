// SPDX-License-Identifier: BSD-3-Clause
// Filters for system calls: seccomp(2), in seccomp.c. (The name seccomp.h would hide Linux's header.)
#pragma once

#include "base/types.h"

struct thread;
struct trap_frame;

extern bool seccomp_used; // some thread has had a filter: dispatch asks. Only ever set

// May the current thread make the call of this frame? False: *out is its result; a signal may be on its way.
must_check bool seccomp_check(const struct trap_frame *f, s64 *out);
void seccomp_inherit(struct thread *t); // from the current thread, who makes it
void seccomp_drop(struct thread *t);
u32 seccomp_filter_count(const struct thread *t);
s64 seccomp_set(u32 mode, uaddr_t program); // prctl(PR_SET_SECCOMP)
