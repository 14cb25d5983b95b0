// SPDX-License-Identifier: BSD-3-Clause
// ptrace: stops at signals, calls and events; registers and memory of a tracee; attaching and letting go.
#include "harness.h"

#include <elf.h>
#include <linux/ptrace.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

static long trace(long request, pid_t pid, unsigned long address, unsigned long data)
{
    return syscall(SYS_ptrace, request, pid, address, data);
}

static volatile long word = 1;

// A child that is traced, stopped by a SIGSTOP of its own.
static pid_t start_tracee(void (*run)(void))
{
    int status;
    pid_t child = fork();
    if (!child) {
        if (trace(PTRACE_TRACEME, 0, 0, 0))
            _exit(99);
        raise(SIGSTOP);
        run();
        _exit(5);
    }
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
    return child;
}

static int next_stop(pid_t child, long request, unsigned long signal)
{
    int status = -1;
    EXPECT_OK(trace(request, child, 0, signal));
    EXPECT_EQ(waitpid(child, &status, __WALL), child);
    return status;
}

static void expect_end(pid_t child, int code)
{
    int status = next_stop(child, PTRACE_CONT, 0);
    EXPECT(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), code);
}

static void nothing(void)
{
}

static void add_to_word(void)
{
    word += 10;
    raise(SIGUSR1);
    _exit((int)word);
}

CASE(memory_and_registers)
{
    struct user_regs_struct r;
    struct iovec v = {&r, sizeof(r)};
    long value;
    pid_t child = start_tracee(add_to_word);
    EXPECT_OK(trace(PTRACE_PEEKDATA, child, (unsigned long)&word, (unsigned long)&value));
    EXPECT_EQ(value, 1);
    EXPECT_OK(trace(PTRACE_POKEDATA, child, (unsigned long)&word, 20));
    EXPECT_EQ(word, 1);
    EXPECT_ERROR(trace(PTRACE_PEEKDATA, child, 8, (unsigned long)&value), EIO);
    EXPECT_OK(trace(PTRACE_GETREGS, child, 0, (unsigned long)&r));
    EXPECT(r.rsp != 0 && r.rip != 0 && r.cs == 0x33 && r.ss == 0x2b);
    r.r15 = 0x1234;
    EXPECT_OK(trace(PTRACE_SETREGS, child, 0, (unsigned long)&r));
    memset(&r, 0, sizeof(r));
    EXPECT_OK(trace(PTRACE_GETREGSET, child, NT_PRSTATUS, (unsigned long)&v));
    EXPECT_EQ(v.iov_len, sizeof(r));
    EXPECT_EQ(r.r15, 0x1234);
    EXPECT_OK(trace(PTRACE_PEEKUSR, child, offsetof(struct user, regs.rip), (unsigned long)&value));
    EXPECT_EQ((unsigned long)value, r.rip);
    int status = next_stop(child, PTRACE_CONT, 0);
    EXPECT(WIFSTOPPED(status) && WSTOPSIG(status) == SIGUSR1);
    expect_end(child, 30); // the signal is dropped
}

CASE(a_signal_that_is_let_through_kills)
{
    siginfo_t info;
    pid_t child = start_tracee(add_to_word);
    int status = next_stop(child, PTRACE_CONT, 0);
    EXPECT(WIFSTOPPED(status) && WSTOPSIG(status) == SIGUSR1);
    EXPECT_OK(trace(PTRACE_GETSIGINFO, child, 0, (unsigned long)&info));
    EXPECT_EQ(info.si_signo, SIGUSR1);
    EXPECT_EQ(info.si_pid, child);
    status = next_stop(child, PTRACE_CONT, SIGTERM);
    EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}

static void call_getppid(void)
{
    for (int i = 0; i < 20; i++)
        if (syscall(SYS_getppid) == 4242)
            _exit(i);
    _exit(77);
}

