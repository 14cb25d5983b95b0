// SPDX-License-Identifier: BSD-3-Clause
// Hears of members that the host has killed, and tells the kernel. See gate.c for the bell: a word
// of family memory that the host's kernel wakes; nothing that polls can wait for one, so a thread
// does. It shares all with the supervisor, and calls nothing but the host (errno is the
// supervisor's).
//
// A bell that rings while the thread is on its way back to sleep is not heard. So after each one it
// sleeps for short times only, ever longer, and has the kernel look at the end of each.
#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <time.h>
#include <sys/syscall.h>

#include "abi/calls.h"
#include "tender/message.h"
#include "tender/process/descriptors.h"
#include "tender/process/gate_call.h"
#include "tender/supervisor.h"

#define THREAD_FLAGS                                                                               \
    (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM)
#define SHORT_NS 1000000l
#define LONG_NS  512000000l

static u8 stack[16384] __attribute__((aligned(16)));

static void tell(const struct supervisor *s, struct boot_mailbox *mailbox)
{
    u64 one = 1;

    // Pairs with the kernel's load in killed_look.
    __atomic_add_fetch(&mailbox->deaths, 1, __ATOMIC_RELEASE);
    host(SYS_write, (u64)s->member->fds[FD_DOORBELL], (u64)&one, sizeof(one), 0, 0, 0);
    host(SYS_kill, (u64)s->pid, UPCALL_SIGNAL, 0, 0, 0, 0);
}

static int watch(void *argument)
{
    const struct supervisor *s = argument;
    struct boot_mailbox *mailbox = &member_boot(s->member)->mailbox;
    struct timespec limit = {0, SHORT_NS};

    for (;;) {
        u64 patience = limit.tv_nsec < LONG_NS ? (u64)&limit : 0;
        s64 result = host(SYS_futex, (u64)&mailbox->death_bell, FUTEX_WAIT, 0, patience, 0, 0);
        if (result == -EAGAIN)
            return 0; // a guest that writes to its bell: it would keep us busy, and hears no more
        limit.tv_nsec = result ? limit.tv_nsec * 2 : SHORT_NS;
        // Before this the kernel has no upcall entry; and it has made no member yet.
        if (__atomic_load_n(&mailbox->ready_time, __ATOMIC_ACQUIRE))
            tell(s, mailbox);
    }
    return 0;
}

void deaths_watch(struct supervisor *s)
{
    if (!(s->member->rights & RIGHT_FORK))
        return;
    if (clone(watch, stack + sizeof(stack), THREAD_FLAGS, s) < 0)
        message(
            "can't watch for members that the host kills: the guest may wait for them for ever");
}
