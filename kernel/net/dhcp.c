// SPDX-License-Identifier: BSD-3-Clause
// The client's states, RFC 2131 figure 5, without INIT-REBOOT:
//
//     SELECTING --offer--> REQUESTING --ack--> BOUND --T1--> RENEWING --T2--> REBINDING
//         ^                    | nak             ^               | ack            | ack
//         +--------------------+-----------------+---------------+----------------+
//         +----- nak, or the lease has ended ------------------------------------ +
//
// One lock for all clients; packets are sent behind it. The timer is the state's next step.
#include "net/dhcp.h"

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include "base/printf.h"
#include "base/string.h"
#include "driver/random.h"
#include "linux/clock.h"
#include "net/arp.h"
#include "net/checksum.h"
#include "net/dhcp_message.h"
#include "net/interface.h"
#include "net/ip.h"
#include "net/ip_header.h"
#include "net/resolver.h"
#include "net/work.h"
#include "thread/timer.h"
#include "thread/wait.h"

#define SECOND       1000000000ull
#define PORT_CLIENT  68
#define PORT_SERVER  67
#define FIRST_WAIT   (SECOND / 2)
#define LONGEST_WAIT (64 * SECOND)
#define ASK_AGAIN    4u           // times for an offer, then the search starts anew
#define PATIENCE     (5 * SECOND) // of programs, for the first answer
#define LEASE_MIN    60u
#define CLIENTS      4u

enum dhcp_state {
    DHCP_OFF,
    DHCP_SELECTING,
    DHCP_REQUESTING,
    DHCP_BOUND,
    DHCP_RENEWING,
    DHCP_REBINDING
};

struct client {
    struct timer timer;
    struct net_interface *interface;
    enum dhcp_state state;
    struct dhcp_offer lease; // what was offered, or is ours
    u32 prefix;              // bits of the 128, of the address that is set
    u32 id, tries;
    u64 started, bound; // CLOCK_MONOTONIC
    bool settled;       // it has been bound once
    char hostname[64];
};

static struct {
    struct lock lock;
    struct client clients[CLIENTS];
    u64 waited_since;
    struct wait_queue settled;
} dhcp;

static void client_step(struct timer *t);

static void question_send(struct client *c, const struct dhcp_question *q, u32 to)
{
    struct ip_send s = {
        .source = ip4_address(q->own), .destination = ip4_address(to), .protocol = PROTOCOL_UDP};
    struct route r = {.interface = c->interface, .mtu = c->interface->mtu, .broadcast = true};
    struct packet *p = packet_alloc(DHCP_SIZE);
    struct udp_header *h;
    u32 size;

    if (!p)
        return;
    r.next_hop = s.destination;
    if (to != ~0u && route_lookup(&s.destination, &s.source, c->interface->index, &r)) {
        packet_free(p);
        return;
    }
    size = dhcp_write(q, packet_append(p, DHCP_SIZE));
    packet_trim(p, size);
    h = (struct udp_header *)(void *)packet_push(p, sizeof(*h));
    *h = (struct udp_header){swap16(PORT_CLIENT), swap16(PORT_SERVER), swap16((u16)p->total), 0};
    checksum_prepare(p, &s.source, &s.destination, PROTOCOL_UDP,
                     offsetof(struct udp_header, checksum));
    (void)!ip_send(p, &r, &s); // lost ones are sent again
}

// The message of the state that the client is in. lock held.
static u32 question_make(struct client *c, struct dhcp_question *q)
{
    bool bound = c->state == DHCP_RENEWING || c->state == DHCP_REBINDING;

    *q = (struct dhcp_question){.type = c->state == DHCP_SELECTING ? DHCP_DISCOVER : DHCP_REQUEST,
                                .id = c->id,
                                .mac = c->interface->mac,
                                .hostname = c->hostname};
    q->seconds = (u16)min((clock_monotonic() - c->started) / SECOND, 0xffffull);
    if (bound)
        q->own = c->lease.address;
    if (c->state == DHCP_REQUESTING) {
        q->requested = c->lease.address;
        q->server = c->lease.server;
    }
    return c->state == DHCP_RENEWING ? c->lease.server : ~0u;
}

static u64 seconds_from(const struct client *c, u32 seconds)
{
    return c->bound + seconds * SECOND;
}

// When to ask again: ever later, with some randomness [RFC 2131 4.1]; renewals at half the time
// left [4.4.5].
static u64 next_time(const struct client *c, u64 now)
{
    u32 doublings = min(c->tries, 8u);
    u64 wait = min(FIRST_WAIT << doublings, LONGEST_WAIT), end;

    if (c->state == DHCP_RENEWING || c->state == DHCP_REBINDING) {
        end = seconds_from(c, c->state == DHCP_RENEWING ? c->lease.rebind : c->lease.lease);
        wait = end > now ? (end - now) / 2 : 0;
        return now + max(wait, 60 * SECOND) < end ? now + max(wait, 60 * SECOND)
                                                  : max(end, now + SECOND);
    }
    return now + wait + random_u64() % (wait / 4);
}

