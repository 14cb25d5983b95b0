// SPDX-License-Identifier: BSD-3-Clause
// What processes and /proc want of the System V objects.
#pragma once

#include "base/types.h"

struct process;

// p ends: its semaphore adjustments are applied, and its memory's segments note the detach. While its
// address space and descriptors are still there.
void ipc_process_end(struct process *p);
void ipc_family_end(void); // the last one: frees all objects
