// SPDX-License-Identifier: BSD-3-Clause
// rename(2), renameat2(2): the checks, in Linux's order; moving the name is the file system's.
#include <linux/fs.h>
#include <linux/inotify.h>

#include "linux/calls.h"
#include "linux/path_argument.h"

struct rename {
    struct dentry *old_parent, *new_parent; // referenced, their inodes locked
    struct path_last old_last, new_last;
    struct dentry *entry;    // referenced
    struct dentry *replaced; // referenced, or NULL
    u32 flags;
};

// Two directories are locked in the order of their addresses.
static void parents_lock(struct rename *r)
{
    struct inode *a = r->old_parent->inode, *b = r->new_parent->inode;

    lock_acquire_clean(a < b ? &a->lock : &b->lock);
    if (a != b)
        lock_acquire_clean(a < b ? &b->lock : &a->lock);
}

static void parents_unlock(struct rename *r)
{
    struct inode *a = r->old_parent->inode, *b = r->new_parent->inode;

    lock_release(&a->lock);
    if (a != b)
        lock_release(&b->lock);
}

static int entries_find(struct rename *r)
{
    struct inode *from = r->old_parent->inode, *to = r->new_parent->inode;
    int error;

    if (!from->ops->lookup || !to->ops->lookup)
        return -ENOTDIR;
    error = from->ops->lookup(from, r->old_parent, r->old_last.name, r->old_last.size, &r->entry);
    if (error)
        return error;
    error = to->ops->lookup(to, r->new_parent, r->new_last.name, r->new_last.size, &r->replaced);
    if (error && (error != -ENOENT || r->flags & RENAME_EXCHANGE))
        return error;
    return r->replaced && r->flags & RENAME_NOREPLACE ? -EEXIST : 0;
}

static int slashes_check(const struct rename *r)
{
    bool exchange = r->flags & RENAME_EXCHANGE;

    if (exchange && r->new_last.slash && !S_ISDIR(r->replaced->inode->mode))
        return -ENOTDIR;
    if (S_ISDIR(r->entry->inode->mode))
        return 0;
    return r->old_last.slash || (!exchange && r->new_last.slash) ? -ENOTDIR : 0;
}

static int loops_check(const struct rename *r)
{
    if (dentry_is_below(r->new_parent, r->entry))
        return -EINVAL;
    if (r->replaced && dentry_is_below(r->old_parent, r->replaced))
        return r->flags & RENAME_EXCHANGE ? -EINVAL : -ENOTEMPTY;
    return 0;
}

// A directory that gets another parent is itself changed: its "..".
static int move_check(const struct rename *r, struct dentry *d)
{
    if (r->old_parent == r->new_parent || !S_ISDIR(d->inode->mode))
        return 0;
    return inode_permission(d->inode, /*may=*/2);
}

static int rights_check(const struct rename *r)
{
    bool directory = S_ISDIR(r->entry->inode->mode);
    int error = entry_may_delete(r->old_parent->inode, r->entry, directory);

    if (!error && !r->replaced)
        error = r->new_parent->deleted ? -ENOENT
                                       : inode_permission(r->new_parent->inode, /*may=*/2 | 1);
    else if (!error && r->flags & RENAME_EXCHANGE)
        error =
            entry_may_delete(r->new_parent->inode, r->replaced, S_ISDIR(r->replaced->inode->mode));
    else if (!error)
        error = entry_may_delete(r->new_parent->inode, r->replaced, directory);
    if (!error)
        error = move_check(r, r->entry);
    if (!error && r->flags & RENAME_EXCHANGE)
        error = move_check(r, r->replaced);
    return error;
}

static int rename_locked(struct rename *r, bool *out_moved)
{
    struct inode *from = r->old_parent->inode;
    int error = entries_find(r);

    *out_moved = false;
    if (!error)
        error = slashes_check(r);
    if (!error)
        error = loops_check(r);
    if (error || (r->replaced && r->replaced->inode == r->entry->inode))
        return error; // two names of one file: nothing is done [rename(2)]
    error = rights_check(r);
    if (!error && !from->ops->rename)
        error = -EPERM;
    if (!error)
        error = from->ops->rename(r->entry, r->new_parent, r->new_last.name, r->new_last.size,
                                  r->replaced, r->flags);
    *out_moved = !error;
    return error;
}

static void moved_event_one(struct dentry *d, struct dentry *from, const char *old_name,
                            struct dentry *to, const char *new_name)
{
    static u32 cookie; // names the two halves of one move
    u32 directory = S_ISDIR(d->inode->mode) ? IN_ISDIR : 0;
    u32 now = __atomic_add_fetch(&cookie, 1, __ATOMIC_RELAXED); // pairs with itself

    if (!list_empty(&from->inode->watches))
        inotify_event(from->inode, IN_MOVED_FROM | directory, old_name, now);
    if (!list_empty(&to->inode->watches))
        inotify_event(to->inode, IN_MOVED_TO | directory, new_name, now);
    if (!list_empty(&d->inode->watches))
        inotify_event(d->inode, IN_MOVE_SELF, NULL, 0);
}

static void moved_event(const struct rename *r)
{
    moved_event_one(r->entry, r->old_parent, r->old_last.name, r->new_parent, r->new_last.name);
    if (!r->replaced)
        return;
    if (r->flags & RENAME_EXCHANGE) {
        moved_event_one(r->replaced, r->new_parent, r->new_last.name, r->old_parent,
                        r->old_last.name);
        return;
    }
    if (!S_ISDIR(r->replaced->inode->mode) && !list_empty(&r->replaced->inode->watches))
        inotify_event(r->replaced->inode, IN_ATTRIB, NULL, 0); // its link count
}

static s64 rename_found(struct rename *r)
{
    bool moved = false;
    int error;

    if (r->old_parent->inode->file_system != r->new_parent->inode->file_system)
        return -EXDEV;
    if (r->old_last.kind != PATH_NAME)
        return -EBUSY;
    if (r->new_last.kind != PATH_NAME)
        return r->flags & RENAME_NOREPLACE ? -EEXIST : -EBUSY;
    parents_lock(r);
    error = rename_locked(r, &moved);
    parents_unlock(r);
    if (moved)
        moved_event(r);
    if (r->entry)
        dentry_put(r->entry);
    if (r->replaced)
        dentry_put(r->replaced);
    return error;
}

s64 sys_renameat2(int old_dirfd, uaddr_t old_path, int new_dirfd, uaddr_t new_path, u32 flags)
{
    struct rename r = {.flags = flags};
    s64 result;

    if (flags & ~(u32)(RENAME_NOREPLACE | RENAME_EXCHANGE)) // RENAME_WHITEOUT too
        return -EINVAL;
    if ((flags & RENAME_NOREPLACE) && (flags & RENAME_EXCHANGE))
        return -EINVAL;
    result = path_argument_parent(old_dirfd, old_path, &r.old_parent, &r.old_last);
    if (result)
        return result;
    result = path_argument_parent(new_dirfd, new_path, &r.new_parent, &r.new_last);
    if (!result) {
        result = rename_found(&r);
        dentry_put(r.new_parent);
    }
    dentry_put(r.old_parent);
    return result;
}

s64 sys_renameat(int old_dirfd, uaddr_t old_path, int new_dirfd, uaddr_t new_path)
{
    return sys_renameat2(old_dirfd, old_path, new_dirfd, new_path, 0);
}

s64 sys_rename(uaddr_t old_path, uaddr_t new_path)
{
    return sys_renameat2(AT_FDCWD, old_path, AT_FDCWD, new_path, 0);
}
