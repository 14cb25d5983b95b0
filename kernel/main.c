// SPDX-License-Identifier: BSD-3-Clause
// The whole boot order, one call a line.
#include "abi/boot.h"
#include "abi/image.h"
#include "base/panic.h"
#include "cpu/vcpu.h"
#include "driver/random.h"
#include "linux/clock.h"
#include "linux/trace.h"
#include "memory/pages.h"
#include "platform/platform.h"
#include "process/process.h"
#include "thread/schedule.h"
#include "x86_64/fpu.h"

no_return void kernel_main(struct boot_info *boot);
no_return void kernel_entry(void);
void upcall_entry(void);

// Where the tender finds its way in; see abi/image.h.
static const struct {
    u32 name_size, size, type;
    char name[8];
    struct kernel_note note;
} __attribute__((packed, aligned(4), section(".note.clade"), used)) kernel_note = {
    sizeof("Clade"), sizeof(struct kernel_note), KERNEL_NOTE_TYPE, "Clade",
    { BOOT_VERSION, 0, 0, 0 },
};

void kernel_main(struct boot_info *boot)
{
    vcpu_init(boot);
    platform_init(boot);
    if (boot->magic != BOOT_MAGIC || boot->version != BOOT_VERSION)
        panic("the tender speaks another version of the waist");
    pages_init(boot);
    random_init(boot);
    clock_init(boot);
    fpu_init();
    trace_init(boot);
    schedule_init(boot);
    if (process_boot(boot) < 0)
        panic("no memory for the first process");
    schedule_start();
}
