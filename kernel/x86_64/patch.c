// SPDX-License-Identifier: BSD-3-Clause
// Sites of syscall instructions; see patch.h.
#include "x86_64/patch.h"

void patch_site(uaddr_t site, struct trap_frame *frame)
{
}

void patch_forget(struct address_space *s, uaddr_t start, uaddr_t end)
{
}
