// SPDX-License-Identifier: BSD-3-Clause
// The machine as programs see it: uname(2), sysinfo(2), names, CPU time, personality, syslog(2), reboot(2).
#include "linux/system.h"

#include <asm/signal.h>
#include <linux/capability.h>
#include <linux/reboot.h>
#include <linux/resource.h>
#include <linux/sysinfo.h>

#include "base/string.h"
#include "linux/calls.h"
#include "linux/clock.h"
#include "memory/pages.h"
#include "memory/user_copy.h"
#include "platform/platform.h"
#include "process/process.h"
#include "thread/thread.h"

#define NAME_SIZE __NEW_UTS_LEN

static struct {
    struct lock lock;
    bool set; // hostname was changed; else boot info's
    char hostname[NAME_SIZE + 1];
    char domain[NAME_SIZE + 1];
} names;

void system_name(struct new_utsname *out)
{
    const struct boot_info *boot = platform_boot();
    memset(out, 0, sizeof(*out));
    strlcpy(out->sysname, "Linux", sizeof(out->sysname));
    strlcpy(out->release, "6.1.0-clade", sizeof(out->release));
    strlcpy(out->version, "#1 SMP PREEMPT_DYNAMIC Clade", sizeof(out->version));
    strlcpy(out->machine, "x86_64", sizeof(out->machine));
    lock_acquire(&names.lock);
    if (names.set)
        memcpy(out->nodename, names.hostname, sizeof(out->nodename));
    else
        strlcpy(out->nodename, (const char *)boot + boot->hostname_offset, sizeof(out->nodename));
    strlcpy(out->domainname, names.domain[0] ? names.domain : "(none)", sizeof(out->domainname));
    lock_release(&names.lock);
}

int system_set_hostname(const char *name, size_t size)
{
    if (size > NAME_SIZE)
        return -EINVAL;
    lock_acquire(&names.lock);
    memset(names.hostname, 0, sizeof(names.hostname));
    memcpy(names.hostname, name, size);
    names.set = true;
    lock_release(&names.lock);
    return 0;
}

int system_set_domain(const char *name, size_t size)
{
    if (size > NAME_SIZE)
        return -EINVAL;
    lock_acquire(&names.lock);
    memset(names.domain, 0, sizeof(names.domain));
    memcpy(names.domain, name, size);
    lock_release(&names.lock);
    return 0;
}

s64 sys_uname(uaddr_t to)
{
    struct new_utsname name;
    system_name(&name);
    return user_write(to, &name, sizeof(name));
}

static bool admin(void)
{
    return capable(CAP_SYS_ADMIN);
}

s64 sys_sethostname(uaddr_t name, int size)
{
    char copy[NAME_SIZE];
    if (!admin())
        return -EPERM;
    if (size < 0 || size > NAME_SIZE)
        return -EINVAL;
    int error = user_read(copy, name, (size_t)size);
    return error ? error : system_set_hostname(copy, (size_t)size);
}

s64 sys_setdomainname(uaddr_t name, int size)
{
    char copy[NAME_SIZE];
    if (!admin())
        return -EPERM;
    if (size < 0 || size > NAME_SIZE)
        return -EINVAL;
    int error = user_read(copy, name, (size_t)size);
    return error ? error : system_set_domain(copy, (size_t)size);
}

static void resident_add(struct process *p, void *arg)
{
    lock_acquire(&p->lock); // process_finish takes the space away under it
    if (p->space)
        *(u64 *)arg += address_space_resident(p->space);
    lock_release(&p->lock);
}

void system_memory(struct memory_account *out)
{
    const struct boot_info *boot = platform_boot();
    u64 used = pages_allocated() * PAGE_SIZE;
    process_visit(resident_add, &used);
    out->total = boot->memory_limit ? boot->memory_limit : boot->host_memory;
    out->free = out->total > used ? out->total - used : 0;
    out->cached = 0;
}

static void threads_add(struct process *p, void *arg)
{
    *(u32 *)arg += p->thread_count;
}

u32 system_thread_count(void)
{
    u32 count = 0;
    process_visit(threads_add, &count);
    return count;
}

u64 process_resident_most(struct process *p)
{
    lock_acquire(&p->lock);
    if (p->space)
        p->resident_most = max(p->resident_most, address_space_resident(p->space));
    lock_release(&p->lock);
    return p->resident_most;
}

