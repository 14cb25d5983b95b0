// SPDX-License-Identifier: BSD-3-Clause
// Packets, checksums, addresses, ports, segments.
#include <string.h>

#include "base/panic.h"
#include "net/checksum.h"
#include "net/packet.h"
#include "net/port.h"
#include "net/segment.h"
#include "tests/stack/host.h"
#include "tests/stack/tests.h"
#include "tests/stack/wire.h"

static void bytes_random(u8 *to, u32 size)
{
    for (u32 i = 0; i < size; i++)
        to[i] = (u8)host_random();
}

static void checksum_matches(void)
{
    u8 data[4096];

    for (int round = 0; round < 3000; round++) {
        u32 offset = host_random() % 64, size = host_random() % 2000;
        bytes_random(data, offset + size);
        assert(checksum_sum(data + offset, size) + wire_sum(0, data + offset, size) == 0xffff);
    }
}

// A packet of random pieces with the same bytes as `model`.
static struct packet *pieces_packet(u8 *model, u32 *size)
{
    u32 linear = host_random() % 300;
    struct packet *p = packet_alloc(linear);

    *size = linear;
    bytes_random(model, linear);
    memcpy(packet_append(p, linear), model, linear);
    for (u32 n = host_random() % 6; n; n--) {
        u32 piece = 1 + host_random() % 500, offset = host_random() % 50;
        struct packet_data *d = packet_data_alloc(offset + piece);
        bytes_random(model + *size, piece);
        memcpy(d->memory + offset, model + *size, piece);
        assert(packet_add_fragment(p, d, offset, piece));
        packet_data_put(d);
        *size += piece;
    }
    return p;
}

static void same(const struct packet *p, const u8 *model, u32 size)
{
    u8 out[20000];

    assert(p->total == size);
    packet_copy_out(p, 0, out, size);
    assert(!memcmp(out, model, size));
    assert(checksum_fold(packet_sum(p, 0, size)) + (u32)wire_sum(0, model, size) == 0xffff);
}

static void packet_operations(void)
{
    static u8 model[20000], more[8000];
    u32 size, more_size, n;

    for (int round = 0; round < 3000; round++) {
        struct packet *p = pieces_packet(model, &size), *c;
        same(p, model, size);
        c = packet_clone(p);
        same(c, model, size);
        n = (u32)(host_random() % (size + 1));
        assert(packet_linear(p, n) && p->size >= n);
        assert(!packet_linear(p, size + 1));
        same(p, model, size);
        same(c, model, size);
        packet_free(c);
        n = (u32)(host_random() % (size + 1));
        packet_skip(p, n);
        memmove(model, model + n, size -= n);
        same(p, model, size);
        n = (u32)(host_random() % (size + 1));
        packet_trim(p, n);
        same(p, model, size = n);
        c = pieces_packet(more, &more_size);
        if (packet_join(p, c)) {
            memcpy(model + size, more, more_size);
            same(p, model, size + more_size);
        } else {
            packet_free(c);
        }
        packet_free(p);
    }
}

static void address_text(void)
{
    static const char *const good[] = {"::",
                                       "::1",
                                       "1::",
                                       "fe80::1",
                                       "1:2:3:4:5:6:7:8",
                                       "10.0.0.255",
                                       "2001:db8::1:0:0:1",
                                       "0:1::",
                                       "255.255.255.255"};
    static const char *const bad[] = {"",
                                      ":",
                                      "1",
                                      "1.2.3",
                                      "1.2.3.4.5",
                                      "256.1.1.1",
                                      "1.2.3.4x",
                                      "1:2:3:4:5:6:7:8:9",
                                      "1::2::3",
                                      "12345::",
                                      ":::",
                                      "1:",
                                      ":1",
                                      "g::",
                                      "1:2:3:4:5:6:7",
                                      "1.2.3.",
                                      "1:::2",
                                      "+1.2.3.4"};
    char text[IP_TEXT_SIZE];
    struct ip_address a, b;

    for (size_t i = 0; i < array_count(good); i++) {
        assert(!ip_parse(good[i], &a));
        ip_format(&a, text);
        assert(!ip_parse(text, &b) && ip_equal(&a, &b));
    }
    for (size_t i = 0; i < array_count(bad); i++)
        if (!ip_parse(bad[i], &a))
            panic("accepted: %s", bad[i]);
    assert(!ip_parse("2001:db8:0:0:1:0:0:1", &a) &&
           !strcmp(ip_format(&a, text), "2001:db8::1:0:0:1"));
    assert(!ip_parse("::ffff:1.2.3.4", &a) && ip_is_v4(&a) &&
           !strcmp(ip_format(&a, text), "1.2.3.4"));
}

static struct port_binding binding(const char *address, bool reuse, bool reuse_port, u32 uid)
{
    struct port_binding b = {.reuse_address = reuse, .reuse_port = reuse_port, .uid = uid};

