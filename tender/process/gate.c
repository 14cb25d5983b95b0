// SPDX-License-Identifier: BSD-3-Clause
// The ten calls of abi/calls.h, each at most one host system call.
//
// This file is compiled position-independent, for general registers only, into the section "gate",
// which is copied to a page of its own at a random address. So: no data, no constants in memory, no
// function outside, no thread-local storage. tests/tender/run looks whether the compiler obeyed.
//
// The gate's own checks only turn a kernel's mistakes into errors. What a hostile kernel can do is
// the filter's business alone: it may jump anywhere into this page, with any registers.
#include "tender/process/gate.h"

#include <asm/poll.h>
#include <asm/siginfo.h>
#include <asm/signal.h>
#include <asm/unistd.h>
#include <linux/futex.h>
#include <linux/mman.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <linux/time.h>
#include <linux/time_types.h>

#include "abi/boot.h"
#include "abi/queue.h"
#include "tender/device/network_gate.h"
#include "tender/process/descriptors.h"
#include "tender/process/gate_call.h"

#define NSEC       1000000000ull
#define INPUTS     (1u << QUEUE_STDIN | 1u << QUEUE_NETWORK_RECEIVE | 1u << QUEUE_TERMINAL_INPUT)
#define KEEP_STACK 1ull // in the address of an upcall stack: the caller's, which a fork keeps

// The header, and the one sentence that the gate can say itself.
__asm__(".pushsection gate, \"ax\", @progbits\n"
        ".balign 16\n"
        ".globl gate_header, gate_refused\n"
        ".hidden gate_header, gate_refused\n"
        "gate_header: .skip 272\n"
        "gate_refused: .ascii \"clade: the host refused the guest's seccomp filter\\n\"\n"
        ".popsection\n");
extern const char gate_refused[51] __attribute__((visibility("hidden")));
_Static_assert(sizeof(struct gate_header) == 272, "the .skip above");

GATE s64 gate_log(const void *text, u64 size);
GATE s64 gate_clock(u64 id);
GATE s64 gate_wait(u64 timeout, u64 interest);
GATE s64 gate_ring(u64 target);
GATE s64 gate_map(u64 va, u64 size, u32 prot, u32 source, u64 offset);
GATE s64 gate_protect(u64 va, u64 size, u32 prot);
GATE s64 gate_unmap(u64 va, u64 size, u32 flags);
GATE s64 gate_fork(u64 entry, u64 stack, u64 argument, u32 *host_tid, u64 upcall_stack);
GATE s64 gate_start_vcpu(u64 entry, u64 stack, u64 argument, u32 *host_tid, u64 upcall_stack);
GATE no_return void gate_vcpu(u64 entry, u64 argument, const u32 *host_tid, u64 upcall_stack);
GATE void gate_exit(u64 status, u64 upcall_stack);
GATE no_return void gate_leave(const struct gate_start *start);

s64 gate_log(const void *text, u64 size)
{
    return host(__NR_write, 2, (u64)text, size, 0, 0, 0);
}

s64 gate_clock(u64 id)
{
    struct __kernel_timespec now;
    s64 error = host(__NR_clock_gettime, id, (u64)&now, 0, 0, 0, 0);

    return error < 0 ? error : (s64)((u64)now.tv_sec * NSEC + (u64)now.tv_nsec);
}

static inline __attribute__((always_inline)) s64 arm(u64 timeout, u64 timer)
{
    struct __kernel_itimerspec when;

    when.it_interval.tv_sec = 0;
    when.it_interval.tv_nsec = 0;
    when.it_value.tv_sec = (s64)(timeout / NSEC);
    when.it_value.tv_nsec = (s64)(timeout % NSEC);
    return host(__NR_timer_settime, timer, 0, (u64)&when, 0, 0, 0);
}

// A vCPU's own doorbell.
static inline __attribute__((always_inline)) s64 sleep_on(u64 timeout, u64 word)
{
    struct __kernel_timespec limit;

    limit.tv_sec = (s64)(timeout / NSEC);
    limit.tv_nsec = (s64)(timeout % NSEC);
    return host(__NR_futex, word, FUTEX_WAIT, 0, timeout == WAIT_FOREVER ? 0 : (u64)&limit, 0, 0);
}

