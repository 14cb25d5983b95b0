// SPDX-License-Identifier: BSD-3-Clause
// What time alone does: fragments that stay alone, addresses whose lifetime ends.
#include <linux/if_addr.h>
#include <string.h>

#include "base/panic.h"
#include "linux/clock.h"
#include "net/interface.h"
#include "tests/stack/host.h"
#include "tests/stack/tests.h"
#include "tests/stack/wire.h"

#define SECOND 1000000000ull

// An ICMP message of this type and code was sent, at `at` of a frame.
static bool icmp_sent(u32 at, u8 type, u8 code)
{
    const struct wire_frame *f;
    bool found = false;

    while ((f = wire_sent()))
        found |= f->size > at + 8 && f->bytes[at] == type && f->bytes[at + 1] == code;
    return found;
}

static void fragment_time_exceeded(void)
{
    u8 frame[2000], payload[64] = {0};

    wire_quiet();
    wire_receive(frame, frame_ip4(frame, PROTOCOL_UDP, payload, 16, 77, 0x2000)); // the first
    wire_receive(frame, frame_ip4(frame, PROTOCOL_UDP, payload, 16, 78, 0x2004)); // no first
    host_advance(29 * SECOND);
    assert(!icmp_sent(34, 11, 1));
    host_advance(2 * SECOND);
    assert(icmp_sent(34, 11, 1));
}

static void fragment_time_exceeded6(void)
{
    u8 frame[2000], piece[32] = {PROTOCOL_UDP, 0, 0, 1, 0, 0, 0, 9};

    wire_quiet();
    wire_receive(frame, frame_ip6(frame, PROTOCOL_FRAGMENT, 64, piece, 24, NULL));
    host_advance(58 * SECOND);
    assert(!icmp_sent(54, 3, 1));
    host_advance(3 * SECOND);
    assert(icmp_sent(54, 3, 1));
}

static bool same(const struct interface_address *a, void *arg)
{
    struct interface_address *wanted = arg;

    if (!ip_equal(&a->address, &wanted->address))
        return true;
    *wanted = *a;
    return false;
}

// Its flags; ~0: it has gone.
static u32 flags_of(const struct ip_address *address)
{
    struct interface_address a = {.address = *address, .flags = ~0u};

    interface_visit_addresses(&wire_interface, same, &a);
    return a.flags;
}

static void address_lifetimes(void)
{
    struct interface_address a = {.prefix = 64};

    assert(!ip_parse("fd05::5", &a.address));
    a.preferred_until = clock_monotonic() + 10 * SECOND;
    a.valid_until = clock_monotonic() + 20 * SECOND;
    assert(!interface_add_address(&wire_interface, &a));
    host_advance(9 * SECOND);
    assert(flags_of(&a.address) == 0);
    host_advance(2 * SECOND);
    assert(flags_of(&a.address) == IFA_F_DEPRECATED);
    host_advance(10 * SECOND);
    assert(flags_of(&a.address) == ~0u);
    assert(interface_remove_address(&wire_interface, &a.address, 64) == -EADDRNOTAVAIL);
}

const struct net_test life_tests[] = {
    {"fragment_time_exceeded", fragment_time_exceeded},
    {"fragment_time_exceeded6", fragment_time_exceeded6},
    {"address_lifetimes", address_lifetimes},
    {0},
};
