// SPDX-License-Identifier: BSD-3-Clause
// Looking at an address space: faults, /proc/PID/maps, sizes.
#include "memory/area.h"

#include <asm/siginfo.h>
#include <asm/signal.h>

#include "file/file.h"
#include "x86_64/cpu.h"

#define CHANGE_SPINS 20000
#define CHANGE_TRIES 1000

// What the areas say of the fault.
static int verdict(struct address_space *s, uaddr_t address, u32 access, int *out_code)
{
    int signal = SIGSEGV;
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
    return signal;
}

// Waits for the change that another vCPU is making. Within the kernel locks may be held that it needs to
// finish, so that is only tried for a while.
static bool wait_for_change(struct address_space *s, bool user, struct fault_again *again)
{
    if (user) {
        lock_acquire(&s->change);
        lock_release(&s->change);
        return true;
    }
    for (u32 i = 0; i < CHANGE_SPINS && lock_held_elsewhere(&s->change); i++)
        cpu_relax();
    return ++again->tries < CHANGE_TRIES;
}

// Another vCPU may be changing the areas, or have changed them since the access: then neither what the host
// says nor what the tree says is final, and the access is tried again.
int address_space_fault(struct address_space *s, uaddr_t address, u32 access, bool user,
                        struct fault_again *again, int *out_code)
{
    lock_acquire_clean(&s->lock);
    u64 changes = __atomic_load_n(&s->changes, __ATOMIC_SEQ_CST);
    bool changing = lock_held_elsewhere(&s->change);
    int signal = verdict(s, address, access, out_code);
    lock_release(&s->lock);
    if (changing && wait_for_change(s, user, again))
        return 0;
    again->tries = 0;
    if (signal == SIGSEGV || (again->address == address && again->changes == changes))
        return signal;
    again->address = address;
    again->changes = changes;
    return 0;
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
    lock_acquire_clean(&s->lock);
    for (struct area *a = area_at(s, 0); a; a = area_next(a)) {
        a = visible_area(a, &view);
        if (!(view.flags & AREA_KERNEL) || view.name)
            visit(&view, arg);
    }
    lock_release(&s->lock);
}

bool address_space_next(struct address_space *s, uaddr_t at, struct area *out)
{
    lock_acquire_clean(&s->lock);
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
    lock_acquire_clean(&s->lock);
    for (struct area *a = area_at(s, 0); a; a = area_next(a))
        if (a->source != AREA_SOURCE_NONE && !(a->flags & (AREA_NORESERVE | AREA_STACK)))
            size += area_size(a);
    lock_release(&s->lock);
    return size;
}
