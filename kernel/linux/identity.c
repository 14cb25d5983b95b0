// SPDX-License-Identifier: BSD-3-Clause
// Who the process is: ids of process and thread, users and groups (credentials(7)), and
// capabilities as far as they follow from the user ids (capabilities(7)). Each thread sets its own.
#include <linux/capability.h>
#include <linux/securebits.h>

#include "base/string.h"
#include "linux/calls.h"
#include "memory/heap.h"
#include "memory/user_copy.h"
#include "process/process.h"
#include "thread/thread.h"

#define KEEP       (~0u) // the -1 of setresuid
#define CAP_ALL    ((1ull << (CAP_LAST_CAP + 1)) - 1)

#define BIT(cap)   (1ull << (cap))
// The capabilities that go with the file system's user id. [capabilities(7), setfsuid(2)]
#define FILE_CAPS                                                                                  \
    (BIT(CAP_CHOWN) | BIT(CAP_MKNOD) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_DAC_READ_SEARCH) |          \
     BIT(CAP_FOWNER) | BIT(CAP_FSETID) | BIT(CAP_LINUX_IMMUTABLE) | BIT(CAP_MAC_OVERRIDE))

s64 sys_getpid(void)
{
    return thread_process()->pid;
}

s64 sys_gettid(void)
{
    return thread_current()->tid;
}

s64 sys_getppid(void)
{
    const struct process *parent = thread_process()->parent;
    return parent ? parent->pid : 0;
}

s64 sys_getuid(void)
{
    return credentials_now()->uid;
}

s64 sys_geteuid(void)
{
    return credentials_now()->euid;
}

s64 sys_getgid(void)
{
    return credentials_now()->gid;
}

s64 sys_getegid(void)
{
    return credentials_now()->egid;
}

// What a change of user ids does to the capabilities. [capabilities(7), "Effect of user ID
// changes"]
static void capabilities_follow(struct credentials *c, const struct credentials *old)
{
    bool had_root = !old->uid || !old->euid || !old->suid;
    bool has_root = !c->uid || !c->euid || !c->suid;
    if (c->securebits & issecure_mask(SECURE_NO_SETUID_FIXUP))
        return;
    if (had_root && !has_root) {
        c->cap_ambient = 0;
        if (!(c->securebits & issecure_mask(SECURE_KEEP_CAPS)))
            c->cap_permitted = c->cap_effective = 0;
    }
    if (!old->euid && c->euid)
        c->cap_effective = 0;
    if (old->euid && !c->euid)
        c->cap_effective = c->cap_permitted;
}

// Takes over *new as the credentials of the thread, made from *old. Who is another now is not
// traced as before, nor told of its parent's end. [prctl(2), PR_SET_DUMPABLE, PR_SET_PDEATHSIG]
static s64 commit(const struct credentials *new, const struct credentials *old)
{
    s64 error = credentials_commit(new);

    if (!error && (new->euid != old->euid || new->egid != old->egid || new->fsuid != old->fsuid ||
                   new->fsgid != old->fsgid)) {
        thread_process()->dumpable = false;
        thread_process()->death_signal = 0;
    }
    return error;
}

static s64 commit_uids(struct credentials *new, const struct credentials *old)
{
    new->fsuid = new->euid;
    capabilities_follow(new, old);
    return commit(new, old);
}

static s64 commit_gids(struct credentials *new, const struct credentials *old)
{
    new->fsgid = new->egid;
    return commit(new, old);
}

s64 sys_setuid(u32 uid)
{
    const struct credentials old = *credentials_now();
    struct credentials c = old;
    if (uid == KEEP)
        return -EINVAL;
    if (capable(CAP_SETUID))
        c.uid = c.suid = uid;
    else if (uid != c.uid && uid != c.suid)
        return -EPERM;
    c.euid = uid;
    return commit_uids(&c, &old);
}

s64 sys_setgid(u32 gid)
{
    const struct credentials old = *credentials_now();
    struct credentials c = old;
    if (gid == KEEP)
        return -EINVAL;
    if (capable(CAP_SETGID))
        c.gid = c.sgid = gid;
    else if (gid != c.gid && gid != c.sgid)
        return -EPERM;
    c.egid = gid;
    return commit_gids(&c, &old);
}

