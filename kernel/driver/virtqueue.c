// SPDX-License-Identifier: BSD-3-Clause
#include "driver/virtqueue.h"

#include "base/panic.h"

void virtqueue_init(struct virtqueue *q, struct network_queue *ring, u64 index)
{
    q->ring = ring;
    q->index = index;
    q->free_head = 0;
    q->free_count = NETWORK_QUEUE_SIZE;
    for (u16 i = 0; i < NETWORK_QUEUE_SIZE; i++)
        ring->descriptors[i].next = (u16)(i + 1);
    ring->available.flags = QUEUE_NO_INTERRUPT; // whoever sleeps says so in wait's interest
}

bool virtqueue_add(struct virtqueue *q, const struct virtqueue_part *parts, u32 count,
                   bool device_writes, void *owner)
{
    u16 head = q->free_head, at = head;

    if (count > q->free_count)
        return false;
    for (u32 i = 0; i < count; i++) {
        struct queue_descriptor *d = &q->ring->descriptors[at];
        d->address = (u64)parts[i].memory;
        d->size = parts[i].size;
        d->flags =
            (u16)((device_writes ? QUEUE_DEVICE_WRITES : 0) | (i + 1 < count ? QUEUE_NEXT : 0));
        at = d->next;
    }
    q->free_head = at;
    q->free_count = (u16)(q->free_count - count);
    q->owners[head] = owner;
    q->ring->available.ring[q->available_index % NETWORK_QUEUE_SIZE] = head;
    q->available_index++;
    // Pairs with the device's acquire: it sees the chain too.
    __atomic_store_n(&q->ring->available.index, q->available_index, __ATOMIC_RELEASE);
    return true;
}

void *virtqueue_take(struct virtqueue *q, u32 *out_size)
{
    const struct queue_used_element *e = &q->ring->used.ring[q->used_index % NETWORK_QUEUE_SIZE];
    u16 head, at;

    // Pairs with the device's release of used.index.
    if (__atomic_load_n(&q->ring->used.index, __ATOMIC_ACQUIRE) == q->used_index)
        return NULL;
    if (e->id >= NETWORK_QUEUE_SIZE || !q->owners[e->id])
        panic("the network device gave back a buffer that it did not have: %u", e->id);
    *out_size = e->size;
    q->used_index++;
    void *owner = q->owners[e->id];
    q->owners[e->id] = NULL;
    head = at = (u16)e->id;
    for (q->free_count++; q->ring->descriptors[at].flags & QUEUE_NEXT; q->free_count++)
        at = q->ring->descriptors[at].next;
    q->ring->descriptors[at].next = q->free_head;
    q->free_head = head;
    return owner;
}
