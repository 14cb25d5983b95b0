// SPDX-License-Identifier: BSD-3-Clause
// Fills boot_info, with the strings and the console's queues behind it:
//
//     boot_offset  struct boot_info | strings | cpuid | pad to 64 | queues | pad to a page | missing: family_free
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "abi/queue.h"
#include "tender/message.h"
#include "tender/process/descriptors.h"
#include "tender/process/gate.h"
#include "tender/process/member.h"

#define STRINGS_MAX   (8u << 20)
#define HOST_TCGETS2  0x802c542aul // TCGETS2, whose struct musl does not have
#define TERMIOS2_SIZE 44

// Strings are written one behind the other; `size` counts on beyond the limit.
struct strings {
    struct boot_info *boot;
    u64 size;
};

static u32 put(struct strings *to, const char *text)
{
    u64 size = strlen(text) + 1, at = sizeof(struct boot_info) + to->size;

    if (to->size + size <= STRINGS_MAX)
        memcpy((u8 *)to->boot + at, text, size);
    to->size += size;
    return (u32)at;
}

static u32 put_list(struct strings *to, const char *const *list)
{
    u32 count = 0;

    for (; list && list[count]; count++)
        put(to, list[count]);
    return count;
}

static u32 put_manifest(struct strings *to, const struct manifest_strings *list)
{
    for (const char *s = manifest_next(list, NULL); s; s = manifest_next(list, s))
        put(to, s);
    return list->count;
}

static u32 put_arguments(struct strings *to, const struct member *m, const char *program)
{
    const struct tender_config *config = m->config;
    u32 count = config->arguments ? put_list(to, config->arguments)
                                  : put_manifest(to, &m->image.manifest.arguments);

    if (!count) {
        put(to, program);
        count = 1;
    }
    return count + put_list(to, config->more_arguments);
}

static bool same_name(const char *a, const char *b)
{
    size_t size = strcspn(a, "=");

    return !strncmp(a, b, size) && (b[size] == '=' || !b[size]);
}

// The manifest's environment without what the caller sets anew, then the caller's.
static u32 put_environment(struct strings *to, const struct member *m)
{
    const char *const *mine = m->config->environment;
    const struct manifest_strings *list = &m->image.manifest.environment;
    u32 count = 0;

    for (const char *s = manifest_next(list, NULL); s; s = manifest_next(list, s)) {
        bool replaced = false;
        for (u32 i = 0; mine && mine[i]; i++)
            replaced |= same_name(s, mine[i]);
        if (replaced)
            continue;
        put(to, s);
        count++;
    }
    return count + put_list(to, mine);
}

static const char *either(const char *a, const char *b, const char *otherwise)
{
    return a ? a : b ? b : otherwise;
}

static int put_strings(struct boot_info *boot, const struct member *m)
{
    const struct tender_config *config = m->config;
    const struct manifest *manifest = &m->image.manifest;
    struct strings to = {boot, 0};
    const char *program = config->program ? config->program : manifest->program;

    boot->program_offset = put(&to, program);
    boot->workdir_offset = put(&to, either(config->workdir, manifest->workdir, "/"));
    boot->hostname_offset = put(&to, either(config->hostname, manifest->hostname, "clade"));
    boot->arguments_offset = (u32)(sizeof(*boot) + to.size);
    boot->argument_count = put_arguments(&to, m, program);
    boot->environment_offset = (u32)(sizeof(*boot) + to.size);
    boot->environment_count = put_environment(&to, m);
    if (to.size > STRINGS_MAX)
        return message_image(m->image.path, "arguments and environment are too long");
    boot->strings_size = (u32)to.size;
    return 0;
}

static u32 stream_kind(const struct member *m, int fd, struct boot_info *boot)
{
    struct stat s;

    int flags = fcntl(fd, F_GETFL);

    if (m->closed[fd] || flags < 0 || fstat(fd, &s))
        return STREAM_CLOSED;
    boot->stream_mode[fd] = m->rights & RIGHT_MEMORY ? s.st_mode : 0; // memory.policy
    boot->stream_appends |= flags & O_APPEND ? 1u << fd : 0;
    if ((flags & O_ACCMODE) == (fd ? O_RDONLY : O_WRONLY))
        return STREAM_REVERSED;
    if (S_ISFIFO(s.st_mode))
        return STREAM_PIPE;
    if (S_ISSOCK(s.st_mode))
        return STREAM_SOCKET;
    if (!S_ISCHR(s.st_mode))
        return STREAM_FILE;
    return s.st_rdev == makedev(1, 3) ? STREAM_NULL : isatty(fd) ? STREAM_TTY : STREAM_PIPE;
}

