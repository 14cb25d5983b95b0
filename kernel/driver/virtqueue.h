// SPDX-License-Identifier: BSD-3-Clause
// The driver's side of a split virtqueue of the network [virtio 1.2, 2.7]: descriptors that are
// free, and what each chain in flight belongs to. The caller's lock guards it.
#pragma once

#include "abi/queue.h"
#include "base/types.h"

struct virtqueue {
    struct network_queue *ring;
    u64 index; // what the waist's ring and wait call it
    u16 free_head, free_count;
    u16 available_index, used_index;  // ours: next to write, next to read
    void *owners[NETWORK_QUEUE_SIZE]; // by a chain's first descriptor
};

struct virtqueue_part {
    const void *memory; // family memory
    u32 size;
};

void virtqueue_init(struct virtqueue *q, struct network_queue *ring, u64 index);
// Makes a chain of these parts available. False: not enough free descriptors.
must_check bool virtqueue_add(struct virtqueue *q, const struct virtqueue_part *parts, u32 count,
                              bool device_writes, void *owner);
// The next chain that the device is through with: its owner, and the bytes it wrote. NULL: none.
void *virtqueue_take(struct virtqueue *q, u32 *out_size);
// Chains that the device has not given back.
static inline bool virtqueue_is_idle(const struct virtqueue *q)
{
    return q->free_count == NETWORK_QUEUE_SIZE;
}
