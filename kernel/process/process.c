// SPDX-License-Identifier: BSD-3-Clause
// Processes: the first one, and the end of each.
#include "process/process.h"

#include <asm/signal.h>
#include <linux/capability.h>

#include "abi/boot.h"
#include "base/error_words.h"
#include "base/printf.h"
#include "base/string.h"
#include "driver/console.h"
#include "driver/tty.h"
#include "file/fd_table.h"
#include "file/path.h"
#include "file/root.h"
#include "linux/clock.h"
#include "linux/posix_timers.h"
#include "memory/heap.h"
#include "memory/user_copy.h"
#include "platform/platform.h"
#include "process/leak.h"
#include "process/signal_internal.h"
#include "thread/schedule.h"
#include "thread/thread.h"
#include "x86_64/frame.h"

#define FIRST_PID      1
#define EXIT_NOT_FOUND 127 // as shells say it
#define EXIT_CANNOT    126

static struct process first_process;
static struct address_space first_space;

static const struct {
    int resource;
    u64 soft, hard;
} default_limits[] = {
    { RLIMIT_STACK, 8u << 20, RLIM64_INFINITY }, { RLIMIT_CORE, 0, RLIM64_INFINITY },
    { RLIMIT_NOFILE, 1024, 1048576 },            { RLIMIT_MEMLOCK, 8u << 20, 8u << 20 },
    { RLIMIT_SIGPENDING, 31000, 31000 },         { RLIMIT_MSGQUEUE, 819200, 819200 },
    { RLIMIT_NICE, 0, 0 },                       { RLIMIT_RTPRIO, 0, 0 },
    { RLIMIT_NPROC, 31000, 31000 },
};

static void set_limits(struct process *p)
{
    for (int i = 0; i < RLIM_NLIMITS; i++)
        p->limits[i].rlim_cur = p->limits[i].rlim_max = RLIM64_INFINITY;
    for (size_t i = 0; i < array_count(default_limits); i++) {
        p->limits[default_limits[i].resource].rlim_cur = default_limits[i].soft;
        p->limits[default_limits[i].resource].rlim_max = default_limits[i].hard;
    }
}

static void set_credentials(struct process *p, const struct boot_info *boot)
{
    struct credentials *c = &p->credentials;
    const u64 all = (2ull << CAP_LAST_CAP) - 1;

    c->uid = c->euid = c->suid = c->fsuid = boot->uid;
    c->gid = c->egid = c->sgid = c->fsgid = boot->gid;
    c->cap_bounding = all;
    if (!boot->uid)
        c->cap_effective = c->cap_permitted = all;
}

// Makes an argv-like array of `count` strings that stand one behind the other.
static char **string_list(const struct boot_info *boot, u32 offset, u32 count)
{
    char **list = heap_alloc((count + 1) * sizeof(*list));
    char *s = (char *)(u64)boot + offset;

    for (u32 i = 0; list && i < count; i++, s += strlen(s) + 1)
        list[i] = s;
    return list;
}

static const char *boot_string(const struct boot_info *boot, u32 offset)
{
    return (const char *)boot + offset;
}

static void open_streams(const struct boot_info *boot)
{
    console_attach(&first_process);
    for (int fd = 0; fd < 3; fd++) {
        struct file *f;
        if (console_open(boot, fd, &f))
            continue; // closed on the host too
        if (fd_replace(fd, f, /*close_on_exec=*/false) < 0)
            panic("no memory for descriptor %d", fd);
    }
}

// The first thread's way into user code: everything that wants a current process happens here.
static void first_start(struct thread *t)
{
    const struct boot_info *boot = platform_boot();
    struct process *p = t->process;
    const char *program = boot_string(boot, boot->program_offset);
    const char *workdir = boot_string(boot, boot->workdir_offset);
    char **argv = string_list(boot, boot->arguments_offset, boot->argument_count);
    char **envp = string_list(boot, boot->environment_offset, boot->environment_count);
    struct dentry *directory;
    int error;

    error = root_mount(boot, &p->paths);
    if (error) {
        log_message("cannot use the image's files: error %d%s", -error,
                    error == -EUCLEAN ? " (the file system is damaged)" : "");
        process_exit(p, EXIT_CANNOT << 8);
        return;
    }
    p->paths->umask = boot->umask;
    open_streams(boot);
    if (workdir[0] && !path_lookup(AT_FDCWD, workdir, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &directory,
                                   NULL)) {
        dentry_put(p->paths->working);
        p->paths->working = directory;
    } else if (workdir[0]) {
        log_message("there is no directory %s to start in", workdir);
        process_exit(p, EXIT_CANNOT << 8);
        return;
    }
    error = argv && envp ? process_exec(p, program, argv, envp, t->frame) : -ENOMEM;
    heap_free(argv);
    heap_free(envp);
    if (!error)
        return;
    log_message("cannot run %s: %s", program, error_words(error));
    process_exit(p, (error == -ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT) << 8);
}

static void ignore_signals(struct signal_state *s, const struct boot_info *boot)
{
    u64 ignored = boot->size > __builtin_offsetof(struct boot_info, ignored_signals)
                      ? boot->ignored_signals
                      : 0; // the tender may be older

    for (int signal = 1; ignored; signal++, ignored >>= 1)
        if (ignored & 1)
            s->actions[signal - 1].handler = (uaddr_t)SIG_IGN;
}

int process_boot(const struct boot_info *boot)
{
    struct process *p = &first_process;
    struct trap_frame frame = { .call = FRAME_NO_CALL };
    struct thread *t;
    int error;

    list_init(&p->threads);
    p->space = &first_space;
    p->pid = p->pgid = p->sid = FIRST_PID;
    p->dumpable = true;
    p->start_time = clock_monotonic();
    set_limits(p);
    set_credentials(p, boot);
    address_space_init(p->space);
    if (boot->preload_entry)
        address_space_init_preloaded(p->space, boot);
    error = fd_table_create(&p->files);
    if (!error)
        error = signal_state_create(&p->signals);
    if (!error)
        error = thread_create(p, &frame, 0, &t);
    if (error)
        return error;
    ignore_signals(p->signals, boot);
    family_lock();
    family_add(p, NULL);
    family_unlock();
    t->first_start = first_start;
    thread_start(t);
    return 0;
}

void process_report_child_tid(struct thread *t)
{
    if (user_write_u32(t->set_child_tid, (u32)t->tid))
        return; // as Linux: the thread starts all the same
}

void process_exit_locked(struct process *p, int status)
{
    struct thread *t;

    assert(lock_held(&p->lock));
    if (p->exiting)
        return;
    p->exiting = true;
    p->exit_status = status;
    list_for_each(t, &p->threads, process_node)
        thread_set_work(t, WORK_EXIT);
}

void process_exit(struct process *p, int status)
{
    lock_acquire(&p->lock);
    process_exit_locked(p, status);
    lock_release(&p->lock);
}
