// SPDX-License-Identifier: BSD-3-Clause
// IPv6 addresses without a server. One timer a second while something waits: probes that nobody
// answered make an address ours, and routers are asked three times.
#include "net/slaac.h"

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include "base/string.h"
#include "linux/clock.h"
#include "memory/heap.h"
#include "net/icmp6.h"
#include "net/if_abi.h"
#include "net/multicast.h"
#include "net/packet.h"
#include "net/resolver.h"
#include "net/route.h"
#include "thread/timer.h"
#include "thread/wait.h"

#define SECOND         1000000000ull
#define ROUTER_ASKS    3u
#define ROUTER_GAP     4u // seconds between them [RFC 4861 10]
#define OPTION_PREFIX  3
#define OPTION_MTU     5
#define OPTION_RDNSS   25
#define PREFIX_ON_LINK 0x80u
#define PREFIX_AUTO    0x40u
#define TENTATIVES     8u
#define INTERFACES     32u
#define LIFETIME_EVER  0xffffffffu
#define TWO_HOURS      7200u // seconds

static struct {
    struct lock lock;
    struct timer timer;
    bool ready, running;
    struct {
        struct net_interface *interface; // NULL: free
        struct interface_address address;
    } tentative[TENTATIVES];
    u8 asks[INTERFACES], wait[INTERFACES]; // by interface index - 1
    bool routers[INTERFACES];              // their advertisements are listened to
} slaac;

static void slaac_run(struct timer *t);

static void slaac_lock(void)
{
    lock_acquire(&slaac.lock);
    if (!slaac.ready)
        timer_init(&slaac.timer, slaac_run);
    slaac.ready = true;
}

static void timer_need(void)
{
    if (!slaac.running)
        timer_arm(&slaac.timer, clock_monotonic() + SECOND);
    slaac.running = true;
}

// Takes one probed address that is now ours; false: no more.
static bool tentative_take(struct net_interface **out_interface, struct interface_address *out)
{
    bool found = false;

    slaac_lock();
    for (u32 n = 0; n < TENTATIVES && !found; n++) {
        if (!slaac.tentative[n].interface)
            continue;
        *out_interface = slaac.tentative[n].interface;
        *out = slaac.tentative[n].address;
        slaac.tentative[n].interface = NULL;
        found = true;
    }
    lock_release(&slaac.lock);
    return found;
}

// An interface whose router question is due; NULL: none. *more: some are still to be asked.
static struct net_interface *ask_due(bool *more)
{
    struct net_interface *due = NULL;

    slaac_lock();
    for (u32 n = 0; n < INTERFACES; n++) {
        if (!slaac.asks[n])
            continue;
        *more = true;
        if (slaac.wait[n]) {
            slaac.wait[n]--;
        } else if (!due) {
            slaac.asks[n]--;
            slaac.wait[n] = ROUTER_GAP - 1;
            due = interface_find(n + 1);
        }
    }
    lock_release(&slaac.lock);
    return due;
}

static void slaac_run(struct timer *t)
{
    struct interface_address a;
    struct ip_address group;
    struct net_interface *i;
    bool more = false;

    while (tentative_take(&i, &a)) {
        (void)!interface_add_address(i, &a); // without memory we go without it
        group = ndp_solicited_group(&a.address);
        multicast_leave(i, &group); // the address itself has joined
    }
    i = ask_due(&more);
    if (i)
        ndp_router_solicit(i);
    slaac_lock();
    slaac.running = false;
    if (more)
        timer_need();
    lock_release(&slaac.lock);
}

void slaac_add(struct net_interface *i, const struct interface_address *a)
{
    struct ip_address group = ndp_solicited_group(&a->address);
    bool taken = false;

    if (interface_is_local(i, &a->address)) { // known: new lifetimes
        (void)!interface_add_address(i, a);
        return;
    }
    slaac_lock();
    for (u32 n = 0; n < TENTATIVES; n++)
        taken |= slaac.tentative[n].interface == i &&
                 ip_equal(&slaac.tentative[n].address.address, &a->address);
    for (u32 n = 0; n < TENTATIVES && !taken; n++) {
        if (slaac.tentative[n].interface)
            continue;
        slaac.tentative[n].interface = i;
        slaac.tentative[n].address = *a;
        timer_need();
        lock_release(&slaac.lock);
        if (!multicast_join(i, &group))
            ndp_probe(i, &a->address);
        return;
    }
    lock_release(&slaac.lock);
}

bool slaac_conflict(struct net_interface *i, const struct ip_address *target, bool probe)
{
    bool ours = false;

    slaac_lock();
    for (u32 n = 0; n < TENTATIVES; n++) {
        if (slaac.tentative[n].interface != i ||
            !ip_equal(&slaac.tentative[n].address.address, target))
            continue;
        ours = true;
        if (probe)
            slaac.tentative[n].interface = NULL;
    }
    lock_release(&slaac.lock);
    return ours;
}

// The lower half from the MAC. [RFC 4291 appendix A]
static void identifier_put(const struct net_interface *i, struct ip_address *a)
{
    memcpy(a->bytes + 8, i->mac, 3);
    a->bytes[8] ^= 2;
    a->bytes[11] = 0xff;
    a->bytes[12] = 0xfe;
    memcpy(a->bytes + 13, i->mac + 3, 3);
}

