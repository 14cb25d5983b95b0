// SPDX-License-Identifier: BSD-3-Clause
// The waist as the kernel uses it: one interface, one file per back end (process.c, later kvm.c).
#pragma once

#include "abi/boot.h"
#include "abi/calls.h"
#include "base/types.h"

void platform_init(const struct boot_info *boot);
const struct boot_info *platform_boot(void);
// Tells the supervisor that upcalls may come from now on.
void platform_ready(u64 now);

void platform_log(const void *text, size_t size);
u64 platform_clock(int id);
// All as in abi/calls.h.
s64 platform_wait(u64 timeout, u64 interest);
s64 platform_ring(u64 target);
must_check int platform_map(uaddr_t va, u64 size, u32 prot, u32 source, u64 offset);
must_check int platform_protect(uaddr_t va, u64 size, u32 prot);
int platform_unmap(uaddr_t va, u64 size);
int platform_discard(uaddr_t va, u64 size);     // private user pages read as zeros / the file again
int platform_discard_family(void *at, u64 size); // family pages read as zeros
must_check int platform_fork(void (*entry)(void *argument, u64 timer), void *stack_end,
                             void *argument, u32 *host_tid, u64 upcall_stack);
must_check int platform_start_vcpu(void (*entry)(void *argument, u64 timer), void *stack_end,
                                   void *argument, u32 *host_tid, u64 upcall_stack);
no_return void platform_exit(int status, u64 upcall_stack);
