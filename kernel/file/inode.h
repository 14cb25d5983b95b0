// SPDX-License-Identifier: BSD-3-Clause
// Inodes, dentries and file systems. The tree of names is kept whole in memory: a dentry knows its
// parent and its inode, a directory's inode knows its dentries (through its file system).
//
// The root is one file system (tmpfs.c) whose nodes may have a *lower* EROFS node: what nobody has
// changed is read, and mapped, straight from the image; a change copies up into family memory.
#pragma once

#include <linux/stat.h>
#include <linux/time_types.h>

#include "base/list.h"
#include "base/tree.h"
#include "file/file.h"

struct dentry;
struct file_system;
struct inode;

struct kstat { // what stat, statx and fstat are made from
    u64 inode, size, blocks; // blocks of 512 bytes
    u32 mode, links, uid, gid, block_size;
    u32 device, rdevice; // new_encode_dev form
    struct __kernel_timespec accessed, modified, changed, born;
};

struct inode_ops {
    // Directory operations; name is not terminated. Called with directory->lock held, and clean (thread/lock.h): what
    // they change they change in sections that can be taken back.
    // lookup: *out is a referenced dentry; -ENOENT.
    int (*lookup)(struct inode *directory, struct dentry *parent, const char *name, size_t size,
                  struct dentry **out);
    // Makes a regular file, directory, fifo, device or socket by mode; exists already: -EEXIST.
    int (*create)(struct inode *directory, struct dentry *parent, const char *name, size_t size,
                  u32 mode, u32 rdevice, struct dentry **out);
    // A regular file without a name, links 0, that link may give one later (O_TMPFILE). NULL: EOPNOTSUPP
    int (*create_unnamed)(struct inode *directory, u32 mode, bool linkable, struct inode **out);
    int (*symlink)(struct inode *directory, struct dentry *parent, const char *name, size_t size,
                   const char *target);
    int (*link)(struct inode *directory, struct dentry *parent, const char *name, size_t size,
                struct inode *inode);
    int (*unlink)(struct inode *directory, struct dentry *entry, bool is_directory); // unlink, rmdir
    // Both directories are locked. flags: RENAME_NOREPLACE, RENAME_EXCHANGE. `replaced` may be NULL.
    int (*rename)(struct dentry *entry, struct dentry *new_parent, const char *name, size_t size,
                  struct dentry *replaced, u32 flags);
    // The target, not terminated if size is too small; returns its length.
    s64 (*read_link)(struct inode *inode, char *out, size_t size);
    int (*truncate)(struct inode *inode, u64 size);
    int (*allocate)(struct inode *inode, int mode, u64 offset, u64 size); // fallocate(2)
    // value NULL: removes, -ENODATA. flags XATTR_CREATE, XATTR_REPLACE. The three: inode->lock is held;
    // NULL: EOPNOTSUPP.
    int (*set_xattr)(struct inode *inode, const char *name, const void *value, size_t size, int flags);
    s64 (*get_xattr)(struct inode *inode, const char *name, void *out, size_t size);
    s64 (*list_xattr)(struct inode *inode, char *out, size_t size);
    // Sets f->ops for an open of this inode; may set f->data, and f->position. No lock is held. NULL: EACCES.
    // (FIFOs and devices do not come here: see path_open.)
    int (*open)(struct inode *inode, struct file *f);
    void (*refresh)(struct inode *inode); // NULL, or: brings size, links, ... up to date before stat
    // open of a magic link as in /proc/self/fd: gives a referenced dentry or file to follow; NULL: plain
    int (*follow)(struct inode *inode, struct dentry **out_dentry, struct file **out_file);
    void (*evict)(struct inode *inode); // the last reference has gone: free inode->data; may be NULL
};

struct inode {
    u32 references;     // atomic
    struct lock lock;   // all below but `size`, which is also read without it
    const struct inode_ops *ops;
    struct file_system *file_system;
    u64 number;
    u32 mode, uid, gid, links, rdevice;
    u64 size; // bytes, atomic: read without the lock by faults
    u64 blocks;
    bool lends_nothing; // it is known to have no capabilities to give (exec_credentials.c)
    u32 attributes; // FS_IMMUTABLE_FL, FS_APPEND_FL, ...: ioctl_iflags(2)
    struct __kernel_timespec accessed, modified, changed, born;
    struct file_lock_state *file_locks; // flock and fcntl locks, file/file_lock.c
    struct list watches;                // inotify, guarded by inotify.c's lock
    bool watched;                       // has ever had a watch
    struct lock mapping_lock;           // mappings
    struct list mappings;               // of struct inode_mapping, file/mapping.h
    s32 writers;                        // > 0: files open for writing; < 0: processes that run it. Atomic
    struct pipe *pipe;                  // of a FIFO that is open: file/fifo.c
    void *data;                         // the file system's, or the kind's (device)
};

struct dentry {
    u32 references; // atomic
    struct dentry *parent; // holds a reference; itself for a root
    struct inode *inode;   // holds a reference; never NULL
    struct list sibling;   // these five are the file system's: in order of `position`
    struct tree_node node; // by hash and name
    u64 position;          // cookie of readdir
    u32 hash;
    bool lower;            // tmpfs: the name is the lower directory's
    struct dentry *mounted; // root of what is mounted here, or NULL
    struct dentry *covers;  // of a mounted root: the mount point
    bool deleted;
    u16 name_size;
    char *name; // terminated
};

