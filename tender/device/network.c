// SPDX-License-Identifier: BSD-3-Clause
#include "tender/device/network.h"

#include <string.h>
#include <unistd.h>

#include "abi/queue.h"

#define QUEUES_SIZE (2 * sizeof(struct network_queue))

// A locally administered address of its own for each start. [IEEE 802, 8.2]
static void choose_mac(struct network *n, u64 random)
{
    memcpy(n->mac, &random, sizeof(n->mac));
    n->mac[0] = (u8)((n->mac[0] & 0xfc) | 2);
}

void network_plan(struct network *n, const struct tender_network *config, u64 random)
{
    n->config = config;
    n->is_stream = config->kind != TENDER_NETWORK_TAP;
    n->fd = n->peer_fd = n->said_fd = -1;
    choose_mac(n, random);
}

int network_open(struct network *n)
{
    const struct tender_network *config = n->config;

    if (config->kind == TENDER_NETWORK_TAP)
        return tap_open(n, config->tap);
    if (passt_open(n))
        return -1;
    if (!config->port_count)
        return 0;
    return publish_check(config) || passt_start(n) || passt_await(n) ? -1 : 0;
}

u64 network_size(const struct network *n)
{
    return QUEUES_SIZE + (n->is_stream ? NETWORK_STAGE_SIZE : 0);
}

void network_fill(const struct network *n, struct boot_network *out, u64 at)
{
    *out = n->config->addresses;
    out->queues = at;
    out->features = n->features;
    if (!out->mtu || out->mtu > n->mtu)
        out->mtu = n->mtu;
    memcpy(out->mac, n->mac, sizeof(out->mac));
}

u64 network_stage(const struct network *n, u64 queues)
{
    return n->is_stream ? queues + QUEUES_SIZE : 0;
}

void network_started(struct network *n)
{
    close(n->fd); // from here on the device ends with the guest
    n->fd = -1;
}

int network_serve(struct network *n, bool wanted)
{
    int result;

    if (!n->is_stream)
        return 0;
    result = n->peer_fd >= 0 && wanted ? passt_start(n) : passt_look(n);
    return n->config->kind == TENDER_NETWORK_DEFAULT ? 0 : result;
}

void network_end(struct network *n)
{
    passt_end(n);
}
