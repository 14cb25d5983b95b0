// SPDX-License-Identifier: BSD-3-Clause
// /proc/net/snmp, snmp6 and netstat: what net/mib.h has counted. What this stack does not do is zero, or
// left out where readers go by the names. [proc(5)]
#include "base/printf.h"
#include "inspect/proc.h"
#include "net/mib.h"
#include "net/settings.h"
#include "net/tcp.h"
#include "net/wiring.h"

#define NONE 255u // nothing that is counted here
#define SIX  MIB_IP_COUNT

typedef unsigned long long ull; // for %llu

static void add_counters(struct text *t, const u8 *counters, size_t count)
{
    for (size_t n = 0; n < count; n++)
        text_add(t, " %llu", counters[n] == NONE ? 0 : (ull)mib_read(counters[n]));
    text_add(t, "\n");
}

static const u8 icmp_types[] = {3, 11, 12, 4, 5, 8, 0, 13, 14, 17, 18};

static u64 icmp_total(bool v4, bool out)
{
    u64 sum = 0;

    for (u32 type = 0; type < 32; type++)
        sum += mib_icmp_read(v4, out, (u8)type) + mib_icmp_read(v4, out, (u8)(128 + type));
    return sum;
}

static void add_icmp(struct text *t)
{
    text_add(t, "Icmp: InMsgs InErrors InCsumErrors InDestUnreachs InTimeExcds InParmProbs "
                "InSrcQuenchs InRedirects InEchos InEchoReps InTimestamps InTimestampReps InAddrMasks "
                "InAddrMaskReps OutMsgs OutErrors OutDestUnreachs OutTimeExcds OutParmProbs "
                "OutSrcQuenchs OutRedirects OutEchos OutEchoReps OutTimestamps OutTimestampReps "
                "OutAddrMasks OutAddrMaskReps\nIcmp:");
    for (int out = 0; out < 2; out++) {
        u64 errors = out ? 0 : mib_read(MIB_ICMP_IN_ERRORS);
        text_add(t, " %llu %llu", (ull)icmp_total(true, out) + errors, (ull)errors);
        if (!out)
            text_add(t, " %llu", (ull)errors);
        for (size_t n = 0; n < sizeof(icmp_types); n++)
            text_add(t, " %llu", (ull)mib_icmp_read(true, out, icmp_types[n]));
    }
    text_add(t, "\n");
}

static bool count_established(const struct tcp_view *v, void *arg)
{
    *(u32 *)arg += v->state == TCP_ESTABLISHED || v->state == TCP_CLOSE_WAIT;
    return true;
}

int proc_show_snmp(struct text *t, const struct proc_node *node)
{
    static const u8 ip[] = {MIB_IP_IN,   MIB_IP_IN_HEADER_ERRORS, MIB_IP_IN_ADDRESS_ERRORS, NONE,
                            MIB_IP_IN_UNKNOWN,  NONE, MIB_IP_DELIVERED, MIB_IP_OUT, NONE,
                            MIB_IP_NO_ROUTE,    NONE, MIB_IP_PIECES_IN, MIB_IP_REASSEMBLED,
                            MIB_IP_REASSEMBLY_FAILS, MIB_IP_FRAGMENTED, NONE, MIB_IP_PIECES_OUT};
    static const u8 opens[] = {MIB_TCP_ACTIVE, MIB_TCP_PASSIVE, MIB_TCP_FAILS, MIB_TCP_RESETS};
    static const u8 segments[] = {MIB_TCP_IN,        MIB_TCP_OUT,        MIB_TCP_AGAIN,
                                  MIB_TCP_IN_ERRORS, MIB_TCP_RESETS_OUT, NONE};
    static const u8 udp[] = {MIB_UDP_IN, MIB_UDP_NO_PORT, MIB_UDP_IN_ERRORS, MIB_UDP_OUT,
                             MIB_UDP_FULL, NONE, NONE, NONE, NONE};
    u32 established = 0;

    net_start();
    tcp_visit(count_established, &established);
    text_add(t, "Ip: Forwarding DefaultTTL InReceives InHdrErrors InAddrErrors ForwDatagrams "
                "InUnknownProtos InDiscards InDelivers OutRequests OutDiscards OutNoRoutes "
                "ReasmTimeout ReasmReqds ReasmOKs ReasmFails FragOKs FragFails FragCreates\n"
                "Ip: 2 %u", net_setting(SET_TTL));
    add_counters(t, ip, sizeof(ip));
    add_icmp(t);
    text_add(t, "Tcp: RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens PassiveOpens AttemptFails "
                "EstabResets CurrEstab InSegs OutSegs RetransSegs InErrs OutRsts InCsumErrors\n"
                "Tcp: 1 200 120000 -1");
    for (size_t n = 0; n < sizeof(opens); n++)
        text_add(t, " %llu", (ull)mib_read(opens[n]));
    text_add(t, " %u", established);
    add_counters(t, segments, sizeof(segments));
    text_add(t, "Udp: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors "
                "InCsumErrors IgnoredMulti MemErrors\nUdp:");
    add_counters(t, udp, sizeof(udp));
    return 0;
}

