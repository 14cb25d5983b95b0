// SPDX-License-Identifier: BSD-3-Clause
// What the end of a process means for those that it leaves: a new parent for its children, and a
// farewell to process groups that nobody of their session looks after any more. [setpgid(2), prctl(2)]
#include <asm/siginfo.h>
#include <asm/signal.h>

#include "platform/platform.h"
#include "process/member.h"
#include "process/process.h"
#include "process/signal.h"
#include "thread/thread.h"

// The nearest ancestor that asked for orphans (PR_SET_CHILD_SUBREAPER), or the first process.
static struct process *new_parent(const struct process *p)
{
    struct process *a;

    for (a = p->parent; a && a != family_first(); a = a->parent)
        if (a->subreaper && !a->zombie && !a->exiting)
            return a;
    return family_first();
}

// The first process's parent is on the host: its shell, which sees the unikernel stop, unless the supervisor has found
// that nobody is there. Pairs with the supervisor's store.
static bool host_looks_after(void)
{
    return !__atomic_load_n(&platform_boot()->mailbox.orphaned, __ATOMIC_ACQUIRE);
}

// True: no member of the group, but for `leaving`, has a parent in another group of the session.
static bool group_is_orphaned(int pgid, const struct process *leaving)
{
    struct process *p;

    family_for_each(p) {
        if (p->pgid != pgid || p == leaving || p->zombie)
            continue;
        if (p->parent ? p->parent->pgid != pgid && p->parent->sid == p->sid : host_looks_after())
            return false;
    }
    return true;
}

bool process_group_is_orphaned(int pgid)
{
    family_lock();
    bool orphaned = group_is_orphaned(pgid, NULL);
    family_unlock();
    return orphaned;
}

static bool group_has_stopped(int pgid)
{
    struct process *p;

    family_for_each(p)
        if (p->pgid == pgid && !p->zombie && p->stopped)
            return true;
    return false;
}

// p leaves its group, or its parent leaves it. If the group was looked after so far, by a parent of its
// session, and now is not, its stopped members get SIGHUP and SIGCONT.
static void group_farewell(const struct process *p, const struct process *parent,
                           const struct process *leaving)
{
    struct process *member;
    int pgid = p->pgid;

    if (!parent || parent->pgid == pgid || parent->sid != p->sid ||
        !group_is_orphaned(pgid, leaving) || !group_has_stopped(pgid))
        return;
    family_for_each(member) {
        if (member->pgid != pgid || member->zombie)
            continue;
        signal_raise_process(member, SIGHUP);
        signal_raise_process(member, SIGCONT);
    }
}

// PR_SET_PDEATHSIG
static void tell_death(struct process *child, const struct process *parent)
{
    siginfo_t info = { .si_signo = child->death_signal };

    info.si_code = SI_USER;
    info.si_pid = parent->pid;
    info.si_uid = parent->credentials.uid;
    if (info.si_signo && !child->zombie)
        signal_send_process(child, &info);
}

void orphan_children_of(const struct thread *t)
{
    struct process *p = t->process, *child;

    family_lock();
    list_for_each(child, &p->children, sibling) {
        if (child->maker != t->tid)
            continue;
        child->maker = p->pid; // another thread is its parent now
        tell_death(child, p);
    }
    family_unlock();
}

void orphan_family_of(struct process *p)
{
    struct process *parent = new_parent(p), *child, *next;

    list_for_each_safe(child, next, &p->children, sibling) {
        list_remove(&child->sibling);
        child->parent = parent;
        child->exit_signal = SIGCHLD;
        list_push_back(&parent->children, &child->sibling);
        tell_death(child, p);
        if (child->zombie)
            process_tell_parent(child);
        else
            group_farewell(child, p, NULL);
    }
    group_farewell(p, p->parent, p);
}