static void restart(struct client *c)
{
    c->state = DHCP_SELECTING;
    c->id = (u32)random_u64();
    c->tries = 0;
    c->started = clock_monotonic();
}

static u32 prefix_of(u32 mask, u32 address)
{
    u32 bits = 96;

    if (!mask)
        mask = swap32((address & 0xff) < 128   ? 0xff000000
                      : (address & 0xff) < 192 ? 0xffff0000
                                               : 0xffffff00);
    for (mask = swap32(mask); mask >> 31; mask <<= 1)
        bits++;
    return bits;
}

static struct route_entry entry_of(const struct client *c, u32 prefix, u32 bits, u32 gateway)
{
    return (struct route_entry){.prefix = ip4_address(prefix),
                                .bits = 96 + bits,
                                .gateway = ip4_address(gateway),
                                .interface = c->interface,
                                .source = ip4_address(c->lease.address),
                                .protocol = RTPROT_DHCP,
                                .type = RTN_UNICAST};
}

// Adds (or removes) what a lease brings. No lock held: the client's fields are stable in its timer
// and input.
static void lease_routes(const struct client *c, bool add)
{
    const struct dhcp_offer *l = &c->lease;
    struct route_entry e = entry_of(c, 0, 0, l->router);

    if (l->router && !l->route_count) // [RFC 3442: else the routers are ignored]
        (void)!(add ? route_add(&e) : route_remove(&e));
    for (u32 n = 0; n < l->route_count; n++) {
        e = entry_of(c, l->routes[n].prefix, l->routes[n].bits, l->routes[n].gateway);
        (void)!(add ? route_add(&e) : route_remove(&e));
    }
}

static void lease_apply(struct client *c)
{
    const struct dhcp_offer *l = &c->lease;
    struct interface_address a = {.address = ip4_address(l->address), .prefix = c->prefix};
    struct ip_address server;

    a.broadcast = ip4_address(l->broadcast      ? l->broadcast
                              : c->prefix < 128 ? l->address | swap32(~0u >> (c->prefix - 96))
                                                : l->address);
    a.valid_until = a.preferred_until = l->lease == ~0u ? DEADLINE_NONE : seconds_from(c, l->lease);
    if (l->mtu >= IP4_MTU_MIN && l->mtu < c->interface->mtu)
        __atomic_store_n(&c->interface->mtu, l->mtu, __ATOMIC_RELAXED); // pairs with its readers
    if (interface_add_address(c->interface, &a))
        log_message("dhcp: can't set the address");
    lease_routes(c, /*add=*/true);
    for (u32 n = 0; n < l->dns_count; n++) {
        server = ip4_address(l->dns[n]);
        resolver_add(&server);
    }
    if (l->domain[0])
        resolver_set_domain(l->domain);
    arp_announce(c->interface, &a.address);
    c->settled = true;
    wait_queue_wake(&dhcp.settled, ~0u);
}

static void lease_drop(struct client *c)
{
    struct ip_address a = ip4_address(c->lease.address);

    lease_routes(c, /*add=*/false);
    (void)!interface_remove_address(c->interface, &a, c->prefix);
}

// The timer's: the next step of the state. Sets *drop if the lease has ended.
static void state_advance(struct client *c, u64 now, bool *drop)
{
    const struct dhcp_offer *l = &c->lease;

    *drop = false;
    switch (c->state) {
    case DHCP_REQUESTING:
        if (c->tries >= ASK_AGAIN)
            restart(c);
        break;
    case DHCP_BOUND:
    case DHCP_RENEWING:
    case DHCP_REBINDING:
        if (c->state == DHCP_BOUND) {
            c->tries = 0;
            c->started = now;
        }
        c->state = now >= seconds_from(c, l->rebind) ? DHCP_REBINDING : DHCP_RENEWING;
        *drop = now >= seconds_from(c, l->lease);
        break;
    default:
        break;
    }
}

static void client_step(struct timer *t)
{
    struct client *c = container_of(t, struct client, timer);
    struct dhcp_question q;
    u64 now = clock_monotonic(), next;
    bool drop;
    u32 to;

    lock_acquire(&dhcp.lock);
    state_advance(c, now, &drop);
    lock_release(&dhcp.lock);
    if (drop)
        lease_drop(c);
    lock_acquire(&dhcp.lock);
    if (drop)
        restart(c);
    to = question_make(c, &q);
    next = next_time(c, now);
    c->tries++;
    lock_release(&dhcp.lock);
    question_send(c, &q, to);
    timer_arm(t, next);
}

