// SPDX-License-Identifier: BSD-3-Clause
#include "x86_64/user_registers.h"

#include "abi/boot.h"
#include "base/string.h"
#include "thread/thread.h"
#include "x86_64/frame.h"
#include "x86_64/offsets.h"

#define FLAGS_CHANGED 0x254dd5u // CF PF AF ZF SF TF DF OF RF AC ID

_Static_assert(offsetof(struct user_registers, fs_base) == offsetof(struct trap_frame, full), "the same order");

void user_registers_get(const struct thread *t, struct user_registers *out)
{
    *out = (struct user_registers){ .fs_base = t->fs_base };
    memcpy(out, t->frame, offsetof(struct user_registers, fs_base));
}

void user_registers_set(struct thread *t, const struct user_registers *r)
{
    struct trap_frame *f = t->frame;
    u64 flags = f->rflags;

    if (r->fs_base < USER_HIGH)
        t->fs_base = r->fs_base;
    memcpy(f, r, offsetof(struct user_registers, fs_base));
    f->cs = USER_CS;
    f->ss = USER_SS;
    f->rflags = (flags & ~(u64)FLAGS_CHANGED) | (r->eflags & FLAGS_CHANGED);
    f->full = 1;
}
