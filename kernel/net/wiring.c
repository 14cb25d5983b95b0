// SPDX-License-Identifier: BSD-3-Clause
// The whole stack, joined. An arrow is a delegate, set here and nowhere else.
//
//      sockets        udp        tcp        icmp4   icmp6   igmp    raw, ping sockets
//                      ^          ^           ^       ^       ^           ^
//                      +----------+-----+-----+-------+-------+-----------+
//                                       | ip_transports[protocol]     ip_send
//                               ip4 ----+---- ip6                         |
//                                ^             ^                    ip_transmit
//                    +-----------+-----+-------+-----+                    |
//              loopback   <------------+-------------+---- own address ---+
//                                      |                                  |
//                  arp <----------- ethernet <--- frames        neighbour_send
//                                      ^                                  |
//                                   driver    <---- interface_transmit <--+
#include "net/wiring.h"

#include "driver/network.h"
#include "net/arp.h"
#include "net/ethernet.h"
#include "net/icmp.h"
#include "net/if_abi.h"
#include "net/interface.h"
#include "net/ip_internal.h"
#include "net/loopback.h"
#include "net/multicast.h"
#include "net/ping.h"
#include "net/resolver.h"
#include "net/tcp.h"
#include "net/udp.h"
#include "platform/platform.h"
#include "thread/lock.h"

static void by_version(void *object, struct packet *p)
{
    if (p->link_protocol == ETHERTYPE_IP4)
        ip4_receive(NULL, p);
    else
        ip6_receive(NULL, p);
}

static void transports_join(void)
{
    ip_transports[PROTOCOL_UDP] = (struct ip_transport){{udp_receive, NULL}, udp_error};
    ip_transports[PROTOCOL_TCP] = (struct ip_transport){{tcp_receive, NULL}, tcp_error};
    ip_transports[PROTOCOL_ICMP] = (struct ip_transport){{icmp4_receive, NULL}, ping_error};
    ip_transports[PROTOCOL_ICMP6] = (struct ip_transport){{icmp6_receive, NULL}, ping_error};
    ip_transports[PROTOCOL_IGMP] = (struct ip_transport){{igmp_receive, NULL}, NULL};
}

static void net_init(void)
{
    transports_join();
    ethernet_to_ip4 = (struct push){ip4_receive, NULL};
    ethernet_to_ip6 = (struct push){ip6_receive, NULL};
    ethernet_to_arp = (struct push){arp_receive, NULL};
    loopback_receive = (struct push){by_version, NULL};
    loopback_init();
}

void net_start(void)
{
    static struct lock lock; // outside of all locks of the stack
    static bool started;     // atomic

    if (likely(__atomic_load_n(&started, __ATOMIC_ACQUIRE))) // pairs with the store below
        return;
    lock_acquire(&lock);
    if (!started) {
        net_init();
        resolver_init(platform_boot());
        network_init(platform_boot());
        __atomic_store_n(&started, true, __ATOMIC_RELEASE);
    }
    lock_release(&lock);
}

void wiring_interface(struct net_interface *i)
{
    if (i->type == ARPHRD_ETHER)
        i->receive = (struct push){ethernet_receive, i};
    else
        i->receive = (struct push){by_version, NULL};
}
