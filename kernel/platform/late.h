// SPDX-License-Identifier: BSD-3-Clause
// Data of the kernel that few programs need (the tables of /proc and /sys): `late_data` in front of a table keeps
// it out of what each start copies and relocates. It reads as zeros until late_load has put it in its place.
#pragma once

#include "base/types.h"

// To be called before each use of what may be late data; works once for a family. -ENOEXEC: the image does not have
// the kernel.
must_check int late_load(const void *needed);
