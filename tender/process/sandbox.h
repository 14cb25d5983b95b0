// SPDX-License-Identifier: BSD-3-Clause
// What a member gives up before the kernel's first instruction.
#pragma once

#include <linux/filter.h>

#include "base/types.h"

#define SANDBOX_FILTER_MAX 256 // instructions; with the gate's orders they fit into a page

// Flags for clone(2): the namespaces a member gets of its own. See README.md for what each costs.
#define SANDBOX_NAMESPACES (CLONE_NEWUSER | CLONE_NEWPID)

// In the member: no new privileges, no capabilities, no files, no network ports, no abstract
// sockets, no core dumps. 0, or a negative errno: what the host can't do at all is left out where
// it only doubles the filter (Landlock), and an error where not.
must_check int sandbox_enter(void);

// Writes the filter for these rights, for a gate at [gate, gate + gate_size), and returns its
// length in instructions.
u32 sandbox_filter(struct sock_filter *to, u32 rights, u64 gate, u64 gate_size);

// The host system calls that these rights allow, for people: names with spaces between.
const char *sandbox_calls(u32 rights);
