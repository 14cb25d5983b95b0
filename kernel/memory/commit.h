// SPDX-License-Identifier: BSD-3-Clause
// How much memory the family has been promised, against boot_info.memory_limit (--memory). Private writable
// areas count; file systems in memory may count what they hold.
#pragma once

#include "base/types.h"

struct boot_info;

void commit_init(const struct boot_info *boot);
// size bytes more. -ENOMEM: more than there is.
must_check int commit_reserve(u64 size);
void commit_release(u64 size);
u64 commit_total(void); // bytes, of the family
