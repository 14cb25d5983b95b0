// SPDX-License-Identifier: BSD-3-Clause
// /proc itself: the processes, and the files about the machine. [proc(5)]
#include "base/printf.h"
#include "inspect/proc.h"
#include "ipc/msg.h"
#include "ipc/sem.h"
#include "ipc/shm.h"
#include "linux/clock.h"
#include "linux/system.h"
#include "platform/platform.h"
#include "process/member.h"
#include "process/process.h"
#include "thread/thread.h"

#define NS_PER_SECOND 1000000000ull
#define NS_PER_TICK   10000000ull // USER_HZ is 100

typedef unsigned long long ull; // for %llu

static int show_meminfo(struct text *t, const struct proc_node *node)
{
    static const char *const zeros[] = {
        "SwapCached",   "Active",         "Inactive",    "Active(anon)", "Inactive(anon)",
        "Active(file)", "Inactive(file)", "Unevictable", "Mlocked",      "SwapTotal",
        "SwapFree",     "Dirty",          "Writeback",
    };
    struct memory_account m;
    system_memory(&m);
    ull total = m.total >> 10, free = m.free >> 10, used = total - free;
    text_add(t, "MemTotal:       %8llu kB\nMemFree:        %8llu kB\n", total, free);
    text_add(t, "MemAvailable:   %8llu kB\nBuffers:        %8u kB\n", free, 0);
    text_add(t, "Cached:         %8llu kB\n", (ull)m.cached >> 10);
    for (size_t i = 0; i < array_count(zeros); i++) {
        size_t line = t->size;
        text_add(t, "%s:", zeros[i]);
        text_pad(t, 16, line);
        text_add(t, "%8u kB\n", 0);
    }
    text_add(t, "AnonPages:      %8llu kB\nMapped:         %8u kB\nShmem:          %8u kB\n", used,
             0, 0);
    text_add(t, "KReclaimable:   %8u kB\nSlab:           %8u kB\nSReclaimable:   %8u kB\n", 0, 0,
             0);
    text_add(t, "SUnreclaim:     %8u kB\nKernelStack:    %8u kB\nPageTables:     %8u kB\n", 0,
             system_thread_count() * 16, 0);
    text_add(t, "CommitLimit:    %8llu kB\nCommitted_AS:   %8llu kB\n", total, used);
    text_add(t, "VmallocTotal:   34359738367 kB\nVmallocUsed:    %8u kB\nVmallocChunk:   %8u kB\n",
             0, 0);
    text_add(t, "AnonHugePages:  %8u kB\nShmemHugePages: %8u kB\n", 0, 0);
    text_add(t, "HugePages_Total: %7u\nHugePages_Free: %8u\nHugePages_Rsvd: %8u\n", 0, 0, 0);
    text_add(t, "HugePages_Surp: %8u\nHugepagesize:   %8u kB\nHugetlb:        %8u kB\n", 0, 2048,
             0);
    return 0;
}

static void cpu_time_add(struct process *p, void *arg)
{
    struct cpu_times *sum = arg, times;
    process_cpu_times(p, &times);
    sum->user += times.user;
    sum->system += times.system;
}

static struct cpu_times busy_ticks(void)
{
    struct cpu_times sum = {0, 0};
    process_visit(cpu_time_add, &sum);
    return (struct cpu_times){sum.user / NS_PER_TICK, sum.system / NS_PER_TICK};
}

// Idle is what the programs did not use since they were started, not since the host was.
static u64 idle_ticks(struct cpu_times used)
{
    u64 busy = used.user + used.system;
    const struct process *first = process_find(1);
    u64 since = first ? (clock_monotonic() - first->start_time) / NS_PER_TICK : 0;
    since *= platform_boot()->cpu_count;
    return since > busy ? since - busy : 0;
}

static int show_stat(struct text *t, const struct proc_node *node)
{
    u32 cpus = platform_boot()->cpu_count;
    struct cpu_times busy = busy_ticks();
    u64 idle = idle_ticks(busy);
    text_add(t, "cpu  %llu 0 %llu %llu 0 0 0 0 0 0\n", (ull)busy.user, (ull)busy.system, (ull)idle);
    for (u32 i = 0; i < cpus; i++)
        text_add(t, "cpu%u %llu 0 %llu %llu 0 0 0 0 0 0\n", i, (ull)busy.user / cpus, (ull)busy.system / cpus,
                 (ull)idle / cpus);
    text_add(t, "intr 0\nctxt 0\nbtime %llu\nprocesses 1\nprocs_running 1\nprocs_blocked 0\n",
             (ull)((clock_realtime() - clock_monotonic()) / NS_PER_SECOND));
    text_add(t, "softirq 0 0 0 0 0 0 0 0 0 0 0\n");
    return 0;
}

static int show_uptime(struct text *t, const struct proc_node *node)
{
    u64 ticks = clock_monotonic() / NS_PER_TICK, idle = idle_ticks(busy_ticks());
    text_add(t, "%llu.%02llu %llu.%02llu\n", (ull)ticks / 100, (ull)ticks % 100, (ull)idle / 100,
             (ull)idle % 100);
    return 0;
}

