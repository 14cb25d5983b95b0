// SPDX-License-Identifier: BSD-3-Clause
// Members of the family, and the memory of processes: what fork.c, exec_replace.c, family.c share.
#pragma once

#include "base/list.h"
#include "base/types.h"

struct process;
struct thread;
struct vcpu;

// Makes a new member by the waist's fork; its vCPU idles. forget_memory: it starts with no user memory,
// else with a copy of the current member's. -EAGAIN, -ENOMEM
must_check int member_create(bool forget_memory, struct vcpu **out);

// The host's part of it: a body for v, whose memory is a copy or nothing (v->forget_memory). -EAGAIN, -ENOMEM
must_check int member_embody(struct vcpu *v);
// sharers.c. p ends, or leaves its memory for one of its own: afterwards p->shares_memory says if the member is another's
// business. May sleep. member_left: it has gone, or could not.
void member_leave(struct process *p);
void member_left(struct process *p);
// A fork that its maker could not finish, with the vCPU that it had made or NULL: fork.c
void process_abandon(struct process *p, struct vcpu *v);

must_check struct process *process_alloc(void); // family.c; zeroed
void process_free(struct process *p);           // one that nobody has seen
void family_empty_graves(void);                 // for the leak check: nobody looks at them any more

// With the family's lock held.
struct list *family_list(void); // of struct process.all, zombies included
#define family_for_each(p) list_for_each(p, family_list(), all)
// A thread has ended, and its process has not: its children with PR_SET_PDEATHSIG hear of it. orphan.c
void orphan_children_of(const struct thread *t);
// p has ended: its children get a new parent, and orphaned groups their signals. orphan.c
void orphan_family_of(struct process *p);
// A zombie's parent hears of it; it is gone at once if the parent wants no zombies. finish.c
void process_tell_parent(struct process *p);
// RLIMIT_NPROC: may the current process make another thread, or (then --pids counts too) process? -EAGAIN
must_check int family_room(bool process);
