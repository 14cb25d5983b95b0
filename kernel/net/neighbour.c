// SPDX-License-Identifier: BSD-3-Clause
// The neighbour table. INCOMPLETE: asked, not answered, packets wait. REACHABLE: heard of lately.
// STALE: known, but long ago; the next packet uses it and asks it (PROBE). Who does not answer
// three times is forgotten, and the packets that waited come back as "host unreachable".
//
// One lock for the table, innermost but for the allocator's. What is to be sent is sent behind it.
// One timer, which runs while somebody is being asked.
#include "net/neighbour.h"

#include "base/string.h"
#include "linux/clock.h"
#include "memory/heap.h"
#include "net/ethernet.h"
#include "net/event.h"
#include "net/if_abi.h"
#include "net/ip_internal.h"
#include "net/redirect.h"
#include "thread/timer.h"

#define BUCKETS      64u
#define ENTRIES_MAX  1024u // net.ipv4.neigh.default.gc_thresh3
#define WAITING_MAX  128u  // packets for one neighbour
#define ASK_NS       1000000000ull
#define ASK_COUNT    3u
#define REACHABLE_NS 30000000000ull

struct entry {
    struct list node;
    struct neighbour n;
    u64 confirmed; // CLOCK_MONOTONIC
    u64 used;
    u64 asked;
    u32 asks;
    u32 waiting_count;
    struct list waiting; // packets
};

static struct {
    struct lock lock;
    bool ready;
    u32 count;
    struct list buckets[BUCKETS];
    struct timer timer;
    bool timer_on;
} table;

static struct slab_cache neighbour_cache = SLAB_CACHE("neighbour", struct entry);

static void timer_run(struct timer *t);

static void table_lock(void)
{
    lock_acquire(&table.lock);
    if (table.ready)
        return;
    table.ready = true;
    for (u32 i = 0; i < BUCKETS; i++)
        list_init(&table.buckets[i]);
    timer_init(&table.timer, timer_run);
}

static struct list *bucket(const struct ip_address *a)
{
    return &table.buckets[ip_hash(a, 0, a, 0) % BUCKETS];
}

static struct entry *find(const struct net_interface *i, const struct ip_address *a)
{
    struct entry *e;

    list_for_each(e, bucket(a), node)
    {
        if (e->n.interface == i && ip_equal(&e->n.address, a))
            return e;
    }
    return NULL;
}

static void list_take(struct list *to, struct list *from)
{
    struct list *node;

    list_init(to);
    while ((node = list_pop_front(from)))
        list_push_back(to, node);
}

// Frees an entry; its packets go to *lost.
static void entry_free(struct entry *e, struct list *lost)
{
    struct list *node;

    while ((node = list_pop_front(&e->waiting)))
        list_push_back(lost, node);
    list_remove(&e->node);
    table.count--;
    slab_free(&neighbour_cache, e);
}

// Makes room: the entry that was used longest ago goes.
static void evict(struct list *lost)
{
    struct entry *e, *oldest = NULL;

    for (u32 i = 0; i < BUCKETS; i++)
        list_for_each(e, &table.buckets[i], node)
        {
            if (e->n.state != NEIGHBOUR_PERMANENT && (!oldest || e->used < oldest->used))
                oldest = e;
        }
    if (oldest)
        entry_free(oldest, lost);
}

static struct entry *create(struct net_interface *i, const struct ip_address *a, struct list *lost)
{
    struct entry *e;

    if (table.count >= ENTRIES_MAX)
        evict(lost);
    e = slab_alloc(&neighbour_cache);
    if (!e)
        return NULL;
    e->n.interface = i;
    e->n.address = *a;
    e->n.state = NEIGHBOUR_INCOMPLETE;
    e->used = clock_monotonic();
    list_init(&e->waiting);
    list_push_back(bucket(a), &e->node);
    table.count++;
    return e;
}

static void lost_report(struct list *lost)
{
    struct list *node;

    while ((node = list_pop_front(lost)))
        ip_undeliverable(list_entry(node, struct packet, node));
}

static void solicit(struct net_interface *i, const struct ip_address *a, const u8 *mac)
{
    const struct neighbour_ops *ops = ip_is_v4(a) ? &arp_neighbour_ops : &ndp_neighbour_ops;
    ops->solicit(i, a, mac);
}

struct question { // to be asked when the lock is free
    bool ask, unicast;
    struct neighbour n;
    bool lost; // silent does not answer
    struct neighbour silent;
};

