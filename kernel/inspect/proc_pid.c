// SPDX-License-Identifier: BSD-3-Clause
// /proc/PID and /proc/PID/task/TID: the tables, and the short files.
#include "base/printf.h"
#include "base/string.h"
#include "file/path.h"
#include "inspect/proc.h"
#include "linux/system.h"
#include "memory/heap.h"
#include "process/process.h"
#include "process/visit.h"
#include "thread/thread.h"

typedef unsigned long long ull; // for %llu

// Copies [start, end) of the process's memory; what can't be reached is missing.
static int add_memory_range(struct text *t, const struct proc_node *node, uaddr_t start,
                            uaddr_t end)
{
    struct process *p = proc_process(node);
    char part[1024];
    while (p && start < end) {
        s64 size = process_memory_read(p, part, start, min((size_t)(end - start), sizeof(part)));
        if (size <= 0)
            return 0;
        text_add_bytes(t, part, (size_t)size);
        start += (u64)size;
    }
    return 0;
}

// A program may have overwritten its arguments to show a title, also beyond their end: proc(5).
static int show_cmdline(struct text *t, const struct proc_node *node)
{
    struct process *p = proc_process(node);
    add_memory_range(t, node, p->arguments_start, p->arguments_end);
    if (!t->size || t->failed || !t->data[t->size - 1])
        return 0;
    size_t terminator = strnlen(t->data, t->size);
    if (terminator < t->size) {
        t->size = terminator + 1;
        return 0;
    }
    if (p->environment_start == p->arguments_end)
        add_memory_range(t, node, p->environment_start, p->environment_end);
    t->size = min(strnlen(t->data, t->size) + 1, t->size);
    return 0;
}

static int show_environ(struct text *t, const struct proc_node *node)
{
    struct process *p = proc_process(node);
    int error = process_access(p);
    return error ? error : add_memory_range(t, node, p->environment_start, p->environment_end);
}

static int show_auxv(struct text *t, const struct proc_node *node)
{
    struct process *p = proc_process(node);
    size_t count = 0;
    while (count + 2 <= array_count(p->auxv) && p->auxv[count])
        count += 2;
    text_add_bytes(t, p->auxv, min(count + 2, array_count(p->auxv)) * sizeof(p->auxv[0]));
    return 0;
}

static int show_comm(struct text *t, const struct proc_node *node)
{
    struct thread last, *thread = proc_thread_or_last(node, &last);
    if (!thread)
        return -ESRCH;
    text_add(t, "%s\n", thread->name);
    return 0;
}

static int store_comm(const struct proc_node *node, char *text)
{
    struct thread *thread = proc_thread(node);
    if (thread)
        strlcpy(thread->name, text, sizeof(thread->name));
    return thread ? 0 : -ESRCH;
}

