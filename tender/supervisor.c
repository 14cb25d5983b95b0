// SPDX-License-Identifier: BSD-3-Clause
#include "tender/supervisor.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "abi/calls.h"
#include "tender/host_cpuid.h"
#include "tender/message.h"
#include "tender/process/descriptors.h"

#define BRIEF_MS       3
#define SETTLE_MS      20 // a guest that ends sooner never gets a control socket
#define READY_MS       1
#define EXIT_SIGNAL    128
#define WATCHER_KILLED 1
#define EXIT_NOT_RUN   126
#define SIGNAL_BIT(n)  (1ull << ((n)-1))

// What the guest's foreground group gets. Not SIGPIPE, and not what a fault of our own would raise.
#define FORWARDED                                                                                  \
    (SIGNAL_BIT(SIGHUP) | SIGNAL_BIT(SIGINT) | SIGNAL_BIT(SIGQUIT) | SIGNAL_BIT(SIGTERM) |         \
     SIGNAL_BIT(SIGUSR1) | SIGNAL_BIT(SIGUSR2) | SIGNAL_BIT(SIGALRM) | SIGNAL_BIT(SIGTSTP) |       \
     SIGNAL_BIT(SIGCONT) | SIGNAL_BIT(SIGWINCH))

u64 supervisor_now(void)
{
    struct timespec now;

    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now); // the vDSO costs two page faults
    return (u64)now.tv_sec * 1000000000ull + (u64)now.tv_nsec;
}

static struct boot_mailbox *mailbox(const struct supervisor *s)
{
    return &member_boot(s->member)->mailbox;
}

void supervisor_notify(struct supervisor *s)
{
    u64 one = 1;

    // Pairs with the kernel's release of ready_time: before, its upcall entry can't run.
    s->upcall_due = !__atomic_load_n(&mailbox(s)->ready_time, __ATOMIC_ACQUIRE);
    if (s->upcall_due)
        return;
    if (write(s->member->fds[FD_DOORBELL], &one, sizeof(one)) < 0 && errno != EAGAIN)
        message("doorbell: error %d", errno);
    kill(s->pid, UPCALL_SIGNAL);
}

void supervisor_no_network(struct supervisor *s)
{
    s->no_network = true;
    kill(s->pid, SIGKILL);
}

void supervisor_signal(struct supervisor *s, int signal)
{
    // Pairs with the kernel's exchange of `signals`.
    __atomic_or_fetch(&mailbox(s)->signals, SIGNAL_BIT(signal), __ATOMIC_RELEASE);
    supervisor_notify(s);
}

void supervisor_pin(struct supervisor *s)
{
    cpu_set_t here;
    unsigned cpu;

    memset(&s->cpus, 0xff, sizeof(s->cpus));
    if (syscall(SYS_getcpu, &cpu, NULL, NULL) || sched_getaffinity(0, sizeof(s->cpus), &s->cpus))
        return;
    CPU_ZERO(&here);
    CPU_SET(cpu, &here);
    s->pinned = !sched_setaffinity(0, sizeof(here), &here);
}

void supervisor_unpin(struct supervisor *s)
{
    if (!s->pinned)
        return;
    sched_setaffinity(s->pid, sizeof(s->cpus), &s->cpus);
    sched_setaffinity(0, sizeof(s->cpus), &s->cpus);
    s->pinned = false;
}

static int exit_code(const struct supervisor *s, int status)
{
    int signal = WTERMSIG(status);

    if (WIFEXITED(status))
        return WEXITSTATUS(status);
    if (s->no_network)
        return EXIT_NOT_RUN;
    if (s->out_of_memory)
        message("guest ended: out of memory: it needs more than the %llu MiB that it may have",
                (unsigned long long)(s->memory_limit >> 20));
    else if (signal == SIGSYS)
        message("guest ended: it tried a host system call that its policy denies");
    else if (signal == SIGKILL && s->panicked)
        return EXIT_SIGNAL + SIGABRT; // the kernel has said why
    else if (signal == SIGKILL && !s->killed)
        message("guest ended: the host killed it (its memory was needed, kill -9, or ulimit -t)");
    else if (signal != SIGKILL)
        message("guest ended: its kernel crashed (%s)", strsignal(signal));
    return EXIT_SIGNAL + signal;
}