s64 gate_wait(u64 timeout, u64 interest)
{
    struct pollfd poll[1 + QUEUE_TERMINAL_OUTPUT + 1];
    struct __kernel_timespec limit;
    u64 count = 1;

    if (interest & WAIT_ARM)
        return arm(timeout, interest & 0xff);
    if (interest - gate_header.family_base < gate_header.family_size)
        return sleep_on(timeout, interest);
    poll[0].fd = FD_DOORBELL;
    poll[0].events = POLLIN;
    poll[0].revents = 0;
    for (int i = 0; i <= QUEUE_TERMINAL_OUTPUT; i++) {
        if (!(interest >> i & 1))
            continue;
        poll[count].fd = i > QUEUE_NETWORK_SEND ? FD_TERMINAL : i > QUEUE_STDERR ? FD_NETWORK : i;
        poll[count].events = INPUTS >> i & 1 ? POLLIN : POLLOUT;
        poll[count++].revents = 0;
    }
    limit.tv_sec = (s64)(timeout / NSEC);
    limit.tv_nsec = (s64)(timeout % NSEC);
    s64 ready =
        host(__NR_ppoll, (u64)poll, count, timeout == WAIT_FOREVER ? 0 : (u64)&limit, 0, 8, 0);
    if (ready <= 0)
        return ready;
    u64 result = poll[0].revents ? WAIT_DOORBELL : 0;
    count = 1;
    for (int i = 0; i <= QUEUE_TERMINAL_OUTPUT; i++)
        if (interest >> i & 1 && poll[count++].revents)
            result |= 1ull << i;
    return (s64)result;
}

// One request of a stream. Bytes moved, or 0.
static inline __attribute__((always_inline)) s64 serve(u64 target, u64 address, u64 size, u64 flags)
{
    struct queue_seek *seek = (struct queue_seek *)address;
    u64 fd = target > QUEUE_STDERR ? FD_TERMINAL : target;

    if (flags & QUEUE_STAT)
        return host(__NR_fstat, fd, address, 0, 0, 0, 0);
    if (!(flags & QUEUE_SEEK))
        return host(INPUTS >> target & 1 ? __NR_read : __NR_write, fd, address, size, 0, 0, 0);
    s64 position = host(__NR_lseek, fd, (u64)seek->offset, seek->whence, 0, 0, 0);
    if (position < 0)
        return position;
    seek->offset = position;
    return 0;
}

// One descriptor of a console queue, by one host call. The fields are copied before they are looked
// at, and a request that fails stays at the head of the queue.
static inline __attribute__((always_inline)) s64 kick(u64 target)
{
    u64 index = target > QUEUE_STDERR ? target - QUEUE_TERMINAL_INPUT + QUEUE_STDERR + 1 : target;
    struct waist_queue *q = (struct waist_queue *)gate_header.queues + index;
    u16 at = (u16)q->device_index;

    // Pairs with the driver's release of available.index.
    if (__atomic_load_n(&q->available.index, __ATOMIC_ACQUIRE) == at)
        return 0;
    u16 id = *(volatile u16 *)&q->available.ring[at % QUEUE_SIZE];
    if (id >= QUEUE_SIZE)
        return -EINVAL;
    u64 address = *(volatile u64 *)&q->descriptors[id].address - gate_header.family_base;
    u64 size = *(volatile u32 *)&q->descriptors[id].size;
    if (address >= gate_header.family_size || size > gate_header.family_size - address)
        return -EFAULT;
    s64 moved = serve(target, address + gate_header.family_base, size,
                      *(volatile u16 *)&q->descriptors[id].flags);
    if (moved < 0)
        return moved;
    u16 used = q->used.index;
    q->used.ring[used % QUEUE_SIZE].id = id;
    q->used.ring[used % QUEUE_SIZE].size = (u32)moved;
    q->device_index = (u16)(at + 1);
    // Pairs with the driver's acquire of used.index.
    __atomic_store_n(&q->used.index, (u16)(used + 1), __ATOMIC_RELEASE);
    return 1;
}

s64 gate_ring(u64 target)
{
    u64 count = 1;

    if (target <= QUEUE_STDERR || (target - QUEUE_TERMINAL_INPUT <= 1 && gate_header.queue_count > 3))
        return kick(target);
    if (target - QUEUE_NETWORK_RECEIVE <= QUEUE_NETWORK_SEND - QUEUE_NETWORK_RECEIVE)
        return gate_network(target);
    if (target == RING_DOORBELL_ACK)
        return host(__NR_read, FD_DOORBELL, (u64)&count, sizeof(count), 0, 0, 0);
    if (target == RING_SUPERVISOR)
        return host(__NR_write, FD_SUPERVISOR, (u64)&count, sizeof(count), 0, 0, 0);
    if (target == RING_DOORBELL)
        return host(__NR_write, FD_DOORBELL, (u64)&count, sizeof(count), 0, 0, 0);
    if (target - gate_header.family_base < gate_header.family_size)
        return host(__NR_futex, target, FUTEX_WAKE, 1, 0, 0, 0);
    if (target - RING_THREAD < 1u << 30)
        return host(__NR_tkill, target - RING_THREAD, UPCALL_SIGNAL, 0, 0, 0, 0);
    return -EINVAL;
}

