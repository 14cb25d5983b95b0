// SPDX-License-Identifier: BSD-3-Clause
// signalfd(2).
#pragma once

#include "file/file.h"
#include "process/signal_set.h"

// flags: O_NONBLOCK. -ENOMEM
must_check int signalfd_create(signal_set_t wanted, u32 flags, struct file **out);
// Another set for an existing one. -EINVAL: f is of another kind
must_check int signalfd_set(struct file *f, signal_set_t wanted);
