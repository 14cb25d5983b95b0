// SPDX-License-Identifier: BSD-3-Clause
// Routes, DHCP messages.
#include <linux/rtnetlink.h>
#include <string.h>

#include "base/panic.h"
#include "net/dhcp_message.h"
#include "net/route.h"
#include "tests/stack/host.h"
#include "tests/stack/tests.h"
#include "tests/stack/wire.h"

static struct ip_address at(const char *text)
{
    struct ip_address a;

    assert(!ip_parse(text, &a));
    return a;
}

static void route_longest_prefix(void)
{
    struct route_entry wide = {.prefix = at("0.0.0.0"),
                               .bits = 96,
                               .gateway = at("10.0.0.1"),
                               .interface = &wire_interface};
    struct route_entry narrow = {.prefix = at("192.0.2.0"),
                                 .bits = 120,
                                 .gateway = at("10.0.0.7"),
                                 .interface = &wire_interface};
    struct ip_address to = at("192.0.2.5"), other = at("198.51.100.1"), want;
    struct route r;

    assert(route_lookup(&to, NULL, 0, &r) == -ENETUNREACH);
    assert(!route_add(&wide) && !route_add(&narrow) && route_add(&narrow) == -EEXIST);
    assert(!route_lookup(&to, NULL, 0, &r));
    want = at("10.0.0.7");
    assert(ip_equal(&r.next_hop, &want));
    assert(!route_lookup(&other, NULL, 0, &r));
    want = at("10.0.0.1");
    assert(ip_equal(&r.next_hop, &want));
    assert(!route_remove(&narrow) && !route_current(&r));
    assert(!route_lookup(&to, NULL, 0, &r) && ip_equal(&r.next_hop, &want));
    assert(!route_remove(&wide) && route_remove(&wide) == -ESRCH);
    to = at("127.3.2.1");
    assert(!route_lookup(&to, NULL, 0, &r) && r.local);
    to = at("10.0.0.2");
    assert(!route_lookup(&to, NULL, 0, &r) && r.local && ip_equal(&r.source, &to));
    to = at("fe80::1"); // on no link in particular
    assert(route_lookup(&to, NULL, 0, &r) == -ENETUNREACH);
    assert(!route_lookup(&to, NULL, wire_interface.index, &r) && ip_equal(&r.next_hop, &to));
    to = at("10.0.0.255");
    assert(!route_lookup(&to, NULL, 0, &r) && r.broadcast);
}

static const u8 mac[6] = {2, 0, 0, 0, 0, 2};

static void dhcp_messages(void)
{
    struct dhcp_question q = {
        .type = DHCP_REQUEST, .id = 7, .mac = mac, .hostname = "name", .requested = 9};
    struct dhcp_offer o;
    u8 m[DHCP_SIZE];
    u32 size = dhcp_write(&q, m);

    assert(size >= 300 && dhcp_parse(m, size, mac, &o) == -EINVAL); // a question is no answer
    m[0] = 2;
    assert(!dhcp_parse(m, size, mac, &o) && o.type == DHCP_REQUEST && o.id == 7);
    memcpy(m + 240,
           "\x35\x01\x05\x01\x04\xff\xff\xff\x00\x33\x04\x00\x00\x0e\x10\x79\x08\x18\xc0\x00\x02"
           "\x0a\x00\x00\x01\x0f\x03"
           "a\nb\xff",
           31);
    assert(!dhcp_parse(m, size, mac, &o) && o.type == DHCP_ACK && o.lease == 3600);
    assert(o.route_count == 1 && o.routes[0].bits == 24 &&
           !o.domain[0]); // no newlines in resolv.conf
    m[241] = 255;         // longer than the message
    assert(dhcp_parse(m, size, mac, &o) == -EINVAL);
    for (int round = 0; round < 20000; round++) {
        u8 copy[DHCP_SIZE];
        memcpy(copy, m, sizeof(copy));
        for (u32 n = host_random() % 40; n; n--)
            copy[240 + host_random() % 300] = (u8)host_random();
        (void)!dhcp_parse(copy, (u32)(host_random() % DHCP_SIZE), mac, &o);
    }
}

const struct net_test config_tests[] = {
    {"route_longest_prefix", route_longest_prefix},
    {"dhcp_messages", dhcp_messages},
    {0},
};