s64 sys_setreuid(u32 ruid, u32 euid)
{
    const struct credentials old = *credentials_now();
    struct credentials c = old;
    bool may = capable(CAP_SETUID);
    if (ruid != KEEP) {
        if (!may && ruid != old.uid && ruid != old.euid)
            return -EPERM;
        c.uid = ruid;
    }
    if (euid != KEEP) {
        if (!may && euid != old.uid && euid != old.euid && euid != old.suid)
            return -EPERM;
        c.euid = euid;
    }
    if (ruid != KEEP || (euid != KEEP && euid != old.uid))
        c.suid = c.euid;
    return commit_uids(&c, &old);
}

s64 sys_setregid(u32 rgid, u32 egid)
{
    const struct credentials old = *credentials_now();
    struct credentials c = old;
    bool may = capable(CAP_SETGID);
    if (rgid != KEEP) {
        if (!may && rgid != old.gid && rgid != old.egid)
            return -EPERM;
        c.gid = rgid;
    }
    if (egid != KEEP) {
        if (!may && egid != old.gid && egid != old.egid && egid != old.sgid)
            return -EPERM;
        c.egid = egid;
    }
    if (rgid != KEEP || (egid != KEEP && egid != old.gid))
        c.sgid = c.egid;
    return commit_gids(&c, &old);
}

s64 sys_setresuid(u32 ruid, u32 euid, u32 suid)
{
    const struct credentials old = *credentials_now();
    struct credentials c = old;
    const u32 wanted[] = {ruid, euid, suid};
    u32 *const ids[] = {&c.uid, &c.euid, &c.suid};
    for (int i = 0; i < 3; i++) {
        if (wanted[i] == KEEP)
            continue;
        if (!capable(CAP_SETUID) && wanted[i] != old.uid && wanted[i] != old.euid &&
            wanted[i] != old.suid)
            return -EPERM;
        *ids[i] = wanted[i];
    }
    return commit_uids(&c, &old);
}

s64 sys_setresgid(u32 rgid, u32 egid, u32 sgid)
{
    const struct credentials old = *credentials_now();
    struct credentials c = old;
    const u32 wanted[] = {rgid, egid, sgid};
    u32 *const ids[] = {&c.gid, &c.egid, &c.sgid};
    for (int i = 0; i < 3; i++) {
        if (wanted[i] == KEEP)
            continue;
        if (!capable(CAP_SETGID) && wanted[i] != old.gid && wanted[i] != old.egid &&
            wanted[i] != old.sgid)
            return -EPERM;
        *ids[i] = wanted[i];
    }
    return commit_gids(&c, &old);
}

static s64 write_three(uaddr_t a, u32 x, uaddr_t b, u32 y, uaddr_t c, u32 z)
{
    int error = user_write_u32(a, x);
    if (!error)
        error = user_write_u32(b, y);
    return error ? error : user_write_u32(c, z);
}

s64 sys_getresuid(uaddr_t ruid, uaddr_t euid, uaddr_t suid)
{
    const struct credentials *c = credentials_now();
    return write_three(ruid, c->uid, euid, c->euid, suid, c->suid);
}

s64 sys_getresgid(uaddr_t rgid, uaddr_t egid, uaddr_t sgid)
{
    const struct credentials *c = credentials_now();
    return write_three(rgid, c->gid, egid, c->egid, sgid, c->sgid);
}

// setfsuid and setfsgid return the old id, whether or not they changed it.
s64 sys_setfsuid(u32 uid)
{
    const struct credentials old = *credentials_now();
    struct credentials c = old;
    if (uid == KEEP || (uid != c.uid && uid != c.euid && uid != c.suid && uid != c.fsuid &&
                        !capable(CAP_SETUID)))
        return old.fsuid;
    c.fsuid = uid;
    if (!(c.securebits & issecure_mask(SECURE_NO_SETUID_FIXUP))) {
        if (!old.fsuid && c.fsuid)
            c.cap_effective &= ~FILE_CAPS;
        if (old.fsuid && !c.fsuid)
            c.cap_effective |= c.cap_permitted & FILE_CAPS;
    }
    (void)!commit(&c, &old);
    return old.fsuid;
}

s64 sys_setfsgid(u32 gid)
{
    const struct credentials old = *credentials_now();
    struct credentials c = old;
    if (gid == KEEP || (gid != c.gid && gid != c.egid && gid != c.sgid && gid != c.fsgid &&
                        !capable(CAP_SETGID)))
        return old.fsgid;
    c.fsgid = gid;
    (void)!commit(&c, &old);
    return old.fsgid;
}

