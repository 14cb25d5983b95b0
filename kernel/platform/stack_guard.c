// SPDX-License-Identifier: BSD-3-Clause
// The stack protector's canary; the compiler knows both names. -mstack-protector-guard=global
#include "platform/stack_guard.h"

#include "base/panic.h"

u64 __stack_chk_guard;

no_return void __stack_chk_fail(void);

void __stack_chk_fail(void)
{
    panic("a kernel stack frame was overrun");
}
