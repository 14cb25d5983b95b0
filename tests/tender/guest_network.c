// SPDX-License-Identifier: BSD-3-Clause
// The least that answers on a network: ARP, ping and UDP are sent back where they came from.
// Measures the device path without a stack, and tests it.
//
//     arguments: poll    never sleeps
#include <linux/virtio_net.h>

#include "abi/queue.h"
#include "tests/tender/guest.h"

#define BUFFERS     32
#define BUFFER_SIZE 4096u

static struct network_queue *receive_queue, *send_queue;
static u8 buffers[BUFFERS][BUFFER_SIZE] __attribute__((aligned(4096)));
static u16 given, taken, sent;

void guest_upcall(int signal, const void *info, const void *context)
{
    leave(99);
}

static void give(u16 id)
{
    receive_queue->available.ring[given++ % NETWORK_QUEUE_SIZE] = id;
    __atomic_store_n(&receive_queue->available.index, given, __ATOMIC_RELEASE);
}

static void copy(u8 *to, const u8 *from, u64 size)
{
    while (size--)
        *to++ = *from++;
}

static void swap(u8 *a, u8 *b, u64 size)
{
    for (; size--; a++, b++) {
        u8 x = *a;
        *a = *b;
        *b = x;
    }
}

// False: not for us.
static bool answer_arp(u8 *frame)
{
    if (frame[21] != 1)
        return false;
    for (int i = 0; i < 4; i++)
        if (frame[38 + i] != boot->network.address4[i])
            return false;
    frame[21] = 2;
    swap(frame + 22, frame + 32, 10);
    copy(frame + 22, boot->network.mac, 6);
    return true;
}

static bool answer_ip(u8 *frame)
{
    u8 *ip = frame + 14, *payload = ip + (ip[0] & 15) * 4;

    swap(ip + 12, ip + 16, 4);
    if (ip[9] == 1 && payload[0] == 8) {
        u32 sum = (u32)(payload[2] << 8 | payload[3]) + 0x0800;
        payload[0] = 0;
        sum += sum >> 16;
        payload[2] = (u8)(sum >> 8);
        payload[3] = (u8)sum;
        return true;
    }
    if (ip[9] != 17)
        return false;
    swap(payload, payload + 2, 2);
    return true; // the checksum, or what is to become one, stays right
}

static bool answer(u8 *packet)
{
    u8 *frame = packet + NETWORK_HEADER_SIZE;
    bool known =
        frame[12] == 8 &&
        (frame[13] == 6 ? answer_arp(frame) : !frame[13] && answer_ip(frame));

    copy(frame, frame + 6, 6);
    copy(frame + 6, boot->network.mac, 6);
    return known;
}

static void send(const u8 *packet, u32 size)
{
    u16 slot = sent++ % NETWORK_QUEUE_SIZE;

    send_queue->descriptors[slot] = (struct queue_descriptor){(u64)packet, size, 0, 0};
    send_queue->available.ring[slot] = slot;
    __atomic_store_n(&send_queue->available.index, sent, __ATOMIC_RELEASE);
    while (send_queue->used.index != sent)
        waist->ring(QUEUE_NETWORK_SEND);
}

static void take_all(void)
{
    while (receive_queue->used.index != taken) {
        struct queue_used_element e = receive_queue->used.ring[taken % NETWORK_QUEUE_SIZE];
        u8 *packet = buffers[e.id];
        u32 count = ((struct virtio_net_hdr_v1 *)packet)->num_buffers;
        if (count == 1 && answer(packet))
            send(packet, e.size);
        for (u32 i = 0; i < count; i++)
            give((u16)receive_queue->used.ring[taken++ % NETWORK_QUEUE_SIZE].id);
    }
}

int guest_main(void)
{
    bool poll = equal(argument(1), "poll");

    if (!boot->network.queues)
        return 3;
    receive_queue = (struct network_queue *)boot->network.queues;
    send_queue = receive_queue + 1;
    for (u16 i = 0; i < BUFFERS; i++) {
        receive_queue->descriptors[i] =
            (struct queue_descriptor){(u64)buffers[i], BUFFER_SIZE, QUEUE_DEVICE_WRITES, 0};
        give(i);
    }
    boot->mailbox.network_wanted = 1;
    waist->ring(RING_SUPERVISOR);
    for (;;) {
        s64 result = waist->ring(QUEUE_NETWORK_RECEIVE);
        if (result < 0 && result != -11) {
            say("the device is gone\n");
            return 4;
        }
        take_all();
        if (result <= 0 && !poll)
            waist->wait(WAIT_FOREVER, 1ull << QUEUE_NETWORK_RECEIVE);
    }
}