static int show_loadavg(struct text *t, const struct proc_node *node)
{
    text_add(t, "0.00 0.00 0.00 1/%u %d\n", system_thread_count(), thread_current()->tid);
    return 0;
}

static int show_version(struct text *t, const struct proc_node *node)
{
    struct new_utsname n;
    system_name(&n);
    text_add(t, "%s version %s (clade) (unikernel) %s\n", n.sysname, n.release, n.version);
    return 0;
}

static int show_constant(struct text *t, const struct proc_node *node)
{
    text_add(t, "%s", (const char *)node->entry->value);
    return 0;
}

static s64 link_self(const struct proc_node *node, char *out, size_t size)
{
    char name[12];
    snprintf(name, sizeof(name), "%d", thread_process()->pid);
    return proc_link_text(name, out, size);
}

static s64 link_thread_self(const struct proc_node *node, char *out, size_t size)
{
    char name[32];
    snprintf(name, sizeof(name), "%d/task/%d", thread_process()->pid, thread_current()->tid);
    return proc_link_text(name, out, size);
}

static s64 link_text(const struct proc_node *node, char *out, size_t size)
{
    return proc_link_text(node->entry->value, out, size);
}

static void list_pids(const struct proc_node *node, u64 from, proc_list_t add, void *arg)
{
    const struct process *p;
    char name[12];
    family_lock();
    family_for_each(p)
    {
        if ((u64)p->pid < from)
            continue;
        snprintf(name, sizeof(name), "%d", p->pid);
        if (!add(arg, name, S_IFDIR, (u64)p->pid))
            break;
    }
    family_unlock();
}

// A thread's id leads to its process too, though it is not listed. [proc(5)]
static int find_pid(const struct proc_node *node, const char *name, size_t size,
                    struct proc_node *child)
{
    int error = proc_parse_id(name, size, &child->pid);
    if (error)
        return error;
    child->entry = &proc_pid_directory;
    if (!child->pid || process_find(child->pid))
        return child->pid ? 0 : -ENOENT;
    const struct process *p = process_of_thread(child->pid);
    if (!p)
        return -ENOENT;
    child->tid = child->pid;
    child->pid = p->pid;
    return 0;
}

#define CONSTANT(name, text)                                                                       \
    {                                                                                              \
        name, S_IFREG | 0444, .show = show_constant, .value = (text)                               \
    }

static int show_msg(struct text *t, const struct proc_node *node)
{
    msg_show(t);
    return 0;
}

static int show_sem(struct text *t, const struct proc_node *node)
{
    sem_show(t);
    return 0;
}

static int show_shm(struct text *t, const struct proc_node *node)
{
    shm_show(t);
    return 0;
}

static const late_data struct proc_entry sysvipc_children[] = {
    {"msg", S_IFREG | 0444, .show = show_msg},
    {"sem", S_IFREG | 0444, .show = show_sem},
    {"shm", S_IFREG | 0444, .show = show_shm},
    {NULL},
};

static const struct proc_entry root_children[] = {
    CONSTANT("cgroups", "#subsys_name\thierarchy\tnum_cgroups\tenabled\n"),
    CONSTANT("cmdline", "clade\n"),
    {"cpuinfo", S_IFREG | 0444, .show = proc_show_cpuinfo},
    CONSTANT("devices",
             "Character devices:\n  1 mem\n  5 /dev/tty\n  5 /dev/console\n  5 /dev/ptmx\n"
             "136 pts\n\nBlock devices:\n"),
    CONSTANT("diskstats", ""),
    {"filesystems", S_IFREG | 0444, .show = proc_show_filesystems},
    CONSTANT("interrupts", ""),
    {"loadavg", S_IFREG | 0444, .show = show_loadavg},
    {"meminfo", S_IFREG | 0444, .show = show_meminfo},
    CONSTANT("modules", ""),
    {"mounts", S_IFLNK | 0777, .link = link_text, .value = "self/mounts"},
    {"net", S_IFLNK | 0777, .link = link_text, .value = "self/net"},
    CONSTANT("partitions", "major minor  #blocks  name\n\n"),
    {"self", S_IFLNK | 0777, .link = link_self},
    {"slabinfo", S_IFREG | 0400, .show = proc_show_slabinfo},
    {"stat", S_IFREG | 0444, .show = show_stat},
    CONSTANT("swaps", "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"),
    {"sys", S_IFDIR | 0555, .children = proc_sys_children},
    {"sysvipc", S_IFDIR | 0555, .children = sysvipc_children},
    {"thread-self", S_IFLNK | 0777, .link = link_thread_self},
    {"uptime", S_IFREG | 0444, .show = show_uptime},
    {"version", S_IFREG | 0444, .show = show_version},
    CONSTANT("vmstat", "nr_free_pages 0\npgpgin 0\npgpgout 0\npswpin 0\npswpout 0\n"),
    {NULL},
};

const struct proc_entry proc_root = {
    "", S_IFDIR | 0555, .children = root_children, .list = list_pids, .find = find_pid,
};
