// SPDX-License-Identifier: BSD-3-Clause
// The whole boot order, one call a line.
#include "abi/boot.h"
#include "base/panic.h"
#include "cpu/vcpu.h"
#include "driver/network.h"
#include "driver/random.h"
#include "linux/clock.h"
#include "linux/trace.h"
#include "memory/commit.h"
#include "memory/pages.h"
#include "platform/platform.h"
#include "platform/stack_guard.h"
#include "process/process.h"
#include "thread/schedule.h"
#include "x86_64/fpu.h"

no_return void kernel_main(struct boot_info *boot);

void kernel_main(struct boot_info *boot)
{
    stack_guard_set(*(const u64 *)(const void *)boot->seed);
    vcpu_init(boot);
    platform_init(boot);
    if (boot->magic != BOOT_MAGIC || boot->version != BOOT_VERSION)
        panic("the tender speaks another version of the waist");
    pages_init(boot);
    commit_init(boot);
    random_init(boot);
    clock_init(boot);
    fpu_init(boot);
    trace_init(boot);
    schedule_init(boot);
    network_boot(boot);
    if (process_boot(boot) < 0)
        panic("no memory for the first process");
    platform_ready(clock_monotonic());
    schedule_start();
}
