// SPDX-License-Identifier: BSD-3-Clause
// The processes of the family: the list of all, and the tree of parents and children.
//
// A pointer from process_find stays good for a while without a reference: a process that was waited
// for goes to the end of a queue, and its memory is used again only when GRAVES more have followed.
#include <linux/capability.h>

#include "base/printf.h"
#include "base/string.h"
#include "memory/heap.h"
#include "platform/platform.h"
#include "process/handle.h"
#include "process/member.h"
#include "process/process.h"
#include "process/signal.h"
#include "thread/thread.h"

#define GRAVES 64
#define PROCESSES_MAX 32768 // unless --pids says otherwise; vCPUs (VCPUS_MAX) may end sooner

static struct slab_cache process_cache = SLAB_CACHE("process", struct process);

static struct {
    struct lock lock;
    bool initialised;
    struct list all; // of struct process.all
    u32 count;
    struct process *first;
    struct process *graves[GRAVES];
    u32 next_grave;
} family;

void family_lock(void)
{
    lock_acquire(&family.lock);
}

void family_unlock(void)
{
    lock_release(&family.lock);
}

struct process *family_first(void)
{
    return family.first;
}

void family_add(struct process *p, struct process *parent)
{
    if (!family.first) {
        list_init(&family.all);
        family.first = p;
    }
    list_init(&p->children);
    list_init(&p->sibling);
    p->parent = parent;
    if (parent)
        list_push_back(&parent->children, &p->sibling);
    list_push_back(&family.all, &p->all);
    family.count++;
}

void family_remove(struct process *p)
{
    struct process **grave = &family.graves[family.next_grave++ % GRAVES];

    process_handle_gone(p);
    list_remove(&p->sibling);
    list_remove(&p->all);
    family.count--;
    if (*grave) {
        signal_state_free((*grave)->signals);
        slab_free(&process_cache, *grave);
    }
    *grave = p;
}

void family_empty_graves(void)
{
    struct process *p, *next;

    family_lock();
    list_for_each_safe(p, next, &family.all, all)
        if (p->zombie) // orphans that nobody waited for
            family_remove(p);
    for (int i = 0; i < GRAVES; i++) {
        if (!family.graves[i])
            continue;
        signal_state_free(family.graves[i]->signals);
        slab_free(&process_cache, family.graves[i]);
        family.graves[i] = NULL;
    }
    family_unlock();
}

struct list *family_list(void)
{
    assert(lock_held(&family.lock));
    return &family.all;
}

static bool is_full(void)
{
    static bool told;
    u32 given = platform_boot()->process_limit, limit = given ? given : PROCESSES_MAX;

    if (__atomic_load_n(&family.count, __ATOMIC_RELAXED) < limit) // pairs with family_add
        return false;
    if (!__atomic_exchange_n(&told, true, __ATOMIC_RELAXED))
        log_message("there are %u processes, and there may not be more (--pids)", limit);
    return true;
}

int family_room(bool process)
{
    const struct process *me = thread_process(), *p;
    const struct credentials *c = credentials_now();
    u64 limit = me->limits[RLIMIT_NPROC].rlim_cur, tasks = 0;
    bool privileged = !c->uid || (c->cap_effective >> CAP_SYS_RESOURCE & 1) ||
                      (c->cap_effective >> CAP_SYS_ADMIN & 1);

    if (process && is_full())
        return -EAGAIN;
    if (privileged)
        return 0;
    family_lock();
    family_for_each(p)
        if (p->credentials.uid == c->uid)
            tasks += p->thread_count;
    family_unlock();
    return tasks >= limit ? -EAGAIN : 0;
}

struct process *process_alloc(void)
{
    return slab_alloc(&process_cache);
}

void process_free(struct process *p)
{
    credentials_clear(&p->credentials);
    slab_free(&process_cache, p);
}

struct process *process_find_locked(int pid)
{
    struct process *p;

    list_for_each(p, &family.all, all)
        if (p->pid == pid)
            return p;
    return NULL;
}

struct process *process_find(int pid)
{
    struct process *p;

    lock_acquire(&family.lock);
    p = process_find_locked(pid);
    lock_release(&family.lock);
    return p;
}

struct thread *thread_acquire(int tid)
{
    struct thread *t = NULL;
    struct process *p;

    if (!tid)
        tid = thread_current()->tid;
    lock_acquire(&family.lock);
    list_for_each(p, &family.all, all) {
        if (p->zombie)
            continue;
        lock_acquire(&p->lock);
        list_for_each(t, &p->threads, process_node)
            if (t->tid == tid)
                goto found;
        lock_release(&p->lock);
    }
    t = NULL;
found:
    lock_release(&family.lock);
    return t;
}

struct process *process_of_thread(int tid)
{
    const struct thread *t = tid ? thread_acquire(tid) : NULL;

    if (!t)
        return NULL;
    lock_release(&t->process->lock);
    return t->process;
}

void process_visit(void (*visit)(struct process *p, void *arg), void *arg)
{
    struct process *p;

    lock_acquire(&family.lock);
    if (family.first)
        list_for_each(p, &family.all, all)
            if (!p->zombie)
                visit(p, arg);
    lock_release(&family.lock);
}

struct group_search {
    int group, session;
    bool found;
};

static void group_search_one(struct process *p, void *arg)
{
    struct group_search *s = arg;
    if (p->pgid == s->group && (!s->session || p->sid == s->session))
        s->found = true;
}

bool process_group_exists(int group, int session)
{
    struct group_search s = {.group = group, .session = session};
    process_visit(group_search_one, &s);
    return s.found;
}
