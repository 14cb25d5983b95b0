// SPDX-License-Identifier: BSD-3-Clause
// Opening FIFOs, fifo(7): an open for reading waits for a writer and the other way round. They meet
// by counting opens, so that a partner who came and went again has been there. [POSIX open()]
#include <linux/fcntl.h>

#include "file/inode.h"
#include "file/pipe.h"

struct partner {
    const u32 *opens; // a counter of the pipe
    u32 before;
};

static bool partner_came(void *arg)
{
    const struct partner *partner = arg;
    return __atomic_load_n(partner->opens, __ATOMIC_ACQUIRE) !=
           partner->before; // pairs with fifo_join
}

// The pipe of the FIFO, made if it is not open yet, with one more file counted.
static int fifo_join(struct inode *inode, struct pipe **out)
{
    struct pipe *fresh = pipe_new(), *p;

    if (!fresh)
        return -ENOMEM;
    lock_acquire(&inode->lock);
    if (!inode->pipe) {
        inode->pipe = fresh;
        fresh = NULL;
    }
    p = inode->pipe;
    p->files++;
    lock_release(&inode->lock);
    if (fresh)
        pipe_free(fresh);
    *out = p;
    return 0;
}

// Counts f as an end of the pipe. Lock held.
static int fifo_count(struct pipe *p, struct file *f)
{
    bool only_writes = !file_readable(f);

    if (only_writes && (f->flags & O_NONBLOCK) && !p->readers && !p->anonymous)
        return -ENXIO;
    if (file_readable(f)) {
        p->readers++;
        __atomic_add_fetch(&p->reader_opens, 1, __ATOMIC_RELEASE); // pairs with partner_came
    }
    if (file_writable(f)) {
        p->writers++;
        __atomic_add_fetch(&p->writer_opens, 1, __ATOMIC_RELEASE); // pairs with partner_came
    }
    return 0;
}

// Waits for the other end, if that is due. Lock not held.
static int fifo_meet(struct pipe *p, struct file *f, struct partner *partner)
{
    bool reads = file_readable(f);

    wait_queue_wake(&p->read_wait, POLLIN);
    wait_queue_wake(&p->write_wait, POLLOUT);
    if (!partner->opens)
        return 0;
    return wait_until(reads ? &p->read_wait : &p->write_wait, DEADLINE_NONE, WAIT_INTERRUPTIBLE,
                      partner_came, partner);
}

int fifo_open(struct inode *inode, struct file *f)
{
    bool reads = file_readable(f), writes = file_writable(f), alone;
    struct partner partner = {NULL, 0};
    struct pipe *p;
    int error = fifo_join(inode, &p);

    if (error)
        return error;
    lock_acquire(&p->lock);
    error = fifo_count(p, f);
    if (error) {
        lock_release(&p->lock);
        pipe_leave(p, inode, false, false);
        return error;
    }
    alone = !(reads && writes) && !(reads ? p->writers : p->readers);
    if (alone && !p->anonymous && !(f->flags & O_NONBLOCK)) {
        partner.opens = reads ? &p->writer_opens : &p->reader_opens;
        partner.before = *partner.opens;
    } else if (alone && !p->anonymous) {
        f->position = p->writer_opens; // no POLLHUP before a writer has come: see pipe_poll
    }
    lock_release(&p->lock);
    error = fifo_meet(p, f, &partner);
    if (error) {
        pipe_leave(p, inode, reads, writes);
        return error;
    }
    f->data = p;
    f->ops = &pipe_ops;
    return 0;
}
