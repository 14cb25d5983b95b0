// SPDX-License-Identifier: BSD-3-Clause
// The waist on the process back end: the gate's functions, called directly.
#include "platform/platform.h"

#include "base/panic.h"

static struct {
    const struct boot_info *boot;
    const struct waist_calls *calls;
} platform;

// For upcall_entry: where program counters are the gate's.
extern u64 platform_gate_base, platform_gate_size;
u64 platform_gate_base, platform_gate_size;

void platform_init(const struct boot_info *boot)
{
    platform.boot = boot;
    platform.calls = (const struct waist_calls *)boot->waist;
    platform_gate_base = boot->gate_base;
    platform_gate_size = boot->gate_size;
}

const struct boot_info *platform_boot(void)
{
    return platform.boot;
}

void platform_ready(u64 now)
{
    struct boot_mailbox *mailbox = (struct boot_mailbox *)(u64)&platform.boot->mailbox;

    // Pairs with supervisor_notify's acquire.
    __atomic_store_n(&mailbox->ready_time, now, __ATOMIC_RELEASE);
}

void platform_log(const void *text, size_t size)
{
    platform.calls->log(text, size);
}

u64 platform_clock(int id)
{
    return (u64)platform.calls->clock((u64)id);
}

s64 platform_wait(u64 timeout, u64 interest)
{
    return platform.calls->wait(timeout, interest);
}

s64 platform_ring(u64 target)
{
    return platform.calls->ring(target);
}

int platform_map(uaddr_t va, u64 size, u32 prot, u32 source, u64 offset)
{
    return (int)platform.calls->map(va, size, prot, source, offset);
}

int platform_protect(uaddr_t va, u64 size, u32 prot)
{
    return (int)platform.calls->protect(va, size, prot);
}

int platform_unmap(uaddr_t va, u64 size)
{
    return (int)platform.calls->unmap(va, size, 0);
}

int platform_discard(uaddr_t va, u64 size)
{
    return (int)platform.calls->unmap(va, size, UNMAP_DISCARD);
}

int platform_discard_family(void *at, u64 size)
{
    return (int)platform.calls->unmap((u64)at, size, 0);
}

int platform_fork(void (*entry)(void *argument, u64 timer), void *stack_end, void *argument,
                  u32 *host_tid, u64 upcall_stack)
{
    return (int)platform.calls->fork((u64)entry, (u64)stack_end, (u64)argument, host_tid,
                                     upcall_stack);
}

int platform_start_vcpu(void (*entry)(void *argument, u64 timer), void *stack_end, void *argument,
                        u32 *host_tid, u64 upcall_stack)
{
    return (int)platform.calls->start_vcpu((u64)entry, (u64)stack_end, (u64)argument, host_tid,
                                           upcall_stack);
}

void platform_exit(int status, u64 upcall_stack)
{
    platform.calls->exit((u64)status, upcall_stack);
    __builtin_trap();
}
