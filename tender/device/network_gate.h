// SPDX-License-Identifier: BSD-3-Clause
// The network device's part of the gate: included by gate.c alone, as all of the gate is one
// object.
//
// Two transports. A TAP moves one packet a call, behind the virtio header that it makes and takes
// itself (IFF_VNET_HDR). A stream (passt's socket) moves many: each is four bytes of length in
// network order, then the frame; a read goes to the stage, from which frames are copied to the
// driver's buffers; a write may end in the middle of a packet, and device_offset remembers where.
#pragma once

#include <asm/errno.h>
#include <asm/unistd.h>
#include <linux/uio.h>
#include <linux/virtio_net.h>

#include "abi/queue.h"
#include "tender/process/descriptors.h"
#include "tender/process/gate.h"
#include "tender/process/gate_call.h"

#define NETWORK_PARTS      48u // of one host call
#define NETWORK_PACKETS    16u // of one write to a stream
#define NETWORK_PACKET_MAX (NETWORK_HEADER_SIZE + 14u + 65535u)
#define NETWORK_READ_MAX   131072u
#define STREAM_LENGTH      4u
#define STREAM_CALL_MAX    32768u // bytes that the host puts into a socket as one piece

extern const struct gate_header gate_header __attribute__((visibility("hidden")));

GATE s64 gate_network(u64 index);

// A descriptor's memory, within family memory. False: it is not.
static inline __attribute__((always_inline)) bool network_part(const struct network_queue *q,
                                                               u32 id, struct iovec *out)
{
    u64 address = *(const volatile u64 *)&q->descriptors[id].address;
    u64 size = *(const volatile u32 *)&q->descriptors[id].size;

    out->iov_base = (void *)address;
    out->iov_len = size;
    return address - gate_header.family_base < gate_header.family_size &&
           size <= gate_header.family_base + gate_header.family_size - address;
}

static inline __attribute__((always_inline)) u32 network_available(const struct network_queue *q)
{
    // Pairs with the driver's release of available.index.
    return (u16)(__atomic_load_n(&q->available.index, __ATOMIC_ACQUIRE) - q->device_index);
}

static inline __attribute__((always_inline)) u32 network_head(const struct network_queue *q, u32 n)
{
    return *(const volatile u16 *)&q->available.ring[(q->device_index + n) % NETWORK_QUEUE_SIZE] %
           NETWORK_QUEUE_SIZE;
}

// `count` more buffers are used.
static inline __attribute__((always_inline)) void network_publish(struct network_queue *q,
                                                                  u32 count)
{
    q->device_index = (u16)(q->device_index + count);
    // Pairs with the driver's acquire of used.index.
    __atomic_store_n(&q->used.index, (u16)(q->used.index + count), __ATOMIC_RELEASE);
}

static inline __attribute__((always_inline)) void network_use(struct network_queue *q, u32 n,
                                                              u32 size)
{
    u32 slot = (u32)(q->used.index + n) % NETWORK_QUEUE_SIZE;

    q->used.ring[slot].id = network_head(q, n);
    q->used.ring[slot].size = size;
}

// The driver's next buffers, as many as a packet of `size` bytes needs. 0: it has too few.
static GATE_LOCAL u32 network_buffers(const struct network_queue *q, struct iovec *parts, u64 size)
{
    u32 available = network_available(q), count = 0;

    for (u64 have = 0; have < size && count < NETWORK_PARTS; count++) {
        if (count == available || !network_part(q, network_head(q, count), &parts[count]))
            return 0;
        have += parts[count].iov_len;
    }
    return count;
}

// A packet of `size` bytes stands in the first of these buffers.
static GATE_LOCAL void network_received(struct network_queue *q, const struct iovec *parts,
                                        u64 size)
{
    u32 count = 0;

    do {
        u32 part = (u32)(size < parts[count].iov_len ? size : parts[count].iov_len);
        network_use(q, count++, part);
        size -= part;
    } while (size);
    ((volatile u16 *)parts[0].iov_base)[5] = (u16)count; // num_buffers
    network_publish(q, count);
}

