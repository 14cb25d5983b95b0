// SPDX-License-Identifier: BSD-3-Clause
// See multicast_report.h. All of these go with hop limit 1 and a router alert: an IPv4 option, or
// an option in a hop-by-hop header.
#include "net/multicast_report.h"

#include "base/string.h"
#include "net/checksum.h"
#include "net/ip_internal.h"
#include "net/mib.h"

#define MILLISECOND  1000000ull
#define IGMP_QUERY   0x11
#define IGMP2_REPORT 0x16
#define IGMP2_LEAVE  0x17
#define IGMP3_REPORT 0x22
#define MLD1_REPORT  131
#define MLD1_DONE    132
#define MLD2_REPORT  143
#define IGMP1_DELAY  100 // tenths of a second, of a querier that does not say [RFC 2236 4]

static const struct ip_address routers4 = {.words = {0, 0, 0xffff0000, 0x020000e0}};
static const struct ip_address routers6 = {.bytes = {0xff, 2, [15] = 2}};
static const struct ip_address reports4 = {.words = {0, 0, 0xffff0000, 0x160000e0}};
static const struct ip_address reports6 = {.bytes = {0xff, 2, [15] = 22}};

static struct packet *message_alloc(u32 size, u8 type)
{
    struct packet *p = packet_alloc(size);

    if (p) {
        memset(packet_append(p, size), 0, size);
        p->data[0] = type;
    }
    return p;
}

static void message_send(struct net_interface *i, struct packet *p, const struct ip_address *to)
{
    static const u8 hop[8] = {PROTOCOL_ICMP6, 0, 5, 2, 0, 0, 1, 0}; // router alert, PadN
    static const u8 alert[4] = {0x94, 4, 0, 0};
    static const struct ip_address link = {.bytes = {0xfe, 0x80}};
    bool v4 = ip_is_v4(to);
    struct ip_send s = {.destination = *to,
                        .protocol = v4 ? PROTOCOL_IGMP : PROTOCOL_HOP,
                        .hop_limit = 1,
                        .traffic_class = v4 ? 0xc0 : 0,
                        .dont_fragment = v4,
                        .options = v4 ? alert : NULL,
                        .option_size = v4 ? sizeof(alert) : 0};
    struct route r;
    u16 sum;

    if (route_lookup(to, NULL, i->index, &r)) // IPv6: no address yet
        r = (struct route){.interface = i, .next_hop = *to, .mtu = i->mtu, .multicast = true};
    s.source = r.source;
    if (!v4 && (!interface_source(i, &link, &s.source) || !ip_is_link_local(&s.source)))
        s.source = (struct ip_address){.words = {0}}; // [RFC 3810 5.2.13]
    if (v4) {
        sum = (u16)~checksum_sum(p->data, p->size);
        memcpy(p->data + 2, &sum, 2);
    } else {
        mib_icmp(/*v4=*/false, /*out=*/true, p->data[0]);
        checksum_prepare(p, &s.source, to, PROTOCOL_ICMP6, 2);
        memcpy(packet_push(p, sizeof(hop)), hop, sizeof(hop));
    }
    (void)!ip_send(p, &r, &s);
}

// A report of all groups at once. [RFC 3376 4.2, RFC 3810 5.2]
static void report_new(struct net_interface *i, const struct ip_address *groups, u32 count, u8 kind)
{
    bool v4 = ip_is_v4(&groups[0]);
    u32 address = v4 ? 4 : 16, record = 4 + address;
    struct packet *p = message_alloc(8 + count * record, v4 ? IGMP3_REPORT : MLD2_REPORT);

    if (!p)
        return;
    p->data[7] = (u8)count;
    for (u32 n = 0; n < count; n++) {
        p->data[8 + n * record] = kind;
        memcpy(p->data + 8 + n * record + 4, groups[n].bytes + 16 - address, address);
    }
    message_send(i, p, v4 ? &reports4 : &reports6);
}

// [RFC 2236 2, RFC 2710 3]
static void report_old(struct net_interface *i, const struct ip_address *group, bool leave)
{
    bool v4 = ip_is_v4(group);
    struct packet *p = message_alloc(v4 ? 8 : 24, v4      ? (leave ? IGMP2_LEAVE : IGMP2_REPORT)
                                                  : leave ? MLD1_DONE
                                                          : MLD1_REPORT);

    if (!p)
        return;
    if (v4)
        memcpy(p->data + 4, &group->words[3], 4);
    else
        memcpy(p->data + 8, group->bytes, 16);
    message_send(i, p, !leave ? group : v4 ? &routers4 : &routers6);
}

void group_report(struct net_interface *i, const struct ip_address *groups, u32 count, u8 kind,
                  bool old)
{
    if (!old && count)
        report_new(i, groups, count, kind);
    for (u32 n = 0; old && n < count; n++)
        report_old(i, &groups[n], kind == GROUP_TO_INCLUDE);
}

// Small numbers are themselves, large ones floating point. [RFC 3376 4.1.1, RFC 3810 5.1.3]
static u64 code_decode(u32 code, u32 mantissa_bits)
{
    u32 limit = 1u << (mantissa_bits + 3), mantissa = code & ((1u << mantissa_bits) - 1);

    if (code < limit)
        return code;
    return (u64)(mantissa | 1u << mantissa_bits) << ((code >> mantissa_bits & 7) + 3);
}

static bool query_read4(const struct packet *p, struct group_query *out)
{
    u32 group;

    if (p->size < 8 || p->data[0] != IGMP_QUERY ||
        checksum_fold(packet_sum(p, 0, p->total)) != 0xffff)
        return false;
    memcpy(&group, p->data + 4, 4);
    out->old = p->total < 12;
    out->group = ip4_address(group);
    out->delay = 100 * MILLISECOND *
                 (out->old ? p->data[1] ? p->data[1] : IGMP1_DELAY : code_decode(p->data[1], 4));
    return true;
}

// The hop-by-hop header has a router alert.
static bool has_alert(const struct packet *p)
{
    const u8 *h = packet_network(p) + IP6_HEADER;
    u32 size, at = 2;

    if (((const struct ip6_header *)(const void *)packet_network(p))->next != PROTOCOL_HOP)
        return false;
    size = 8u + h[1] * 8u; // it has been checked
    while (at + 1 < size && h[at] != 5)
        at += h[at] ? 2u + h[at + 1] : 1;
    return at + 1 < size;
}

bool group_query_read(const struct packet *p, struct group_query *out)
{
    u32 code;

    if (ip_is_v4(&p->source))
        return query_read4(p, out);
    if (p->size < 24 || p->hop_limit != 1 || !ip_is_link_local(&p->source) || !has_alert(p))
        return false; // [RFC 3810 6.2]
    code = (u32)(p->data[4] << 8 | p->data[5]);
    memcpy(out->group.bytes, p->data + 8, 16);
    out->old = p->total < 28;
    out->delay = MILLISECOND * (out->old ? code : code_decode(code, 12));
    return true;
}
