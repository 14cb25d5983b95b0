// SPDX-License-Identifier: BSD-3-Clause
// The gate: the only code of the tender that stays in a running member, and the only code whose
// system calls the filter lets pass. See gate.c.
#pragma once

#include <linux/filter.h>

#include "abi/calls.h"
#include "base/types.h"

#define GATE_UNMAP_MAX 16

// What gate code reads at run time, at the start of its area.
#define GATE_PROCESSORS 16 // words: CPU_SETSIZE bits

struct gate_header {
    struct waist_calls calls;
    u64 family_base, family_size;
    u64 queues; // of struct waist_queue, in family memory
    u64 queue_count;
    u64 network_queues; // receive, send; 0: no network
    u64 network_stage;  // of a stream; 0: a TAP
    u64 upcall_stack_size;
    u64 processors[GATE_PROCESSORS]; // that members may run on: sched_setaffinity(2)'s mask
    u64 death_bell; // address of boot_mailbox.death_bell; 0: no fork
};

// The tender's last orders; they and the filter stand on the upcall stack's first page.
struct gate_start {
    struct {
        u64 address, size;
    } unmap[GATE_UNMAP_MAX]; // everything that is not the guest's
    u64 unmap_count;
    struct sock_fprog filter;
    u64 entry;     // kernel_entry
    u64 boot;      // its argument
    u64 stack_top; // and its stack
};

extern const u8 __start_gate[], __stop_gate[]; // the linker's, around section "gate"
#define GATE_SIZE ((u64)(__stop_gate - __start_gate))
#define GATE_AREA (2 * PAGE_SIZE) // it is mapped in

// Behind each upcall stack, in its memory: the gate's own private data.
#define GATE_PRIVATE 64

// Builds the gate in `page` (GATE_SIZE bytes, writable), as it has to be at address `base`.
void gate_build(void *page, u64 base, const struct gate_header *parameters);
// Where, in a gate at `base`, gate_enter is.
u64 gate_enter_address(u64 base);
// Where in the gate struct waist_calls stands.
u64 gate_calls_offset(void);

// Leaves the tender: unmaps its memory, installs the filter, jumps to the kernel, on the stack
// below `start`. Only the copy of the gate may run it.
no_return void gate_enter(const struct gate_start *start);