static void fill_streams(const struct member *m, struct boot_info *boot)
{
    struct winsize size;
    bool found = false;

    for (int i = 0; i < 3; i++) {
        boot->stream[i] = stream_kind(m, i, boot);
        if (boot->stream[i] != STREAM_TTY || found)
            continue;
        if (!ioctl(i, TIOCGWINSZ, &size)) {
            boot->mailbox.winsize_rows = size.ws_row;
            boot->mailbox.winsize_columns = size.ws_col;
        }
        found = !ioctl(i, (int)HOST_TCGETS2, boot->mailbox.termios);
    }
    _Static_assert(TERMIOS2_SIZE <= sizeof(boot->mailbox.termios), "struct termios2");
}

// What a caller ignores, as nohup(1) does, a program inherits. [execve(2)]
static u64 ignored_signals(void)
{
    static const int signals[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGTERM, SIGPIPE,
                                  SIGUSR1, SIGUSR2, SIGTSTP, SIGTTIN, SIGTTOU};
    struct sigaction action;
    u64 ignored = 0;

    for (size_t i = 0; i < array_count(signals); i++)
        if (!sigaction(signals[i], NULL, &action) && action.sa_handler == SIG_IGN)
            ignored |= 1ull << (signals[i] - 1);
    return ignored;
}

static u64 nanoseconds(clockid_t clock)
{
    struct timespec now;

    syscall(SYS_clock_gettime, clock, &now); // the vDSO costs two page faults
    return (u64)now.tv_sec * 1000000000ull + (u64)now.tv_nsec;
}

// Both clocks and the counter at one instant: the pair is taken between two readings of the
// counter.
static void fill_clocks(struct boot_info *boot)
{
    u64 before = __builtin_ia32_rdtsc();

    boot->clock_monotonic = nanoseconds(CLOCK_MONOTONIC);
    boot->clock_tsc = before + (__builtin_ia32_rdtsc() - before) / 2;
    boot->clock_realtime = nanoseconds(CLOCK_REALTIME);
}

// The answers of CPUID behind the strings; returns where they end.
static u64 put_cpuid(struct boot_info *boot, const struct member *m)
{
    u64 at = (sizeof(*boot) + boot->strings_size + 7) & ~7ull;

    memcpy((u8 *)boot + at, m->cpuid, m->cpuid_count * sizeof(*m->cpuid));
    boot->cpuid_count = m->cpuid_count;
    boot->cpuid_offset = (u32)at;
    return at + m->cpuid_count * sizeof(*m->cpuid);
}

int boot_fill(struct member *m)
{
    struct boot_info *boot = member_boot(m);
    const struct tender_config *config = m->config;
    u64 at;

    if (put_strings(boot, m))
        return -1;
    at = (m->boot_offset + put_cpuid(boot, m) + 63) & ~63ull;
    boot->queues = m->family_base + at;
    boot->queue_count = m->fds[FD_TERMINAL] >= 0 ? 5 : 3;
    at = page_round_up(at + boot->queue_count * sizeof(struct waist_queue));
    if (config->note_missing) {
        boot->missing = m->family_base + at;
        at += page_round_up(sizeof(struct boot_missing));
    }
    if (m->network)
        network_fill(m->network, &boot->network, m->family_base + m->network_offset);
    boot->family_free = page_round_up(at);
    boot->magic = BOOT_MAGIC;
    boot->version = BOOT_VERSION;
    boot->size = sizeof(*boot);
    boot->kernel_base = m->kernel_base;
    boot->kernel_size = page_round_up(m->image.kernel.high);
    boot->family_base = m->family_base;
    boot->family_size = m->family_size;
    boot->image_base = m->image_base;
    boot->image_size = m->image.size;
    boot->gate_base = m->gate_base;
    boot->gate_size = GATE_AREA;
    boot->upcall_stack_base = m->stack_base;
    boot->upcall_stack_size = m->stack_size - GATE_PRIVATE;
    boot->rights = m->rights;
    boot->cpu_count = m->cpu_count;
    boot->upcall_stack_stride = UPCALL_STRIDE;
    boot->process_limit = config->process_limit;
    boot->memory_limit = config->memory_limit ? config->memory_limit : m->image.manifest.memory;
    boot->host_memory = m->host_memory;
    boot->host_tid = (u32)syscall(SYS_gettid);
    memcpy(boot->seed, m->seed, sizeof(boot->seed));
    boot->hwcap = getauxval(AT_HWCAP);
    boot->signal_stack_min = getauxval(AT_MINSIGSTKSZ);
    boot->umask = 022;
    boot->flags = (config->trace ? BOOT_TRACE : 0) | (config->debug ? BOOT_DEBUG : 0) |
                  (config->nopatch ? BOOT_NOPATCH : 0);
    fill_streams(m, boot);
    boot->ignored_signals = ignored_signals();
    fill_clocks(boot);
    return 0;
}