u64 process_cpu_time(struct process *p)
{
    struct thread *t;
    lock_acquire(&p->lock);
    u64 time = p->dead_threads_time;
    list_for_each(t, &p->threads, process_node) time += thread_cpu_time(t);
    lock_release(&p->lock);
    return time;
}

// The system's part is an estimate (linux/dispatch.c): what was told once stays true, as Linux's cputime_adjust does it.
void process_cpu_times(struct process *p, struct cpu_times *out)
{
    u64 total, system;
    struct thread *t;

    lock_acquire(&p->lock);
    system = p->dead_threads_system;
    list_for_each(t, &p->threads, process_node) system += thread_system_time(t);
    total = p->dead_threads_time;
    list_for_each(t, &p->threads, process_node) total += thread_cpu_time(t);
    total = max(total, p->shown_user + p->shown_system);
    system = max(min(system, total), p->shown_system);
    system = total - max(total - system, p->shown_user);
    p->shown_system = system;
    p->shown_user = total - system;
    *out = (struct cpu_times){ p->shown_user, p->shown_system };
    lock_release(&p->lock);
}

void usage_set_times(struct rusage *usage, struct cpu_times times)
{
    usage->ru_utime.tv_sec = (__kernel_old_time_t)(times.user / 1000000000);
    usage->ru_utime.tv_usec = (__kernel_suseconds_t)(times.user % 1000000000 / 1000);
    usage->ru_stime.tv_sec = (__kernel_old_time_t)(times.system / 1000000000);
    usage->ru_stime.tv_usec = (__kernel_suseconds_t)(times.system % 1000000000 / 1000);
}

s64 sys_sysinfo(uaddr_t to)
{
    struct memory_account memory;
    system_memory(&memory);
    struct sysinfo info = {
        .uptime = (__kernel_long_t)(clock_monotonic() / 1000000000),
        .totalram = memory.total,
        .freeram = memory.free,
        .bufferram = 0,
        .procs = (u16)system_thread_count(),
        .mem_unit = 1,
    };
    return user_write(to, &info, sizeof(info));
}

s64 sys_getcpu(uaddr_t cpu, uaddr_t node, uaddr_t unused)
{
    int error = cpu ? user_write_u32(cpu, (u32)vcpu_this()->cpu) : 0;
    if (!error && node)
        error = user_write_u32(node, 0);
    return error;
}

s64 sys_personality(u32 persona)
{
    struct process *p = thread_process();
    u32 old = p->personality;
    if (persona != ~0u)
        p->personality = persona;
    return old;
}

// The kernel keeps no log for programs: what it has to say goes to the host. [syslog(2)]
s64 sys_syslog(int type, uaddr_t buffer, int size)
{
    enum { CLOSE, OPEN, READ, READ_ALL, READ_CLEAR, CLEAR, OFF, ON, LEVEL, UNREAD, SIZE };
    if (type < CLOSE || type > SIZE)
        return -EINVAL;
    if (!admin() && type != READ_ALL && type != SIZE)
        return -EPERM;
    if (type >= READ && type <= READ_CLEAR && (!buffer || size < 0))
        return -EINVAL;
    if (type == LEVEL && (size < 1 || size > 8))
        return -EINVAL;
    return type == SIZE ? (s64)PAGE_SIZE : 0;
}

// The machine ends with its first process: by itself, or (to be started anew) as by SIGHUP. [pid_namespaces(7)]
s64 sys_reboot(u32 magic, u32 magic2, u32 command, uaddr_t argument)
{
    if (!capable(CAP_SYS_BOOT))
        return -EPERM;
    if (magic != LINUX_REBOOT_MAGIC1 || (magic2 != LINUX_REBOOT_MAGIC2 && magic2 != LINUX_REBOOT_MAGIC2A &&
                                         magic2 != LINUX_REBOOT_MAGIC2B && magic2 != LINUX_REBOOT_MAGIC2C))
        return -EINVAL;
    switch (command) {
    case LINUX_REBOOT_CMD_CAD_ON: // there are no such keys
    case LINUX_REBOOT_CMD_CAD_OFF:
        return 0;
    case LINUX_REBOOT_CMD_HALT:
    case LINUX_REBOOT_CMD_POWER_OFF:
        process_exit(family_first(), 0);
        return 0;
    case LINUX_REBOOT_CMD_RESTART:
    case LINUX_REBOOT_CMD_RESTART2:
        process_exit(family_first(), SIGHUP);
        return 0;
    default:
        return -EINVAL;
    }
}