CASE(stops_at_calls)
{
    struct ptrace_syscall_info info;
    struct user_regs_struct r;
    int status, calls = 0;
    pid_t child = start_tracee(call_getppid);
    EXPECT_OK(trace(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACESYSGOOD));
    while (calls < 12) {
        status = next_stop(child, PTRACE_SYSCALL, 0);
        EXPECT(WIFSTOPPED(status) && WSTOPSIG(status) == (SIGTRAP | 0x80));
        EXPECT(trace(PTRACE_GET_SYSCALL_INFO, child, sizeof(info), (unsigned long)&info) > 0);
        if (info.op != PTRACE_SYSCALL_INFO_ENTRY || info.entry.nr != SYS_getppid)
            continue;
        calls++;
        status = next_stop(child, PTRACE_SYSCALL, 0);
        EXPECT(trace(PTRACE_GET_SYSCALL_INFO, child, sizeof(info), (unsigned long)&info) > 0);
        EXPECT_EQ(info.op, PTRACE_SYSCALL_INFO_EXIT);
        EXPECT_EQ(info.exit.rval, getpid());
    }
    EXPECT_OK(trace(PTRACE_GETREGS, child, 0, (unsigned long)&r));
    r.rax = 4242;
    EXPECT_OK(trace(PTRACE_SETREGS, child, 0, (unsigned long)&r));
    expect_end(child, 11);
}

CASE(a_call_is_replaced)
{
    struct user_regs_struct r;
    pid_t child = start_tracee(call_getppid);
    do {
        next_stop(child, PTRACE_SYSCALL, 0);
        EXPECT_OK(trace(PTRACE_GETREGS, child, 0, (unsigned long)&r));
    } while (r.orig_rax != SYS_getppid);
    EXPECT_EQ((long)r.rax, -ENOSYS);
    r.orig_rax = (unsigned long)-1;
    r.rax = 4242;
    EXPECT_OK(trace(PTRACE_SETREGS, child, 0, (unsigned long)&r));
    expect_end(child, 0);
}

CASE(single_steps)
{
    struct user_regs_struct r;
    unsigned long before = 0, different = 0;
    pid_t child = start_tracee(call_getppid);
    for (int i = 0; i < 300; i++) {
        int status = next_stop(child, PTRACE_SINGLESTEP, 0);
        EXPECT(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP);
        EXPECT_OK(trace(PTRACE_GETREGS, child, 0, (unsigned long)&r));
        different += r.rip != before;
        before = r.rip;
    }
    EXPECT(different > 250);
    expect_end(child, 77);
}

static void fork_once(void)
{
    int status;
    pid_t child = fork();
    if (!child)
        _exit(6);
    waitpid(child, &status, 0);
    _exit(WEXITSTATUS(status) + 1);
}

CASE(forks_are_followed)
{
    unsigned long message = 0;
    int status;
    pid_t child = start_tracee(fork_once);
    EXPECT_OK(trace(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACEFORK | PTRACE_O_TRACEEXIT | PTRACE_O_EXITKILL));
    status = next_stop(child, PTRACE_CONT, 0);
    EXPECT_EQ(status >> 8, SIGTRAP | PTRACE_EVENT_FORK << 8);
    EXPECT_OK(trace(PTRACE_GETEVENTMSG, child, 0, (unsigned long)&message));
    pid_t grandchild = (pid_t)message;
    EXPECT_EQ(waitpid(grandchild, &status, __WALL), grandchild);
    EXPECT_EQ(status >> 8, SIGSTOP);
    status = next_stop(grandchild, PTRACE_CONT, 0);
    EXPECT_EQ(status >> 8, SIGTRAP | PTRACE_EVENT_EXIT << 8);
    EXPECT_OK(trace(PTRACE_GETEVENTMSG, grandchild, 0, (unsigned long)&message));
    EXPECT_EQ(message, 6 << 8);
    status = next_stop(grandchild, PTRACE_CONT, 0);
    EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 6);
    do
        status = next_stop(child, PTRACE_CONT, 0);
    while (WIFSTOPPED(status) && WSTOPSIG(status) == SIGCHLD);
    EXPECT_EQ(status >> 8, SIGTRAP | PTRACE_EVENT_EXIT << 8);
    expect_end(child, 7);
}

