// SPDX-License-Identifier: BSD-3-Clause
// Open files (open file descriptions, open(2)) and their operations. Pipes, terminals, sockets, epoll,
// eventfd and directories all are files; a new kind is a new struct file_ops.
#pragma once

#include <linux/fcntl.h>
#include <linux/poll.h>

#include "base/list.h"
#include "file/io.h"
#include "thread/lock.h"
#include "thread/wait.h"

struct dentry;
struct file;
struct inode;
struct kstat;

// Collects the wait queues of the files that a poll, select or epoll looks at.
struct poll_table {
    // Registers interest in q; called by file_ops.poll for each queue whose wake-up may change the answer.
    void (*add)(struct poll_table *table, struct wait_queue *q);
};

static inline void poll_wait(struct poll_table *table, struct wait_queue *q)
{
    if (table)
        table->add(table, q);
}

// Receives directory entries; returns false when it is full.
struct dir_sink {
    bool (*add)(struct dir_sink *sink, const char *name, size_t name_size, u64 inode, u64 next_position,
                u8 type); // type: DT_* (S_IFMT bits >> 12)
};

// What memory a mapping of a file shows: bytes [offset, offset + size) of the file are at `base` of the
// source, as far as `size` says. A private mapping of a FAMILY extent is FAMILY_PRIVATE of the waist.
struct map_extent {
    u32 source; // enum map_source of the waist: IMAGE, FAMILY, FAMILY_PRIVATE or ZERO
    u64 base;   // offset in the source
    u64 size;   // bytes, whole pages
};

struct file_ops {
    // Transfer from / to *position and advance it (NULL position: not seekable). Short counts are fine.
    // Block unless O_NONBLOCK. A count, or -EAGAIN, -EINTR's kin (-ERESTARTSYS), -EIO, -EPIPE, ...
    s64 (*read)(struct file *f, struct io *io, u64 *position);
    s64 (*write)(struct file *f, struct io *io, u64 *position);
    s64 (*seek)(struct file *f, s64 offset, int whence); // NULL: ESPIPE
    u32 (*poll)(struct file *f, struct poll_table *table); // NULL: always POLLIN | POLLOUT
    s64 (*ioctl)(struct file *f, u32 command, u64 argument);
    // fcntl(2) commands that only this kind knows (F_SETPIPE_SZ, F_ADD_SEALS, ...); NULL: EINVAL
    s64 (*control)(struct file *f, u32 command, u64 argument);
    int (*read_dir)(struct file *f, struct dir_sink *sink); // continues at f->position
    // Memory behind [offset, offset + size) as the mapping wants it. shared: MAP_SHARED. Fills *out
    // with the extent that starts at offset (at least a page, at most size). -ENODEV: cannot be mapped;
    // -ENXIO: offset lies in no page of the file (SIGBUS). May take inode->lock: see mapping.h for the order.
    // shared: MAP_SHARED of a file opened for writing; only then may the pages be written through.
    int (*map)(struct file *f, u64 offset, u64 size, bool shared, struct map_extent *out);
    // mmap(2) of what `map` can't show: *out is a new file with these bytes, at the same offset. May sleep.
    int (*stand_in)(struct file *f, u64 offset, u64 size, struct file **out);
    int (*sync)(struct file *f);
    void (*flush)(struct file *f);   // each close(2) of a descriptor
    void (*release)(struct file *f); // the last reference has gone
    void (*describe)(struct file *f, char *out, size_t size); // "pipe:[12]" for /proc/self/fd; NULL: by path
    void (*fdinfo)(struct file *f, char *out, size_t size);   // more lines of /proc/self/fdinfo/N
    bool sleeps; // a regular file whose read and write may sleep, or move to another member
    bool own_position; // it keeps its position itself: read and write there get NULL; seek may sleep
};

struct file {
    u32 references;             // atomic
    u32 flags;                  // O_* status flags: O_APPEND, O_NONBLOCK, ... and the access mode
    const struct file_ops *ops;
    struct lock lock;           // position
    u64 position;
    struct inode *inode;        // holds a reference; never NULL (anonymous ones too)
    struct dentry *dentry;      // holds a reference; NULL for anonymous files
    void *data;                 // the kind's own
    struct list epoll_items;    // epolls that watch this file: file/epoll.c
    struct lock epoll_lock;
    int owner;                  // F_SETOWN: pid, or -pgid; F_SETSIG
    int owner_signal;
    int owner_type;             // F_OWNER_*, of a positive owner
    bool writes;                // counted in inode->writers
    struct file_async *async;   // O_ASYNC is at work: file/async.c
};

// A new open file with one reference. Takes over the caller's references to inode and dentry.
must_check int file_create(const struct file_ops *ops, struct inode *inode, struct dentry *dentry,
                           u32 flags, struct file **out);
// As above with an anonymous inode (mode e.g. S_IFIFO | 0600); for pipes, eventfd, ...
must_check int file_create_anonymous(const struct file_ops *ops, u32 mode, void *data, u32 flags,
                                     struct file **out);
struct file *file_get(struct file *f); // one more reference; returns f
void file_put(struct file *f);         // one less; the last one releases
void file_release(struct file *f);     // the rest of file_put, if that could not finish: process/killed.c

// read(2), pread(2) and their kin on an open file: checks the access mode, takes the position (NULL: the
// file's own, which advances), honours O_APPEND, announces to inotify. A count, -EBADF, -EINVAL,
// -EISDIR, or what the operation said.
s64 file_read(struct file *f, struct io *io, u64 *position);
s64 file_write(struct file *f, struct io *io, u64 *position);
u64 file_position(struct file *f); // may sleep, if the file keeps its position itself
void file_position_set(struct file *f, u64 position);
u32 file_poll(struct file *f, struct poll_table *table); // POLL* bits that are true now

void epoll_file_gone(struct file *f); // file/epoll.c: takes the file off all epolls; before release
// file/pipe.c: open of an S_IFIFO inode (a named pipe, or /proc/self/fd/N of one): sets f->ops and f->data,
// waits for the other end as open(2) says. -ENXIO, -EAGAIN's kin, -ERESTARTSYS
must_check int fifo_open(struct inode *inode, struct file *f);

static inline bool file_readable(const struct file *f)
{
    return ((f->flags + 1) & 1) && !(f->flags & O_PATH); // mode 3 is neither: open(2), "Access mode"
}

static inline bool file_writable(const struct file *f)
{
    return ((f->flags + 1) & 2) && !(f->flags & O_PATH);
}
