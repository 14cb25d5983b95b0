// SPDX-License-Identifier: BSD-3-Clause
// System V message queues. [msgop(2), msgctl(2)]
#pragma once

#include <linux/msg.h>

#include "base/list.h"
#include "base/types.h"

struct text;

struct msg { // heap memory
    struct list node;
    s64 type; // > 0
    size_t size;
    u8 data[];
};

must_check s64 msg_get(int key, u32 flags);
// Takes m over. -EAGAIN (IPC_NOWAIT), -EIDRM, -EACCES, -EINVAL, -ERESTARTNOHAND: m is still the caller's.
must_check int msg_send(int id, struct msg *m, u32 flags);
// Takes a message off the queue; the caller heap_frees it. MSG_COPY: a copy of number `type`.
// -E2BIG: it has more than `size` bytes; -ENOMSG, and as above
must_check int msg_receive(int id, size_t size, s64 type, u32 flags, struct msg **out);

// msgctl's commands. slot: `id` is a slot of the table (MSG_STAT); *out_id the identifier there.
must_check int msg_stat(int id, bool slot, bool any, struct msqid64_ds *out, int *out_id);
must_check int msg_set(int id, const struct msqid64_ds *from);
must_check int msg_remove(int id);
void msg_usage(int command, struct msginfo *out, int *out_last); // IPC_INFO, MSG_INFO

void msg_show(struct text *t); // /proc/sysvipc/msg
void msg_end(void);
