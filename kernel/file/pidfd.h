// SPDX-License-Identifier: BSD-3-Clause
// Process descriptors. [pidfd_open(2)]
#pragma once

#include "file/file.h"

struct process_handle;

// Takes the reference over, also when it fails. flags: O_NONBLOCK. -ENOMEM
must_check int pidfd_create(struct process_handle *h, u32 flags, struct file **out);
struct process_handle *pidfd_handle(const struct file *f); // the file's own reference; NULL: no pidfd
