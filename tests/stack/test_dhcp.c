// SPDX-License-Identifier: BSD-3-Clause
// The life of a lease, by the virtual clock: offered, acknowledged, renewed, rebound, ended,
// refused. [RFC 2131 4.4]
#include <string.h>

#include "base/panic.h"
#include "net/dhcp.h"
#include "net/dhcp_message.h"
#include "net/interface.h"
#include "net/packet.h"
#include "tests/stack/host.h"
#include "tests/stack/tests.h"
#include "tests/stack/wire.h"

#define SECOND   1000000000ull
#define HEADERS  (14 + 20 + 8)
#define OWN      12 // ciaddr
#define YOURS    16
#define OPTIONS  240
#define OFFERED  0x0a000032u // 10.0.0.50, host order
#define OTHER    0x0a000033u
#define FOR_EVER ~0u

struct question {
    struct dhcp_offer message; // its type and id
    u32 own, to;               // network order
};

// The next message of the client. False: it has sent none.
static bool question_take(struct question *out)
{
    const struct wire_frame *f;
    u8 copy[DHCP_SIZE];

    while ((f = wire_sent())) {
        if (f->size < HEADERS + OPTIONS || f->bytes[23] != PROTOCOL_UDP || f->bytes[37] != 67)
            continue;
        memcpy(copy, f->bytes + HEADERS, f->size - HEADERS);
        copy[0] = 2;
        assert(!dhcp_parse(copy, f->size - HEADERS, wire_interface.mac, &out->message));
        memcpy(&out->own, copy + OWN, 4);
        memcpy(&out->to, f->bytes + 30, 4);
        return true;
    }
    return false;
}

static u32 questions(struct question *last)
{
    u32 count = 0;

    while (question_take(last))
        count++;
    return count;
}

static void answer(const struct question *q, u8 type, u32 address, u32 lease)
{
    u8 options[] = {53,
                    1,
                    type,
                    54,
                    4,
                    10,
                    0,
                    0,
                    1,
                    1,
                    4,
                    255,
                    255,
                    255,
                    0,
                    51,
                    4,
                    (u8)(lease >> 24),
                    (u8)(lease >> 16),
                    (u8)(lease >> 8),
                    (u8)lease,
                    255};
    struct packet *p = packet_alloc(300);
    u8 *m = packet_append(p, 300);
    u32 yours = swap32(address);

    memset(m, 0, 300);
    m[0] = 2;
    m[1] = 1;
    m[2] = 6;
    memcpy(m + 4, &q->message.id, 4);
    memcpy(m + YOURS, &yours, 4);
    memcpy(m + 28, wire_interface.mac, 6);
    memcpy(m + 236, "\x63\x82\x53\x63", 4);
    memcpy(m + OPTIONS, options, sizeof(options));
    p->interface = &wire_interface;
    wire_quiet();
    assert(dhcp_receive(p));
    host_advance(1);
}

static bool has(u32 address)
{
    struct ip_address a = ip4_address(swap32(address));

    return interface_is_local(&wire_interface, &a);
}

static void obtain(struct question *q, u32 address, u32 lease)
{
    assert(q->message.type == DHCP_DISCOVER && q->to == ~0u);
    answer(q, DHCP_OFFER, address, lease);
    assert(question_take(q) && q->message.type == DHCP_REQUEST && q->to == ~0u && !q->own);
    answer(q, DHCP_ACK, address, lease);
    assert(has(address) && dhcp_settled() && !question_take(q));
}

// Renewed from half the lease on, by the server alone; from 7/8 on by anybody.
static void renewals(struct question *q)
{
    host_advance(1799 * SECOND);
    assert(!question_take(q));
    host_advance(2 * SECOND);
    assert(question_take(q) && q->message.type == DHCP_REQUEST);
    assert(q->to == swap32(THEIR4) && q->own == swap32(OFFERED));
    answer(q, DHCP_ACK, OFFERED, 3600);
    assert(has(OFFERED));
    host_advance(1798 * SECOND);
    assert(!question_take(q)); // the time runs from the renewal
    host_advance(1300 * SECOND);
    u32 asked = questions(q);
    assert(asked >= 2 && asked < 30 && q->to == swap32(THEIR4));
    host_advance(100 * SECOND);
    assert(questions(q) >= 1 && q->to == ~0u && q->own == swap32(OFFERED));
    answer(q, DHCP_ACK, OFFERED, 3600);
    assert(has(OFFERED) && !question_take(q));
}

static void lease_life(void)
{
    struct question q;

    wire_quiet();
    dhcp_start(&wire_interface, "name");
    assert(!dhcp_settled());
    host_advance(1);
    assert(question_take(&q));
    host_advance(60 * SECOND);
    assert(questions(&q) >= 3); // nobody answers: asked again, ever more rarely
    obtain(&q, OFFERED, 3600);
    renewals(&q);
    // Nobody renews it: it ends, and the search starts anew.
    host_advance(3590 * SECOND);
    assert(has(OFFERED));
    wire_quiet();
    host_advance(70 * SECOND);
    assert(!has(OFFERED) && questions(&q) && q.message.type == DHCP_DISCOVER);
    // Another address; the server takes it back.
    obtain(&q, OTHER, 600);
    host_advance(301 * SECOND);
    assert(question_take(&q) && q.own == swap32(OTHER));
    answer(&q, DHCP_NAK, 0, 0);
    assert(!has(OTHER) && question_take(&q) && q.message.type == DHCP_DISCOVER);
    // Refused while it is asked for; answers to others are not ours.
    answer(&q, DHCP_OFFER, OFFERED, 600);
    assert(question_take(&q) && q.message.type == DHCP_REQUEST);
    q.message.id ^= 1;
    answer(&q, DHCP_ACK, OFFERED, 600);
    assert(!has(OFFERED));
    q.message.id ^= 1;
    answer(&q, DHCP_NAK, 0, 0);
    assert(question_take(&q) && q.message.type == DHCP_DISCOVER);
    // For ever, and nothing is asked any more.
    obtain(&q, OFFERED, FOR_EVER);
    host_advance(1000000 * SECOND);
    assert(has(OFFERED) && !question_take(&q));
}

const struct net_test dhcp_tests[] = {{"lease_life", lease_life}, {0}};
