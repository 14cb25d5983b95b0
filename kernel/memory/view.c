// SPDX-License-Identifier: BSD-3-Clause
// Looking at an address space: faults, /proc/PID/maps, sizes.
#include "memory/area.h"

#include <asm/siginfo.h>
#include <asm/signal.h>

#include "file/file.h"

int address_space_fault(struct address_space *s, uaddr_t address, u32 access, int *out_code)
{
    int signal = SIGSEGV;

    lock_acquire(&s->lock);
    struct area *a = area_at(s, address);
    if (!a || a->start > address) {
        *out_code = SEGV_MAPERR;
    } else if (access & ~a->flags & AREA_PROTECTION) {
        *out_code = SEGV_ACCERR;
    } else if (!(a->flags & AREA_PROTECTION)) {
        *out_code = SEGV_ACCERR;
    } else { // allowed, and still it faulted: behind the end of the file, or the host has no memory
        signal = SIGBUS;
        *out_code = BUS_ADRERR;
    }
    lock_release(&s->lock);
    return signal;
}

// Copies the mapping that a is the first piece of, as user code sees it, and returns its last
// piece.
static struct area *visible_area(struct area *a, struct area *out)
{
    *out = *a;
    for (struct area *b; (b = area_next(a)) != NULL && area_continues(a, b);)
        a = b;
    out->end = a->end;
    out->flags &= ~AREA_INTERNAL;
    return a;
}

void address_space_visit(struct address_space *s, void (*visit)(const struct area *a, void *arg),
                         void *arg)
{
    struct area view;
    lock_acquire(&s->lock);
    for (struct area *a = area_at(s, 0); a; a = area_next(a)) {
        a = visible_area(a, &view);
        if (!(view.flags & AREA_KERNEL) || view.name)
            visit(&view, arg);
    }
    lock_release(&s->lock);
}

bool address_space_next(struct address_space *s, uaddr_t at, struct area *out)
{
    lock_acquire(&s->lock);
    struct area *a = area_at(s, at);
    for (struct area *b; a && (b = area_previous(a)) != NULL && area_continues(b, a);)
        a = b;
    if (a) {
        (void)visible_area(a, out);
        if (out->file)
            file_get(out->file);
    }
    lock_release(&s->lock);
    return a != NULL;
}

// What a program touches is the host's knowledge; of memory that may be touched the kernel takes
// reservations (NORESERVE, stacks) out.
u64 address_space_resident(struct address_space *s)
{
    u64 size = 0;
    lock_acquire(&s->lock);
    for (struct area *a = area_at(s, 0); a; a = area_next(a))
        if (a->source != AREA_SOURCE_NONE && !(a->flags & (AREA_NORESERVE | AREA_STACK)))
            size += area_size(a);
    lock_release(&s->lock);
    return size;
}
