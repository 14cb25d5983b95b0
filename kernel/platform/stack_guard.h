// SPDX-License-Identifier: BSD-3-Clause
// The stack protector's canary.
#pragma once

#include "base/types.h"

extern u64 __stack_chk_guard;

// In a function that never returns, before any that is protected: its own check never runs.
static inline void stack_guard_set(u64 random)
{
    __stack_chk_guard = random & ~0xffull; // a zero byte stops string overruns
}