    assert(!ip_parse(address, &b.address));
    b.v6 = !ip_is_v4(&b.address);
    return b;
}

// {first, second, may they share port 80}
static void port_sharing(void)
{
    static const struct {
        const char *a;
        bool reuse_a, group_a;
        u32 uid_a;
        const char *b;
        bool reuse_b, group_b;
        u32 uid_b;
        bool share;
    } table[] = {
        {"0.0.0.0", 0, 0, 0, "0.0.0.0", 0, 0, 0, false},
        {"0.0.0.0", 1, 0, 0, "0.0.0.0", 1, 0, 0, true},
        {"0.0.0.0", 1, 0, 0, "0.0.0.0", 0, 0, 0, false},
        {"0.0.0.0", 0, 1, 5, "0.0.0.0", 0, 1, 5, true},
        {"0.0.0.0", 0, 1, 5, "0.0.0.0", 0, 1, 6, false},
        {"10.0.0.1", 0, 0, 0, "10.0.0.2", 0, 0, 0, true},
        {"10.0.0.1", 0, 0, 0, "0.0.0.0", 0, 0, 0, false},
        {"::", 0, 0, 0, "0.0.0.0", 0, 0, 0, false},
        {"::", 0, 0, 0, "10.0.0.1", 0, 0, 0, false},
        {"::1", 0, 0, 0, "0.0.0.0", 0, 0, 0, true},
        {"::1", 0, 0, 0, "::", 0, 0, 0, false},
    };

    for (size_t i = 0; i < array_count(table); i++) {
        struct port_binding a =
            binding(table[i].a, table[i].reuse_a, table[i].group_a, table[i].uid_a);
        struct port_binding b =
            binding(table[i].b, table[i].reuse_b, table[i].group_b, table[i].uid_b);
        assert(!port_bind(&tcp_ports, &a, 80));
        if ((port_bind(&tcp_ports, &b, 80) == 0) != table[i].share)
            panic("row %zu", i);
        port_release(&tcp_ports, &a);
        port_release(&tcp_ports, &b);
    }
}

static void port_listening(void)
{
    struct port_binding a = binding("0.0.0.0", true, false, 0), b = a;

    assert(!port_bind(&tcp_ports, &a, 80) && !port_bind(&tcp_ports, &b, 80));
    assert(port_listen(&tcp_ports, &a) && !port_listen(&tcp_ports, &b));
    port_release(&tcp_ports, &a);
    assert(port_listen(&tcp_ports, &b));
    port_release(&tcp_ports, &b);
    assert(!port_bind(&tcp_ports, &a, 0) && a.port >= 32768);
    port_release(&tcp_ports, &a);
}

// A TCP packet of 10000 bytes of payload in a frame, for a device without TSO.
static void segmentation(void)
{
    static u8 payload[10000];
    struct ip_address from = ip4_address(swap32(OUR4)), to = ip4_address(swap32(THEIR4));
    struct ip_send s = {.source = from, .destination = to, .protocol = PROTOCOL_TCP};
    struct packet *p = packet_alloc(20 + sizeof(payload));
    const struct wire_frame *f;
    struct route r;
    u8 tcp[20] = {0, 80, 0, 81, [12] = 0x50, [13] = 0x19};
    u32 at = 0;

    bytes_random(payload, sizeof(payload));
    memcpy(packet_append(p, 20), tcp, 20);
    memcpy(packet_append(p, sizeof(payload)), payload, sizeof(payload));
    checksum_prepare(p, &from, &to, PROTOCOL_TCP, 16);
    p->gso = GSO_TCP4;
    p->gso_size = 1448;
    assert(!route_lookup(&to, NULL, 0, &r) && !ip_send(p, &r, &s));
    while ((f = wire_sent())) {
        const u8 *ip = f->bytes + 14, *h = ip + 20;
        u32 size = f->size - 54, total = f->size - 14;
        u32 pseudo = (OUR4 >> 16) + (OUR4 & 0xffff) + (THEIR4 >> 16) + (THEIR4 & 0xffff);
        assert(size <= 1448 && (u32)(ip[2] << 8 | ip[3]) == total);
        assert(!wire_sum(0, ip, 20) && !wire_sum(pseudo + 6 + total - 20, h, total - 20));
        assert((u32)(h[4] << 24 | h[5] << 16 | h[6] << 8 | h[7]) == at);
        assert(!memcmp(h + 20, payload + at, size));
        at += size;
        assert(!(h[13] & 1) == (at != sizeof(payload))); // FIN on the last
    }
    assert(at == sizeof(payload));
}

const struct net_test packet_tests[] = {
    {"checksum_matches", checksum_matches},
    {"packet_operations", packet_operations},
    {"address_text", address_text},
    {"port_sharing", port_sharing},
    {"port_listening", port_listening},
    {"segmentation", segmentation},
    {0},
};
