// SPDX-License-Identifier: BSD-3-Clause
// Descriptors as the result of a call.
#pragma once

#include "base/types.h"

struct file;

// What pipe2(2) and socketpair(2) return: two new descriptors, written to `fds`; takes both references.
// -EMFILE, -ENOMEM, -EFAULT: there is none
must_check int descriptor_pair(struct file *const files[2], bool close_on_exec, uaddr_t fds);
