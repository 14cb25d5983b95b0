// SPDX-License-Identifier: BSD-3-Clause
// Members of the family, and the memory of processes: what fork.c, exec_replace.c, family.c share.
#pragma once

#include "base/types.h"

struct process;
struct vcpu;

// Makes a new member by the waist's fork; its vCPU idles. forget_memory: it starts with no user memory,
// else with a copy of the current member's. -EAGAIN, -ENOMEM
must_check int member_create(bool forget_memory, struct vcpu **out);

must_check struct process *process_alloc(void); // family.c; zeroed
void process_free(struct process *p);           // one that nobody has seen
void family_empty_graves(void);                 // for the leak check: nobody looks at them any more
