// SPDX-License-Identifier: BSD-3-Clause
#include "net/zero_copy.h"

#include <linux/in.h>
#include <linux/in6.h>

#include "net/if_abi.h"

#define SO_EE_ORIGIN_ZEROCOPY      5
#define SO_EE_CODE_ZEROCOPY_COPIED 1

void zero_copy_sent(struct inet_socket *s, const struct message *m, struct wait_queue *wait)
{
    if (likely(!(m->flags & MSG_ZEROCOPY)) || !s->zero_copy)
        return;
    __atomic_add_fetch(&s->zero_sent, 1, __ATOMIC_RELAXED); // pairs with zero_copy_waits
    wait_queue_wake(wait, POLLERR);
}

s64 zero_copy_receive(struct inet_socket *s, struct message *m)
{
    struct {
        struct sock_extended_err extended;
        u8 nobody[sizeof(struct sockaddr_in6)];
    } data = {.extended = {.ee_origin = SO_EE_ORIGIN_ZEROCOPY, .ee_code = SO_EE_CODE_ZEROCOPY_COPIED}};
    u32 sent = __atomic_load_n(&s->zero_sent, __ATOMIC_RELAXED);
    u32 first = __atomic_exchange_n(&s->zero_told, sent, __ATOMIC_RELAXED);
    bool v4 = s->socket.family == AF_INET;
    int error;

    if (first == sent)
        return -EAGAIN;
    data.extended.ee_info = first;
    data.extended.ee_data = sent - 1;
    m->out_flags |= MSG_ERRQUEUE;
    error = message_put_control(m, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_RECVERR : IPV6_RECVERR, &data,
                                sizeof(data.extended) +
                                    (v4 ? sizeof(struct sockaddr_in) : sizeof(data.nobody)));
    return error;
}