void slaac_start(struct net_interface *i, bool routers)
{
    struct interface_address a = {.prefix = 64, .flags = IFA_F_PERMANENT};

    a.address = (struct ip_address){.bytes = {0xfe, 0x80}};
    a.valid_until = a.preferred_until = DEADLINE_NONE;
    identifier_put(i, &a.address);
    slaac_add(i, &a);
    if (!routers)
        return;
    slaac_lock();
    slaac.routers[i->index - 1] = true;
    slaac.asks[i->index - 1] = ROUTER_ASKS;
    slaac.wait[i->index - 1] = 1;
    timer_need();
    lock_release(&slaac.lock);
}

static u32 load32(const u8 *p)
{
    u32 x;
    memcpy(&x, p, 4);
    return swap32(x);
}

static u64 until(u32 seconds)
{
    return seconds == LIFETIME_EVER ? DEADLINE_NONE : clock_monotonic() + seconds * SECOND;
}

// What is on the link. [RFC 4861 6.3.4]
static void on_link_take(struct net_interface *i, const struct interface_address *a)
{
    struct route_entry e = {.prefix = a->address,
                            .bits = a->prefix,
                            .interface = i,
                            .metric = 256,
                            .protocol = RTPROT_KERNEL,
                            .type = RTN_UNICAST,
                            .valid_until = a->valid_until};

    for (u32 bit = a->prefix; bit < 128; bit++)
        e.prefix.bytes[bit / 8] &= (u8) ~(0x80 >> bit % 8);
    if (a->valid_until > clock_monotonic() && route_refresh(&e))
        return;
    (void)!route_remove(&e); // its lifetime is over
    if (a->valid_until > clock_monotonic())
        (void)!route_add(&e);
}

static bool same_address(const struct interface_address *a, void *arg)
{
    struct interface_address *known = arg;

    if (!ip_equal(&a->address, &known->address))
        return true;
    *known = *a;
    return false;
}

// Advertisements are not signed: a lifetime is not cut below two hours. False: it stays as it is.
// [RFC 4862 5.5.3 e]
static bool lifetime_bound(struct net_interface *i, struct interface_address *a, u32 valid)
{
    u64 now = clock_monotonic();
    struct interface_address known = {.address = a->address};

    interface_visit_addresses(i, same_address, &known);
    if (!known.valid_until) // a new one
        return valid != 0;
    if (valid > TWO_HOURS || a->valid_until > known.valid_until)
        return true;
    if (known.valid_until > now + TWO_HOURS * SECOND)
        a->valid_until = now + TWO_HOURS * SECOND;
    else
        a->valid_until = known.valid_until; // the preferred one counts nevertheless
    return true;
}

static void prefix_take(struct net_interface *i, const u8 *option)
{
    struct interface_address a = {.prefix = option[2], .flags = IFA_F_NOPREFIXROUTE};
    u32 valid = load32(option + 4), preferred = load32(option + 8);

    memcpy(a.address.bytes, option + 16, 16);
    if (ip_is_link_local(&a.address) || ip_is_multicast(&a.address) || a.prefix > 128)
        return;
    a.valid_until = until(valid);
    a.preferred_until = until(preferred);
    if (option[3] & PREFIX_ON_LINK)
        on_link_take(i, &a);
    if (!(option[3] & PREFIX_AUTO) || a.prefix != 64 || preferred > valid)
        return;
    identifier_put(i, &a.address);
    if (lifetime_bound(i, &a, valid))
        slaac_add(i, &a);
}

void slaac_router_gone(struct net_interface *i, const struct ip_address *router)
{
    struct route_entry e = {.gateway = *router, .interface = i};

    (void)!route_remove(&e);
}

static void router_take(struct packet *p, u32 lifetime, u8 flags)
{
    static const s8 preferences[] = {0, 1, 0, -1}; // [RFC 4191 2.1]
    struct route_entry e = {.gateway = p->source,
                            .interface = p->interface,
                            .metric = 1024,
                            .protocol = RTPROT_RA,
                            .type = RTN_UNICAST,
                            .preference = preferences[flags >> 3 & 3]};

    e.valid_until = until(lifetime);
    route_gateway_silent(p->interface, &p->source, false);
    if (lifetime && route_refresh(&e))
        return;
    (void)!route_remove(&e); // an older one of the same router
    if (!lifetime)
        return;
    (void)!route_add(&e);
}

void slaac_receive(struct packet *p)
{
    const u8 *option = p->data;
    struct net_interface *i = p->interface;
    u32 mtu, offset = 16;

    if (p->size < 16 || !slaac.routers[i->index - 1])
        return;
    slaac_lock();
    slaac.asks[i->index - 1] = 0;
    lock_release(&slaac.lock);
    if (p->data[4])
        __atomic_store_n(&i->hop_limit, p->data[4], __ATOMIC_RELAXED); // pairs with its readers
    router_take(p, (u32)(p->data[6] << 8 | p->data[7]), p->data[5]);
    option = ndp_option(p, offset, OPTION_MTU, 8);
    mtu = option ? load32(option + 4) : 0;
    if (mtu >= 1280 && mtu < i->mtu) {
        __atomic_store_n(&i->mtu, mtu, __ATOMIC_RELAXED); // pairs with its readers
        route_changed();
    }
    while ((option = ndp_option(p, offset, OPTION_PREFIX, 32))) {
        prefix_take(i, option);
        offset = (u32)(option - p->data) + option[1] * 8u;
    }
    option = ndp_option(p, 16, OPTION_RDNSS, 24);
    if (option) {
        struct ip_address server;
        memcpy(server.bytes, option + 8, 16);
        resolver_add(&server);
    }
}
