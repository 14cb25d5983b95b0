// SPDX-License-Identifier: BSD-3-Clause
// Runs seccomp filters in a test: one call, or all that any arguments could make of it.
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>

// What the filter returns for this call. Ends the test when the filter is not one that Linux takes.
__u32 bpf_run(const struct sock_filter *code, unsigned count, const struct seccomp_data *data);
// Is there a way through the filter to SECCOMP_RET_ALLOW? Number, architecture and program counter
// are as in `data`; arguments are anything.
bool bpf_may_allow(const struct sock_filter *code, unsigned count, const struct seccomp_data *data);
