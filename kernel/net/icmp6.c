// SPDX-License-Identifier: BSD-3-Clause
// ICMPv6: echo, errors, multicast listener reports. [RFC 4443, RFC 3810]
#include "net/icmp6.h"

#include "base/string.h"
#include "net/checksum.h"
#include "net/icmp.h"
#include "net/if_abi.h"
#include "net/ip_internal.h"
#include "net/mib.h"
#include "net/multicast.h"
#include "net/ping.h"

#define UNREACHABLE   1
#define TOO_BIG       2
#define TIME_EXCEEDED 3
#define PARAMETER     4
#define ECHO          128
#define ECHO_REPLY    129
#define MLD_QUERY     130
#define NDP_FIRST     133
#define NDP_LAST      137
#define QUOTE_MAX     (IP6_MTU_MIN - IP6_HEADER - 8)

static const struct { // of UNREACHABLE, by code [as Linux's tab_unreach]
    u8 error;
    bool hard;
} meanings[] = {{ENETUNREACH, false}, {EACCES, true}, {EHOSTUNREACH, false}, {EHOSTUNREACH, false},
                {ECONNREFUSED, true}, {EACCES, true}, {EACCES, true}};

static void error_send(const struct packet *p, u8 type, u8 code, u32 word)
{
    const struct ip_address *from = ip_is_multicast(&p->destination) ? NULL : &p->destination;
    struct packet *answer = packet_alloc(sizeof(struct icmp_header) + QUOTE_MAX);
    struct icmp_header *h;

    if (!answer)
        return;
    h = (struct icmp_header *)(void *)packet_append(answer, sizeof(*h));
    memset(h, 0, sizeof(*h));
    h->type = type;
    h->code = code;
    h->word = swap32(word);
    icmp_quote(answer, p, QUOTE_MAX);
    icmp_send(answer, from, &p->source, p->interface, 0, 0);
}

void icmp6_refuse(const struct packet *p, enum ip_unreachable why)
{
    if (why == UNREACHABLE_PROTOCOL)
        error_send(p, PARAMETER, PROBLEM_NEXT, (u32)p->control[0]);
    else if (why == UNREACHABLE_TIME)
        error_send(p, TIME_EXCEEDED, 1, 0);
    else
        error_send(p, UNREACHABLE, 4, 0);
}

void icmp6_problem(struct packet *p, u8 code, u32 pointer)
{
    p->transport_header = (u16)packet_headroom(p);
    if (icmp_may_refuse(p, code == PROBLEM_OPTION))
        error_send(p, PARAMETER, code, pointer);
}

static void echo_answer(const struct packet *p)
{
    const struct ip_address *from = ip_is_multicast(&p->destination) ? NULL : &p->destination;
    struct packet *answer = packet_alloc(p->total);

    if (!answer)
        return;
    packet_copy_out(p, 0, packet_append(answer, p->total), p->total);
    answer->data[0] = ECHO_REPLY;
    icmp_send(answer, from, &p->source, p->interface, 0, p->traffic_class);
}

static void error_receive(struct packet *p, const struct icmp_header *h)
{
    struct ip_error e = {.origin = SO_EE_ORIGIN_ICMP6, .type = h->type, .code = h->code};

    e.offender = p->source;
    switch (h->type) {
    case UNREACHABLE:
        e.error = h->code < array_count(meanings) ? meanings[h->code].error : EPROTO;
        e.hard = h->code < array_count(meanings) ? meanings[h->code].hard : true;
        break;
    case TOO_BIG:
        e.error = EMSGSIZE;
        e.info = swap32(h->word);
        break;
    case TIME_EXCEEDED:
        e.error = EHOSTUNREACH;
        break;
    default:
        e.error = EPROTO;
        e.hard = true;
        break;
    }
    packet_pull(p, sizeof(*h));
    icmp_report(p, &e);
}

void icmp6_receive(void *object, struct packet *p)
{
    struct icmp_header h;

    if (!packet_linear(p, sizeof(h)) || ip_is_v4(&p->source) || !checksum_verify(p)) {
        mib_count(MIB_ICMP_IN_ERRORS + MIB_IP_COUNT);
        packet_free(p);
        return;
    }
    memcpy(&h, p->data, sizeof(h));
    mib_icmp(/*v4=*/false, /*out=*/false, h.type);
    if (h.type >= NDP_FIRST && h.type <= NDP_LAST) {
        ndp_receive(p);
        return;
    }
    if (h.type == ECHO_REPLY) {
        ping_receive(p, swap16(h.id));
        return;
    }
    if (h.type == ECHO && !ip_is_any(&p->source))
        echo_answer(p);
    else if (h.type >= UNREACHABLE && h.type <= PARAMETER)
        error_receive(p, &h);
    else if (h.type == MLD_QUERY)
        multicast_query(p);
    packet_free(p);
}
