// SPDX-License-Identifier: BSD-3-Clause
// Frames in, frames and datagrams out: ARP, ICMP, UDP, fragments, NDP, and what must be refused.
#include <stdlib.h>
#include <string.h>

#include "base/panic.h"
#include "net/neighbour.h"
#include "tests/stack/host.h"
#include "tests/stack/tests.h"
#include "tests/stack/wire.h"

static u8 frame[70000], payload[70000], data[66000];

static void send_udp(u16 port, u32 size, bool v6)
{
    u32 bytes = udp_bytes(payload, 9000, port, data, size, v6);

    wire_receive(frame, v6 ? frame_ip6(frame, PROTOCOL_UDP, 64, payload, bytes, NULL)
                           : frame_ip4(frame, PROTOCOL_UDP, payload, bytes, 1, 0));
}

static void expect_datagram(u32 size)
{
    struct packet *p = wire_datagram();
    static u8 got[66000];

    assert(p && p->total == size && p->control[0] == 9000);
    packet_copy_out(p, 0, got, size);
    assert(!memcmp(got, data, size));
    packet_free(p);
}

static void arp_answers(void)
{
    u8 request[42] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0,  1, 8, 6,
                      0,    1,    8,    0,    6,    4,    0, 1, 2, 0, 0,  0, 0, 1,
                      10,   0,    0,    1,    0,    0,    0, 0, 0, 0, 10, 0, 0, 2};
    const struct wire_frame *f;

    wire_receive(request, sizeof(request));
    f = wire_sent();
    assert(f && f->size == 42 && f->bytes[21] == 2 && !memcmp(f->bytes, their_mac, 6));
    assert(!memcmp(f->bytes + 22, wire_interface.mac, 6) && f->bytes[31] == 2);
    request[41] = 3; // somebody else's
    wire_receive(request, sizeof(request));
    assert(!wire_sent());
    request[31] = 2; // claims to be us
    request[41] = 2;
    wire_receive(request, sizeof(request));
    assert(!wire_sent());
}

static void arp_asks_and_sends(void)
{
    struct ip_address to = ip4_address(swap32(0x0a000009)), from = ip4_address(swap32(OUR4));
    struct ip_send s = {.source = from, .destination = to, .protocol = 200};
    u8 reply[42] = {2, 0, 0, 0, 0, 2, 2, 0,  0, 0, 0, 9, 8, 6, 0, 1, 8, 0,  6, 4, 0,
                    2, 2, 0, 0, 0, 0, 9, 10, 0, 0, 9, 2, 0, 0, 0, 0, 2, 10, 0, 0, 2};
    const struct wire_frame *f;
    struct route r;

    assert(!route_lookup(&to, NULL, 0, &r));
    for (int i = 0; i < 3; i++) {
        struct packet *p = packet_alloc(10);
        memset(packet_append(p, 10), i, 10);
        assert(!ip_send(p, &r, &s));
    }
    f = wire_sent();
    assert(f && f->bytes[13] == 6 && !wire_sent()); // one question, three packets wait
    wire_receive(reply, sizeof(reply));
    for (int i = 0; i < 3; i++) {
        f = wire_sent();
        assert(f && f->bytes[12] == 8 && f->bytes[13] == 0 && f->bytes[5] == 9 &&
               f->bytes[34] == i);
    }
    assert(!neighbour_remove(&wire_interface, &to));
    assert(!ip_send(({
                        struct packet *p = packet_alloc(8);
                        packet_append(p, 8);
                        p;
                    }),
                    &r, &s));
    host_advance(5000000000ull); // nobody answers: it is given up
    assert(host_packets() == 0);
}

static void ping4(void)
{
    const struct wire_frame *f;
    u16 sum;

    memset(payload, 7, 100);
    memset(payload, 0, 4);
    payload[0] = 8;
    sum = wire_sum(0, payload, 100);
    memcpy(payload + 2, &sum, 2);
    wire_receive(frame, frame_ip4(frame, PROTOCOL_ICMP, payload, 100, 1, 0));
    f = wire_sent();
    assert(f && f->size == 134 && f->bytes[34] == 0 && !wire_sum(0, f->bytes + 34, 100));
    assert(!memcmp(f->bytes + 38, payload + 4, 96));
    payload[2] ^= 1;
    wire_receive(frame, frame_ip4(frame, PROTOCOL_ICMP, payload, 100, 1, 0));
    assert(!wire_sent());
}

static void udp_arrives(void)
{
    static const u32 sizes[] = {0, 1, 2, 3, 500, 501, 1472};

    for (u32 i = 0; i < sizeof(data); i++)
        data[i] = (u8)host_random();
    for (size_t i = 0; i < array_count(sizes); i++) {
        send_udp(PORT, sizes[i], false);
        expect_datagram(sizes[i]);
        send_udp(PORT, sizes[i] > 1400 ? 1400 : sizes[i], true);
        expect_datagram(sizes[i] > 1400 ? 1400 : sizes[i]);
    }
}

