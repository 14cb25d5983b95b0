// SPDX-License-Identifier: BSD-3-Clause
// eventfd(2).
#pragma once

#include "file/file.h"

#define EFD_SEMAPHORE 1u // the ABI's; Linux has a header for these since 6.4 only
#define EFD_CLOEXEC   (u32)O_CLOEXEC
#define EFD_NONBLOCK  (u32)O_NONBLOCK

// flags: EFD_SEMAPHORE, EFD_NONBLOCK. -ENOMEM
must_check int eventfd_create(u64 count, u32 flags, struct file **out);
bool eventfd_is(const struct file *f);
void eventfd_add(struct file *f, u64 value); // of an eventfd; never waits: the count stays at its most
