// SPDX-License-Identifier: BSD-3-Clause
// A member: the host process that a guest runs in. Planned by the supervisor, built by the member
// itself.
//
//     member_plan(&member, &config)    supervisor: image, addresses, descriptors, family memory
//     clone
//     member_run(&member)              member: load, sandbox, jump to the kernel; no way back
#pragma once

#include "abi/boot.h"
#include "base/types.h"
#include "tender/device/network.h"
#include "tender/image.h"
#include "tender/run.h"

#define MEMBER_SEGMENTS_MAX 8
#define MEMBER_KEEP_MAX     14
#define MEMBER_CPUS_MAX     64u
#define UPCALL_STRIDE       (64 * 1024ull + PAGE_SIZE) // stack and guard, one a vCPU

struct memory_range {
    u64 start, end;
};

struct member {
    const struct tender_config *config;
    struct image image;
    u32 rights;

    //  image_base  gate_base  stack_base   kernel_base       family_base
    //  | image |   | gate |   | stack |    | text | rodata | data, bss | boot_info | heap ...
    //  read-only   private    private      from the image    one memfd, shared
    //
    // in this order, with unmapped pages between.
    u64 image_base, kernel_base, family_base, family_size;
    u64 network_offset; // of queues and stage in family memory, behind the kernel's data
    u64 boot_offset;    // of boot_info, behind them: what a start touches next, the kernel's first pages, follows
    struct elf_segment segments[MEMBER_SEGMENTS_MAX]; // of the kernel; the last one is the data
    u32 segment_count;
    u64 dynamic_address, dynamic_size; // of the dynamic section, within the data
    u64 gate_base;
    u64 stack_base, stack_size; // for upcalls: the first, see UPCALL_STRIDE
    const void *processors;     // GATE_PROCESSORS words: those that clade itself may run on
    u32 cpu_count;              // vCPUs of a member at most
    u8 seed[64];
    u64 random; // for user addresses

    bool closed[3]; // a standard stream that the caller had closed
    int fds[9]; // by FD_*, as the supervisor has them; -1: /dev/null
    int supervisor_pidfd;
    u64 host_memory;
    const struct boot_cpuid *cpuid; // host_cpuid.h
    u32 cpuid_count;
    struct network *network; // device/network.h; NULL: none

    // Filled by the member as it is built: what must survive the gate's munmap.
    struct memory_range keep[MEMBER_KEEP_MAX];
    u32 keep_count;
};

// Opens and checks the image, chooses the addresses, makes the eventfds and family memory, and maps
// that at its final address (the clone inherits the mapping). 0, or -1 after a message.
must_check int member_plan(struct member *m, const struct tender_config *config);
// Where boot_info is; the kernel may write to it at any time once the member runs.
static inline struct boot_info *member_boot(const struct member *m)
{
    return (struct boot_info *)(m->family_base + m->boot_offset);
}

// In the child. Never returns: on failure it says why and exits with 126 (127: no such program).
no_return void member_run(struct member *m);

// The steps of member_run, a file each. 0, or -1 after a message.
must_check int load_kernel(struct member *m);     // load.c
must_check int boot_fill(struct member *m);       // boot.c: boot_info, but for the preload_* fields
must_check int preload_program(struct member *m); // preload.c: for images without right memory
int member_keep(struct member *m, u64 start, u64 size);
