// SPDX-License-Identifier: BSD-3-Clause
// Inodes: life, times, stat, and the permission check of path_resolution(7).
#include "file/inode.h"

#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/xattr.h>

#include "file/file_lock.h"
#include "file/inotify.h"
#include "linux/clock.h"
#include "memory/heap.h"
#include "process/process.h"
#include "thread/thread.h"

static struct slab_cache inode_cache = SLAB_CACHE("inode", struct inode);

// Before there is a process the kernel acts as root.
static const struct credentials root_credentials = {.cap_effective = ~0ull, .cap_permitted = ~0ull};

static const struct credentials *acting_credentials(void)
{
    struct thread *t = thread_current();

    if (t && t->acting)
        return t->acting;
    return t && t->process ? credentials_of(t) : &root_credentials;
}

bool inode_capable(u32 capability)
{
    return acting_credentials()->cap_effective >> capability & 1;
}

static bool in_group(const struct credentials *c, u32 gid)
{
    return c->fsgid == gid || credentials_in_group(c, gid);
}

bool inode_in_group(u32 gid)
{
    return in_group(acting_credentials(), gid);
}

bool inode_is_owner(const struct inode *i)
{
    return acting_credentials()->fsuid == i->uid || inode_capable(CAP_FOWNER);
}

int inode_create(struct file_system *fs, const struct inode_ops *ops, u32 mode, struct inode **out)
{
    struct inode *i = slab_alloc(&inode_cache);
    const struct credentials *c = acting_credentials();

    if (!i)
        return -ENOMEM;
    i->references = 1;
    i->ops = ops;
    i->file_system = fs;
    i->number = __atomic_fetch_add(&fs->next_inode, 1, __ATOMIC_RELAXED); // pairs with itself
    i->mode = mode;
    i->uid = c->fsuid;
    i->gid = c->fsgid;
    i->links = 1;
    i->accessed = i->modified = i->changed = i->born = timespec_from_ns(clock_realtime());
    list_init(&i->watches);
    list_init(&i->mappings);
    *out = i;
    return 0;
}

struct inode *inode_get(struct inode *i)
{
    __atomic_add_fetch(&i->references, 1, __ATOMIC_RELAXED); // pairs with inode_put
    return i;
}

void inode_put(struct inode *i)
{
    if (__atomic_sub_fetch(&i->references, 1, __ATOMIC_ACQ_REL)) // pairs with inode_get and itself
        return;
    if (i->watched)
        inotify_inode_gone(i);
    if (i->ops->evict)
        i->ops->evict(i);
    file_lock_inode_gone(i);
    slab_free(&inode_cache, i);
}

void inode_stat(struct inode *i, struct kstat *out)
{
    if (i->ops->refresh)
        i->ops->refresh(i);
    lock_acquire_clean(&i->lock);
    *out = (struct kstat){
        .inode = i->number,
        .size = i->size,
        .blocks = i->blocks,
        .mode = i->mode,
        .links = i->links,
        .uid = i->uid,
        .gid = i->gid,
        .block_size = (u32)PAGE_SIZE,
        .device = i->file_system->device,
        .rdevice = i->rdevice,
        .accessed = i->accessed,
        .modified = i->modified,
        .changed = i->changed,
        .born = i->born,
    };
    lock_release(&i->lock);
}

bool inode_append_only(const struct inode *i)
{
    return i->attributes & FS_APPEND_FL;
}

bool inode_is_kept(const struct inode *i)
{
    return i->attributes & (FS_APPEND_FL | FS_IMMUTABLE_FL);
}

int inode_writers_add(struct inode *i, s32 change)
{
    s32 now = __atomic_load_n(&i->writers, __ATOMIC_RELAXED);

    do {
        if (change > 0 ? now < 0 : now > 0)
            return -ETXTBSY;
    } while (!__atomic_compare_exchange_n(&i->writers, &now, now + change, false, __ATOMIC_ACQUIRE,
                                          __ATOMIC_RELAXED)); // pairs with inode_writers_drop
    return 0;
}

void inode_touch(struct inode *i, bool accessed, bool modified, bool changed)
{
    struct __kernel_timespec now = timespec_from_ns(clock_realtime());

    if (accessed)
        i->accessed = now;
    if (modified)
        i->modified = now;
    if (changed)
        i->changed = now;
}

static bool mode_allows(const struct inode *i, const struct credentials *c, u32 may)
{
    u32 mode = i->mode;

    if (c->fsuid == i->uid)
        mode >>= 6;
    else if (in_group(c, i->gid))
        mode >>= 3;
    return (may & ~mode & 7) == 0;
}

int inode_permission(struct inode *i, u32 may)
{
    const struct credentials *c = acting_credentials();
    bool directory = S_ISDIR(i->mode);

    if (may & 2 && i->file_system->read_only && !S_ISFIFO(i->mode) && !S_ISCHR(i->mode))
        return -EROFS;
    if (may & 2 && i->attributes & FS_IMMUTABLE_FL)
        return -EPERM;
    if (mode_allows(i, c, may))
        return 0;
    if (c->cap_effective >> CAP_DAC_OVERRIDE & 1 && (directory || !(may & 1) || i->mode & 0111))
        return 0;
    if (c->cap_effective >> CAP_DAC_READ_SEARCH & 1 && (directory ? !(may & 2) : may == 4))
        return 0;
    return -EACCES;
}

void inode_drop_set_id(struct inode *i)
{
    if (i->mode & S_ISGID &&
        (i->mode & S_IXGRP || (!inode_in_group(i->gid) && !inode_capable(CAP_FSETID))))
        i->mode &= ~(u32)S_ISGID;
    i->mode &= ~(u32)S_ISUID;
}

void inode_drop_capabilities(struct inode *i)
{
    if (i->lends_nothing || !i->ops->set_xattr)
        return;
    if (i->ops->get_xattr(i, XATTR_NAME_CAPS, NULL, 0) >= 0 && i->ops->set_xattr(i, XATTR_NAME_CAPS, NULL, 0, 0))
        return; // no memory
    i->lends_nothing = true;
}

void inode_content_changed(struct inode *i)
{
    inode_drop_capabilities(i);
    inode_touch(i, false, true, true);
    if (i->mode & (S_ISUID | S_ISGID) && !inode_capable(CAP_FSETID))
        inode_drop_set_id(i);
}

int inode_may_delete(const struct inode *directory, const struct inode *victim)
{
    u32 uid = acting_credentials()->fsuid;

    if (inode_append_only(directory) || inode_is_kept(victim))
        return -EPERM;
    if (!(directory->mode & S_ISVTX) || uid == victim->uid || uid == directory->uid)
        return 0;
    return inode_capable(CAP_FOWNER) ? 0 : -EPERM;
}
