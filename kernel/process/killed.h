// SPDX-License-Identifier: BSD-3-Clause
// Members that the host ends by a signal (kill -9 from outside, its out-of-memory killer). See killed.c.
#pragma once

#include "base/types.h"

struct vcpu;

// Looks for such members if the supervisor says that there are some, and ends their processes. On the first
// vCPU; on others it does nothing. No lock is held.
void killed_look(void);
// For loops that wait for another vCPU without sleeping: ends the family if that one will never come.
void killed_spin(void);
// Interrupts v, which runs, and notes it if it does not any more: the host tells of a member's death from its
// first instruction on, and this one may not have come so far.
void killed_ring(struct vcpu *v);
// v has no host thread any more: its number was `tid`, 0: it never had one. The next killed_look finds it.
void killed_mark(struct vcpu *v, u32 tid);
// For the idle loop: how long to sleep at most, `timeout` being wanted. The last member made here gets looked at.
u64 killed_patience(u64 timeout);
// Says who runs on v, the locks that it holds, and where it took them. For reports before a panic.
void killed_report(const struct vcpu *v, const char *what);
