// SPDX-License-Identifier: BSD-3-Clause
// Groups joined, and when to speak of them: at once and once more when something changes, and some
// time after a router has asked. The lock guards the lists of all interfaces.
#include "net/multicast.h"

#include "base/string.h"
#include "driver/random.h"
#include "linux/clock.h"
#include "memory/heap.h"
#include "net/if_abi.h"
#include "net/interface.h"
#include "net/multicast_report.h"
#include "net/packet.h"
#include "thread/timer.h"
#include "thread/wait.h"

#define REPORT_GROUPS 32u
#define SECOND        1000000000ull
#define REPEATS       2u             // of what has changed, in all: the robustness variable
#define OLD_QUERIER   (260 * SECOND) // [RFC 3376 8.12, RFC 3810 9.12]

struct joined_group {
    struct list node;
    struct ip_address group;
    u32 users;     // 0: left, which is still to be said
    u8 change;     // GROUP_TO_*, to be said
    u8 repeats;    // so often
    u64 change_at; // CLOCK_MONOTONIC
    u64 answer_at; // 0: nobody has asked
};

static struct lock groups_lock;
static struct slab_cache group_cache = SLAB_CACHE("joined_group", struct joined_group);

static struct joined_group *find(struct net_interface *i, const struct ip_address *group)
{
    struct joined_group *g;

    list_for_each(g, &i->joined, node)
    {
        if (ip_equal(&g->group, group))
            return g;
    }
    return NULL;
}

// Link-local groups that need no report: all hosts, all nodes.
static bool is_quiet(const struct ip_address *group)
{
    if (ip_is_v4(group))
        return group->words[3] == swap32(0xe0000001);
    return (group->bytes[1] & 15) <= 1 || (group->words[0] == swap32(0xff020000) &&
                                           !group->words[1] && group->longs[1] == 1ull << 56);
}

static void timer_run(struct timer *t);
static struct timer timer;
static bool timer_ready, timer_busy; // guarded by groups_lock

// The lock is held.
static void timer_need(u64 at)
{
    if (!timer_ready)
        timer_init(&timer, timer_run);
    timer_ready = true;
    if (!timer_busy && (!timer.armed || at < timer.deadline))
        timer_arm(&timer, at);
}

struct due { // what is to be said about groups of one interface and version, with one kind
    struct ip_address groups[REPORT_GROUPS];
    u32 count;
    u8 kind;
    bool v4;
};

// What is due of one group: GROUP_*; 0: nothing. Sets when it is due again.
static u8 group_due(struct joined_group *g, u64 now)
{
    if (g->repeats && g->change_at <= now) {
        g->repeats--;
        g->change_at = now + random_u64() % SECOND;
        return g->change;
    }
    if (g->users && g->answer_at && g->answer_at <= now) {
        g->answer_at = 0;
        return GROUP_IS_EXCLUDE;
    }
    return 0;
}

// Adds g to d if it is of the same kind as what is there; false: it has to wait for the next round.
static bool due_add(struct due *d, const struct joined_group *g, u8 kind)
{
    bool v4 = ip_is_v4(&g->group);

    if (d->count && (d->kind != kind || d->v4 != v4 || d->count == REPORT_GROUPS))
        return false;
    d->kind = kind;
    d->v4 = v4;
    d->groups[d->count++] = g->group;
    return true;
}

// Collects what is due on an interface; *next: lowered to when something is due. The lock is held.
static void interface_due(struct net_interface *i, u64 now, struct due *d, u64 *next)
{
    struct joined_group *g, *after;

    list_for_each_safe(g, after, &i->joined, node)
    {
        const struct joined_group before = *g;
        u8 kind = group_due(g, now);
        if (kind && !due_add(d, g, kind)) { // not now, then
            g->repeats = before.repeats;
            g->change_at = before.change_at;
            g->answer_at = before.answer_at;
        }
        if (g->repeats)
            *next = min(*next, g->change_at);
        if (g->answer_at)
            *next = min(*next, g->answer_at);
        if (!g->users && !g->repeats) {
            list_remove(&g->node);
            slab_free(&group_cache, g);
        }
    }
}

