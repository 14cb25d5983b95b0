// SPDX-License-Identifier: BSD-3-Clause
// --trace: each system call on the host's standard error, as strace(1) prints it.
#pragma once

#include "base/types.h"

struct boot_info;
struct trap_frame;

extern bool trace_enabled; // set once, at boot

void trace_init(const struct boot_info *boot);
void trace_enter(const struct trap_frame *f);
void trace_leave(const struct trap_frame *f, s64 result);
