// SPDX-License-Identifier: BSD-3-Clause
// What preadv2(2) and io_submit(2) share.
#pragma once

#include "base/types.h"

struct file;

// RWF_* of one transfer. -EOPNOTSUPP: unknown, or RWF_NOWAIT of a file that can't tell; -EAGAIN: it would wait.
must_check int transfer_flags_check(struct file *f, u32 flags, bool write);
