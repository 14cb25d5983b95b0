// SPDX-License-Identifier: BSD-3-Clause
// The child's way from clone to the kernel's first instruction. Order matters: everything that
// needs a host call or the tender's memory first, then the layers of the sandbox, the filter last.
#include "tender/process/member.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "abi/calls.h"
#include "tender/message.h"
#include "tender/process/descriptors.h"
#include "tender/process/gate.h"
#include "tender/process/sandbox.h"

#ifndef sigev_notify_thread_id // sigevent(3type) names it; the C library of Debian 12 does not
#define sigev_notify_thread_id _sigev_un._tid
#endif

#define EXIT_CANNOT_START 126
#define ADDRESS_END       0x7ffffffff000ull // of what the host lets a process map

static no_return void give_up(void)
{
    _exit(EXIT_CANNOT_START);
}

static int host_error(const char *what)
{
    message("can't start the guest: %s: %s", what, message_error(errno));
    return -1;
}

// The member dies with its supervisor, also when that died before this call.
//
// It stays in its supervisor's process group, as a background job must not read the terminal (its
// read fails with EIO). The terminal's signals don't reach it, as it blocks them.
static int bind_to_supervisor(struct member *m)
{
    struct pollfd supervisor = {m->supervisor_pidfd, POLLIN, 0};

    if (prctl(PR_SET_PDEATHSIG, SIGKILL))
        return host_error("prctl");
    if (supervisor.fd >= 0 && poll(&supervisor, 1, 0) > 0)
        _exit(EXIT_CANNOT_START);
    return 0;
}

// Gives each descriptor its number. Those that stand on another's number move up first.
static int place_descriptors(struct member *m)
{
    int count = m->fds[FD_TERMINAL] >= 0 ? FD_COUNT : m->network ? FD_TERMINAL : FD_NETWORK;

    for (int i = 0; i < count; i++) {
        int fd = m->fds[i];
        if (fd < 0) {
            fd = open("/dev/null", O_RDWR);
            m->closed[i] = i < 3;
        } else if (fd == i) {
            continue;
        }
        m->fds[i] = fcntl(fd, F_DUPFD, FD_COUNT);
        if (m->fds[i] < 0)
            return host_error("descriptors");
    }
    for (int i = 0; i < count; i++)
        if (m->fds[i] != i && dup2(m->fds[i], i) < 0)
            return host_error("descriptors");
    m->image.fd = FD_IMAGE;
    if (syscall(SYS_close_range, count, ~0u, 0) && errno != ENOSYS)
        return host_error("close_range");
    for (int fd = count; errno == ENOSYS && fd < (int)sysconf(_SC_OPEN_MAX); fd++)
        close(fd); // a host before Linux 5.9
    return 0;
}

int member_keep(struct member *m, u64 start, u64 size)
{
    u32 i = m->keep_count;

    if (i == MEMBER_KEEP_MAX) {
        message("can't start the guest: too many mappings");
        return -1;
    }
    for (; i && m->keep[i - 1].start > start; i--)
        m->keep[i] = m->keep[i - 1];
    m->keep[i] = (struct memory_range){start, start + size};
    m->keep_count++;
    return 0;
}

static void *map_private(u64 at, u64 size)
{
    void *p = mmap((void *)at, size, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE | MAP_NORESERVE, -1, 0);

    return p == (void *)at ? p : NULL;
}

// The upcall stacks. What is not mapped around them, and the last page of a stride, is their guard. Nothing on these
// stacks outlives an upcall: a fork need not copy them. Without the advice it works, slower.
static bool map_stacks(const struct member *m)
{
    for (u64 i = 0; i < m->cpu_count; i++) {
        void *stack = map_private(m->stack_base + i * UPCALL_STRIDE, m->stack_size);
        if (!stack)
            return false;
        (void)madvise(stack, m->stack_size, MADV_WIPEONFORK);
    }
    return true;
}

