// SPDX-License-Identifier: BSD-3-Clause
#include "tender/run.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tender/message.h"
#include "tender/process/member.h"
#include "tender/process/sandbox.h"
#include "tender/supervisor.h"

#define EXIT_CANNOT_START   126
#define WATCH_LIMIT_MS      50  // how often to look at a guest's memory: for a limit,
#define WATCH_REPORT_MS     5   // for a report's peak
#define HWCAP2_FSGSBASE_BIT 2ul // asm/hwcap2.h

// Not by CPUID, which costs an exit in a virtual machine. All CPUs with FSGSBASE have XSAVE.
static bool check_cpu(void)
{
    if (getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE_BIT)
        return true;
    message("this machine can't run guests: its CPU or host kernel lacks the FSGSBASE instructions "
            "(needed: x86-64 since 2012, Linux 5.9)");
    return false;
}

// Namespaces as the host permits them: all; without a user namespace (root); none. [clone(2)]
static pid_t clone_member(void)
{
    static const unsigned long choices[] = {SANDBOX_NAMESPACES,
                                            SANDBOX_NAMESPACES & ~(unsigned long)CLONE_NEWUSER, 0};
    long pid = -1;

    for (size_t i = 0; i < array_count(choices) && pid < 0; i++)
        pid = syscall(SYS_clone, choices[i] | SIGCHLD, 0, 0, 0, 0);
    return (pid_t)pid;
}

static void report_start(const struct tender_config *config, const struct supervisor *s)
{
    char text[256];

    if (!config->report_fd)
        return;
    int size = snprintf(text, sizeof(text), "pid %d\ncalls %s\n", (int)s->pid,
                        sandbox_calls(s->member->rights));
    if (write(config->report_fd, text, (size_t)size) != size)
        return;
}

static void report_end(const struct tender_config *config, struct supervisor *s)
{
    char text[256];

    if (!config->report_fd)
        return;
    u64 ready = member_boot(s->member)->mailbox.ready_time;
    int size = snprintf(text, sizeof(text), "start_us %llu\nelapsed_us %llu\nmemory_peak %llu\n",
                        (unsigned long long)(ready ? (ready - s->start_time) / 1000 : 0),
                        (unsigned long long)(supervisor_now() - s->start_time) / 1000,
                        (unsigned long long)s->memory_peak);
    if (write(config->report_fd, text, (size_t)size) != size)
        return;
}

static struct member member;

const char *tender_missing(unsigned n)
{
    static char path[BOOT_MISSING_SIZE];
    const struct boot_missing *missing;
    bool noted = member.family_size && member.config->note_missing; // else it never had any memory
    u64 at = noted ? member_boot(&member)->missing : 0;
    u32 count;

    // The kernel's word for the address does not count: see boot_fill.
    if (!at || at < member.family_base || at % 4096 ||
        at - member.family_base > member.family_size - sizeof(*missing))
        return NULL;
    missing = (const struct boot_missing *)at;
    count = __atomic_load_n(&missing->count, __ATOMIC_ACQUIRE); // pairs with path_missing
    if (n >= count || n >= BOOT_MISSING_COUNT)
        return NULL;
    memcpy(path, missing->path[(count - 1 - n) % BOOT_MISSING_COUNT], sizeof(path));
    path[sizeof(path) - 1] = '\0';
    return path;
}

static int ended_by;

int tender_signal(void)
{
    return ended_by;
}

int tender_run(const struct tender_config *config)
{
    static struct supervisor supervisor;
    u64 all = ~0ull, before;

    supervisor.start_time = supervisor_now();
    if (!check_cpu() || member_plan(&member, config))
        return EXIT_CANNOT_START;
    supervisor.member = &member;
    supervisor.memory_limit =
        config->memory_limit ? config->memory_limit : member.image.manifest.memory;
    if (supervisor.memory_limit)
        supervisor.watch_ms = WATCH_LIMIT_MS;
    if (config->report_fd)
        supervisor.watch_ms = WATCH_REPORT_MS;
    // The member inherits the mask: no signal can reach it before it has said which it wants.
    syscall(SYS_rt_sigprocmask, SIG_BLOCK, &all, &before, sizeof(u64));
    supervisor_pin(&supervisor);
    member.processors = &supervisor.cpus;
    supervisor.pid = clone_member();
    if (supervisor.pid == 0)
        member_run(&member);
    if (supervisor.pid < 0) {
        message("can't make a process for the guest: %s", message_error(errno));
        return EXIT_CANNOT_START;
    }
    report_start(config, &supervisor);
    if (member.network)
        network_started(member.network);
    int code = supervisor_run(&supervisor);
    if (member.network)
        network_end(member.network);
    report_end(config, &supervisor);
    u32 signal_number = __atomic_load_n(&member_boot(&member)->mailbox.ended_by, __ATOMIC_ACQUIRE);
    if (signal_number < 65 && code == 128 + (int)signal_number)
        ended_by = (int)signal_number;
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, sizeof(u64));
    return code;
}
