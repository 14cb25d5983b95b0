// SPDX-License-Identifier: BSD-3-Clause
// The vector registers. They always hold the running user thread's values: the kernel is compiled not
// to use them, so they change hands only at a thread switch, a signal frame, and an upcall.
#pragma once

#include "base/types.h"

struct boot_info;
struct thread;

#define FPU_ALIGN 64

void fpu_init(const struct boot_info *boot);
u32 fpu_size(void);     // bytes of a save area: all these features of this CPU, standard format
u32 fpu_room(void);     // not less than that, known without CPUID
u64 fpu_features(void); // XCR0, without the tiles that nobody may use
must_check int fpu_alloc(struct thread *t); // t->fpu := the initial state
void fpu_free(struct thread *t);

void fpu_copy(struct thread *t);    // registers -> t->fpu, of a new thread
void fpu_save(struct thread *t);    // registers -> t->fpu
void fpu_load(struct thread *t);    // t->fpu -> registers
void fpu_reset(void);               // registers := initial state
// The save area of a thread that does not run, for a debugger: the caller's copies in and out, standard format.
void fpu_peek(const struct thread *t, void *area);
void fpu_poke(struct thread *t, const void *area);
void fpu_store(void *area);         // registers -> area, standard format, aligned
// Area (fpu_size bytes of untrusted user data, aligned) -> registers. Only `features` are in it; the others
// become initial. -EINVAL: reserved bits are set.
must_check int fpu_restore_checked(void *area, u64 features);