// The gate and the upcall stacks.
static int make_gate(struct member *m)
{
    struct gate_header header = {
        .family_base = m->family_base,
        .family_size = m->family_size,
        .queues = member_boot(m)->queues,
        .queue_count = member_boot(m)->queue_count,
        .network_queues = member_boot(m)->network.queues,
        .upcall_stack_size = m->stack_size - GATE_PRIVATE,
        .network_stage = m->network ? network_stage(m->network, member_boot(m)->network.queues) : 0,
        .death_bell = m->rights & RIGHT_FORK ? (u64)&member_boot(m)->mailbox.death_bell : 0,
    };
    memcpy(header.processors, m->processors, sizeof(header.processors));
    void *page = map_private(m->gate_base, GATE_AREA);

    if (!page)
        return host_error("memory");
    if (!map_stacks(m))
        return host_error("memory");
    gate_build(page, m->gate_base, &header);
    member_boot(m)->waist = m->gate_base + gate_calls_offset();
    if (mprotect(page, GATE_AREA, PROT_READ | PROT_EXEC))
        return host_error("memory");
    return 0;
}

static int make_tick(void)
{
    struct sigevent event;
    int timer = -1;

    memset(&event, 0, sizeof(event));
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_signo = UPCALL_SIGNAL;
    event.sigev_notify_thread_id = (int)syscall(SYS_gettid);
    if (syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &timer) || timer != TICK_TIMER)
        return host_error("timer");
    return 0;
}

// Host signals that are the guest's go to the kernel; all others stay blocked.
static int set_upcalls(const struct member *m)
{
    static const int upcalls[] = {SIGSYS, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, UPCALL_SIGNAL};
    struct {
        u64 handler, flags, restorer, mask;
    } action = {
        .handler = m->kernel_base + m->image.note.upcall_entry,
        .flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER | 0x04000000 /* SA_RESTORER */,
        .restorer = member_boot(m)->gate_base, // never used: the kernel does not return to it
    };
    stack_t stack = {.ss_sp = (void *)m->stack_base, .ss_size = m->stack_size - GATE_PRIVATE};
    static const u64 ignore[4] = {1 /* SIG_IGN */}; // ended members leave no zombies
    u64 blocked = ~0ull;

    if (m->rights & RIGHT_FORK && syscall(SYS_rt_sigaction, SIGCHLD, ignore, NULL, sizeof(u64)))
        return host_error("signals");
    if (sigaltstack(&stack, NULL))
        return host_error("signals");
    for (size_t i = 0; i < array_count(upcalls); i++) {
        blocked &= ~(1ull << (upcalls[i] - 1));
        if (syscall(SYS_rt_sigaction, upcalls[i], &action, NULL, sizeof(u64)))
            return host_error("signals");
    }
    return syscall(SYS_rt_sigprocmask, SIG_SETMASK, &blocked, NULL, sizeof(u64))
               ? host_error("signals")
               : 0;
}

// The gate's orders stand at the top of the new stack: the kernel overwrites them.
static no_return void leave(struct member *m)
{
    u64 top = m->stack_base + m->stack_size;
    struct sock_filter *filter = (struct sock_filter *)(top - SANDBOX_FILTER_MAX * sizeof(*filter));
    struct gate_start *start = (struct gate_start *)filter - 1;
    u64 from = 0;

    start->filter.len = (unsigned short)sandbox_filter(filter, m->rights, m->gate_base, GATE_AREA);
    start->filter.filter = filter;
    start->entry = m->kernel_base + m->image.note.entry;
    start->boot = (u64)member_boot(m);
    start->stack_top = top - GATE_PRIVATE;
    for (u32 i = 0; i <= m->keep_count; i++) {
        u64 to = i < m->keep_count ? m->keep[i].start : ADDRESS_END;
        if (to > from) {
            start->unmap[start->unmap_count].address = from;
            start->unmap[start->unmap_count++].size = to - from;
        }
        if (i < m->keep_count)
            from = m->keep[i].end;
    }
    ((void (*)(const struct gate_start *))gate_enter_address(m->gate_base))(start);
    __builtin_unreachable();
}

void member_run(struct member *m)
{
    if (bind_to_supervisor(m) || place_descriptors(m) || load_kernel(m) || boot_fill(m) ||
        make_gate(m))
        give_up();
    if (!(m->rights & RIGHT_MEMORY) && preload_program(m))
        give_up();
    int error = sandbox_enter();
    if (error < 0) {
        errno = -error;
        host_error("giving up privileges");
        give_up();
    }
    if ((m->rights & RIGHT_TICK && make_tick()) || set_upcalls(m))
        give_up();
    leave(m);
}
