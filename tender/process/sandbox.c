// SPDX-License-Identifier: BSD-3-Clause
// The layers around a member, besides the namespaces that it was born into. The last one, the
// seccomp filter, is only written here: the gate installs it, as it must stand behind every other
// call.
#include "tender/process/sandbox.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/seccomp.h>

#include "abi/boot.h"
#include "tender/policy_tables.h"

// struct landlock_ruleset_attr, as of version 6 of Landlock's interface.
struct landlock_attributes {
    u64 files;
    u64 network;
    u64 scopes;
};

// All that each version of Landlock can refuse, newest first. [Linux, userspace-api/landlock.rst]
static const struct {
    struct landlock_attributes attributes;
    size_t size;
} landlock_versions[] = {
    {{0xffff, 3, 3}, 24}, // 6: signals and abstract sockets
    {{0xffff, 3, 0}, 16}, // 5: ioctl
    {{0x7fff, 3, 0}, 16}, // 4: TCP ports
    {{0x7fff, 0, 0}, 8},  // 3: truncate
    {{0x3fff, 0, 0}, 8},  // 2: refer
    {{0x1fff, 0, 0}, 8},  // 1
};

// No rule is added: nothing is allowed.
static void enter_landlock(void)
{
    for (size_t i = 0; i < array_count(landlock_versions); i++) {
        long ruleset = syscall(SYS_landlock_create_ruleset, &landlock_versions[i].attributes,
                               landlock_versions[i].size, 0);
        if (ruleset >= 0) {
            syscall(SYS_landlock_restrict_self, ruleset, 0);
            close((int)ruleset);
            return;
        }
        if (errno != EINVAL && errno != E2BIG)
            return; // a host without Landlock
    }
}

int sandbox_enter(void)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct none[2] = {{0, 0, 0}, {0, 0, 0}};
    struct rlimit no_core = {0, 0};

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || setrlimit(RLIMIT_CORE, &no_core))
        return -errno;
    enter_landlock();
    return syscall(SYS_capset, &header, none) ? -errno : 0;
}

static const struct policy_table *policy_of(u32 rights)
{
    _Static_assert(array_count(policy_tables) == 32,
                   "base, memory, tick, fork, network, vcpu: see build.mk");
    return &policy_tables[(rights & RIGHT_MEMORY ? 1 : 0) | (rights & RIGHT_TICK ? 2 : 0) |
                          (rights & RIGHT_FORK ? 4 : 0) | (rights & RIGHT_NETWORK ? 8 : 0) |
                          (rights & RIGHT_VCPU ? 16 : 0)];
}

const char *sandbox_calls(u32 rights)
{
    return policy_of(rights)->calls;
}

// [seccomp(2)]: the program counter behind the syscall instruction, high half first as it hardly ever matches by
// chance; then arch. From elsewhere: SIGSYS, the kernel's upcall. The program counter comes first of all because the
// host looks for calls that a filter always allows, and gives up for each of its 900 at the first load of anything
// but number and arch: 6 us less of a start.
u32 sandbox_filter(struct sock_filter *to, u32 rights, u64 gate, u64 gate_size)
{
    const u32 high = (u32)(gate >> 32), low = (u32)gate;
    const struct policy_table *policy = policy_of(rights);
    const u32 pc = offsetof(struct seccomp_data, instruction_pointer);
    const u32 arch = offsetof(struct seccomp_data, arch);
    const struct sock_filter prelude[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, pc + 4),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, high, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, pc),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, low, 0, 1),
        BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, low + (u32)gate_size, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, arch),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 0, 3),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, arch),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
    };

    memcpy(to, prelude, sizeof(prelude));
    memcpy(to + array_count(prelude), policy->code, policy->count * sizeof(*to));
    return (u32)array_count(prelude) + policy->count;
}