static void ask_later(struct entry *e, u64 now, struct question *out)
{
    out->ask = true;
    out->unicast = e->n.state == NEIGHBOUR_PROBE;
    out->n = e->n;
    e->asked = now;
    e->asks++;
    if (!table.timer_on)
        timer_arm(&table.timer, now + ASK_NS);
    table.timer_on = true;
}

static void question_ask(const struct question *q)
{
    if (q->ask)
        solicit(q->n.interface, &q->n.address, q->unicast ? q->n.mac : NULL);
}

// One entry whose answer is overdue; true: it is still being asked.
static bool entry_tick(struct entry *e, u64 now, struct question *q, struct list *lost)
{
    if (e->n.state != NEIGHBOUR_INCOMPLETE && e->n.state != NEIGHBOUR_PROBE)
        return false;
    if (now - e->asked < ASK_NS / 2)
        return true;
    if (e->asks >= ASK_COUNT) {
        if (q->lost)
            return true; // one a round
        q->lost = true;
        q->silent = e->n;
        entry_free(e, lost);
        return false;
    }
    if (!q->ask)
        ask_later(e, now, q);
    return true;
}

static void silent_tell(const struct neighbour *n)
{
    redirect_forget(n->interface, &n->address);
    route_gateway_silent(n->interface, &n->address, true);
    EVENT(neighbour, n, true);
}

static void timer_run(struct timer *t)
{
    u64 now = clock_monotonic();
    struct question q;
    struct list lost;
    bool more = true;

    list_init(&lost);
    do { // asks one a round, as asking is done without the lock
        struct entry *e, *next;
        memset(&q, 0, sizeof(q));
        more = false;
        table_lock();
        table.timer_on = true; // so that ask_later leaves it to us
        for (u32 i = 0; i < BUCKETS; i++)
            list_for_each_safe(e, next, &table.buckets[i], node)
            {
                more |= entry_tick(e, now, &q, &lost);
            }
        table.timer_on = more;
        lock_release(&table.lock);
        question_ask(&q);
        if (q.lost)
            silent_tell(&q.silent);
    } while (q.ask || q.lost);
    if (more)
        timer_arm(t, now + ASK_NS);
    lost_report(&lost);
}

// What is to be done with a packet for e: true: it may go to e->n.mac.
static bool entry_use(struct entry *e, struct packet *p, u64 now, struct question *q)
{
    e->used = now;
    if (e->n.state == NEIGHBOUR_REACHABLE && now - e->confirmed > REACHABLE_NS)
        e->n.state = NEIGHBOUR_STALE;
    if (e->n.state == NEIGHBOUR_STALE) {
        e->n.state = NEIGHBOUR_PROBE;
        e->asks = 0;
        ask_later(e, now, q);
    }
    if (e->n.state != NEIGHBOUR_INCOMPLETE)
        return true;
    if (!e->asks)
        ask_later(e, now, q);
    list_push_back(&e->waiting, &p->node);
    e->waiting_count++;
    return false;
}

// Resolves the next hop. True: *mac is it; else the packet waits, or is lost.
static bool resolve(struct packet *p, const struct route *r, u8 mac[MAC_SIZE])
{
    struct question q = {.ask = false};
    struct list lost;
    struct entry *e;
    bool known = false;

    list_init(&lost);
    table_lock();
    e = find(r->interface, &r->next_hop);
    if (!e)
        e = create(r->interface, &r->next_hop, &lost);
    if (e) {
        known = entry_use(e, p, clock_monotonic(), &q);
        memcpy(mac, e->n.mac, MAC_SIZE);
        if (e->waiting_count > WAITING_MAX && !known) { // the oldest has waited in vain
            list_push_back(&lost, list_pop_front(&e->waiting));
            e->waiting_count--;
        }
    } else {
        list_push_back(&lost, &p->node);
    }
    lock_release(&table.lock);
    question_ask(&q);
    while (!list_empty(&lost))
        packet_free(list_entry(list_pop_front(&lost), struct packet, node));
    return known;
}

// Groups have Ethernet addresses of their own. [RFC 1112 6.4, RFC 2464 7]
static void multicast_mac(const struct ip_address *a, u8 mac[MAC_SIZE])
{
    if (ip_is_v4(a)) {
        memcpy(mac, "\x01\x00\x5e", 3);
        memcpy(mac + 3, a->bytes + 13, 3);
        mac[3] &= 0x7f;
    } else {
        memcpy(mac, "\x33\x33", 2);
        memcpy(mac + 2, a->bytes + 12, 4);
    }
}