static void udp_refuses(void)
{
    const struct wire_frame *f;

    send_udp(PORT + 1, 10, false);
    f = wire_sent();
    assert(f && f->bytes[23] == PROTOCOL_ICMP && f->bytes[34] == 3 && f->bytes[35] == 3);
    assert(!wire_sum(0, f->bytes + 34, f->size - 34) && f->bytes[42] == 0x45);
    send_udp(PORT + 1, 10, true);
    f = wire_sent();
    assert(f && f->bytes[20] == PROTOCOL_ICMP6 && f->bytes[54] == 1 && f->bytes[55] == 4);
    for (int i = 0; i < 300; i++)
        send_udp(PORT + 1, 10, false);
    for (int i = 0; i < 100; i++)
        f = wire_sent();
    assert(!f); // the rate has a limit
    host_advance(1000000000);
}

static void damaged_dropped(void)
{
    u32 size = udp_bytes(payload, 9000, PORT, data, 100, false), frame_size;

    for (u32 n = 0; n < 500; n++) {
        u32 at = 14 + (u32)(host_random() % 128);
        frame_size = frame_ip4(frame, PROTOCOL_UDP, payload, size, 1, 0);
        frame[at] ^= (u8)(1 << host_random() % 8);
        wire_receive(frame, frame_size);
        if (wire_datagram())
            panic("a frame damaged at %u was taken", at);
    }
    frame_size = frame_ip4(frame, PROTOCOL_UDP, payload, size, 1, 0);
    for (u32 cut = 0; cut < frame_size; cut++) {
        wire_receive(frame, cut);
        assert(!wire_datagram());
    }
    host_advance(1000000000);
}

#define PIECES_MAX 100
static u32 pieces(u32 total, u32 chunk, u32 order[PIECES_MAX])
{
    u32 count = (total + chunk - 1) / chunk;

    for (u32 i = 0; i < count; i++)
        order[i] = i;
    for (u32 i = count - 1; i; i--) {
        u32 j = (u32)(host_random() % (i + 1)), swap = order[i];
        order[i] = order[j];
        order[j] = swap;
    }
    return count;
}

static void piece_send(u32 total, u32 chunk, u32 n, u16 id)
{
    u32 at = n * chunk, size = total - at < chunk ? total - at : chunk;
    u16 more = at + size < total ? 0x2000 : 0;

    wire_receive(frame,
                 frame_ip4(frame, PROTOCOL_UDP, payload + at, size, id, (u16)(more | at / 8)));
}

static void fragments_join(void)
{
    u32 order[PIECES_MAX];

    for (u32 round = 0; round < 60; round++) {
        u32 size = 2000 + (u32)(host_random() % 60000),
            total = udp_bytes(payload, 9000, PORT, data, size, false);
        u32 count = pieces(total, 1480, order);
        for (u32 i = 0; i < count; i++) {
            assert(!wire_datagram());
            piece_send(total, 1480, order[i], (u16)round);
            if (i == count / 2) // once more
                piece_send(total, 1480, order[i], (u16)round);
        }
        expect_datagram(size);
    }
}

static void fragments_overlap(void)
{
    u32 total = udp_bytes(payload, 9000, PORT, data, 3000, false);

    piece_send(total, 1480, 0, 77);
    wire_receive(frame, frame_ip4(frame, PROTOCOL_UDP, payload + 1472, 1480, 77, 0x2000 | 184));
    piece_send(total, 1480, 1, 77);
    piece_send(total, 1480, 2, 77);
    assert(!wire_datagram());
    wire_receive(frame, frame_ip4(frame, PROTOCOL_UDP, payload, 1480, 78, 0x3fff)); // behind 64 KiB
    wire_receive(frame, frame_ip4(frame, PROTOCOL_UDP, payload, 7, 79, 0x2000)); // no multiple of 8
    assert(!wire_datagram());
}

static void fragments_bounded(void)
{
    for (u32 id = 0; id < 3000; id++)
        wire_receive(frame, frame_ip4(frame, PROTOCOL_UDP, data, 1480, (u16)id, 0x2000));
    assert(host_packets() < 300);
    host_advance(31000000000ull);
    assert(host_packets() == 0);
}

static void fragments_sent(void)
{
    struct ip_address from = ip4_address(swap32(OUR4)), to = ip4_address(swap32(THEIR4));
    struct ip_send s = {.source = from, .destination = to, .protocol = 200};
    struct packet *p = packet_alloc(5000);
    const struct wire_frame *f;
    struct route r;
    u32 at = 0;

    memcpy(packet_append(p, 5000), data, 5000);
    assert(!route_lookup(&to, NULL, 0, &r) && !ip_send(p, &r, &s));
    while ((f = wire_sent())) {
        u32 size = f->size - 34;
        u16 field = (u16)(f->bytes[20] << 8 | f->bytes[21]);
        assert(!wire_sum(0, f->bytes + 14, 20) && (field & 0x1fff) * 8u == at);
        assert(!memcmp(f->bytes + 34, data + at, size));
        at += size;
        assert(!!(field & 0x2000) == (at < 5000));
    }
    assert(at == 5000);
    s.dont_fragment = true;
    p = packet_alloc(5000);
    packet_append(p, 5000);
    assert(ip_send(p, &r, &s) == -EMSGSIZE);
}

