// SPDX-License-Identifier: BSD-3-Clause
// System V message queues. Who waits for room, or for a message of a type, does the work himself when
// he is woken, with the table's lock held (try_send, try_receive).
#include "ipc/msg.h"

#include <linux/capability.h>

#include "base/string.h"
#include "file/inode.h"
#include "inspect/text.h"
#include "ipc/ids.h"
#include "linux/clock.h"
#include "memory/heap.h"
#include "process/process.h"
#include "thread/thread.h"
#include "thread/wait.h"

#define NS_PER_SECOND 1000000000ull

struct msg_queue {
    struct ipc_object object;
    struct list messages;
    u64 bytes, count, limit; // limit: of bytes, and of messages
    u64 send_time, receive_time, change_time;
    int sender, receiver; // the last ones
    struct wait_queue room, arrived;
    u32 sleepers; // the last one frees a removed queue
};

struct attempt { // of sending or receiving
    struct msg_queue *queue;
    struct msg *message;
    size_t size;
    s64 type;
    u32 flags;
    int result;
};

static struct ipc_table table = IPC_TABLE(MSGMNI);

static u64 now(void)
{
    return clock_realtime() / NS_PER_SECOND;
}

static s64 queue_create(int key, u32 flags)
{
    struct msg_queue *q = heap_alloc(sizeof(*q));
    int error;

    if (!q)
        return -ENOMEM;
    list_init(&q->messages);
    wait_queue_init(&q->room);
    wait_queue_init(&q->arrived);
    q->limit = MSGMNB;
    q->change_time = now();
    error = ipc_add(&table, &q->object, key, flags);
    if (error)
        heap_free(q);
    return error ? error : q->object.id;
}

s64 msg_get(int key, u32 flags)
{
    const struct ipc_object *o;
    s64 result;

    lock_acquire(&table.lock);
    o = key == IPC_PRIVATE ? NULL : ipc_find_key(&table, key);
    if (o)
        result = ipc_reopen(o, flags);
    else if (key != IPC_PRIVATE && !(flags & IPC_CREAT))
        result = -ENOENT;
    else
        result = queue_create(key, flags);
    if (o && !result)
        result = o->id;
    lock_release(&table.lock);
    return result;
}

static void queue_free(struct msg_queue *q)
{
    struct list *node;

    while ((node = list_pop_front(&q->messages)) != NULL)
        heap_free(list_entry(node, struct msg, node));
    heap_free(q);
}

static void queue_remove(struct msg_queue *q)
{
    ipc_remove(&table, &q->object);
    if (!q->sleepers) {
        queue_free(q);
        return;
    }
    wait_queue_wake(&q->room, ~0u);
    wait_queue_wake(&q->arrived, ~0u);
}

// Sleeps until the attempt is over; a signal lets the call start again only if no handler ran.
static int attempt_wait(struct attempt *a, struct wait_queue *w, bool (*done)(void *))
{
    struct msg_queue *q = a->queue;
    int error;

    q->sleepers++;
    error = wait_until_locked(w, &table.lock, DEADLINE_NONE, WAIT_INTERRUPTIBLE, done, a);
    if (!--q->sleepers && q->object.removed)
        queue_free(q);
    return error ? -ERESTARTNOHAND : a->result;
}

// Also finds out whether the attempt may be made at all.
static int attempt_begin(struct attempt *a, int id, u32 wanted)
{
    a->queue = (void *)ipc_find(&table, id);
    return a->queue ? ipc_permission(&a->queue->object, wanted) : -EINVAL;
}

static bool try_send(void *arg)
{
    struct attempt *a = arg;
    struct msg_queue *q = a->queue;

    a->result = q->object.removed ? -EIDRM : 0;
    if (a->result)
        return true;
    if (q->bytes + a->message->size > q->limit || q->count + 1 > q->limit) {
        a->result = -EAGAIN;
        return a->flags & IPC_NOWAIT;
    }
    list_push_back(&q->messages, &a->message->node);
    q->bytes += a->message->size;
    q->count++;
    q->sender = thread_process()->pid;
    q->send_time = now();
    wait_queue_wake(&q->arrived, ~0u);
    return true;
}

int msg_send(int id, struct msg *m, u32 flags)
{
    struct attempt a = { .message = m, .flags = flags };
    int error;

    lock_acquire(&table.lock);
    error = attempt_begin(&a, id, IPC_MAY_WRITE);
    if (!error)
        error = try_send(&a) ? a.result : attempt_wait(&a, &a.queue->room, try_send);
    lock_release(&table.lock);
    return error;
}

// The message that a receiver means, or NULL.
static struct msg *select(struct msg_queue *q, s64 type, u32 flags)
{
    struct msg *m, *best = NULL;
    s64 highest = type == INT64_MIN ? INT64_MAX : -type, number = 0;

    list_for_each(m, &q->messages, node) {
        if (flags & MSG_COPY) {
            if (number++ == type)
                return m;
        } else if (type < 0) {
            if (m->type <= highest && (!best || m->type < best->type))
                best = m;
        } else if (!type || (flags & MSG_EXCEPT ? m->type != type : m->type == type)) {
            return m;
        }
    }
    return best;
}

static void take(struct attempt *a, struct msg *m)
{
    struct msg_queue *q = a->queue;

    list_remove(&m->node);
    q->bytes -= m->size;
    q->count--;
    q->receiver = thread_process()->pid;
    q->receive_time = now();
    a->message = m;
    wait_queue_wake(&q->room, ~0u);
}

