// SPDX-License-Identifier: BSD-3-Clause
// Devices: split virtqueues (virtio 1.2, section 2.7) in family memory, one per struct waist_queue.
//
// Queue 0 to 2 are the console's ports: the host's standard input, output and error. Buffer
// addresses in descriptors are virtual addresses within family memory. ring(index) makes the device
// complete what it can; in the process back end one kick completes one descriptor, by one host call.
//
// Queues 3 and 4 are the network's: virtio-net (virtio 1.2, section 5.1) with VERSION_1, MRG_RXBUF,
// CSUM, GUEST_CSUM and, if boot_network says so, TSO both ways. They are larger, and stand elsewhere:
// boot_network.queues. A kick moves at least one packet, and as many as one host call can.
#pragma once

#include <linux/types.h>

#define QUEUE_STDIN  0
#define QUEUE_STDOUT 1
#define QUEUE_STDERR 2
#define QUEUE_SIZE   8 // descriptors in each of the console's queues

#define QUEUE_NETWORK_RECEIVE 3
#define QUEUE_NETWORK_SEND    4
#define NETWORK_QUEUE_SIZE    256 // descriptors in each of the network's queues

// The host's controlling terminal, both ways, for a guest that has only a part of it as its standard streams. They are
// console queues: the last two of boot_info.queues, if queue_count is 5.
#define QUEUE_TERMINAL_INPUT  5
#define QUEUE_TERMINAL_OUTPUT 6

struct queue_descriptor { // struct virtq_desc
    __u64 address;
    __u32 size;
    __u16 flags; // QUEUE_DEVICE_WRITES; a console queue's also QUEUE_SEEK, QUEUE_STAT
    __u16 next;
};
_Static_assert(sizeof(struct queue_descriptor) == 16, "virtio 1.2, 2.7.5");

#define QUEUE_NEXT          1
#define QUEUE_DEVICE_WRITES 2

// Requests of a stream that is a file (boot_info.stream_mode): its position is set, lseek(2), by a struct queue_seek; or
// the buffer gets the host's struct stat, fstat(2).
#define QUEUE_SEEK 0x100
#define QUEUE_STAT 0x200

struct queue_seek {
    __s64 offset; // becomes the new position
    __u64 whence; // SEEK_*
};

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

// A network queue, whole. What stands behind `used` is the device's own.
struct network_queue {
    struct queue_descriptor descriptors[NETWORK_QUEUE_SIZE];
    struct {
        __u16 flags; // QUEUE_NO_INTERRUPT
        __u16 index;
        __u16 ring[NETWORK_QUEUE_SIZE];
        __u16 used_event;
        __u16 pad;
    } available;
    struct {
        __u16 flags; // QUEUE_NO_NOTIFY: the device looks by itself
        __u16 index;
        struct queue_used_element ring[NETWORK_QUEUE_SIZE];
        __u16 available_event;
        __u16 pad;
    } used;
    __u16 device_index;  // next entry of `available` to look at
    __u16 device_reserved;
    __u32 device_offset; // sending: bytes of the next packet that a stream has taken already
    __u32 stage_start, stage_end; // receiving from a stream: what stands in the stage
    __u64 reserved[4];
};
_Static_assert(sizeof(struct network_queue) == 4096 + 520 + 2056 + 48, "virtio 1.2, 2.7");

#define QUEUE_NO_INTERRUPT 1
#define QUEUE_NO_NOTIFY    1

// The stream's stage: bytes that came in one read, until buffers for them are made available.
#define NETWORK_STAGE_SIZE 262144u

// UDP segments, as virtio 1.3 has them: features, and gso_type in the header. <linux/virtio_net.h> has them since 6.2.
#define NETWORK_F_GUEST_USO4   54
#define NETWORK_F_GUEST_USO6   55
#define NETWORK_F_HOST_USO     56
#define NETWORK_HDR_GSO_UDP_L4 5

// In front of each packet, both ways: struct virtio_net_hdr_v1 of <linux/virtio_net.h>, 12 bytes.
#define NETWORK_HEADER_SIZE 12