// True when the member has ended, with its status.
static bool reap(struct supervisor *s, int *out_status)
{
    return waitpid(s->pid, out_status, WNOHANG) == s->pid;
}

static void take_signal(struct supervisor *s, int signal)
{
    if (signal == SIGCHLD)
        return;
    if (signal == SIGWINCH)
        terminal_resized(s);
    if (signal == SIGCONT)
        terminal_again(s);
    supervisor_signal(s, signal);
}

static void read_signals(struct supervisor *s)
{
    struct signalfd_siginfo info[4];
    ssize_t size = read(s->signal_fd, info, sizeof(info));

    for (ssize_t i = 0; i < size / (ssize_t)sizeof(info[0]); i++)
        take_signal(s, (int)info[i].ssi_signo);
}

// A child that continues us when the kernel rings: its guest runs again, by a timer of its own
// that sends SIGCONT. A stopped process can't see that itself. -1: no child, then only the shell
// does. It keeps the memory limit meanwhile: a guest may only say that it is stopped.
static pid_t start_watcher(struct supervisor *s)
{
    struct pollfd bell = {s->member->fds[FD_SUPERVISOR], POLLIN, 0};
    pid_t parent = getpid(), watcher = fork();
    int rung = 0;

    if (watcher)
        return watcher;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (getppid() == parent && !rung && !s->out_of_memory) {
        rung = poll(&bell, 1, s->watch_ms ? (int)s->watch_ms : -1);
        if (!rung)
            memory_watch(s);
    }
    kill(parent, SIGCONT);
    _exit(s->out_of_memory ? WATCHER_KILLED : 0);
}

// Stops this process by the signal that stopped its guest, as the shell tells its user which. False: it was not
// stopped, as the terminal's signals don't stop a group that nobody looks after. [setpgid(2), "orphaned"]
static bool stop_by(int signal_number)
{
    sigset_t set;

    if (signal_number != SIGTSTP && signal_number != SIGTTIN && signal_number != SIGTTOU) {
        kill(getpid(), SIGSTOP);
        return true;
    }
    sigemptyset(&set);
    sigaddset(&set, signal_number);
    signal(signal_number, SIG_DFL);
    kill(getpid(), signal_number);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return !sigpending(&set) && sigismember(&set, SIGCONT);
}

// The guest goes on at once, and knows from now on that it can't be stopped so.
static void go_on(struct supervisor *s, pid_t watcher)
{
    if (watcher > 0) {
        kill(watcher, SIGKILL);
        waitpid(watcher, NULL, 0);
    }
    // Pairs with the kernel's load when a signal is to stop the guest.
    __atomic_store_n(&mailbox(s)->orphaned, 1, __ATOMIC_RELEASE);
    terminal_again(s);
    supervisor_signal(s, SIGCONT);
}

// Stops this process as its guest is stopped: the shell sees a stopped job.
static void stop_with_guest(struct supervisor *s, int signal_number)
{
    struct timespec at_once = {0};
    sigset_t set;
    int status;

    terminal_restore(s);
    pid_t watcher = start_watcher(s);
    if (!stop_by(signal_number)) {
        go_on(s, watcher);
        return;
    }
    // Here somebody sent SIGCONT. The shell's is for the guest too, the watcher's is not.
    if (watcher < 0)
        return;
    if (waitpid(watcher, &status, WNOHANG) != watcher) {
        struct pollfd bell = {s->member->fds[FD_SUPERVISOR], POLLIN, 0};
        bool rung = poll(&bell, 1, 0) == 1; // then the watcher is only not gone yet
        if (!rung)
            kill(watcher, SIGKILL);
        waitpid(watcher, &status, 0);
        if (!rung)
            return;
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == WATCHER_KILLED)
        s->out_of_memory = true;
    sigemptyset(&set);
    sigaddset(&set, SIGCONT);
    sigtimedwait(&set, NULL, &at_once);
    terminal_again(s);
}

