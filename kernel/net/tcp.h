// SPDX-License-Identifier: BSD-3-Clause
// TCP as the rest of the kernel sees it: an element of the stack (segments in by tcp_receive, out
// by ip_send) and a kind of socket (tcp_create of inet.h). [RFC 9293 and those named in tcp_*.c]
#pragma once

#include "net/ip.h"

enum tcp_state { // Linux's numbers: TCP_INFO, /proc/net/tcp, sock_diag
    TCP_ESTABLISHED = 1,
    TCP_SYN_SENT,
    TCP_SYN_RECEIVED,
    TCP_FIN_WAIT_1,
    TCP_FIN_WAIT_2,
    TCP_TIME_WAITING,
    TCP_CLOSED,
    TCP_CLOSE_WAIT,
    TCP_LAST_ACK,
    TCP_LISTENING,
    TCP_CLOSING,
};

// The receive delegate of IP protocol 6; object is unused. Consumes p. No lock held.
void tcp_receive(void *object, struct packet *p);
// Around segments that came together: what they make connections send is sent at the end. No lock held; one batch a
// vCPU at a time.
void tcp_batch_begin(void);
void tcp_batch_end(void);
struct vcpu;
void tcp_batch_lost(const struct vcpu *v); // the host has killed v within one
// An ICMP error about a segment that was sent.
void tcp_error(const struct ip_error *e);

struct tcp_view { // one connection, listener or remnant, for those who list them
    struct endpoint local, remote;
    enum tcp_state state;
    u32 receive_queue, send_queue; // bytes; of a listener: connections waiting, backlog
    u32 interface, retries;
    bool v6;
};
// Calls visit with each until it says false.
void tcp_visit(bool (*visit)(const struct tcp_view *v, void *arg), void *arg);
