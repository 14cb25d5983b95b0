// SPDX-License-Identifier: BSD-3-Clause
// SO_ZEROCOPY and MSG_ZEROCOPY: accepted, and the bytes copied all the same, as a Linux does where it
// must: so a send's notice is there when the send returns. [Documentation/networking/msg_zerocopy.rst]
#pragma once

#include "net/inet.h"

#define SO_ZEROCOPY 60

// A send of m on s has taken something.
void zero_copy_sent(struct inet_socket *s, const struct message *m, struct wait_queue *wait);
// MSG_ERRQUEUE: the notice of all sends that nobody has been told of. -EAGAIN: there are none.
s64 zero_copy_receive(struct inet_socket *s, struct message *m);

static inline bool zero_copy_waits(const struct inet_socket *s) // POLLERR
{
    return __atomic_load_n(&s->zero_sent, __ATOMIC_RELAXED) != s->zero_told; // pairs with zero_copy_sent
}