static void exec_true(void)
{
    execl("/proc/self/exe", "ptrace", "--help", NULL);
    _exit(98);
}

CASE(exec_traps)
{
    int status;
    pid_t child = start_tracee(exec_true);
    status = next_stop(child, PTRACE_CONT, 0);
    EXPECT(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP);
    EXPECT_OK(kill(child, SIGKILL));
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    child = start_tracee(exec_true);
    EXPECT_OK(trace(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACEEXEC));
    status = next_stop(child, PTRACE_CONT, 0);
    EXPECT_EQ(status >> 8, SIGTRAP | PTRACE_EVENT_EXEC << 8);
    EXPECT_OK(kill(child, SIGKILL));
    EXPECT_EQ(waitpid(child, &status, 0), child);
}

static pid_t start_busy(void)
{
    pid_t child = fork();
    while (!child)
        ;
    return child;
}

CASE(attach_and_detach)
{
    int status;
    pid_t child = start_busy();
    EXPECT_OK(trace(PTRACE_ATTACH, child, 0, 0));
    EXPECT_ERROR(trace(PTRACE_ATTACH, child, 0, 0), EPERM);
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
    EXPECT_OK(trace(PTRACE_DETACH, child, 0, 0));
    EXPECT_ERROR(trace(PTRACE_CONT, child, 0, 0), ESRCH);
    EXPECT_EQ(waitpid(child, &status, WNOHANG), 0);
    EXPECT_OK(kill(child, SIGKILL));
    EXPECT_EQ(waitpid(child, &status, 0), child);
}

CASE(seize_and_interrupt)
{
    int status;
    pid_t child = start_busy();
    EXPECT_OK(trace(PTRACE_SEIZE, child, 0, 0));
    EXPECT_ERROR(trace(PTRACE_CONT, child, 0, 0), ESRCH);
    for (int i = 0; i < 20; i++) {
        EXPECT_OK(trace(PTRACE_INTERRUPT, child, 0, 0));
        EXPECT_EQ(waitpid(child, &status, 0), child);
        EXPECT_EQ(status >> 8, SIGTRAP | PTRACE_EVENT_STOP << 8);
        EXPECT_OK(trace(PTRACE_CONT, child, 0, 0));
    }
    EXPECT_OK(kill(child, SIGTERM));
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTERM);
    status = next_stop(child, PTRACE_CONT, SIGTERM);
    EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}

// As strace -p and gdb -p do with what job control has stopped.
CASE(attach_to_a_stopped_process)
{
    siginfo_t info;
    int status;
    pid_t child = start_busy();
    EXPECT_OK(kill(child, SIGSTOP));
    EXPECT_EQ(waitpid(child, &status, WUNTRACED), child);
    EXPECT_OK(trace(PTRACE_ATTACH, child, 0, 0));
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
    EXPECT_ERROR(trace(PTRACE_GETSIGINFO, child, 0, (unsigned long)&info), EINVAL); // not a signal's stop
    EXPECT_OK(trace(PTRACE_DETACH, child, 0, 0));
    EXPECT_EQ(waitpid(child, &status, WUNTRACED | WNOHANG), 0);
    EXPECT_OK(trace(PTRACE_SEIZE, child, 0, 0));
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status >> 8, SIGSTOP | PTRACE_EVENT_STOP << 8);
    EXPECT_OK(trace(PTRACE_DETACH, child, 0, 0));
    EXPECT_OK(kill(child, SIGCONT));
    EXPECT_EQ(waitpid(child, &status, WCONTINUED), child);
    EXPECT(WIFCONTINUED(status));
    EXPECT_OK(kill(child, SIGKILL));
    EXPECT_EQ(waitpid(child, &status, 0), child);
}

