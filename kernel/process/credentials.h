// SPDX-License-Identifier: BSD-3-Clause
// Users, groups and capabilities: credentials(7), capabilities(7). They are a thread's, as in Linux; the C
// library changes those of all threads one by one. All threads look at their process's until one of them
// changes its own: that one, or if it is the first thread all others, then get a copy (thread.own).
#pragma once

#include "base/types.h"

#define CREDENTIALS_GROUPS 32

struct thread;

struct credentials {
    u32 uid, euid, suid, fsuid;
    u32 gid, egid, sgid, fsgid;
    u32 groups[CREDENTIALS_GROUPS];
    u32 group_count;
    u64 cap_effective, cap_permitted, cap_inheritable, cap_bounding, cap_ambient;
    u32 securebits; // PR_SET_SECUREBITS
    bool no_new_privs;
};

// The current thread's, of a process; valid until it changes them. Others that ask about a process look at
// process.credentials: those of its first thread.
const struct credentials *credentials_now(void);
const struct credentials *credentials_of(const struct thread *t); // with its process.lock held, or t is the current one
bool capable(u32 capability);                                     // the current thread has CAP_*

// *new become the current thread's. -ENOMEM
must_check int credentials_commit(const struct credentials *new);
// A new thread of the current process takes over what its maker has. With process.lock held. -ENOMEM
must_check int credentials_inherit(struct thread *t);
void credentials_drop(struct thread *t); // t looks at its process's from here on
