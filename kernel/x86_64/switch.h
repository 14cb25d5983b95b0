// SPDX-License-Identifier: BSD-3-Clause
// Changing stacks; see switch.S.
#pragma once

#include "base/types.h"

void stack_switch(u64 *save_sp, u64 load_sp);
void thread_first_return(void); // where a new thread's stack begins