static GATE_LOCAL s64 tap_receive(struct network_queue *q)
{
    struct iovec parts[NETWORK_PARTS];
    u32 count = network_buffers(q, parts, NETWORK_PACKET_MAX);

    if (!count)
        return 0;
    s64 moved = host(__NR_readv, FD_NETWORK, (u64)parts, count, 0, 0, 0);
    if (moved <= 0)
        return moved;
    network_received(q, parts, (u64)moved);
    return 1;
}

// One packet's chain behind its header, into parts. Returns how many, and the packet's size; 0:
// bad.
static GATE_LOCAL u32 network_chain(const struct network_queue *q, u32 id, struct iovec *parts,
                                    u32 room, u64 skip, u64 *out_size)
{
    u32 count = 0;
    u64 size = 0;

    for (u32 left = NETWORK_QUEUE_SIZE; left && count < room; left--) {
        if (!network_part(q, id, &parts[count]))
            return 0;
        u64 away = skip < parts[count].iov_len ? skip : parts[count].iov_len;
        skip -= away;
        parts[count].iov_base = (u8 *)parts[count].iov_base + away;
        parts[count].iov_len -= away;
        size += parts[count].iov_len;
        count++;
        if (!(*(const volatile u16 *)&q->descriptors[id].flags & QUEUE_NEXT)) {
            *out_size = size;
            return count;
        }
        id = *(const volatile u16 *)&q->descriptors[id].next % NETWORK_QUEUE_SIZE;
    }
    return 0;
}

// A packet that the host refuses for good is lost, as on a wire.
static GATE_LOCAL s64 tap_send(struct network_queue *q)
{
    struct iovec parts[NETWORK_PARTS];
    s64 moved = 0;
    u64 size;

    if (!network_available(q))
        return 0;
    u32 count = network_chain(q, network_head(q, 0), parts, NETWORK_PARTS, 0, &size);
    if (count)
        moved = host(__NR_writev, FD_NETWORK, (u64)parts, count, 0, 0, 0);
    if (moved == -EAGAIN || moved == -EINTR)
        return moved;
    network_use(q, 0, 0);
    network_publish(q, 1);
    return 1;
}

static inline __attribute__((always_inline)) void network_move(void *to, const void *from, u64 size)
{
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size) : : "memory");
}

// A header that says that the checksums are right, as the stream's other end is on this host; and
// the frame.
static inline __attribute__((always_inline)) void network_copy(const struct iovec *parts,
                                                               const u8 *from, u64 size)
{
    u64 at = NETWORK_HEADER_SIZE;

    ((volatile u32 *)parts[0].iov_base)[0] = VIRTIO_NET_HDR_F_DATA_VALID;
    ((volatile u32 *)parts[0].iov_base)[1] = 0;
    ((volatile u32 *)parts[0].iov_base)[2] = 0;
    for (; size; parts++, at = 0) {
        u64 part = parts->iov_len - at < size ? parts->iov_len - at : size;
        network_move((u8 *)parts->iov_base + at, from, part);
        from += part;
        size -= part;
    }
}

// Passes on the frames that stand whole in the stage, as far as there are buffers.
static GATE_LOCAL s64 stage_deliver(struct network_queue *q)
{
    struct iovec parts[NETWORK_PARTS];
    const u8 *stage = (const u8 *)gate_header.network_stage;
    s64 done = 0;

    while (q->stage_end - q->stage_start >= STREAM_LENGTH && q->stage_end <= NETWORK_STAGE_SIZE) {
        const u8 *from = stage + q->stage_start;
        u64 size = __builtin_bswap32(*(const volatile u32 *)(const void *)from);
        if (size > NETWORK_PACKET_MAX - NETWORK_HEADER_SIZE)
            return -EIO;
        if (q->stage_end - q->stage_start - STREAM_LENGTH < size)
            break;
        from += STREAM_LENGTH;
        u32 count = network_buffers(q, parts, size + NETWORK_HEADER_SIZE);
        if (!count)
            break;
        q->stage_start += STREAM_LENGTH + (u32)size;
        network_copy(parts, from, size);
        network_received(q, parts, size + NETWORK_HEADER_SIZE);
        done++;
    }
    return done;
}

