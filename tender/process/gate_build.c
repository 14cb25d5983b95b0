// SPDX-License-Identifier: BSD-3-Clause
// Makes a member's copy of the gate.
#include <string.h>

#include "tender/process/gate.h"

extern const u8 gate_header[], gate_log[], gate_clock[], gate_wait[], gate_ring[], gate_map[],
    gate_protect[], gate_unmap[], gate_fork[], gate_start_vcpu[], gate_exit[];

void gate_build(void *page, u64 base, const struct gate_header *parameters)
{
    struct gate_header header = *parameters;
    const u8 *const functions[] = {
        gate_log,     gate_clock, gate_wait, gate_ring,       gate_map,
        gate_protect, gate_unmap, gate_fork, gate_start_vcpu, gate_exit,
    };

    _Static_assert(sizeof(functions) == sizeof(header.calls), "one for each call");
    u64 calls[array_count(functions)];
    for (size_t i = 0; i < array_count(functions); i++)
        calls[i] = base + (u64)(functions[i] - __start_gate);
    memcpy(&header.calls, calls, sizeof(calls));
    memcpy(page, __start_gate, GATE_SIZE);
    memcpy((u8 *)page + (gate_header - __start_gate), &header, sizeof(header));
}

u64 gate_enter_address(u64 base)
{
    return base + ((u64)&gate_enter - (u64)__start_gate);
}

u64 gate_calls_offset(void)
{
    return (u64)(gate_header - __start_gate);
}
