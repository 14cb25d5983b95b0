// SPDX-License-Identifier: BSD-3-Clause
// The classic BPF machine: programs that look at a packet and say how much of it is wanted.
// [Documentation/networking/filter.rst; McCanne and Jacobson, The BSD Packet Filter]
#pragma once

#include <linux/filter.h>

#include "base/types.h"

#define BPF_COUNT_MAX 4096u // BPF_MAXINSNS

struct packet;

// The rules of Linux's checker: known instructions, jumps forward and inside, no division by zero,
// no memory word read that was not written on each way, a return at the end. What passes ends, and
// touches nothing but the packet. -EINVAL, -ENOMEM
must_check int bpf_check(const struct sock_filter *code, u32 count);

// Runs a checked program on p->data. network: offset of the network header from p->data
// (SKF_NET_OFF); may be negative. Returns how many bytes are wanted; 0: none.
u32 bpf_run(const struct sock_filter *code, const struct packet *p, s32 network);
