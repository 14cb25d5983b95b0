// SPDX-License-Identifier: BSD-3-Clause
// The set of signals 1..64 as the kernel ABI has it: bit n-1 is signal n.
#pragma once

#include "base/list.h"

typedef u64 signal_set_t;

static inline signal_set_t signal_bit(int signal)
{
    return 1ull << (signal - 1);
}

struct signal_queue {  // pending signals of a thread or of a process, guarded by signal_state.lock
    signal_set_t set;
    struct list infos; // of struct pending_signal, in the order sent
    u32 count;         // of them
};
