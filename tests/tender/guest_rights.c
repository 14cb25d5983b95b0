// SPDX-License-Identifier: BSD-3-Clause
// As guest_hostile.c, for an image that may fork and have several vCPUs: `rights CASE` asks for a
// little more than the rights give. `rights list` names the cases.
#include <asm/signal.h>
#include <asm/unistd.h>
#include <linux/futex.h>
#include <linux/sched.h>

#include "tender/process/descriptors.h"
#include "tests/tender/guest.h"

static const struct {
    const char *name;
    u64 number, a, b, c, d;
} cases[] = {
    {"clone-plain", __NR_clone, SIGCHLD, 0, 0, 0},
    {"clone-memory", __NR_clone, FORK_FLAGS | CLONE_VM, 0, 0, 0},
    {"clone-parent", __NR_clone, FORK_FLAGS | CLONE_PARENT, 0, 0, 0},
    {"clone-user-namespace", __NR_clone, FORK_FLAGS | CLONE_NEWUSER, 0, 0, 0},
    {"clone-untraced", __NR_clone, FORK_FLAGS | CLONE_UNTRACED, 0, 0, 0},
    {"clone-kill", __NR_clone, CLONE_PARENT_SETTID | 9, 0, 0, 0},
    {"clone-high", __NR_clone, FORK_FLAGS | 1ull << 32, 0, 0, 0},
    {"clone3", __NR_clone3, 0, 0, 0, 0},
    {"vfork", __NR_vfork, 0, 0, 0, 0},
    {"unshare", __NR_unshare, CLONE_NEWUSER, 0, 0, 0},
    {"setns", __NR_setns, FD_IMAGE, 0, 0, 0},
    {"tkill-kill", __NR_tkill, 1, 9, 0, 0},
    {"tkill-stop", __NR_tkill, 1, 19, 0, 0},
    {"tgkill", __NR_tgkill, 1, 1, 23, 0},
    {"sigqueue", __NR_rt_sigqueueinfo, 1, 9, 0, 0},
    {"pidfd_open", __NR_pidfd_open, 1, 0, 0, 0},
    {"process_vm_writev", __NR_process_vm_writev, 1, 0, 0, 0},
    {"futex-requeue", __NR_futex, 0x10000, FUTEX_REQUEUE, 1, 1},
    {"futex-wake-op", __NR_futex, 0x10000, FUTEX_WAKE_OP, 1, 1},
    {"futex-lock-pi", __NR_futex, 0x10000, FUTEX_LOCK_PI, 0, 0},
    {"futex-private", __NR_futex, 0x10000, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0, 0},
    {"timer-cpu", __NR_timer_create, 2, 0, 0x10000, 0},
    {"timer-alarm", __NR_timer_create, 9, 0, 0x10000, 0},
    {"timer-beyond", __NR_timer_settime, TICK_TIMER_LAST + 1, 0, 0x10000, 0},
    {"robust-size", __NR_set_robust_list, 0x10000, 8, 0, 0},
    {"affinity-other", __NR_sched_setaffinity, 1, 8, 0x10000, 0},
    {"scheduler", __NR_sched_setscheduler, 0, 1, 0x10000, 0},
    {"rlimit", __NR_prlimit64, 0, 0, 0, 0},
    {"prctl", __NR_prctl, 1, 0, 0, 0},
    {"arch_prctl", __NR_arch_prctl, 0x1012, 0, 0, 0}, // CPUID that faults
    {"dup", __NR_dup, 1, 0, 0, 0},
    {"close", __NR_close, 2, 0, 0, 0},
    {"fcntl", __NR_fcntl, 1, 4, 0, 0},
    {"sendmsg", __NR_sendmsg, FD_NETWORK, 0x10000, 0, 0},
    {"recvmsg", __NR_recvmsg, FD_NETWORK, 0x10000, 0, 0},
    {"readv-image", __NR_readv, FD_IMAGE, 0x10000, 1, 0},
    {"writev-terminal", __NR_writev, 1, 0x10000, 1, 0},
    {"mremap", __NR_mremap, 0x10000, 4096, 4096, 3},
    {"remap_file_pages", __NR_remap_file_pages, 0x10000, 4096, 0, 0},
    {"io_uring", __NR_io_uring_setup, 1, 0x10000, 0, 0},
    {"io_submit", __NR_io_submit, 0, 0, 0, 0},
    {"bpf", __NR_bpf, 0, 0, 0, 0},
    {"userfaultfd", __NR_userfaultfd, 0, 0, 0, 0},
    {"memfd_create", __NR_memfd_create, 0x10000, 0, 0, 0},
    {"fallocate", __NR_fallocate, FD_FAMILY, 0, 0, 1ull << 50},
    {"wait4", __NR_wait4, (u64)-1, 0, 1, 0},
};

void guest_upcall(int signal, const void *info, const void *context)
{
    say("upcall\n");
    leave(2);
}

int guest_main(void)
{
    for (u64 i = 0; i < array_count(cases); i++) {
        if (equal(argument(1), "list")) {
            say(cases[i].name);
            say("\n");
        } else if (equal(argument(1), cases[i].name)) {
            call_gate(cases[i].number, cases[i].a, cases[i].b, cases[i].c, cases[i].d, 0, 0);
            say("lived on\n");
            return 1;
        }
    }
    return equal(argument(1), "list") ? 0 : 3;
}