static GATE_LOCAL s64 stream_receive(struct network_queue *q)
{
    s64 done = stage_deliver(q);

    if (done || !network_available(q))
        return done;
    u8 *stage = (u8 *)gate_header.network_stage;
    if (q->stage_end > NETWORK_STAGE_SIZE - NETWORK_READ_MAX) { // a frame began at the end
        u32 left = q->stage_end - q->stage_start;
        if (left > NETWORK_STAGE_SIZE - NETWORK_READ_MAX)
            return 0; // the driver has too few buffers
        network_move(stage, stage + q->stage_start, left);
        q->stage_start = 0;
        q->stage_end = left;
    }
    struct iovec part = {stage + q->stage_end, NETWORK_READ_MAX};
    s64 moved = host(__NR_readv, FD_NETWORK, (u64)&part, 1, 0, 0, 0);
    if (moved <= 0)
        return moved ? moved : -EPIPE;
    q->stage_end += (u32)moved;
    done = stage_deliver(q);
    if (q->stage_start == q->stage_end)
        q->stage_start = q->stage_end = 0;
    return done;
}

// As many packets as the host takes as one piece. Not more: passt of 2023 loses its place in the
// stream when it reads a part of a packet, so its packets (and the MTU) are no longer than a piece
// either.
static GATE_LOCAL s64 stream_send(struct network_queue *q)
{
    struct iovec parts[NETWORK_PARTS];
    u32 lengths[NETWORK_PACKETS];
    u32 available = network_available(q), packets = 0, count = 0, first = 0;
    u64 offset = q->device_offset, total = 0, size;
    s64 done = 0;

    for (; packets < available && packets < NETWORK_PACKETS && count + 1 < NETWORK_PARTS;
         packets++) {
        u32 more = network_chain(q, network_head(q, packets), parts + count + 1,
                                 NETWORK_PARTS - count - 1, NETWORK_HEADER_SIZE, &size);
        total += STREAM_LENGTH + size;
        if (!more || (packets && total > STREAM_CALL_MAX))
            break;
        lengths[packets] = __builtin_bswap32((u32)size);
        parts[count].iov_base = &lengths[packets];
        parts[count].iov_len = STREAM_LENGTH;
        count += 1 + more;
    }
    if (!packets)
        return available ? -EINVAL : 0;
    for (u64 skip = offset; first < count; first++) { // what the stream has of the first packet
        u64 part = skip < parts[first].iov_len ? skip : parts[first].iov_len;
        parts[first].iov_base = (u8 *)parts[first].iov_base + part;
        parts[first].iov_len -= part;
        skip -= part;
        if (parts[first].iov_len)
            break;
    }
    s64 moved = host(__NR_writev, FD_NETWORK, (u64)(parts + first), count - first, 0, 0, 0);
    if (moved < 0)
        return moved;
    for (offset += (u64)moved; done < packets; done++) {
        size = STREAM_LENGTH + __builtin_bswap32(lengths[done]);
        if (offset < size)
            break;
        offset -= size;
        network_use(q, (u32)done, 0);
    }
    q->device_offset = (u32)offset;
    network_publish(q, (u32)done);
    return done;
}

s64 gate_network(u64 index)
{
    struct network_queue *q =
        (struct network_queue *)gate_header.network_queues + (index - QUEUE_NETWORK_RECEIVE);

    if (!gate_header.network_queues)
        return -ENODEV;
    if (index == QUEUE_NETWORK_RECEIVE)
        return gate_header.network_stage ? stream_receive(q) : tap_receive(q);
    return gate_header.network_stage ? stream_send(q) : tap_send(q);
}