static void path_mtu_learnt(void)
{
    struct ip_address to = ip4_address(swap32(0x0a000001));
    u8 message[8 + 28] = {3, 4, [6] = 1000 >> 8, [7] = 1000 & 255, 0x45, [17] = 17};
    struct route r;
    u16 sum;

    message[8] = 0x45;
    message[17] = 17;
    memcpy(message + 20, "\x0a\x00\x00\x02\x0a\x00\x00\x01", 8);
    sum = wire_sum(0, message, sizeof(message));
    memcpy(message + 2, &sum, 2);
    assert(!route_lookup(&to, NULL, 0, &r) && r.mtu == 1500);
    wire_receive(frame, frame_ip4(frame, PROTOCOL_ICMP, message, sizeof(message), 1, 0));
    assert(!route_current(&r) && !route_lookup(&to, NULL, 0, &r) && r.mtu == 1000);
    host_advance(601000000000ull);
    assert(!route_lookup(&to, NULL, 0, &r) && r.mtu == 1500);
}

static void spoofed_dropped(void)
{
    static const u32 sources[] = {0x7f000001, 0xe0000001, 0xffffffff};
    u32 size = udp_bytes(payload, 9000, PORT, data, 10, false);

    memset(payload + 6, 0, 2); // no checksum
    for (size_t i = 0; i < array_count(sources); i++) {
        u32 source = swap32(sources[i]),
            bytes = frame_ip4(frame, PROTOCOL_UDP, payload, size, 1, 0);
        u16 sum = 0;
        memcpy(frame + 26, &source, 4);
        memcpy(frame + 24, &sum, 2);
        sum = wire_sum(0, frame + 14, 20);
        memcpy(frame + 24, &sum, 2);
        wire_receive(frame, bytes);
        assert(!wire_datagram() && !wire_sent());
    }
}

static void ndp_answers(void)
{
    u8 message[32] = {135, [8] = 0xfd, [23] = 2, 1, 1, 2, 0, 0, 0, 0, 1};
    u8 group[16] = {0xff, 2, [11] = 1, [12] = 0xff, [15] = 2};
    u32 pseudo = 0xfd00 + 1 + 0xff02 + 1 + 0xff00 + 2 + 58 + 32;
    const struct wire_frame *f;
    u16 sum = wire_sum(pseudo, message, 32);

    memcpy(message + 2, &sum, 2);
    wire_receive(frame, frame_ip6(frame, PROTOCOL_ICMP6, 254, message, 32, group));
    assert(!wire_sent()); // came through a router
    wire_receive(frame, frame_ip6(frame, PROTOCOL_ICMP6, 255, message, 32, group));
    f = wire_sent();
    assert(f && f->bytes[54] == 136 && (f->bytes[58] & 0x60) == 0x60);
    assert(f->bytes[78] == 2 && !memcmp(f->bytes + 80, wire_interface.mac, 6));
}

// Somebody advertises our address: it is told, once; what comes back of our own is not meant.
static void ndp_conflict(void)
{
    u8 message[32] = {136, [4] = 0x20, [8] = 0xfd, [23] = 2, 2, 1, 2, 0, 0, 0, 0, 2};
    u64 before = host_messages();

    for (u8 last = 2; last < 6; last++) { // our own link address first, then others
        u32 pseudo = 0xfd00 * 2 + 1 + 2 + 58 + 32;
        message[31] = last;
        message[2] = message[3] = 0;
        u16 sum = wire_sum(pseudo, message, 32);
        memcpy(message + 2, &sum, 2);
        wire_receive(frame, frame_ip6(frame, PROTOCOL_ICMP6, 255, message, 32, NULL));
        assert(host_messages() == before + (last > 2));
    }
}

const struct net_test stack_tests[] = {
    {"arp_answers", arp_answers},
    {"arp_asks_and_sends", arp_asks_and_sends},
    {"ping4", ping4},
    {"udp_arrives", udp_arrives},
    {"udp_refuses", udp_refuses},
    {"damaged_dropped", damaged_dropped},
    {"fragments_join", fragments_join},
    {"fragments_overlap", fragments_overlap},
    {"fragments_bounded", fragments_bounded},
    {"fragments_sent", fragments_sent},
    {"path_mtu_learnt", path_mtu_learnt},
    {"spoofed_dropped", spoofed_dropped},
    {"ndp_answers", ndp_answers},
    {"ndp_conflict", ndp_conflict},
    {0},
};
