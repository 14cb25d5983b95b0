// SPDX-License-Identifier: BSD-3-Clause
// Changing stacks; see switch.S.
#pragma once

#include "base/types.h"

struct thread;

void stack_switch(u64 *save_sp, u64 load_sp, struct thread *to);
// Calls function(argument) on another stack; it never returns.
no_return void stack_call(void (*function)(u64 argument), u64 argument, u64 top);
void thread_first_return(void); // where a new thread's stack begins
