// SPDX-License-Identifier: BSD-3-Clause
// Users, groups and capabilities: credentials(7), capabilities(7). They are a thread's, as in Linux; the C
// library changes those of all threads one by one. All threads look at their process's until one of them
// changes its own: that one, or if it is the first thread all others, then get a copy (thread.own).
#pragma once

#include "base/types.h"

#define GROUPS_MAX 65536 // [getgroups(2), NGROUPS_MAX]

struct thread;

struct group_list { // never changes; shared by all who have the same
    u32 references; // atomic
    u32 count;
    u32 ids[]; // in ascending order
};

struct credentials {
    u32 uid, euid, suid, fsuid;
    u32 gid, egid, sgid, fsgid;
    struct group_list *groups; // NULL: none. A copy on the stack has no reference of its own
    u64 cap_effective, cap_permitted, cap_inheritable, cap_bounding, cap_ambient;
    u32 securebits; // PR_SET_SECUREBITS
    bool no_new_privs;
};

// The current thread's, of a process; valid until it changes them. Others that ask about a process look at
// process.credentials: those of its first thread.
const struct credentials *credentials_now(void);
const struct credentials *credentials_of(const struct thread *t); // with its process.lock held, or t is the current one
bool capable(u32 capability);                                     // the current thread has CAP_*

bool credentials_in_group(const struct credentials *c, u32 gid); // one of the supplementary groups
// *to becomes as *from, with a reference to its groups instead of the one to those that it had.
void credentials_store(struct credentials *to, const struct credentials *from);
void credentials_clear(struct credentials *c); // gives the groups back
struct group_list *group_list_get(struct group_list *g); // g may be NULL, here and below
void group_list_put(struct group_list *g);

// *new become the current thread's. -ENOMEM
must_check int credentials_commit(const struct credentials *new);
// A new thread of the current process takes over what its maker has. With process.lock held. -ENOMEM
must_check int credentials_inherit(struct thread *t);
void credentials_drop(struct thread *t); // t looks at its process's from here on
