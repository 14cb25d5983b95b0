// SPDX-License-Identifier: BSD-3-Clause
#include "driver/network_setup.h"

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include "abi/boot.h"
#include "base/printf.h"
#include "base/string.h"
#include "net/dhcp.h"
#include "net/icmp6.h"
#include "net/interface.h"
#include "net/resolver.h"
#include "net/route.h"
#include "net/slaac.h"
#include "platform/platform.h"
#include "thread/wait.h"

static struct ip_address address4(const u8 *bytes)
{
    u32 word;

    memcpy(&word, bytes, sizeof(word));
    return ip4_address(word);
}

static struct ip_address address6(const u8 *bytes)
{
    struct ip_address a;

    memcpy(a.bytes, bytes, sizeof(a.bytes));
    return a;
}

static void add_address4(struct net_interface *i, struct ip_address address, u32 bits)
{
    struct interface_address a = {
        .address = address,
        .prefix = bits,
        .flags = IFA_F_PERMANENT,
        .valid_until = DEADLINE_NONE,
        .preferred_until = DEADLINE_NONE,
    };

    a.broadcast = address;
    a.broadcast.words[3] |= bits < 128 ? __builtin_bswap32(~0u >> (bits - 96)) : 0;
    if (interface_add_address(i, &a))
        log_message("network: can't add an address");
}

static void add_gateway(struct net_interface *i, struct ip_address gateway)
{
    struct route_entry e = {
        .bits = ip_is_v4(&gateway) ? 96 : 0,
        .gateway = gateway,
        .interface = i,
        .protocol = RTPROT_BOOT,
        .type = RTN_UNICAST,
        .valid_until = DEADLINE_NONE,
    };

    if (ip_is_any(&gateway))
        return;
    if (ip_is_v4(&gateway))
        e.prefix = ip4_address(0);
    if (route_add(&e))
        log_message("network: can't add a route");
}

void network_setup(struct net_interface *i, const struct boot_info *boot)
{
    const struct boot_network *b = &boot->network;

    if (b->prefix4)
        add_address4(i, address4(b->address4), 96u + b->prefix4);
    add_gateway(i, address4(b->gateway4));
    add_gateway(i, address6(b->gateway6));
    for (u32 n = 0; n < b->dns_count && n < array_count(b->dns); n++) {
        struct ip_address server = address6(b->dns[n]);
        resolver_add(&server);
    }
}

void network_setup_start(struct net_interface *i)
{
    const struct boot_info *boot = platform_boot();
    const struct boot_network *b = &boot->network;
    struct interface_address a = {
        .address = address6(b->address6),
        .prefix = b->prefix6,
        .flags = IFA_F_PERMANENT | IFA_F_NODAD,
        .valid_until = DEADLINE_NONE,
        .preferred_until = DEADLINE_NONE,
    };

    // Used while it is asked whether somebody has it: the first thing many programs do is to
    // connect.
    if (b->prefix6 && interface_add_address(i, &a))
        log_message("network: can't add an address");
    else if (b->prefix6)
        ndp_probe(i, &a.address);
    slaac_start(i, b->flags & BOOT_NETWORK_AUTOCONF);
    if (b->flags & BOOT_NETWORK_DHCP)
        dhcp_start(i, (const char *)boot + boot->hostname_offset);
}
