// SPDX-License-Identifier: BSD-3-Clause
// ICMP for IPv4. [RFC 792, RFC 1122 3.2.2]

#include "base/string.h"
#include "net/checksum.h"
#include "net/icmp.h"
#include "net/if_abi.h"
#include "net/interface.h"
#include "net/ip_internal.h"
#include "net/mib.h"
#include "net/ping.h"
#include "net/redirect.h"
#include "net/settings.h"

#define ECHO_REPLY    0
#define UNREACHABLE   3
#define REDIRECT      5
#define ECHO          8
#define TIME_EXCEEDED 11
#define PARAMETER     12
#define QUOTE_MAX     548u // so that the whole is at most 576 bytes [RFC 1812 4.3.2.3]
#define CODE_FRAGMENT 4

static const struct { // of UNREACHABLE, by code [as Linux's icmp_err_convert]
    u8 error;
    bool hard;
} meanings[] = {
    {ENETUNREACH, false},  {EHOSTUNREACH, false}, {ENOPROTOOPT, true},  {ECONNREFUSED, true},
    {EMSGSIZE, false},     {EOPNOTSUPP, false},   {ENETUNREACH, true},  {EHOSTDOWN, true},
    {ENONET, true},        {ENETUNREACH, true},   {EHOSTUNREACH, true}, {ENETUNREACH, false},
    {EHOSTUNREACH, false}, {EHOSTUNREACH, true},  {EHOSTUNREACH, true}, {EHOSTUNREACH, true},
};

void icmp4_refuse(const struct packet *p, enum ip_unreachable why)
{
    static const u8 codes[] = {
        [UNREACHABLE_PORT] = 3, [UNREACHABLE_PROTOCOL] = 2, [UNREACHABLE_TIME] = 1};
    struct packet *answer = packet_alloc(sizeof(struct icmp_header) + QUOTE_MAX);
    struct icmp_header *h;

    if (!answer)
        return;
    h = (struct icmp_header *)(void *)packet_append(answer, sizeof(*h));
    memset(h, 0, sizeof(*h));
    h->type = why == UNREACHABLE_TIME ? TIME_EXCEEDED : UNREACHABLE;
    h->code = codes[why];
    icmp_quote(answer, p, QUOTE_MAX);
    icmp_send(answer, &p->destination, &p->source, p->interface, 0, 0xc0);
}

static void echo_answer(const struct packet *p)
{
    struct packet *answer;

    if (ip_is_multicast(&p->destination) || interface_is_broadcast(&p->destination) ||
        net_setting(SET_ECHO_IGNORE))
        return;
    answer = packet_alloc(p->total);
    if (!answer)
        return;
    packet_copy_out(p, 0, packet_append(answer, p->total), p->total);
    answer->data[0] = ECHO_REPLY;
    icmp_send(answer, &p->destination, &p->source, p->interface, 0, p->traffic_class);
}

// What routers that do not say it probably mean. [RFC 1191 7]
static u32 plateau(u32 total)
{
    static const u32 plateaus[] = {32000, 17914, 8166, 4352, 2002, 1492, 1006, 576};

    for (u32 i = 0; i < array_count(plateaus); i++)
        if (plateaus[i] < total)
            return plateaus[i];
    return IP4_MTU_MIN;
}

static void error_receive(struct packet *p, const struct icmp_header *h)
{
    struct ip_error e = {.origin = SO_EE_ORIGIN_ICMP, .type = h->type, .code = h->code};
    u32 mtu = swap16(h->sequence);

    e.offender = p->source;
    if (h->type == UNREACHABLE) {
        if (h->code >= array_count(meanings))
            return;
        e.error = meanings[h->code].error;
        e.hard = meanings[h->code].hard;
    } else {
        e.error = h->type == PARAMETER ? EPROTO : EHOSTUNREACH;
        e.hard = h->type == PARAMETER;
    }
    packet_pull(p, sizeof(*h));
    if (e.type == UNREACHABLE && e.code == CODE_FRAGMENT && packet_linear(p, IP4_HEADER))
        e.info = mtu >= 68 ? mtu : plateau((u32)(p->data[2] << 8 | p->data[3]));
    icmp_report(p, &e);
}

void icmp4_receive(void *object, struct packet *p)
{
    struct icmp_header h;

    if (!packet_linear(p, sizeof(h)) ||
        (p->checksum == CHECKSUM_NONE && checksum_fold(packet_sum(p, 0, p->total)) != 0xffff)) {
        mib_count(MIB_ICMP_IN_ERRORS);
        packet_free(p);
        return;
    }
    memcpy(&h, p->data, sizeof(h));
    mib_icmp(/*v4=*/true, /*out=*/false, h.type);
    switch (h.type) {
    case ECHO:
        echo_answer(p);
        break;
    case ECHO_REPLY:
        ping_receive(p, swap16(h.id));
        return;
    case REDIRECT:
        redirect_receive4(p);
        break;
    case UNREACHABLE:
    case TIME_EXCEEDED:
    case PARAMETER:
        error_receive(p, &h);
        break;
    }
    packet_free(p);
}
