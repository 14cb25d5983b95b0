// SPDX-License-Identifier: BSD-3-Clause
// Work of the network that waits for a moment without locks: packets that were sent over loopback,
// and devices that may have received something. There are no kernel threads: the socket calls do it
// when they are through, the idle loop before it sleeps, and busy vCPUs on their way to user code.
#pragma once

#include "base/types.h"

// Delivers what was sent over loopback, and looks at the devices if nobody has done so lately;
// true: there was something. Called with no lock held. Does nothing when called from within itself.
bool net_work(void);
// The same, and looks at the devices in any case: before a sleep, and when a device has called.
bool net_work_all(void);
// The vCPU ended, perhaps within it: packets are lost, as on a wire.
struct vcpu;
void net_work_lost(const struct vcpu *v);
bool net_work_waits(void); // there is some (loopback only: devices say it by their own means)
