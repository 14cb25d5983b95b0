// SPDX-License-Identifier: BSD-3-Clause
// Devices: split virtqueues (virtio 1.2, section 2.7) in family memory, one per struct waist_queue.
//
// Queue 0 to 2 are the console's ports: the host's standard input, output and error. Buffer
// addresses in descriptors are virtual addresses within family memory. ring(index) makes the device
// complete what it can; in the process back end one kick completes one descriptor, by one host call.
#pragma once

#include <linux/types.h>

#define QUEUE_STDIN  0
#define QUEUE_STDOUT 1
#define QUEUE_STDERR 2
#define QUEUE_SIZE   8 // descriptors in each of the console's queues

struct queue_descriptor { // struct virtq_desc
    __u64 address;
    __u32 size;
    __u16 flags; // QUEUE_DEVICE_WRITES
    __u16 next;
};
_Static_assert(sizeof(struct queue_descriptor) == 16, "virtio 1.2, 2.7.5");

#define QUEUE_NEXT          1
#define QUEUE_DEVICE_WRITES 2

struct queue_available { // struct virtq_avail: driver -> device
    __u16 flags;
    __u16 index;
    __u16 ring[QUEUE_SIZE];
};

struct queue_used_element {
    __u32 id;
    __u32 size; // bytes that the device wrote; for output: bytes it took
};

struct queue_used { // struct virtq_used: device -> driver
    __u16 flags;
    __u16 index;
    struct queue_used_element ring[QUEUE_SIZE];
};

// One console queue, whole. The device keeps device_index; all else is virtio's.
struct waist_queue {
    struct queue_descriptor descriptors[QUEUE_SIZE];
    struct queue_available available;
    __u32 pad;
    struct queue_used used;
    __u32 device_index; // the device's: next entry of `available` to look at
};
