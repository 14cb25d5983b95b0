// SPDX-License-Identifier: BSD-3-Clause
// Entries of the error queue: IP_RECVERR, MSG_ERRQUEUE. [ip(7)]
#pragma once

#include <linux/types.h>
#include <linux/time_types.h>

#include "net/packet.h"
#include "net/if_abi.h"

struct datagram_error {
    struct list node;
    struct sock_extended_err extended;
    struct endpoint destination; // of what was sent
    struct ip_address offender;  // who sent the error; any: we ourselves
    struct packet *packet;       // what was sent, as far as it was quoted
};

void datagram_error_free(struct datagram_error *e);
