// SPDX-License-Identifier: BSD-3-Clause
// What CPUID says on this host, in a file, from one start to the next. In a virtual machine each CPUID leaves the
// machine (some microseconds), and a C library asks thirty times at its start, always the same.
//
// The file is the caller's own and good for one boot of the host: it begins with the boot's random id.
#pragma once

#include "abi/boot.h"
#include "base/types.h"

// The answers that the file has, at most BOOT_CPUID_MAX of them; none when there is no file, or it is another boot's,
// somebody else's or damaged. To be called by the supervisor: in a member's user namespace all files have one owner.
const struct boot_cpuid *host_cpuid_read(const char *path, u32 *out_count);

// Makes the file, unless it is there and good. Its folder must exist. Nobody needs the file, so nothing is said
// when it can't be made.
void host_cpuid_write(const char *path);