s64 gate_map(u64 va, u64 size, u32 prot, u32 source, u64 offset)
{
    u64 flags = MAP_FIXED | MAP_PRIVATE | MAP_NORESERVE;
    u64 fd = FD_FAMILY;

    if (va >= USER_HIGH || size > USER_LENGTH_MAX)
        return -EINVAL;
    if (source == MAP_SOURCE_ZERO) {
        flags |= MAP_ANONYMOUS;
        fd = ~0ull;
        offset = 0;
    } else if (source == MAP_SOURCE_IMAGE) {
        fd = FD_IMAGE;
    } else if (source == MAP_SOURCE_FAMILY) {
        flags = MAP_FIXED | MAP_SHARED;
    } else if (source != MAP_SOURCE_FAMILY_PRIVATE) {
        return -EINVAL;
    }
    s64 at = host(__NR_mmap, va, size, prot & 7, flags, fd, offset);
    return at < 0 ? at : 0;
}

s64 gate_protect(u64 va, u64 size, u32 prot)
{
    if (va >= USER_HIGH || size > USER_LENGTH_MAX)
        return -EINVAL;
    if (prot & MAP_HUGE)
        return host(__NR_madvise, va, size, MADV_HUGEPAGE, 0, 0, 0);
    return host(__NR_mprotect, va, size, prot & 7, 0, 0, 0);
}

s64 gate_unmap(u64 va, u64 size, u32 flags)
{
    if (size > (va >> 32 ? USER_LENGTH_MAX : USER_HIGH))
        return -EINVAL;
    if (va - gate_header.family_base < gate_header.family_size)
        return host(__NR_madvise, va, size, MADV_REMOVE, 0, 0, 0);
    if (va >= USER_HIGH)
        return -EINVAL;
    if (flags & UNMAP_DISCARD)
        return host(__NR_madvise, va, size, MADV_DONTNEED, 0, 0, 0);
    return host(__NR_munmap, va, size, 0, 0, 0, 0);
}

// The first instructions of a new member or vCPU, on the stack that the kernel gave it. The
// kernel's memory is shared from the first one on, so the stack pointer goes into clone itself.
__asm__(".pushsection gate, \"ax\", @progbits\n"
        ".globl gate_clone\n"
        ".hidden gate_clone\n"
        "gate_clone:\n" // (flags, stack, entry, argument, host_tid, upcall_stack)
        "    push %rbx\n"
        "    push %r12\n"
        "    push %r13\n"
        "    push %r14\n"
        "    mov %rdx, %rbx\n"
        "    mov %rcx, %r12\n"
        "    mov %r8, %r13\n"
        "    mov %r9, %r14\n"
        "    mov %r8, %rdx\n"
        "    xor %r10d, %r10d\n"
        "    xor %r8d, %r8d\n"
        "    mov $56, %eax\n"
        "    syscall\n"
        "    test %rax, %rax\n"
        "    jnz 1f\n"
        "    xor %ebp, %ebp\n"
        "    and $-16, %rsp\n"
        "    mov %rbx, %rdi\n"
        "    mov %r12, %rsi\n"
        "    mov %r13, %rdx\n"
        "    mov %r14, %rcx\n"
        "    call gate_vcpu\n"
        "1:  pop %r14\n"
        "    pop %r13\n"
        "    pop %r12\n"
        "    pop %rbx\n"
        "    ret\n"
        ".popsection\n");
extern s64 gate_clone(u64 flags, u64 stack, u64 entry, u64 argument, u32 *host_tid,
                      u64 upcall_stack) __attribute__((visibility("hidden")));

s64 gate_fork(u64 entry, u64 stack, u64 argument, u32 *host_tid, u64 upcall_stack)
{
    s64 tid = gate_clone(FORK_FLAGS, stack, entry, argument, host_tid, upcall_stack | KEEP_STACK);

    return tid < 0 ? tid : 0;
}

s64 gate_start_vcpu(u64 entry, u64 stack, u64 argument, u32 *host_tid, u64 upcall_stack)
{
    s64 tid = gate_clone(VCPU_FLAGS, stack, entry, argument, host_tid, upcall_stack);

    return tid < 0 ? tid : 0;
}

// A member that the host kills can't say so itself. The host does: the word *host_tid stands in the
// thread's list of robust futexes, as one that it holds, so the host puts FUTEX_OWNER_DIED there
// when the thread can run no more instruction. Then it rings for an operation that was under way:
// that is, for ever, one on the family's death bell, whose word says that nobody holds it. A member
// that ends by itself takes both back, by two stores. [Linux, robust-futex-ABI.rst;
// kernel/futex/core.c]
static inline __attribute__((always_inline)) void watch_death(const u32 *host_tid, u64 upcall_stack)
{
    u64 at = (upcall_stack & ~KEEP_STACK) + gate_header.upcall_stack_size; // GATE_PRIVATE
    struct robust_list_head *head = (struct robust_list_head *)at;
    struct robust_list *link = (struct robust_list *)((u64)host_tid - sizeof(*link));

    link->next = &head->list;
    head->list.next = link;
    head->futex_offset = sizeof(*link);
    head->list_op_pending = (struct robust_list *)(gate_header.death_bell - sizeof(*link));
    host(__NR_set_robust_list, (u64)head, sizeof(*head), 0, 0, 0, 0);
}