// Lease times that are missing or mad. [RFC 2131 4.4.5]
static void times_fix(struct dhcp_offer *l)
{
    if (!l->lease)
        l->lease = 3600;
    l->lease = max(l->lease, LEASE_MIN);
    if (!l->renew || l->renew >= l->lease)
        l->renew = l->lease / 2;
    if (l->rebind <= l->renew || l->rebind >= l->lease)
        l->rebind = l->lease / 8 * 7;
}

// Takes an answer in; what to do then. lock held.
enum outcome { NOTHING, ASK, APPLY, REPLACE, DROP };

static enum outcome answer_take(struct client *c, struct dhcp_offer *o)
{
    bool bound = c->state == DHCP_RENEWING || c->state == DHCP_REBINDING;

    if (o->id != c->id)
        return NOTHING;
    if (o->type == DHCP_OFFER && c->state == DHCP_SELECTING && o->address && o->server) {
        c->lease = *o;
        c->state = DHCP_REQUESTING;
        c->tries = 0;
        return ASK;
    }
    if (o->type == DHCP_NAK && (bound || c->state == DHCP_REQUESTING))
        return bound ? DROP : (restart(c), ASK);
    if (o->type != DHCP_ACK || (!bound && c->state != DHCP_REQUESTING) || !o->address)
        return NOTHING;
    times_fix(o);
    if (!o->server)
        o->server = c->lease.server;
    return bound && o->address != c->lease.address ? REPLACE : APPLY;
}

static void answer_act(struct client *c, enum outcome outcome, const struct dhcp_offer *o)
{
    u64 now = clock_monotonic();

    if (outcome == NOTHING)
        return;
    if (outcome == REPLACE || outcome == DROP)
        lease_drop(c);
    if (outcome == APPLY || outcome == REPLACE) {
        lock_acquire(&dhcp.lock);
        c->lease = *o;
        c->prefix = prefix_of(o->mask, o->address);
        c->state = DHCP_BOUND;
        c->bound = now;
        lock_release(&dhcp.lock);
        lease_apply(c);
        if (o->lease != ~0u)
            timer_arm(&c->timer, seconds_from(c, o->renew));
        else
            (void)timer_cancel(&c->timer);
        return;
    }
    if (outcome == DROP) {
        lock_acquire(&dhcp.lock);
        restart(c);
        lock_release(&dhcp.lock);
    }
    timer_arm(&c->timer, now); // asks at once
}

bool dhcp_receive(struct packet *p)
{
    struct client *c = NULL;
    enum outcome outcome = NOTHING;
    struct dhcp_offer o;

    for (u32 n = 0; n < CLIENTS; n++)
        if (dhcp.clients[n].interface == p->interface)
            c = &dhcp.clients[n];
    if (!c || c->state == DHCP_OFF)
        return false;
    if (packet_linear(p, p->total) && !dhcp_parse(p->data, p->size, p->interface->mac, &o)) {
        lock_acquire(&dhcp.lock);
        outcome = answer_take(c, &o);
        lock_release(&dhcp.lock);
    }
    answer_act(c, outcome, &o);
    packet_free(p);
    return true;
}

void dhcp_start(struct net_interface *i, const char *hostname)
{
    struct client *c = NULL;

    lock_acquire(&dhcp.lock);
    if (!dhcp.waited_since) {
        wait_queue_init(&dhcp.settled);
        dhcp.waited_since = clock_monotonic();
    }
    for (u32 n = 0; n < CLIENTS && !c; n++)
        if (!dhcp.clients[n].interface)
            c = &dhcp.clients[n];
    if (c) {
        strlcpy(c->hostname, hostname, sizeof(c->hostname));
        timer_init(&c->timer, client_step);
        restart(c);
        c->interface = i;
    }
    lock_release(&dhcp.lock);
    if (c)
        timer_arm(&c->timer, clock_monotonic());
}

bool dhcp_settled(void)
{
    for (u32 n = 0; n < CLIENTS; n++)
        if (dhcp.clients[n].interface && !dhcp.clients[n].settled)
            return false;
    return true;
}

static bool settled(void *arg)
{
    net_work();
    return dhcp_settled();
}

int dhcp_wait(void)
{
    int error;

    if (dhcp_settled())
        return 0;
    error =
        wait_until(&dhcp.settled, dhcp.waited_since + PATIENCE, WAIT_INTERRUPTIBLE, settled, NULL);
    return error == -ETIMEDOUT ? 0 : error;
}