static int copy(struct attempt *a, const struct msg *m)
{
    a->message = heap_alloc(sizeof(*m) + m->size);
    if (!a->message)
        return -ENOMEM;
    a->message->type = m->type;
    a->message->size = m->size;
    memcpy(a->message->data, m->data, m->size);
    return 0;
}

static bool try_receive(void *arg)
{
    struct attempt *a = arg;
    struct msg *m;

    a->result = a->queue->object.removed ? -EIDRM : 0;
    if (a->result)
        return true;
    m = select(a->queue, a->type, a->flags);
    if (!m) {
        a->result = -ENOMSG;
        return a->flags & IPC_NOWAIT;
    }
    if (m->size > a->size && !(a->flags & MSG_NOERROR))
        a->result = -E2BIG;
    else if (a->flags & MSG_COPY)
        a->result = copy(a, m);
    else
        take(a, m);
    return true;
}

int msg_receive(int id, size_t size, s64 type, u32 flags, struct msg **out)
{
    struct attempt a = { .size = size, .type = type, .flags = flags };
    int error;

    lock_acquire(&table.lock);
    error = attempt_begin(&a, id, IPC_MAY_READ);
    if (!error)
        error = try_receive(&a) ? a.result : attempt_wait(&a, &a.queue->arrived, try_receive);
    lock_release(&table.lock);
    *out = a.message;
    return error;
}

int msg_stat(int id, bool slot, bool any, struct msqid64_ds *out, int *out_id)
{
    const struct msg_queue *q;
    int error = -EINVAL;

    lock_acquire(&table.lock);
    q = (void *)(slot && id >= 0 ? ipc_find_slot(&table, (u32)id) : ipc_find(&table, id));
    if (q)
        error = any ? 0 : ipc_permission(&q->object, IPC_MAY_READ);
    if (!error) {
        *out = (struct msqid64_ds){
            .msg_stime = (long)q->send_time,
            .msg_rtime = (long)q->receive_time,
            .msg_ctime = (long)q->change_time,
            .msg_cbytes = q->bytes,
            .msg_qnum = q->count,
            .msg_qbytes = q->limit,
            .msg_lspid = q->sender,
            .msg_lrpid = q->receiver,
        };
        ipc_describe(&q->object, &out->msg_perm);
        *out_id = q->object.id;
    }
    lock_release(&table.lock);
    return error;
}

int msg_set(int id, const struct msqid64_ds *from)
{
    struct msg_queue *q;
    int error = -EINVAL;

    lock_acquire(&table.lock);
    q = (void *)ipc_find(&table, id);
    if (q)
        error = ipc_may_control(&q->object);
    if (!error && from->msg_qbytes > MSGMNB && !inode_capable(CAP_SYS_RESOURCE))
        error = -EPERM;
    if (!error)
        error = ipc_set(&q->object, &from->msg_perm);
    if (!error) {
        q->limit = from->msg_qbytes;
        q->change_time = now();
        wait_queue_wake(&q->arrived, ~0u);
        wait_queue_wake(&q->room, ~0u);
    }
    lock_release(&table.lock);
    return error;
}

int msg_remove(int id)
{
    struct msg_queue *q;
    int error = -EINVAL;

    lock_acquire(&table.lock);
    q = (void *)ipc_find(&table, id);
    if (q)
        error = ipc_may_control(&q->object);
    if (!error)
        queue_remove(q);
    lock_release(&table.lock);
    return error;
}

void msg_usage(int command, struct msginfo *out, int *out_last)
{
    *out = (struct msginfo){
        .msgpool = MSGPOOL,
        .msgmap = MSGMAP,
        .msgmax = MSGMAX,
        .msgmnb = MSGMNB,
        .msgmni = MSGMNI,
        .msgssz = MSGSSZ,
        .msgtql = MSGTQL,
        .msgseg = MSGSEG,
    };
    lock_acquire(&table.lock);
    if (command == MSG_INFO) {
        out->msgpool = (int)table.count;
        out->msgmap = out->msgtql = 0;
        for (u32 i = 0; i < table.capacity; i++) {
            const struct msg_queue *q = (void *)table.slots[i];
            out->msgmap += q ? (int)q->count : 0;
            out->msgtql += q ? (int)q->bytes : 0;
        }
    }
    *out_last = (int)ipc_last_slot(&table);
    lock_release(&table.lock);
}

void msg_show(struct text *t)
{
    text_add(t, "       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  "
                "cgid      stime      rtime      ctime\n");
    lock_acquire(&table.lock);
    for (u32 i = 0; i < table.capacity; i++) {
        const struct msg_queue *q = (void *)table.slots[i];
        if (q)
            text_add(t, "%10d %10d  %4o  %10lu %10lu %5u %5u %5u %5u %5u %5u %10lu %10lu %10lu\n",
                     q->object.key, q->object.id, q->object.mode, (unsigned long)q->bytes,
                     (unsigned long)q->count, (u32)q->sender, (u32)q->receiver, q->object.uid,
                     q->object.gid, q->object.cuid, q->object.cgid, (unsigned long)q->send_time,
                     (unsigned long)q->receive_time, (unsigned long)q->change_time);
    }
    lock_release(&table.lock);
}

void msg_end(void)
{
    lock_acquire(&table.lock);
    for (u32 i = 0; i < table.capacity; i++)
        if (table.slots[i])
            queue_remove((void *)table.slots[i]);
    lock_release(&table.lock);
}
