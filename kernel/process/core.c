// SPDX-License-Identifier: BSD-3-Clause
// When a core is dumped, where to, and what the other threads do meanwhile.
#include "process/core.h"

#include <asm/signal.h>
#include <linux/fcntl.h>
#include <linux/stat.h>

#include "base/printf.h"
#include "base/string.h"
#include "file/inode.h"
#include "file/path.h"
#include "linux/clock.h"
#include "linux/path_argument.h"
#include "linux/system.h"
#include "memory/heap.h"
#include "process/process.h"
#include "process/signal_internal.h"
#include "thread/thread.h"
#include "x86_64/cpu.h"

#define CORE_DUMPED 0x80
#define CORE_LEAST  4096u       // a smaller limit means none [fs/coredump.c]
#define PATIENCE    1000000000u // ns, for threads that sleep deeply: vfork's parent

static struct {
    struct lock lock;
    char text[CORE_PATTERN_SIZE];
} pattern = { LOCK_INIT, "core" };

struct core_setting core_uses_pid = { 0, 0, 1 };

void core_pattern_get(char out[CORE_PATTERN_SIZE])
{
    lock_acquire(&pattern.lock);
    strlcpy(out, pattern.text, CORE_PATTERN_SIZE);
    lock_release(&pattern.lock);
}

void core_pattern_set(const char *text)
{
    lock_acquire(&pattern.lock);
    strlcpy(pattern.text, text, sizeof(pattern.text));
    lock_release(&pattern.lock);
}

// One % of the pattern. core(5)
static void add_field(char *to, size_t room, char field, const struct process *p, int signal)
{
    struct new_utsname n;

    if (field == 'p' || field == 'P')
        snprintf(to, room, "%d", p->pid);
    else if (field == 'i' || field == 'I')
        snprintf(to, room, "%d", thread_current()->tid);
    else if (field == 's')
        snprintf(to, room, "%d", signal);
    else if (field == 'u' || field == 'g')
        snprintf(to, room, "%u", field == 'u' ? p->credentials.uid : p->credentials.gid);
    else if (field == 't')
        snprintf(to, room, "%lu", (unsigned long)(clock_realtime() / 1000000000));
    else if (field == 'e')
        strlcpy(to, thread_current()->name, room);
    else if (field == '%')
        strlcpy(to, "%", room);
    else if (field == 'h') {
        system_name(&n);
        strlcpy(to, n.nodename, room);
    }
}

static void make_name(char *out, size_t size, const struct process *p, int signal)
{
    char text[CORE_PATTERN_SIZE];
    bool has_pid = false;
    size_t used = 0;

    core_pattern_get(text);
    for (const char *from = text; *from && used + 1 < size; from++) {
        if (*from != '%') {
            out[used++] = *from;
        } else if (*++from) {
            out[used] = 0;
            add_field(out + used, size - used, *from, p, signal);
            used += strnlen(out + used, size - used);
            has_pid |= *from == 'p';
        } else {
            break;
        }
    }
    out[used] = 0;
    if (!has_pid && core_uses_pid.value && used + 12 < size)
        snprintf(out + used, size - used, ".%d", p->pid);
}

static bool wanted(const struct process *p)
{
    return p->limits[RLIMIT_CORE].rlim_cur >= CORE_LEAST && p->dumpable && p != family_first();
}

// 0: the file is there, whole or cut at the limit.
static int dump(struct process *p, const siginfo_t *info)
{
    char name[2 * CORE_PATTERN_SIZE];
    struct file *f;
    int error;

    make_name(name, sizeof(name), p, info->si_signo);
    if (!name[0] || name[0] == '|') // a helper program: there is no kernel thread to run it
        return -ENOENT;
    (void)path_unlink(name); // whatever is there: that of a former end, mostly
    error = path_open(AT_FDCWD, name, O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW | O_LARGEFILE, 0600, &f);
    if (error)
        return error;
    error = core_write(p, info, f, p->limits[RLIMIT_CORE].rlim_cur);
    file_put(f);
    return error;
}

static bool all_parked(void *arg)
{
    struct process *p = arg;
    bool yes;

    lock_acquire(&p->lock);
    yes = p->parked_count + 1 >= p->thread_count;
    lock_release(&p->lock);
    return yes;
}

static bool is_over(void *arg)
{
    const struct process *p = arg;

    return !__atomic_load_n(&p->dumper, __ATOMIC_ACQUIRE); // pairs with finish
}

static void finish(struct process *p, bool dumped)
{
    lock_acquire(&p->lock);
    p->exit_status |= dumped ? CORE_DUMPED : 0;
    __atomic_store_n(&p->dumper, NULL, __ATOMIC_RELEASE); // pairs with is_over, thread_exit
    lock_release(&p->lock);
    wait_queue_wake(&p->thread_ended, ~0u);
}

void core_wait(struct thread *t)
{
    struct process *p = t->process;

    lock_acquire(&p->lock);
    bool mine = p->dumper == t; // the host killed the member meanwhile
    p->parked_count += !mine && p->dumper;
    lock_release(&p->lock);
    if (mine)
        finish(p, /*dumped=*/false);
    wait_queue_wake(&p->thread_ended, ~0u);
    if (wait_until(&p->thread_ended, DEADLINE_NONE, 0, is_over, p))
        return; // it never fails
}

// The others leave the CPU, with their registers saved.
static void park_others(struct process *p)
{
    struct thread *t;
    bool busy = true;

    // Time is up for those that cannot be woken: their registers are saved all the same.
    if (wait_until(&p->thread_ended, clock_monotonic() + PATIENCE, 0, all_parked, p))
        busy = false;
    while (busy) {
        busy = false;
        lock_acquire(&p->lock);
        list_for_each(t, &p->threads, process_node)
            busy |= t != thread_current() && __atomic_load_n(&t->on_cpu, __ATOMIC_ACQUIRE);
        lock_release(&p->lock);
        cpu_relax();
    }
}

void core_exit(struct process *p, const siginfo_t *info)
{
    bool dumps = false;

    lock_acquire(&p->lock);
    if (!p->exiting) {
        dumps = wanted(p);
        if (dumps)
            p->dumper = thread_current();
        process_exit_locked(p, info->si_signo);
    }
    lock_release(&p->lock);
    if (!dumps)
        return;
    park_others(p);
    finish(p, !dump(p, info));
}
