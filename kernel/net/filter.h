// SPDX-License-Identifier: BSD-3-Clause
// Filters of sockets: a BPF program of the user says which packets a socket wants. [socket(7),
// SO_ATTACH_FILTER]
#pragma once

#include "net/socket.h"

struct packet;

// SO_ATTACH_FILTER, SO_DETACH_FILTER, SO_LOCK_FILTER. -EPERM: locked; -EINVAL, -ENOMEM, -EFAULT;
// -ENOPROTOOPT: another option
must_check int filter_set_option(struct socket *s, int name, uaddr_t value, u32 size);
// SO_GET_FILTER, SO_LOCK_FILTER, SO_BPF_EXTENSIONS. As above.
must_check int filter_get_option(struct socket *s, int name, uaddr_t value, u32 *size);
void filter_drop(struct socket *s); // the socket ends

// A child socket gets its listener's.
void filter_inherit(struct socket *child, struct socket *listener);
// The same as filter_run for bytes that are no packet.
u32 filter_run_bytes(struct socket *s, const void *data, u32 size);

u32 filter_run_slow(struct socket *s, const struct packet *p, s32 network);

// How many bytes of p (data at what the socket's program expects) the socket wants; 0: none.
// network: of the network header from p->data.
static inline u32 filter_run(struct socket *s, const struct packet *p, s32 network)
{
    if (likely(!__atomic_load_n(&s->filter, __ATOMIC_RELAXED))) // pairs with filter_replace
        return ~0u;
    return filter_run_slow(s, p, network);
}