// The kernel rang: its mailbox has something for us.
static void serve_mailbox(struct supervisor *s)
{
    u64 count;

    if (read(s->member->fds[FD_SUPERVISOR], &count, sizeof(count)) < 0)
        return;
    terminal_request(s);
    // Pairs with the driver's release of network_wanted.
    s->network_wanted = __atomic_load_n(&mailbox(s)->network_wanted, __ATOMIC_ACQUIRE);
    if (__atomic_load_n(&mailbox(s)->panicked, __ATOMIC_ACQUIRE)) { // pairs with the kernel's panic
        s->panicked = true;
        kill(s->pid, SIGKILL); // and with the first member goes its PID namespace
    }
    u32 stopped = __atomic_load_n(&mailbox(s)->guest_stopped, __ATOMIC_ACQUIRE); // the kernel clears it
    if (stopped)
        stop_with_guest(s, (int)stopped);
}

static int timeout(const struct supervisor *s)
{
    if (s->upcall_due)
        return READY_MS;
    if (!s->settled)
        return SETTLE_MS;
    return s->watch_ms ? s->watch_ms : -1;
}

static void wait_once(struct supervisor *s)
{
    struct network *network = s->member->network;
    struct pollfd poll_fds[] = {
        {s->signal_fd, POLLIN, 0},
        {s->member->fds[FD_SUPERVISOR], POLLIN, 0},
        {s->client_fd < 0 ? s->control_fd : -1, POLLIN, 0},
        {s->client_fd, POLLIN, 0},
        {network ? network->said_fd : -1, POLLIN, 0},
    };
    bool due = s->upcall_due;
    int count = poll(poll_fds, array_count(poll_fds), timeout(s));

    if (due)
        supervisor_notify(s);
    if (!count && !due && !s->settled) {
        control_open(s);
        deaths_watch(s);
        if (s->member->config->cpuid_file)
            host_cpuid_write(s->member->config->cpuid_file);
    }
    if (s->watch_ms)
        memory_watch(s);
    if (poll_fds[0].revents)
        read_signals(s);
    if (poll_fds[1].revents)
        serve_mailbox(s);
    if (poll_fds[2].revents)
        control_accept(s);
    if (poll_fds[3].revents)
        control_read(s);
    if (network && network_serve(network, s->network_wanted))
        supervisor_no_network(s);
}

// The first milliseconds: a guest may end in them, so nothing is made that only a longer life
// needs, and one host call waits for all. Requests of the kernel's wait. True when the guest has
// ended.
static bool wait_briefly(struct supervisor *s, u64 signals, int *out_status)
{
    const struct timespec brief = {0, BRIEF_MS * 1000000};
    int signal;

    do {
        if (reap(s, out_status))
            return true;
        signal = (int)syscall(SYS_rt_sigtimedwait, &signals, NULL, &brief, sizeof(u64));
        if (signal > 0)
            take_signal(s, signal);
    } while (signal > 0);
    return false;
}

static void settle_down(struct supervisor *s, u64 signals)
{
    supervisor_unpin(s);
    terminal_init(s);
    // Of a session leader's group nobody has a parent in the session. Pairs with the kernel's load.
    if (getsid(0) == getpid())
        __atomic_store_n(&mailbox(s)->orphaned, 1, __ATOMIC_RELEASE);
    s->signal_fd =
        (int)syscall(SYS_signalfd4, -1, &signals, sizeof(u64), SFD_CLOEXEC | SFD_NONBLOCK);
    if (s->signal_fd >= 0)
        return;
    message("can't make a signalfd: error %d", errno);
    kill(s->pid, SIGKILL);
}

int supervisor_run(struct supervisor *s)
{
    u64 signals = FORWARDED | SIGNAL_BIT(SIGCHLD);
    int status;

    s->control_fd = s->client_fd = s->terminal_fd = -1;
    if (!wait_briefly(s, signals, &status)) {
        settle_down(s, signals);
        while (!reap(s, &status))
            wait_once(s);
    }
    // A program that ended by itself leaves the terminal as it wants it (stty does).
    if (!WIFEXITED(status) || WEXITSTATUS(status) > EXIT_SIGNAL)
        terminal_restore(s);
    return exit_code(s, status);
}
