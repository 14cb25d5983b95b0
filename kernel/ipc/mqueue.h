// SPDX-License-Identifier: BSD-3-Clause
// POSIX message queues: named, with priorities; an open queue is a file. [mq_overview(7)]
#pragma once

#include <asm/siginfo.h>
#include <linux/mqueue.h>

#include "base/types.h"

struct file;

// name: without its first slash. attributes NULL: the defaults. flags: O_*.
// -ENOENT, -EEXIST, -EACCES, -EINVAL, -EMFILE (RLIMIT_MSGQUEUE), -ENOSPC, -ENOMEM
must_check int mqueue_open(const char *name, u32 flags, u32 mode, const struct mq_attr *attributes,
                           struct file **out);
must_check int mqueue_unlink(const char *name); // -ENOENT, -EACCES

struct mqueue;
struct mqueue *mqueue_of(const struct file *f); // NULL: another kind of file
u64 mqueue_message_size(const struct mqueue *q); // at most

struct mqueue_message { // heap memory
    struct mqueue_message *next;
    u32 priority;
    size_t size;
    u8 data[];
};

// Takes m over, unless it fails. -EAGAIN (if nonblock), -ETIMEDOUT, -ERESTARTSYS
must_check int mqueue_send(struct mqueue *q, struct mqueue_message *m, bool nonblock, u64 deadline);
// The oldest of the highest priority; the caller heap_frees it.
must_check int mqueue_receive(struct mqueue *q, bool nonblock, u64 deadline,
                              struct mqueue_message **out);

struct mqueue_notice { // who wants to hear of a message in the empty queue, once
    int pid;           // 0: nobody
    struct sigevent event;
    struct file *socket;          // SIGEV_THREAD: a netlink socket, which gets
    u8 cookie[NOTIFY_COOKIE_LEN]; // this, its last byte NOTIFY_WOKENUP or NOTIFY_REMOVED
};

// The current process registers n (its reference to the socket goes over), or with NULL takes it back. -EBUSY
must_check int mqueue_notify(struct mqueue *q, const struct mqueue_notice *n);
void mqueue_attributes(struct mqueue *q, struct mq_attr *out); // but mq_flags
void mqueue_end(void); // the family ends: names go