CASE(breakpoint_in_text)
{
    struct user_regs_struct r;
    long text;
    int status;
    pid_t child = start_tracee(nothing);
    unsigned long at = (unsigned long)(uintptr_t)nothing;
    EXPECT_OK(trace(PTRACE_PEEKTEXT, child, at, (unsigned long)&text));
    EXPECT_OK(trace(PTRACE_POKETEXT, child, at, ((unsigned long)text & ~0xfful) | 0xcc));
    status = next_stop(child, PTRACE_CONT, 0);
    EXPECT(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP);
    EXPECT_OK(trace(PTRACE_GETREGS, child, 0, (unsigned long)&r));
    EXPECT_EQ(r.rip, at + 1);
    r.rip = at;
    EXPECT_OK(trace(PTRACE_POKETEXT, child, at, (unsigned long)text));
    EXPECT_OK(trace(PTRACE_SETREGS, child, 0, (unsigned long)&r));
    expect_end(child, 5);
}

CASE(tracees_outlive_their_tracer)
{
    int go[2], status;
    EXPECT_OK(pipe(go));
    pid_t child = fork();
    if (!child) {
        char byte;
        _exit(read(go[0], &byte, 1) == 1 ? 8 : 9);
    }
    pid_t tracer = fork();
    if (!tracer) {
        if (trace(PTRACE_SEIZE, child, 0, 0) || trace(PTRACE_INTERRUPT, child, 0, 0))
            _exit(1);
        _exit(waitpid(child, &status, __WALL) == child ? 0 : 2);
    }
    EXPECT_EQ(waitpid(tracer, &status, 0), tracer);
    EXPECT_EQ(status, 0);
    EXPECT_EQ(write(go[1], "x", 1), 1);
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 8);
    close(go[0]);
    close(go[1]);
}

static void *ends_soon(void *arg)
{
    return arg;
}

static void thread_once(void)
{
    pthread_t t;
    pthread_create(&t, NULL, ends_soon, NULL);
    pthread_join(t, NULL);
}

CASE(threads_are_followed)
{
    unsigned long message = 0;
    int status;
    pid_t child = start_tracee(thread_once);
    EXPECT_OK(trace(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACECLONE));
    status = next_stop(child, PTRACE_CONT, 0);
    EXPECT_EQ(status >> 8, SIGTRAP | PTRACE_EVENT_CLONE << 8);
    EXPECT_OK(trace(PTRACE_GETEVENTMSG, child, 0, (unsigned long)&message));
    EXPECT_EQ(waitpid((pid_t)message, &status, __WALL), (pid_t)message);
    EXPECT_EQ(status >> 8, SIGSTOP);
    EXPECT_OK(trace(PTRACE_CONT, child, 0, 0));
    status = next_stop((pid_t)message, PTRACE_CONT, 0); // its own, or the process's when that ends at once
    EXPECT(WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 5));
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 5);
}

CASE(refusals)
{
    EXPECT_ERROR(trace(PTRACE_ATTACH, getpid(), 0, 0), EPERM);
    EXPECT_ERROR(trace(PTRACE_ATTACH, 4000000, 0, 0), ESRCH);
    EXPECT_ERROR(trace(PTRACE_CONT, getppid(), 0, 0), ESRCH);
    pid_t child = start_tracee(nothing);
    EXPECT_ERROR(trace(PTRACE_SETOPTIONS, child, 0, 1u << 30), EINVAL);
    EXPECT_ERROR(trace(0x7777, child, 0, 0), EIO);
    expect_end(child, 5);
}

static const struct test_case cases[] = {
    ENTRY(memory_and_registers),
    ENTRY(a_signal_that_is_let_through_kills),
    ENTRY(stops_at_calls),
    ENTRY(a_call_is_replaced),
    ENTRY(single_steps),
    ENTRY(forks_are_followed),
    ENTRY(exec_traps),
    ENTRY(attach_and_detach),
    ENTRY(seize_and_interrupt),
    ENTRY(attach_to_a_stopped_process),
    ENTRY(breakpoint_in_text),
    ENTRY(tracees_outlive_their_tracer),
    ENTRY(threads_are_followed),
    ENTRY(refusals),
};
TEST_MAIN(cases)
