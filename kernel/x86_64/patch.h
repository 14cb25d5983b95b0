// SPDX-License-Identifier: BSD-3-Clause
// Replacing syscall instructions that trap by jumps; design section 4. See patch.c.
#pragma once

#include "x86_64/frame.h"

// The syscall instruction at `site` (user memory) of the current process trapped and was served. Counts it,
// and patches the site once it is worth it and can be done safely.
void patch_site(uaddr_t site, struct trap_frame *frame);