int neighbour_send(struct packet *p, const struct route *r)
{
    u8 mac[MAC_SIZE];

    if (r->interface->type != ARPHRD_ETHER) {
        interface_transmit(p);
        return 0;
    }
    if (r->multicast)
        multicast_mac(&p->destination, mac);
    else if (r->broadcast)
        memset(mac, 0xff, sizeof(mac));
    else if (!resolve(p, r, mac))
        return 0;
    ethernet_send(p, mac, p->link_protocol);
    return 0;
}

// What was heard of e. True: packets that waited may go. [RFC 4861 7.2.5]
static bool entry_learn(struct entry *e, const u8 *mac, bool solicited, bool override)
{
    bool unknown = e->n.state == NEIGHBOUR_INCOMPLETE;
    bool changed = mac && memcmp(e->n.mac, mac, MAC_SIZE) != 0;

    if (e->n.state == NEIGHBOUR_PERMANENT || (unknown && !mac))
        return false;
    if (!unknown && changed && !override) {
        if (e->n.state == NEIGHBOUR_REACHABLE)
            e->n.state = NEIGHBOUR_STALE;
        return false;
    }
    if (mac)
        memcpy(e->n.mac, mac, MAC_SIZE);
    if (solicited) {
        e->n.state = NEIGHBOUR_REACHABLE;
        e->confirmed = clock_monotonic();
    } else if (unknown || changed) {
        e->n.state = NEIGHBOUR_STALE;
    }
    if (e->n.state != NEIGHBOUR_PROBE)
        e->asks = 0;
    return true;
}

void neighbour_heard(struct net_interface *i, const struct ip_address *address, const u8 *mac,
                     bool solicited, bool create_it, bool override)
{
    struct list waiting, lost, *node;
    struct neighbour before = {.interface = NULL}, n = before;
    struct entry *e;

    list_init(&waiting);
    list_init(&lost);
    table_lock();
    e = find(i, address);
    if (!e && create_it)
        e = create(i, address, &lost);
    if (e)
        before = e->n;
    if (e && entry_learn(e, mac, solicited, override)) {
        list_take(&waiting, &e->waiting);
        e->waiting_count = 0;
    }
    if (e)
        n = e->n;
    lock_release(&table.lock);
    if (memcmp(&before, &n, sizeof(n)) != 0)
        EVENT(neighbour, &n, false);
    if (e && n.state == NEIGHBOUR_REACHABLE && before.state != NEIGHBOUR_REACHABLE)
        route_gateway_silent(i, address, false);
    lost_report(&lost);
    while ((node = list_pop_front(&waiting))) {
        struct packet *p = list_entry(node, struct packet, node);
        ethernet_send(p, mac, p->link_protocol);
    }
}

void neighbour_ask(struct net_interface *i, const struct ip_address *address)
{
    struct question q = {.ask = false};
    struct list lost;
    struct entry *e;

    list_init(&lost);
    table_lock();
    e = find(i, address) ? NULL : create(i, address, &lost);
    if (e)
        ask_later(e, clock_monotonic(), &q);
    lock_release(&table.lock);
    lost_report(&lost);
    question_ask(&q);
}

bool neighbour_set_router(struct net_interface *i, const struct ip_address *address, bool router)
{
    struct entry *e;
    bool was = false;

    table_lock();
    e = find(i, address);
    if (e) {
        was = e->n.router;
        e->n.router = router;
    }
    lock_release(&table.lock);
    return was;
}

void neighbour_visit(bool (*visit)(const struct neighbour *n, void *arg), void *arg)
{
    struct entry *e;
    bool go_on = true;

    table_lock();
    for (u32 i = 0; i < BUCKETS && go_on; i++)
        list_for_each(e, &table.buckets[i], node)
        {
            if (!go_on)
                break;
            go_on = visit(&e->n, arg);
        }
    lock_release(&table.lock);
}

int neighbour_set(struct net_interface *i, const struct ip_address *address, const u8 *mac)
{
    struct entry *e;

    neighbour_heard(i, address, mac, true, true, true);
    table_lock();
    e = find(i, address);
    if (e) {
        e->n.state = NEIGHBOUR_PERMANENT;
        memcpy(e->n.mac, mac, MAC_SIZE);
    }
    lock_release(&table.lock);
    return e ? 0 : -ENOMEM;
}

int neighbour_remove(struct net_interface *i, const struct ip_address *address)
{
    struct neighbour n;
    struct list lost;
    struct entry *e;

    list_init(&lost);
    table_lock();
    e = find(i, address);
    if (e) {
        n = e->n;
        entry_free(e, &lost);
    }
    lock_release(&table.lock);
    if (e)
        EVENT(neighbour, &n, true);
    lost_report(&lost);
    return e ? 0 : -ESRCH;
}
