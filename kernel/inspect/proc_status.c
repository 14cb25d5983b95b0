// SPDX-License-Identifier: BSD-3-Clause
// /proc/PID/status, stat and statm, and those of its threads. [proc_pid_status(5),
// proc_pid_stat(5)]
#include "base/string.h"
#include "driver/tty.h"
#include "file/path.h"
#include "inspect/proc.h"
#include "linux/syscall_filter.h"
#include "linux/system.h"
#include "memory/address_space.h"
#include "platform/platform.h"
#include "process/process.h"
#include "process/signal.h"
#include "thread/thread.h"

#define NS_PER_TICK 10000000ull // USER_HZ is 100
#define SIGNALS     64

typedef unsigned long long ull; // for %llu

static char state_letter(const struct process *p, const struct thread *t)
{
    if (p->stopped && !p->zombie)
        return 'T';
    switch (t->state) {
    case THREAD_RUNNING:
    case THREAD_READY:
        return 'R';
    case THREAD_STOPPED:
        return 'T';
    case THREAD_DEAD:
        return 'Z';
    default:
        return 'S';
    }
}

static const char *state_name(char letter)
{
    return letter == 'R'   ? "running"
           : letter == 'T' ? "stopped"
           : letter == 'Z' ? "zombie"
                           : "sleeping";
}

static void signal_actions(struct process *p, signal_set_t *out_ignored, signal_set_t *out_caught)
{
    *out_ignored = *out_caught = 0;
    lock_acquire(&p->signals->lock);
    for (int i = 0; i < SIGNALS; i++) {
        uaddr_t handler = p->signals->actions[i].handler;
        if (handler == 1) // SIG_IGN
            *out_ignored |= 1ull << i;
        else if (handler)
            *out_caught |= 1ull << i;
    }
    lock_release(&p->signals->lock);
}

static void add_ids(struct text *t, struct process *p, struct thread *thread)
{
    const struct credentials *c = credentials_of(thread);
    char state = state_letter(p, thread);
    text_add(t, "Name:\t%s\nUmask:\t%04o\nState:\t%c (%s)\n", thread->name,
             p->paths ? p->paths->umask : 022, state, state_name(state));
    text_add(t, "Tgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\nTracerPid:\t0\n", p->pid, thread->tid,
             p->parent ? p->parent->pid : 0);
    text_add(t, "Uid:\t%u\t%u\t%u\t%u\n", c->uid, c->euid, c->suid, c->fsuid);
    text_add(t, "Gid:\t%u\t%u\t%u\t%u\nFDSize:\t64\nGroups:\t", c->gid, c->egid, c->sgid, c->fsgid);
    lock_acquire(&p->lock);
    struct group_list *groups = group_list_get(credentials_of(thread)->groups);
    lock_release(&p->lock);
    for (u32 i = 0; groups && i < groups->count; i++)
        text_add(t, "%s%u", i ? " " : "", groups->ids[i]);
    group_list_put(groups);
    text_add(t, " \nNStgid:\t%d\nNSpid:\t%d\nNSpgid:\t%d\nNSsid:\t%d\n", p->pid, thread->tid,
             p->pgid, p->sid);
}

static void add_memory(struct text *t, struct process *p)
{
    struct memory_use use;
    proc_memory_use(p, &use);
    u64 resident = use.resident >> 10;
    text_add(t, "VmPeak:\t%8llu kB\nVmSize:\t%8llu kB\n", (ull)use.total >> 10,
             (ull)use.total >> 10);
    text_add(t, "VmLck:\t%8llu kB\nVmPin:\t%8u kB\n", (ull)use.locked >> 10, 0);
    text_add(t, "VmHWM:\t%8llu kB\nVmRSS:\t%8llu kB\n", (ull)resident, (ull)resident);
    text_add(t, "RssAnon:\t%8llu kB\nRssFile:\t%8u kB\nRssShmem:\t%8u kB\n", (ull)resident, 0, 0);
    text_add(t, "VmData:\t%8llu kB\nVmStk:\t%8llu kB\n", (ull)use.data >> 10, (ull)use.stack >> 10);
    text_add(t, "VmExe:\t%8llu kB\nVmLib:\t%8u kB\n", (ull)use.code >> 10, 0);
    text_add(t, "VmPTE:\t%8u kB\nVmSwap:\t%8u kB\nHugetlbPages:\t%8u kB\n", 0, 0, 0);
    text_add(t, "CoreDumping:\t0\nTHP_enabled:\t%u\n", !p->huge_pages_disabled);
}

static void add_signals(struct text *t, struct process *p, struct thread *thread)
{
    signal_set_t ignored, caught;
    signal_actions(p, &ignored, &caught);
    text_add(t, "Threads:\t%u\nSigQ:\t%u/%llu\n", p->thread_count,
             thread->pending.count + p->signals->shared.count,
             (ull)p->limits[RLIMIT_SIGPENDING].rlim_cur);
    text_add(t, "SigPnd:\t%016llx\nShdPnd:\t%016llx\n", (ull)thread->pending.set,
             (ull)p->signals->shared.set);
    text_add(t, "SigBlk:\t%016llx\nSigIgn:\t%016llx\nSigCgt:\t%016llx\n", (ull)thread->blocked,
             (ull)ignored, (ull)caught);
}

