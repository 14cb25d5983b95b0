// SPDX-License-Identifier: BSD-3-Clause
// Segments come in batches, and what they make a connection do, sending on and acknowledging, is done once for all
// of a batch: one ACK tells as much as five, and each costs the host as much as a packet of 64 KiB.
//
//     net_work: tcp_batch_begin -> tcp_receive ... -> tcp_batch_end
#include "cpu/vcpu.h"
#include "net/tcp_connection.h"

#define BATCHES 16u // vCPUs with the same low bits of their index share one, and one at a time has it

static struct tcp_batch {
    struct vcpu *owner;      // whose batch it is; NULL: none; atomic: others only compare it
    struct list connections; // by batch_node, each referenced; the owner's
} __attribute__((aligned(64))) batches[BATCHES];
static u32 batches_open; // atomic; a hint

void tcp_batch_begin(void)
{
    struct tcp_batch *b = &batches[vcpu_this()->index % BATCHES];

    list_init(&b->connections);
    __atomic_store_n(&b->owner, vcpu_this(), __ATOMIC_RELAXED); // pairs with connection_defer, of this vCPU
    __atomic_add_fetch(&batches_open, 1, __ATOMIC_RELAXED);
}

// Each leaves the list with its lock held: none is forgotten if the host kills us here.
static void finish(struct tcp_batch *b)
{
    while (!list_empty(&b->connections)) {
        struct tcp_connection *c = list_first(&b->connections, struct tcp_connection, batch_node);

        connection_lock(c);
        list_remove(&c->batch_node);
        c->in_batch = false;
        if (c->state != TCP_CLOSED) {
            connection_output(c);
            connection_ack_if_due(c);
        }
        c->puts++; // the batch's
        connection_unlock(c);
    }
}

static void close_batch(struct tcp_batch *b)
{
    __atomic_store_n(&b->owner, NULL, __ATOMIC_RELAXED);
    __atomic_sub_fetch(&batches_open, 1, __ATOMIC_RELAXED);
    finish(b);
}

void tcp_batch_end(void)
{
    close_batch(&batches[vcpu_this()->index % BATCHES]);
}

void tcp_batch_lost(const struct vcpu *v)
{
    struct tcp_batch *b = &batches[v->index % BATCHES];

    if (__atomic_load_n(&b->owner, __ATOMIC_RELAXED) == v)
        close_batch(b);
    else if (b->connections.next)
        finish(b);
}

bool connection_defer(struct tcp_connection *c)
{
    struct tcp_batch *b;

    if (c->in_batch)
        return true;
    if (!__atomic_load_n(&batches_open, __ATOMIC_RELAXED))
        return false;
    b = &batches[vcpu_this()->index % BATCHES];
    if (__atomic_load_n(&b->owner, __ATOMIC_RELAXED) != vcpu_this())
        return false;
    connection_get(c);
    c->in_batch = true;
    list_push_back(&b->connections, &c->batch_node);
    return true;
}
