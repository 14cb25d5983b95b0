// SPDX-License-Identifier: BSD-3-Clause
// Pipes and FIFOs: pipe(7). pipe.c has the operations, fifo.c the opening, splice.c moves data through.
#pragma once

#include "file/file.h"
#include "file/pipe_ring.h"

#define PIPE_BUF       4096 // as <linux/limits.h>; a write of at most this is not mixed with others
#define PIPE_SLOTS     16u   // pages of a new pipe
#define PIPE_SIZE_MAX  (1u << 20) // F_SETPIPE_SZ without CAP_SYS_RESOURCE

struct pipe {
    struct lock lock; // all below; inside inode.lock, outside the wait queues' locks
    struct pipe_ring ring;
    u32 readers, writers;           // open files that may read, write
    u32 reader_opens, writer_opens; // how often it was opened so; FIFOs wait for a change
    u32 files;                      // guarded by inode->lock: the last one frees the pipe
    bool anonymous;                 // made by pipe(2): whoever opens it again does not wait
    bool claimed;                   // splice or tee is taking data: readers wait
    bool polled;                    // an epoll may want to hear of each write, not just of the first
    struct wait_queue read_wait, write_wait; // for data, for room
};

// pipe2(2) without the descriptors: two files on one pipe. flags: O_NONBLOCK, O_DIRECT. -ENOMEM
must_check int pipe_create(u32 flags, struct file **out_read, struct file **out_write);
// Makes f, just opened on the FIFO `inode` (or reopened on a pipe, through /proc/self/fd), an end of
// its pipe: sets f->ops and f->data. Blocks for the other end as fifo(7) says. After an error f is as it
// was. -ENXIO, -ERESTARTSYS, -ENOMEM
must_check int fifo_open(struct inode *inode, struct file *f);

// SIGPIPE to the current thread: it has written to nobody.
void pipe_send_signal(void);

// The pipe of an open file, or NULL if it is of another kind.
struct pipe *pipe_of(const struct file *f);

// For fifo.c: a pipe with no files yet; NULL: no memory.
must_check struct pipe *pipe_new(void);
void pipe_free(struct pipe *p);
// One file less, which could read and write as said; the last one frees the pipe. No lock held.
void pipe_leave(struct pipe *p, struct inode *inode, bool reads, bool writes);
extern const struct file_ops pipe_ops;

// For splice.c. Waits until there is data that nobody else has claimed and claims it: 1, with the lock
// held, or 0 at the end of file, -EAGAIN (nonblock), -ERESTARTSYS, with the lock released.
must_check int pipe_claim(struct pipe *p, bool nonblock);
// Takes `taken` bytes off and wakes whom it concerns. Called with the lock NOT held.
void pipe_unclaim(struct pipe *p, size_t taken);
// Waits for room. Bytes that fit now (> 0), -EAGAIN (nonblock), -ERESTARTSYS, or -EPIPE (SIGPIPE is sent).
must_check s64 pipe_wait_room(struct pipe *p, bool nonblock);
// A write as write(2) to the pipe does it, whatever the flags of the file say.
must_check s64 pipe_write_io(struct pipe *p, struct io *io, bool packet, bool nonblock);
