// SPDX-License-Identifier: BSD-3-Clause
// TCP_INFO: what a connection knows of itself. [tcp(7), linux/tcp.h]
#include <linux/tcp.h>

#include "base/string.h"
#include "linux/clock.h"
#include "net/tcp_connection.h"

static u32 segments(u32 bytes, u32 mss)
{
    return mss ? (bytes + mss - 1) / mss : 0;
}

static u8 info_options(const struct tcp_connection *c)
{
    return (u8)((c->timestamps ? TCPI_OPT_TIMESTAMPS : 0) | (c->sack ? TCPI_OPT_SACK : 0) |
                (c->send_scale != TCP_SCALE_NONE ? TCPI_OPT_WSCALE : 0));
}

static u8 info_recovery(const struct tcp_connection *c)
{
    return c->recovery == RECOVERY_TIMEOUT ? TCP_CA_Loss
           : c->recovery == RECOVERY_FAST  ? TCP_CA_Recovery
           : c->send.sacked                ? TCP_CA_Disorder
                                           : TCP_CA_Open;
}

static void info_counters(const struct tcp_connection *c, struct tcp_info *out)
{
    out->tcpi_total_retrans = c->counters.retransmissions;
    out->tcpi_bytes_acked = c->counters.bytes_acked;
    out->tcpi_bytes_received = c->counters.bytes_received;
    out->tcpi_segs_out = (u32)c->counters.segments_out;
    out->tcpi_segs_in = (u32)c->counters.segments_in;
    out->tcpi_data_segs_in = c->counters.data_segments_in;
    out->tcpi_data_segs_out = c->counters.data_segments_out;
    out->tcpi_bytes_sent = c->counters.bytes_sent;
    out->tcpi_bytes_retrans = c->counters.bytes_retransmitted;
}

void connection_info(struct tcp_connection *c, struct tcp_info *out)
{
    u64 now = clock_monotonic();

    memset(out, 0, sizeof(*out));
    out->tcpi_state = (u8)c->state;
    if (c->state == TCP_LISTENING) {
        out->tcpi_unacked = c->accept_count;
        out->tcpi_sacked = c->backlog;
        return;
    }
    out->tcpi_ca_state = info_recovery(c);
    out->tcpi_retransmits = (u8)min(c->backoff, 255u);
    out->tcpi_probes = (u8)c->keep_probes;
    out->tcpi_backoff = (u8)min(c->backoff, 255u);
    out->tcpi_options = info_options(c);
    out->tcpi_snd_wscale = c->send_scale == TCP_SCALE_NONE ? 0 : c->send_scale & 15;
    out->tcpi_rcv_wscale = c->receive_scale == TCP_SCALE_NONE ? 0 : c->receive_scale & 15;
    out->tcpi_rto = (u32)(c->rto / 1000);
    out->tcpi_ato = (u32)(TCP_DELAYED_ACK / 1000);
    out->tcpi_snd_mss = c->mss;
    out->tcpi_rcv_mss = c->receive_mss;
    out->tcpi_unacked = segments(c->send.next - c->send.una, c->mss);
    out->tcpi_sacked = segments(c->send.sacked, c->mss);
    out->tcpi_lost = segments(c->send.lost, c->mss);
    out->tcpi_retrans = segments(c->send.retransmitted, c->mss);
    out->tcpi_last_data_sent = c->last_sent ? (u32)((now - c->last_sent) / MILLISECOND) : 0;
    out->tcpi_last_ack_recv = out->tcpi_last_data_recv =
        (u32)((now - c->last_received) / MILLISECOND);
    out->tcpi_pmtu = c->route_valid ? c->route.mtu : 0;
    out->tcpi_rcv_ssthresh = c->receive_window;
    out->tcpi_rtt = (u32)(c->rtt / 1000);
    out->tcpi_rttvar = (u32)(c->rtt_variance / 1000);
    out->tcpi_min_rtt = (u32)(c->rtt_min / 1000);
    out->tcpi_snd_ssthresh = c->congestion.threshold == TCP_THRESHOLD_NONE
                                 ? TCP_THRESHOLD_NONE
                                 : segments(c->congestion.threshold, c->mss);
    out->tcpi_snd_cwnd = segments(c->congestion.window, c->mss);
    out->tcpi_advmss = c->mss;
    out->tcpi_reordering = 3;
    out->tcpi_rcv_space = c->space;
    out->tcpi_snd_wnd = c->send_window;
    out->tcpi_notsent_bytes = send_queue_waiting(&c->send);
    info_counters(c, out);
}