static inline __attribute__((always_inline)) void forget_death(u64 upcall_stack)
{
    u64 at = upcall_stack + gate_header.upcall_stack_size;
    struct robust_list_head *head = (struct robust_list_head *)at;

    if (!upcall_stack)
        return;
    __atomic_store_n(&head->list.next, &head->list, __ATOMIC_RELAXED);
    __atomic_store_n(&head->list_op_pending, 0, __ATOMIC_RELAXED);
}

// What clone does not copy: the list of robust futexes, the timer, and within a member the upcall
// stack; and the one processor that the start of the first member was held on.
void gate_vcpu(u64 entry, u64 argument, const u32 *host_tid, u64 upcall_stack)
{
    struct sigevent event;
    u64 stack[3]; // stack_t
    int timer = -1;

    if (gate_header.death_bell)
        watch_death(host_tid, upcall_stack);
    if (!(upcall_stack & KEEP_STACK)) {
        stack[0] = upcall_stack;
        stack[1] = 0;
        stack[2] = gate_header.upcall_stack_size;
        host(__NR_sigaltstack, (u64)stack, 0, 0, 0, 0, 0);
    }
    for (u64 i = 0; i < sizeof(event) / 8; i++)
        ((volatile u64 *)&event)[i] = 0;
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_signo = UPCALL_SIGNAL;
    event._sigev_un._tid = (int)*host_tid;
    host(__NR_timer_create, CLOCK_MONOTONIC, (u64)&event, (u64)&timer, 0, 0, 0);
    host(__NR_sched_setaffinity, 0, sizeof(gate_header.processors), (u64)gate_header.processors, 0,
         0, 0);
    ((void (*)(u64, u64))entry)(argument, (u32)timer <= TICK_TIMER_LAST ? (u64)timer : TIMER_NONE);
    __builtin_unreachable();
}

void gate_exit(u64 status, u64 upcall_stack)
{
    u64 signal = status & 0x7f;

    forget_death(upcall_stack);
    for (;;)
        host(__NR_exit_group, signal ? 128 + signal : status >> 8 & 0xff, 0, 0, 0, 0, 0);
}

// gate_enter(start): onto the new stack, then gate_leave(start).
__asm__(".pushsection gate, \"ax\", @progbits\n"
        ".globl gate_enter\n"
        ".hidden gate_enter\n"
        "gate_enter:\n"
        "    mov %rdi, %rsp\n"
        "    and $-16, %rsp\n"
        "    xor %ebp, %ebp\n"
        "    call gate_leave\n"
        "    ud2\n"
        ".popsection\n");

void gate_leave(const struct gate_start *start)
{
    s64 error = 0;

    for (u64 i = 0; i < start->unmap_count && !error; i++)
        error = host(__NR_munmap, start->unmap[i].address, start->unmap[i].size, 0, 0, 0, 0);
    if (!error)
        error = host(__NR_seccomp, SECCOMP_SET_MODE_FILTER, 0, (u64)&start->filter, 0, 0, 0);
    if (error) {
        host(__NR_write, 2, (u64)gate_refused, sizeof(gate_refused), 0, 0, 0);
        for (;;)
            host(__NR_exit_group, 126, 0, 0, 0, 0, 0);
    }
    // No register tells the kernel where the tender was: the supervisor lives at those addresses.
    __asm__ volatile("xor %%edx, %%edx\n\t"
                     "wrfsbase %%rdx\n\t"
                     "mov %0, %%rsp\n\t"
                     "xor %%ebx, %%ebx\n\t"
                     "xor %%ebp, %%ebp\n\t"
                     "xor %%r8d, %%r8d\n\t"
                     "xor %%r9d, %%r9d\n\t"
                     "xor %%r10d, %%r10d\n\t"
                     "xor %%r11d, %%r11d\n\t"
                     "xor %%r12d, %%r12d\n\t"
                     "xor %%r13d, %%r13d\n\t"
                     "xor %%r14d, %%r14d\n\t"
                     "xor %%r15d, %%r15d\n\t"
                     "jmp *%%rax"
                     :
                     : "S"(start->stack_top), "a"(start->entry), "D"(start->boot)
                     : "memory", "rdx");
    __builtin_unreachable();
}
