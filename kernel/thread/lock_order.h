// SPDX-License-Identifier: BSD-3-Clause
// Debug builds: watches in which order locks are taken. Two orders of the same two kinds of lock are a deadlock
// that waits for its moment; the first time that both have been seen, wherever and however far apart, is a panic.
#pragma once

#include "thread/lock.h"

void lock_order_take(const struct lock *l);    // before l is waited for
void lock_order_give(const struct lock *l);
struct vcpu;
void lock_order_lost(const struct vcpu *v); // the host has killed it: it holds none any more
