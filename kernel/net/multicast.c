// SPDX-License-Identifier: BSD-3-Clause
// Groups joined, and their reports. The lock guards the lists of all interfaces.
#include "net/multicast.h"

#include "base/string.h"
#include "memory/heap.h"
#include "net/checksum.h"
#include "net/icmp6.h"
#include "net/if_abi.h"
#include "net/ip_internal.h"

#define REPORT_GROUPS 32u
#define IGMP_QUERY    0x11
#define IGMP_V3       0x22 // membership report
#define TO_INCLUDE    3    // record types [RFC 3376 4.2.12]
#define TO_EXCLUDE    4
#define IS_EXCLUDE    2

struct joined_group {
    struct list node;
    struct ip_address group;
    u32 users;
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

static void igmp_report(struct net_interface *i, const struct ip_address *groups, u32 count,
                        u8 kind)
{
    static const u8 router_alert[4] = {0x94, 4, 0, 0};
    struct ip_send s = {.destination = ip4_address(swap32(0xe0000016)),
                        .protocol = PROTOCOL_IGMP,
                        .hop_limit = 1,
                        .traffic_class = 0xc0,
                        .dont_fragment = 1,
                        .options = router_alert,
                        .option_size = 4};
    struct packet *p = packet_alloc(8 + count * 8);
    struct route r;
    u16 sum;

    if (!p || route_lookup(&s.destination, NULL, i->index, &r)) {
        packet_free(p);
        return;
    }
    memset(packet_append(p, 8 + count * 8), 0, 8 + count * 8);
    p->data[0] = IGMP_V3;
    p->data[7] = (u8)count;
    for (u32 n = 0; n < count; n++) {
        p->data[8 + n * 8] = kind;
        memcpy(p->data + 8 + n * 8 + 4, &groups[n].words[3], 4);
    }
    sum = (u16)~checksum_sum(p->data, p->size);
    memcpy(p->data + 2, &sum, 2);
    s.source = r.source;
    (void)!ip_send(p, &r, &s);
}

static void report(struct net_interface *i, const struct ip_address *groups, u32 count, u8 kind)
{
    if (!count || (i->flags & IFF_LOOPBACK))
        return;
    if (ip_is_v4(&groups[0]))
        igmp_report(i, groups, count, kind);
    else
        mld_report(i, groups, count, kind);
}

int multicast_join(struct net_interface *i, const struct ip_address *group)
{
    struct joined_group *g, *new = slab_alloc(&group_cache);

    if (!new)
        return -ENOMEM;
    lock_acquire(&groups_lock);
    g = find(i, group);
    if (g) {
        g->users++;
    } else {
        new->group = *group;
        new->users = 1;
        list_push_back(&i->joined, &new->node);
    }
    lock_release(&groups_lock);
    if (g)
        slab_free(&group_cache, new);
    else if (!is_quiet(group))
        report(i, group, 1, TO_EXCLUDE);
    return 0;
}

void multicast_leave(struct net_interface *i, const struct ip_address *group)
{
    struct joined_group *g;
    bool last;

    lock_acquire(&groups_lock);
    g = find(i, group);
    last = g && --g->users == 0;
    if (last)
        list_remove(&g->node);
    lock_release(&groups_lock);
    if (!last)
        return;
    slab_free(&group_cache, g);
    if (!is_quiet(group))
        report(i, group, 1, TO_INCLUDE);
}

bool multicast_joined(struct net_interface *i, const struct ip_address *group)
{
    bool joined;

    if (is_quiet(group))
        return true;
    lock_acquire(&groups_lock);
    joined = find(i, group);
    lock_release(&groups_lock);
    return joined;
}

void multicast_report(struct net_interface *i, bool v4)
{
    struct ip_address groups[REPORT_GROUPS];
    struct joined_group *g;
    u32 count = 0;

    lock_acquire(&groups_lock);
    list_for_each(g, &i->joined, node)
    {
        if (ip_is_v4(&g->group) == v4 && !is_quiet(&g->group) && count < REPORT_GROUPS)
            groups[count++] = g->group;
    }
    lock_release(&groups_lock);
    report(i, groups, count, IS_EXCLUDE);
}

void igmp_receive(void *object, struct packet *p)
{
    if (packet_linear(p, 8) && p->data[0] == IGMP_QUERY &&
        checksum_fold(packet_sum(p, 0, p->total)) == 0xffff)
        multicast_report(p->interface, /*v4=*/true);
    packet_free(p);
}
