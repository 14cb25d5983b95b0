// SPDX-License-Identifier: BSD-3-Clause
// The handlers of the system calls, in alphabetical order, one line a call; see syscalls.def.
#pragma once

#include "base/types.h"

s64 sys_getrandom(uaddr_t buffer, size_t size, u32 flags);
