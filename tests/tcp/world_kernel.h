// SPDX-License-Identifier: BSD-3-Clause
// What TCP needs of the kernel, in a test program: memory, locks, timers, waiting, IP.
#pragma once

#include "base/types.h"

struct ip_address;

void kernel_set_mtu(u32 mtu);
u64 kernel_next_timer(void);  // ~0: none
void kernel_fire_timer(void); // the first one
bool kernel_clean(void);
// world.c: a segment goes on the line.
void world_send(const struct ip_address *from, const struct ip_address *to, u8 *bytes, u32 size);
