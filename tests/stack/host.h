// SPDX-License-Identifier: BSD-3-Clause
// What the stack needs of the kernel, in a test program: memory that is counted, a virtual clock,
// timers.
#pragma once

#include "base/types.h"

void host_start(void);     // before all else
void host_advance(u64 ns); // the clock goes on; timers fire in their order
u64 host_packets(void);    // that are alive
u64 host_data(void);       // packet_data
u64 host_objects(void);    // of all slab caches
u64 host_messages(void); // log_message's
u64 host_random(void);