static int show_limits(struct text *t, const struct proc_node *node)
{
    static const char *const names[][2] = {
        {"Max cpu time", "seconds"},     {"Max file size", "bytes"},
        {"Max data size", "bytes"},      {"Max stack size", "bytes"},
        {"Max core file size", "bytes"}, {"Max resident set", "bytes"},
        {"Max processes", "processes"},  {"Max open files", "files"},
        {"Max locked memory", "bytes"},  {"Max address space", "bytes"},
        {"Max file locks", "locks"},     {"Max pending signals", "signals"},
        {"Max msgqueue size", "bytes"},  {"Max nice priority", ""},
        {"Max realtime priority", ""},   {"Max realtime timeout", "us"},
    };
    struct process *p = proc_process(node);
    text_add(t, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
    for (size_t i = 0; i < array_count(names); i++) {
        const u64 values[] = {p->limits[i].rlim_cur, p->limits[i].rlim_max};
        text_add(t, "%-25s ", names[i][0]);
        for (int j = 0; j < 2; j++) {
            if (values[j] == RLIM64_INFINITY)
                text_add(t, "%-20s ", "unlimited");
            else
                text_add(t, "%-20llu ", (ull)values[j]);
        }
        text_add(t, "%-10s\n", names[i][1]);
    }
    return 0;
}

static int show_io(struct text *t, const struct proc_node *node)
{
    text_add(t, "rchar: 0\nwchar: 0\nsyscr: 0\nsyscw: 0\nread_bytes: 0\nwrite_bytes: 0\n"
                "cancelled_write_bytes: 0\n");
    return 0;
}

static int show_schedstat(struct text *t, const struct proc_node *node)
{
    struct thread *thread = proc_thread(node);
    text_add(t, "%llu 0 0\n", thread ? (ull)thread_cpu_time(thread) : 0ull);
    return 0;
}

static int show_personality(struct text *t, const struct proc_node *node)
{
    text_add(t, "%08x\n", proc_process(node)->personality);
    return 0;
}

static int show_timer_slack(struct text *t, const struct proc_node *node)
{
    const struct thread *thread = proc_thread(node);
    u64 slack = thread ? thread->settings.timer_slack : 0;
    text_add(t, "%llu\n", slack ? (ull)slack : 50000ull);
    return 0;
}

// Files whose text never changes: value is the text.
static int show_constant(struct text *t, const struct proc_node *node)
{
    text_add(t, "%s", (const char *)node->entry->value);
    return 0;
}

static int store_nothing(const struct proc_node *node, char *text)
{
    return 0;
}

static int show_oom_adjust(struct text *t, const struct proc_node *node)
{
    text_add(t, "%d\n", proc_process(node)->oom_adjust);
    return 0;
}

static int store_oom_adjust(const struct proc_node *node, char *text)
{
    bool negative = text[0] == '-';
    const char *end;
    u64 value;
    int error = parse_u64(text + negative, 10, &value, &end);
    if (error || *end || value > 1000)
        return -EINVAL;
    proc_process(node)->oom_adjust = (s16)(negative ? -(int)value : (int)value);
    return 0;
}

static s64 link_dentry(struct dentry *d, char *out, size_t size)
{
    char small[128], *path = small; // long enough for most: no page is touched for them
    s64 result = dentry_path(d, small, sizeof(small));
    if (result) {
        path = heap_alloc(4096);
        result = path ? dentry_path(d, path, 4096) : -ENOMEM;
    }
    if (!result)
        result = proc_link_text(path, out, size);
    if (path != small)
        heap_free(path);
    dentry_put(d);
    return result;
}

static int follow_exe(const struct proc_node *node, struct dentry **out_dentry,
                      struct file **out_file)
{
    struct process *p = proc_process(node);
    if (!p || !p->executable || !p->executable->dentry)
        return -ENOENT;
    *out_dentry = dentry_get(p->executable->dentry);
    return 0;
}

static int follow_context(const struct proc_node *node, struct dentry **out_dentry, bool working)
{
    struct process *p = proc_process(node);
    if (!p || !p->paths)
        return -ENOENT;
    lock_acquire(&p->paths->lock);
    *out_dentry = dentry_get(working ? p->paths->working : p->paths->root);
    lock_release(&p->paths->lock);
    return 0;
}

static int follow_cwd(const struct proc_node *node, struct dentry **out_dentry,
                      struct file **out_file)
{
    return follow_context(node, out_dentry, /*working=*/true);
}

static int follow_root(const struct proc_node *node, struct dentry **out_dentry,
                       struct file **out_file)
{
    return follow_context(node, out_dentry, /*working=*/false);
}

static s64 link_followed(const struct proc_node *node, char *out, size_t size)
{
    struct dentry *d;
    int error = node->entry->follow(node, &d, NULL);
    return error ? error : link_dentry(d, out, size);
}

static void list_tasks(const struct proc_node *node, u64 from, proc_list_t add, void *arg)
{
    struct process *p = proc_process(node);
    struct thread *t;
    char name[12];
    if (!p)
        return;
    lock_acquire(&p->lock);
    list_for_each(t, &p->threads, process_node)
    {
        if ((u64)t->tid < from)
            continue;
        snprintf(name, sizeof(name), "%d", t->tid);
        if (!add(arg, name, S_IFDIR, (u64)t->tid))
            break;
    }
    lock_release(&p->lock);
}

static u32 count_tasks(const struct proc_node *node)
{
    const struct process *p = proc_process(node);
    return p ? p->thread_count : 0;
}

#define CONSTANT(name, mode, text)                                                                 \
    {                                                                                              \
        name, S_IFREG | (mode), .show = show_constant, .value = (text)                             \
    }
#define STORABLE(name, text)                                                                       \
    {                                                                                              \
        name, S_IFREG | 0644, .show = show_constant, .store = store_nothing, .value = (text)       \
    }

// What many programs look for.
#define FIRST_ENTRIES                                                                              \
    {"cmdline", S_IFREG | 0444, .show = show_cmdline},                                             \
        {"exe", S_IFLNK | 0777, .link = link_followed, .follow = follow_exe},                      \
        {"fd", S_IFDIR | 0500, .list = proc_fd_list, .find = proc_fd_find},                        \
        {"maps", S_IFREG | 0444, .show = proc_show_maps},                                          \
        {"stat", S_IFREG | 0444, .show = proc_show_stat},                                          \
    {                                                                                              \
        "status", S_IFREG | 0444, .show = proc_show_status                                         \
    }

// What a process and each of its threads have.
#define COMMON_ENTRIES                                                                             \
    FIRST_ENTRIES, {"auxv", S_IFREG | 0400, .show = show_auxv},                                    \
        CONSTANT("cgroup", 0444, "0::/\n"),                                                        \
        {"comm", S_IFREG | 0644, .show = show_comm, .store = store_comm},                          \
        {"cwd", S_IFLNK | 0777, .link = link_followed, .follow = follow_cwd},                      \
        {"environ", S_IFREG | 0400, .show = show_environ},                                         \
        {"fdinfo", S_IFDIR | 0555, .list = proc_fdinfo_list, .find = proc_fdinfo_find},            \
        STORABLE("gid_map", "         0          0 4294967295\n"),                                 \
        {"io", S_IFREG | 0400, .show = show_io}, {"limits", S_IFREG | 0644, .show = show_limits},  \
        STORABLE("loginuid", "4294967295"), {"mem", S_IFREG | 0600, .ops = &proc_mem_ops},         \
        {"mountinfo", S_IFREG | 0444, .show = proc_show_mountinfo},                                \
        {"mounts", S_IFREG | 0444, .show = proc_show_mounts}, CONSTANT("oom_score", 0444, "0\n"),  \
        {"oom_score_adj", S_IFREG | 0644, .show = show_oom_adjust, .store = store_oom_adjust},     \
        {"personality", S_IFREG | 0400, .show = show_personality},                                 \
        {"root", S_IFLNK | 0777, .link = link_followed, .follow = follow_root},                    \
        {"schedstat", S_IFREG | 0444, .show = show_schedstat},                                     \
        CONSTANT("sessionid", 0444, "4294967295"), STORABLE("setgroups", "allow\n"),               \
        {"smaps", S_IFREG | 0444, .show = proc_show_smaps},                                        \
        {"smaps_rollup", S_IFREG | 0444, .show = proc_show_smaps_rollup},                          \
        {"statm", S_IFREG | 0444, .show = proc_show_statm},                                        \
        STORABLE("uid_map", "         0          0 4294967295\n"), CONSTANT("wchan", 0444, "0")

static const late_data struct proc_entry task_children[] = {COMMON_ENTRIES, {NULL}};
static const struct proc_entry task_directory = {"task", S_IFDIR | 0555, .children = task_children};

static int find_task(const struct proc_node *node, const char *name, size_t size,
                     struct proc_node *child)
{
    int error = proc_parse_id(name, size, &child->tid);
    child->entry = &task_directory;
    if (!error && (!child->tid || !proc_thread(child)))
        error = -ENOENT;
    return error;
}

static const struct proc_entry pid_first[] = {FIRST_ENTRIES, {NULL}};

static const late_data struct proc_entry pid_children[] = {
    COMMON_ENTRIES,
    {"clear_refs", S_IFREG | 0200, .store = store_nothing},
    STORABLE("coredump_filter", "00000033\n"),
    {"mountstats", S_IFREG | 0400, .show = proc_show_mountstats},
    {"net", S_IFDIR | 0555, .children = proc_net_children},
    STORABLE("oom_adj", "0\n"),
    {"pagemap", S_IFREG | 0400, .ops = &proc_pagemap_ops},
    {"task", S_IFDIR | 0555, .list = list_tasks, .find = find_task, .directories = count_tasks},
    {"timerslack_ns", S_IFREG | 0644, .show = show_timer_slack},
    {NULL},
};

const struct proc_entry proc_pid_directory = {"PID", S_IFDIR | 0555, .children = pid_children,
                                              .first = pid_first};