static void add_rights(struct text *t, struct process *p, struct thread *thread)
{
    const struct credentials *c = credentials_of(thread);
    u32 count = platform_boot()->cpu_count;
    u64 all = count >= 64 ? ~0ull : (1ull << count) - 1;
    u64 cpus = thread->settings.affinity ? thread->settings.affinity : all;
    text_add(t, "CapInh:\t%016llx\nCapPrm:\t%016llx\nCapEff:\t%016llx\n", (ull)c->cap_inheritable,
             (ull)c->cap_permitted, (ull)c->cap_effective);
    text_add(t, "CapBnd:\t%016llx\nCapAmb:\t%016llx\nNoNewPrivs:\t%u\n", (ull)c->cap_bounding,
             (ull)c->cap_ambient, c->no_new_privs);
    text_add(t, "Seccomp:\t%u\nSeccomp_filters:\t%u\n", thread->seccomp_mode,
             seccomp_filter_count(thread));
    text_add(t, "Speculation_Store_Bypass:\tnot vulnerable\n");
    text_add(t, "SpeculationIndirectBranch:\talways enabled\n");
    text_add(t, "Cpus_allowed:\t%llx\nCpus_allowed_list:\t", (ull)cpus);
    proc_add_cpu_list(t, cpus);
    text_add(t, "\nMems_allowed:\t1\nMems_allowed_list:\t0\n");
    text_add(t, "voluntary_ctxt_switches:\t0\nnonvoluntary_ctxt_switches:\t0\n");
}

int proc_show_status(struct text *t, const struct proc_node *node)
{
    struct process *p = proc_process(node);
    struct thread last, *thread = proc_thread_or_last(node, &last);
    if (!p || !thread)
        return -ESRCH;
    add_ids(t, p, thread);
    add_memory(t, p);
    add_signals(t, p, thread);
    add_rights(t, p, thread);
    return 0;
}

static u32 tty_number(const struct process *p, int *out_foreground)
{
    *out_foreground = p->tty ? p->tty->foreground : -1;
    return p->tty ? p->tty->rdevice : 0;
}

// The numbers are those of the fields in proc_pid_stat(5).
int proc_show_stat(struct text *t, const struct proc_node *node)
{
    struct process *p = proc_process(node);
    struct thread last, *thread = proc_thread_or_last(node, &last);
    signal_set_t ignored, caught;
    struct memory_use use;
    int foreground;
    if (!p || !thread)
        return -ESRCH;
    signal_actions(p, &ignored, &caught);
    proc_memory_use(p, &use);
    struct cpu_times times;
    if (node->tid)
        times = cpu_times_of(thread_cpu_time(thread), thread_system_time(thread));
    else
        process_cpu_times(p, &times);
    u32 tty = tty_number(p, &foreground);
    bool real_time = thread->settings.priority;
    text_add(t, "%d (%s) %c %d %d %d %u %d ", thread->tid, thread->name,
             state_letter(p, thread), // 1-8
             p->parent ? p->parent->pid : 0, p->pgid, p->sid, tty, foreground);
    text_add(t, "%u 0 0 0 0 ", 0x400000u); // 9 flags: PF_RANDOMIZE; 10-13 faults
    text_add(t, "%llu %llu %llu %llu %d %d %u 0 ", (ull)(times.user / NS_PER_TICK), // 14-21
             (ull)(times.system / NS_PER_TICK), (ull)((p->children_time - p->children_system) / NS_PER_TICK),
             (ull)(p->children_system / NS_PER_TICK),
             real_time ? -1 - thread->settings.priority : 20 + thread->settings.nice,
             thread->settings.nice, p->thread_count);
    text_add(t, "%llu %llu %llu %llu ", (ull)(p->start_time / NS_PER_TICK), (ull)use.total, // 22-25
             (ull)(use.resident >> PAGE_SHIFT),
             (ull)p->limits[RLIMIT_RSS].rlim_cur);
    text_add(t, "0 0 %llu 0 0 ", (ull)p->stack_top); // 26-30: code, stack, registers
    text_add(t, "%llu %llu %llu %llu ", (ull)(thread->pending.set & 0x7fffffff), // 31-34
             (ull)(thread->blocked & 0x7fffffff), (ull)(ignored & 0x7fffffff),
             (ull)(caught & 0x7fffffff));
    text_add(t, "0 0 0 17 %u %u %u 0 0 0 ", 0, thread->settings.priority, // 35-44
             thread->settings.policy);
    text_add(t, "0 0 %llu %llu %llu %llu %llu %d\n", (ull)use.heap_start, // 45-52
             (ull)p->arguments_start, (ull)p->arguments_end, (ull)p->environment_start,
             (ull)p->environment_end, p->exit_status);
    return 0;
}

int proc_show_statm(struct text *t, const struct proc_node *node)
{
    struct process *p = proc_process(node);
    struct memory_use use;
    if (!p)
        return -ESRCH;
    proc_memory_use(p, &use);
    text_add(t, "%llu %llu %llu %llu 0 %llu 0\n", (ull)use.total >> PAGE_SHIFT,
             (ull)use.resident >> PAGE_SHIFT, (ull)use.shared >> PAGE_SHIFT,
             (ull)use.code >> PAGE_SHIFT, (ull)(use.data + use.stack) >> PAGE_SHIFT);
    return 0;
}