// Says all that is due, a report a round, as sending is done without the lock.
static void timer_run(struct timer *t)
{
    struct net_interface *i = NULL;
    u64 next = DEADLINE_NONE;
    struct due d;

    while ((i = interface_next(i)))
        do {
            u64 now = clock_monotonic();
            d.count = 0;
            lock_acquire(&groups_lock);
            timer_busy = true;
            interface_due(i, now, &d, &next);
            lock_release(&groups_lock);
            if (d.count && !(i->flags & IFF_LOOPBACK))
                group_report(i, d.groups, d.count, d.kind, i->old_querier[d.v4] > now);
        } while (d.count);
    lock_acquire(&groups_lock);
    timer_busy = false;
    if (next != DEADLINE_NONE)
        timer_need(next);
    lock_release(&groups_lock);
}

// Groups that somebody joins or leaves are told of twice: now and within a second. The lock is
// held.
static void change_note(struct net_interface *i, struct joined_group *g, u8 change, u64 now)
{
    g->change = change;
    g->repeats = is_quiet(&g->group) || (i->flags & IFF_LOOPBACK) ? 0 : REPEATS - 1;
    g->change_at = now + random_u64() % SECOND;
    g->answer_at = 0;
    if (g->repeats)
        timer_need(g->change_at);
}

static void change_report(struct net_interface *i, const struct ip_address *group, u8 change,
                          u64 now)
{
    if (!is_quiet(group) && !(i->flags & IFF_LOOPBACK))
        group_report(i, group, 1, change, i->old_querier[ip_is_v4(group)] > now);
}

int multicast_join(struct net_interface *i, const struct ip_address *group)
{
    struct joined_group *g, *new = slab_alloc(&group_cache);
    u64 now = clock_monotonic();
    bool first;

    if (!new)
        return -ENOMEM;
    lock_acquire(&groups_lock);
    g = find(i, group);
    if (!g) {
        g = new;
        g->group = *group;
        list_push_back(&i->joined, &g->node);
    }
    first = g->users++ == 0;
    if (first)
        change_note(i, g, GROUP_TO_EXCLUDE, now);
    lock_release(&groups_lock);
    if (g != new)
        slab_free(&group_cache, new);
    if (first)
        change_report(i, group, GROUP_TO_EXCLUDE, now);
    return 0;
}

void multicast_leave(struct net_interface *i, const struct ip_address *group)
{
    struct joined_group *g;
    u64 now = clock_monotonic();
    bool last, gone = false;

    lock_acquire(&groups_lock);
    g = find(i, group);
    last = g && g->users && --g->users == 0;
    if (last) {
        change_note(i, g, GROUP_TO_INCLUDE, now);
        gone = !g->repeats;
    }
    if (gone)
        list_remove(&g->node);
    lock_release(&groups_lock);
    if (gone)
        slab_free(&group_cache, g);
    if (last)
        change_report(i, group, GROUP_TO_INCLUDE, now);
}

bool multicast_joined(struct net_interface *i, const struct ip_address *group)
{
    const struct joined_group *g;
    bool joined;

    if (is_quiet(group))
        return true;
    lock_acquire(&groups_lock);
    g = find(i, group);
    joined = g && g->users;
    lock_release(&groups_lock);
    return joined;
}

void multicast_visit(struct net_interface *i,
                     bool (*visit)(const struct ip_address *group, u32 users, void *arg), void *arg)
{
    const struct joined_group *g;

    lock_acquire(&groups_lock);
    list_for_each(g, &i->joined, node)
    {
        if (g->users && !visit(&g->group, g->users, arg))
            break;
    }
    lock_release(&groups_lock);
}

void multicast_query(struct packet *p)
{
    struct net_interface *i = p->interface;
    u64 now = clock_monotonic(), at;
    struct group_query q;
    struct joined_group *g;

    if (!packet_linear(p, min(p->total, 28u)) || !group_query_read(p, &q))
        return;
    lock_acquire(&groups_lock);
    if (q.old)
        i->old_querier[ip_is_v4(&q.group)] = now + OLD_QUERIER;
    list_for_each(g, &i->joined, node)
    {
        if (ip_is_v4(&g->group) != ip_is_v4(&q.group) || is_quiet(&g->group) || !g->users ||
            (!ip_is_any(&q.group) && !ip_equal(&q.group, &g->group)))
            continue;
        at = now + (q.delay ? random_u64() % q.delay : 0);
        if (!g->answer_at || at < g->answer_at)
            g->answer_at = max(at, 1ull);
        timer_need(g->answer_at);
    }
    lock_release(&groups_lock);
}

void igmp_receive(void *object, struct packet *p)
{
    multicast_query(p);
    packet_free(p);
}
