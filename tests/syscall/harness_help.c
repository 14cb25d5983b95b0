// SPDX-License-Identifier: BSD-3-Clause
// What many cases need (harness.h): time, threads on counted stacks, signals, faults, files.
#include "harness.h"

#include <setjmp.h>

enum { STACK_COUNT = 16, STACK_SIZE = 128 * 1024 };

static struct {
    pthread_mutex_t mutex;
    struct {
        pthread_t thread;
        int used;
    } slot[STACK_COUNT];
} stacks = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static unsigned char stack_memory[STACK_COUNT][STACK_SIZE] __attribute__((aligned(4096)));

volatile sig_atomic_t signal_count;
siginfo_t signal_last;

uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void sleep_ms(int milliseconds)
{
    struct timespec left = {milliseconds / 1000, milliseconds % 1000 * 1000000L};
    while (nanosleep(&left, &left) < 0 && errno == EINTR)
        ;
}

int thread_id(void)
{
    return (int)syscall(SYS_gettid);
}

pthread_t thread_start(void *(*entry)(void *), void *argument)
{
    pthread_attr_t attributes;
    pthread_t thread = 0;
    int error = EAGAIN;
    pthread_attr_init(&attributes);
    pthread_mutex_lock(&stacks.mutex);
    for (int i = 0; i < STACK_COUNT; i++) {
        if (stacks.slot[i].used)
            continue;
        pthread_attr_setstack(&attributes, stack_memory[i], STACK_SIZE);
        error = pthread_create(&thread, &attributes, entry, argument);
        stacks.slot[i].used = error == 0;
        stacks.slot[i].thread = thread;
        break;
    }
    pthread_mutex_unlock(&stacks.mutex);
    pthread_attr_destroy(&attributes);
    if (error) {
        test_fail(__FILE_NAME__, __LINE__, "pthread_create: error %d", error);
        return 0;
    }
    return thread;
}

void thread_join(pthread_t thread)
{
    if (!thread || pthread_join(thread, NULL) != 0) {
        test_fail(__FILE_NAME__, __LINE__, "pthread_join failed");
        return;
    }
    pthread_mutex_lock(&stacks.mutex);
    for (int i = 0; i < STACK_COUNT; i++)
        if (stacks.slot[i].used && pthread_equal(stacks.slot[i].thread, thread))
            stacks.slot[i].used = 0;
    pthread_mutex_unlock(&stacks.mutex);
}

void on_signal(int signal, signal_handler handler, int flags)
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags};
    sigemptyset(&action.sa_mask);
    if (sigaction(signal, &action, NULL) < 0)
        test_fail(__FILE_NAME__, __LINE__, "sigaction %d: errno %d", signal, errno);
}

void count_signal(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)context;
    signal_last = *info;
    signal_count++;
}

void block_signal(int signal)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, signal);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

void unblock_signal(int signal)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, signal);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

static struct {
    int signal, milliseconds, target;
    pthread_t thread;
} later;

static void *send_later(void *unused)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    sleep_ms(later.milliseconds);
    syscall(SYS_tgkill, getpid(), later.target, later.signal);
    return unused;
}

void signal_me_later(int signal, int milliseconds)
{
    later.signal = signal;
    later.milliseconds = milliseconds;
    later.target = thread_id();
    later.thread = thread_start(send_later, NULL);
}

void signal_me_done(void)
{
    thread_join(later.thread);
}

static sigjmp_buf fault_return;
static volatile int fault_signal;
static siginfo_t fault_info;

static void on_fault(int signal, siginfo_t *info, void *context)
{
    (void)context;
    fault_signal = signal;
    fault_info = *info;
    siglongjmp(fault_return, 1);
}

int fault_of(void (*run)(void *), void *argument, siginfo_t *out_info)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
    struct sigaction old[COUNT(faults)];
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    sigemptyset(&action.sa_mask);
    fault_signal = 0;
    for (size_t i = 0; i < COUNT(faults); i++)
        sigaction(faults[i], &action, &old[i]);
    if (sigsetjmp(fault_return, 1) == 0)
        run(argument);
    for (size_t i = 0; i < COUNT(faults); i++)
        sigaction(faults[i], &old[i], NULL);
    if (out_info)
        *out_info = fault_info;
    return fault_signal;
}

static void read_byte(void *address)
{
    (void)*(volatile char *)address;
}

static void write_byte(void *address)
{
    *(volatile char *)address = 1;
}

int fault_of_read(const volatile void *address)
{
    return fault_of(read_byte, (void *)(uintptr_t)address, NULL);
}

int fault_of_write(volatile void *address)
{
    return fault_of(write_byte, (void *)(uintptr_t)address, NULL);
}

int make_file(const char *name, const char *content)
{
    int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);
    size_t size = strlen(content);
    if (fd < 0 || write(fd, content, size) != (ssize_t)size || lseek(fd, 0, SEEK_SET) != 0)
        test_fail(__FILE_NAME__, __LINE__, "make_file %s: errno %d", name, errno);
    return fd;
}

long read_file(const char *path, char *buffer, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t total = 0;
    if (fd < 0)
        return -1;
    for (ssize_t got; total + 1 < size; total += (size_t)got) {
        got = read(fd, buffer + total, size - 1 - total);
        if (got <= 0)
            break;
    }
    close(fd);
    buffer[total] = 0;
    return (long)total;
}