int proc_show_netstat(struct text *t, const struct proc_node *node)
{
    static const u8 tcp[] = {MIB_COOKIES_SENT, MIB_COOKIES_GOOD, MIB_COOKIES_BAD, MIB_LISTEN_DROPS,
                             MIB_LISTEN_DROPS, MIB_TIMEOUTS, MIB_LOSS_PROBES, MIB_FAST_AGAIN,
                             MIB_SYN_AGAIN, MIB_DATA_OUT, MIB_TWICE_TOLD, NONE, MIB_OUT_OF_ORDER,
                             MIB_KEEP_ALIVES, MIB_CHALLENGES};
    static const u8 ip[] = {NONE, MIB_IP_IN_GROUPS, MIB_IP_OUT_GROUPS, MIB_IP_IN_OCTETS, MIB_IP_OUT_OCTETS};

    net_start();
    text_add(t, "TcpExt: SyncookiesSent SyncookiesRecv SyncookiesFailed ListenOverflows ListenDrops "
                "TCPTimeouts TCPLossProbes TCPFastRetrans TCPSynRetrans TCPOrigDataSent TCPDSACKRecv "
                "TCPDSACKOfoRecv TCPOFOQueue TCPKeepAlive TCPChallengeACK\nTcpExt:");
    add_counters(t, tcp, sizeof(tcp));
    text_add(t, "IpExt: InNoRoutes InMcastPkts OutMcastPkts InOctets OutOctets\nIpExt:");
    add_counters(t, ip, sizeof(ip));
    return 0;
}

int proc_show_snmp6(struct text *t, const struct proc_node *node)
{
    static const struct {
        const char *name;
        u8 counter;
    } lines[] = {
        {"Ip6InReceives", MIB_IP_IN},          {"Ip6InHdrErrors", MIB_IP_IN_HEADER_ERRORS},
        {"Ip6InAddrErrors", MIB_IP_IN_ADDRESS_ERRORS}, {"Ip6InUnknownProtos", MIB_IP_IN_UNKNOWN},
        {"Ip6InDelivers", MIB_IP_DELIVERED},   {"Ip6OutRequests", MIB_IP_OUT},
        {"Ip6OutNoRoutes", MIB_IP_NO_ROUTE},   {"Ip6ReasmReqds", MIB_IP_PIECES_IN},
        {"Ip6ReasmOKs", MIB_IP_REASSEMBLED},   {"Ip6ReasmFails", MIB_IP_REASSEMBLY_FAILS},
        {"Ip6FragOKs", MIB_IP_FRAGMENTED},     {"Ip6FragCreates", MIB_IP_PIECES_OUT},
        {"Ip6InMcastPkts", MIB_IP_IN_GROUPS},  {"Ip6OutMcastPkts", MIB_IP_OUT_GROUPS},
        {"Ip6InOctets", MIB_IP_IN_OCTETS},     {"Ip6OutOctets", MIB_IP_OUT_OCTETS},
        {"Icmp6InErrors", MIB_ICMP_IN_ERRORS}, {"Udp6InDatagrams", MIB_UDP_IN},
        {"Udp6NoPorts", MIB_UDP_NO_PORT},      {"Udp6InErrors", MIB_UDP_IN_ERRORS},
        {"Udp6OutDatagrams", MIB_UDP_OUT},     {"Udp6RcvbufErrors", MIB_UDP_FULL},
    };

    net_start();
    for (size_t n = 0; n < array_count(lines); n++)
        text_add(t, "%-32s\t%llu\n", lines[n].name, (ull)mib_read(lines[n].counter + SIX));
    for (int out = 0; out < 2; out++) {
        const char *way = out ? "Out" : "In";
        char name[24];
        text_add(t, "Icmp6%-27s\t%llu\n", out ? "OutMsgs" : "InMsgs", (ull)icmp_total(false, out));
        for (u32 n = 0; n < 64; n++) {
            u32 type = n < 32 ? n : n + 96;
            u64 count = mib_icmp_read(false, out, (u8)type);
            snprintf(name, sizeof(name), "%sType%u", way, type);
            if (count)
                text_add(t, "Icmp6%-27s\t%llu\n", name, (ull)count);
        }
    }
    return 0;
}
