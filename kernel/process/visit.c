// SPDX-License-Identifier: BSD-3-Clause
// A member of the family sees no user memory but its own. So a thread that wants another's goes there:
// it moves to a vCPU of that member, as vfork's child does when it execs, copies between the memory that
// it finds there and the kernel's, which is everyone's, and moves back. The member does not end while it
// has visitors.
#include "process/visit.h"

#include <linux/capability.h>

#include "cpu/vcpu.h"
#include "memory/user_copy.h"
#include "process/process.h"
#include "thread/schedule.h"
#include "thread/thread.h"

int process_access(const struct process *p)
{
    const struct credentials *mine = credentials_now(), *its = &p->credentials;

    if (p == thread_process() || mine->cap_effective >> CAP_SYS_PTRACE & 1)
        return 0;
    if (mine->uid != its->euid || mine->uid != its->suid || mine->uid != its->uid ||
        mine->gid != its->egid || mine->gid != its->sgid || mine->gid != its->gid || !p->dumpable ||
        its->cap_permitted & ~mine->cap_permitted)
        return -EPERM;
    return 0;
}

// A vCPU of p's member, where p waits for us to leave again; NULL: there is none.
static struct vcpu *enter(struct process *p)
{
    struct vcpu *v = NULL;

    lock_acquire(&p->lock);
    if (p->thread_count && p->space && !p->leaves) // who leaves waits for no more visitors
        v = list_first(&p->threads, struct thread, process_node)->vcpu;
    if (v) {
        p->visitors++;
        thread_current()->home = vcpu_this();
        thread_current()->visits = p;
    }
    lock_release(&p->lock);
    if (v)
        schedule_move(v);
    return v;
}

void process_visit_end(void)
{
    struct thread *t = thread_current();
    struct process *p = t->visits;
    bool last;

    schedule_move(t->home);
    lock_acquire(&p->lock);
    last = !--p->visitors;
    t->visits = NULL;
    lock_release(&p->lock);
    if (last)
        wait_queue_wake(&p->thread_ended, ~0u);
}

enum copy { COPY_READ, COPY_WRITE, COPY_POKE };

static s64 copy(struct process *p, uaddr_t at, void *memory, size_t size, enum copy what)
{
    size_t done = what == COPY_READ    ? user_read_partial(memory, at, size)
                  : what == COPY_WRITE ? user_write_partial(at, memory, size)
                                       : address_space_poke(p->space, at, memory, size);

    return done || !size ? (s64)done : -EFAULT;
}

static s64 memory_copy(struct process *p, uaddr_t at, void *memory, size_t size, enum copy what)
{
    s64 result;

    if (p->space == thread_process()->space)
        return copy(p, at, memory, size, what);
    if (!enter(p))
        return -ESRCH;
    result = copy(p, at, memory, size, what);
    process_visit_end();
    return result;
}

s64 process_memory_read(struct process *p, void *to, uaddr_t from, size_t size)
{
    return memory_copy(p, from, to, size, COPY_READ);
}

s64 process_memory_write(struct process *p, uaddr_t to, const void *from, size_t size)
{
    return memory_copy(p, to, (void *)(uintptr_t)from, size, COPY_WRITE);
}

s64 process_memory_poke(struct process *p, uaddr_t to, const void *from, size_t size)
{
    return memory_copy(p, to, (void *)(uintptr_t)from, size, COPY_POKE);
}

static bool nobody_visits(void *arg)
{
    struct process *p = arg;

    return !__atomic_load_n(&p->visitors, __ATOMIC_ACQUIRE); // pairs with process_visit_end
}

void process_wait_visitors(struct process *p)
{
    while (!nobody_visits(p))
        if (wait_until(&p->thread_ended, DEADLINE_NONE, 0, nobody_visits, p))
            break; // not interruptible: does not happen
}