struct file_system { // a mounted one
    const char *type;   // "tmpfs", "proc", ...
    const char *source;
    u32 device;         // st_dev
    u32 magic;          // statfs f_type
    bool read_only;
    u32 flags;          // MS_NOSUID, MS_NODEV, MS_NOEXEC
    struct dentry *root;
    void (*statfs)(struct file_system *fs, u64 *out_blocks, u64 *out_free, u64 *out_files);
    struct list mounts; // all mounted ones, in order, for /proc/mounts
    const char *mount_path;
    // It is off the tree. Frees it, at once or when its last file goes; NULL: it can't be unmounted.
    void (*unmount)(struct file_system *fs);
    bool (*busy)(struct file_system *fs); // somebody is in it; NULL: never
    // Before a path first enters it: makes what is in it, and then clears this. NULL: it is all there. No lock is
    // held, and several may call it at once. Atomic.
    int (*fill)(struct file_system *fs);
    void *data;                              // the file system's own
    u64 next_inode;                          // atomic: numbers for inode_create
};

// All mounted file systems in the order of mounting, through file_system.mounts.
struct mount_list {
    struct lock lock;
    struct list mounts;
    u32 changes; // how often they have changed; atomic
    struct wait_queue changed;
};
void mount_list_changed(void);
extern struct mount_list mount_list;

// A device number for a file system that has none: 0:n in new_encode_dev form.
u32 file_system_device(void);

// ops and mode set, one reference, links 1, number fs->next_inode++, times now, uid and gid those of the
// current process (fsuid; 0 while there is none).
must_check int inode_create(struct file_system *fs, const struct inode_ops *ops, u32 mode,
                            struct inode **out);
struct inode *inode_get(struct inode *i);
void inode_put(struct inode *i);
void inode_stat(struct inode *i, struct kstat *out);
bool inode_append_only(const struct inode *i);
// Immutable, or append-only: neither names nor mode, owner, attributes may be changed.
bool inode_is_kept(const struct inode *i);
void inode_touch(struct inode *i, bool accessed, bool modified, bool changed); // times := now
// Permission check of the current credentials for MAY_* = 4 read, 2 write, 1 execute. -EACCES
must_check int inode_permission(struct inode *i, u32 may);

// One more that writes (1) or runs (-1) a file; -ETXTBSY: somebody does the other. [execve(2)]
must_check int inode_writers_add(struct inode *i, s32 change);
static inline void inode_writers_drop(struct inode *i, s32 change)
{
    __atomic_sub_fetch(&i->writers, change, __ATOMIC_RELEASE); // pairs with inode_writers_add
}

// set-ID rights end when the owner changes, or the content by whoever lacks CAP_FSETID; a file's capabilities by
// either, whoever does it. inode->lock is held.
void inode_drop_set_id(struct inode *i);
void inode_drop_capabilities(struct inode *i);
void inode_content_changed(struct inode *i); // also touches mtime and ctime
bool inode_capable(u32 capability);    // the current process has CAP_*
bool inode_in_group(u32 gid);          // of the current process
bool inode_is_owner(const struct inode *i); // or CAP_FOWNER
// The sticky bit: may the current process remove this name from the directory? -EPERM
must_check int inode_may_delete(const struct inode *directory, const struct inode *victim);

// A dentry for something that no name leads to: of a magic link, or of a descriptor on a pipe.
static inline bool dentry_is_anonymous(const struct dentry *d)
{
    return d->parent == d && d->inode->file_system->root != d;
}

// parent NULL: a root, or a dentry for something that no name leads to.
must_check int dentry_create(struct dentry *parent, const char *name, size_t size,
                             struct inode *inode, struct dentry **out); // takes over the inode reference
struct dentry *dentry_get(struct dentry *d);
void dentry_put(struct dentry *d);
// A name and the directory that it is in, referenced.
struct dentry_place {
    struct dentry *parent;
    char *name; // of heap_alloc
    u16 name_size;
};
must_check int dentry_place_make(struct dentry_place *p, struct dentry *parent, const char *name, size_t size); // -ENOMEM
void dentry_place_drop(struct dentry_place *p);
// Gives the dentry another place, and *p the one that it had; the caller has taken it out of the file system's structures
// and puts it back into them. With dentry_tree_lock held, in a section that can be taken back (thread/rollback.h).
void dentry_move(struct dentry *d, struct dentry_place *p);
struct dentry *dentry_parent(struct dentry *d); // referenced
bool dentry_is_below(const struct dentry *d, const struct dentry *ancestor); // or the same
extern struct lock dentry_tree_lock; // parent and name of all dentries; inside inode.lock
// The absolute path as the current process sees it, into out; " (deleted)" where it is so. -ENAMETOOLONG
must_check int dentry_path(struct dentry *d, char *out, size_t size);

// The same from another root. 1: root does not lead to it, the path is that from the uppermost mount.
must_check int dentry_path_from(struct dentry *d, const struct dentry *root, char *out, size_t size);

// Announces what happened, for inotify: mask IN_*, name NULL for the inode itself. file/inotify.c
void inotify_event(struct inode *i, u32 mask, const char *name, u32 cookie);
// To the watches of the entry's directory (with its name) and of its inode. Cheap if there are none.
void dentry_event(struct dentry *d, u32 mask);