s64 sys_getgroups(int count, uaddr_t list)
{
    const struct group_list *groups = credentials_now()->groups;
    u32 has = groups ? groups->count : 0;
    if (count < 0 || (count && (u32)count < has))
        return -EINVAL;
    if (count && has) {
        int error = user_write(list, groups->ids, has * sizeof(u32));
        if (error)
            return error;
    }
    return has;
}

// Shell's sort: they are few, or in order already.
static void ids_sort(u32 *ids, u32 count)
{
    for (u32 gap = count / 2; gap; gap /= 2)
        for (u32 i = gap; i < count; i++) {
            u32 id = ids[i], at = i;
            for (; at >= gap && ids[at - gap] > id; at -= gap)
                ids[at] = ids[at - gap];
            ids[at] = id;
        }
}

s64 sys_setgroups(int count, uaddr_t list)
{
    struct credentials c = *credentials_now();
    if (!capable(CAP_SETGID))
        return -EPERM;
    if (count < 0 || count > GROUPS_MAX)
        return -EINVAL;
    struct group_list *groups = heap_alloc(sizeof(*groups) + (size_t)count * sizeof(u32));
    if (!groups)
        return -ENOMEM;
    *groups = (struct group_list){.references = 1, .count = (u32)count};
    int error = user_read(groups->ids, list, (size_t)count * sizeof(u32));
    if (!error) {
        ids_sort(groups->ids, groups->count);
        c.groups = count ? groups : NULL;
        error = credentials_commit(&c);
    }
    group_list_put(groups);
    return error;
}

// Reads the header; *out_words: how many structs of data the version has. For a version that it
// does not know Linux writes the one it prefers.
static int capability_header(uaddr_t header, int *out_pid, u32 *out_words)
{
    struct __user_cap_header_struct h;
    int error = user_read(&h, header, sizeof(h));
    if (error)
        return error;
    *out_pid = h.pid;
    *out_words = h.version == _LINUX_CAPABILITY_VERSION_1 ? 1 : 2;
    if (h.version == _LINUX_CAPABILITY_VERSION_1 || h.version == _LINUX_CAPABILITY_VERSION_2 ||
        h.version == _LINUX_CAPABILITY_VERSION_3)
        return 0;
    error = user_write_u32(header, _LINUX_CAPABILITY_VERSION_3);
    return error ? error : -EINVAL;
}

s64 sys_capget(uaddr_t header, uaddr_t data)
{
    struct __user_cap_data_struct sets[2] = {0};
    u32 words;
    int pid, error = capability_header(header, &pid, &words);
    if (error)
        return error == -EINVAL && !data ? 0 : error;
    if (pid < 0)
        return -EINVAL;
    struct thread *t = thread_acquire(pid ? pid : thread_current()->tid);
    if (!t)
        return -ESRCH;
    const struct credentials *c = credentials_of(t);
    for (u32 i = 0; i < words; i++) {
        sets[i].effective = (u32)(c->cap_effective >> (32 * i));
        sets[i].permitted = (u32)(c->cap_permitted >> (32 * i));
        sets[i].inheritable = (u32)(c->cap_inheritable >> (32 * i));
    }
    lock_release(&t->process->lock);
    return data ? user_write(data, sets, words * sizeof(sets[0])) : 0;
}

s64 sys_capset(uaddr_t header, uaddr_t data)
{
    struct process *p = thread_process();
    struct __user_cap_data_struct sets[2] = {0};
    u32 words;
    int pid, error = capability_header(header, &pid, &words);
    if (error)
        return error;
    if (pid && pid != p->pid && pid != thread_current()->tid)
        return -EPERM;
    error = user_read(sets, data, words * sizeof(sets[0]));
    if (error)
        return error;
    struct credentials c = *credentials_now();
    u64 effective = (sets[0].effective | (u64)sets[1].effective << 32) & CAP_ALL;
    u64 permitted = (sets[0].permitted | (u64)sets[1].permitted << 32) & CAP_ALL;
    u64 inheritable = (sets[0].inheritable | (u64)sets[1].inheritable << 32) & CAP_ALL;
    if (permitted & ~c.cap_permitted || effective & ~permitted)
        return -EPERM;
    if (inheritable & ~(c.cap_inheritable | c.cap_permitted) && !capable(CAP_SETPCAP))
        return -EPERM;
    if (inheritable & ~(c.cap_inheritable | c.cap_bounding))
        return -EPERM;
    c.cap_effective = effective;
    c.cap_permitted = permitted;
    c.cap_inheritable = inheritable;
    c.cap_ambient &= permitted & inheritable;
    return credentials_commit(&c);
}
