// SPDX-License-Identifier: BSD-3-Clause
// ioctls about interfaces, on any socket. [netdevice(7)]
#include <linux/capability.h>
#include <linux/if_addr.h>
#include <linux/in.h>
#include <linux/sockios.h>

#include "base/string.h"
#include "memory/user_copy.h"
#include "net/if_abi.h"
#include "net/inet.h"
#include "net/interface.h"
#include "process/process.h"
#include "thread/thread.h"
#include "thread/wait.h"

#define TX_QUEUE 1000

static bool first_v4(const struct interface_address *a, void *arg)
{
    struct interface_address *out = arg;

    if (!ip_is_v4(&a->address))
        return true;
    *out = *a;
    return false;
}

static bool address_of(struct net_interface *i, struct interface_address *out)
{
    memset(out, 0, sizeof(*out));
    interface_visit_addresses(i, first_v4, out);
    return ip_is_v4(&out->address);
}

static u32 mask_of(const struct interface_address *a)
{
    u32 bits = a->prefix - 96;
    return bits ? swap32(~0u << (32 - bits)) : 0;
}

static void put_address(struct if_request *r, u32 address)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr = {address}};
    memcpy(r->address, &in, sizeof(in));
}

static int address_get(struct net_interface *i, u32 command, struct if_request *r)
{
    struct interface_address a;

    if (!address_of(i, &a))
        return -EADDRNOTAVAIL;
    switch (command) {
    case SIOCGIFNETMASK:
        put_address(r, mask_of(&a));
        return 0;
    case SIOCGIFBRDADDR:
        put_address(r, ip_is_v4(&a.broadcast) ? a.broadcast.words[3] : 0);
        return 0;
    default:
        put_address(r, a.address.words[3]);
        return 0;
    }
}

static int interface_get(struct net_interface *i, u32 command, struct if_request *r)
{
    switch (command) {
    case SIOCGIFINDEX:
        r->number = (int)i->index;
        return 0;
    case SIOCGIFFLAGS:
        r->flags = (short)i->flags;
        return 0;
    case SIOCGIFMTU:
        r->number = (int)i->mtu;
        return 0;
    case SIOCGIFMETRIC:
        r->number = 0;
        return 0;
    case SIOCGIFTXQLEN:
        r->number = TX_QUEUE;
        return 0;
    case SIOCGIFHWADDR:
        memset(r->address, 0, sizeof(r->address));
        memcpy(r->address, &i->type, sizeof(i->type));
        memcpy(r->address + 2, i->mac, MAC_SIZE);
        return 0;
    case SIOCGIFMAP:
        memset(r->pad, 0, sizeof(r->pad));
        return 0;
    default:
        return address_get(i, command, r);
    }
}

static int address_set(struct net_interface *i, u32 command, const struct if_request *r)
{
    struct interface_address a, old;
    struct sockaddr_in in;
    bool known = address_of(i, &old);

    memcpy(&in, r->address, sizeof(in));
    if (in.sin_family != AF_INET)
        return -EINVAL;
    a = old;
    a.flags = IFA_F_PERMANENT;
    a.valid_until = a.preferred_until = DEADLINE_NONE;
    if (command == SIOCSIFADDR) {
        a.address = ip4_address(in.sin_addr.s_addr);
        a.prefix = 128 - (known ? 128 - old.prefix : 8);
    } else if (!known) {
        return -EADDRNOTAVAIL;
    } else if (command == SIOCSIFNETMASK) {
        a.prefix = 96;
        for (u32 mask = swap32(in.sin_addr.s_addr); mask >> 31; mask <<= 1)
            a.prefix++;
    } else {
        a.broadcast = ip4_address(in.sin_addr.s_addr);
    }
    if (command == SIOCSIFNETMASK || !ip_is_v4(&a.broadcast))
        a.broadcast = ip4_address(a.address.words[3] | ~mask_of(&a));
    if (known && interface_remove_address(i, &old.address, old.prefix))
        return -EADDRNOTAVAIL;
    return interface_add_address(i, &a);
}

static int interface_set(struct net_interface *i, u32 command, const struct if_request *r)
{
    const u32 changeable = IFF_UP | IFF_PROMISC | IFF_ALLMULTI | IFF_NOARP;

    if (!capable(CAP_NET_ADMIN))
        return -EPERM;
    switch (command) {
    case SIOCSIFFLAGS:
        interface_change(i, (i->flags & ~changeable) | ((u32)r->flags & 0xffff & changeable), i->mtu);
        return 0;
    case SIOCSIFMTU:
        if (r->number < 68 || r->number > 65536)
            return -EINVAL;
        interface_change(i, i->flags, (u32)r->number);
        return 0;
    case SIOCSIFTXQLEN:
    case SIOCSIFMETRIC:
        return 0;
    default:
        return address_set(i, command, r);
    }
}

static s64 one_interface(u32 command, uaddr_t at)
{
    struct net_interface *i;
    struct if_request r;
    int error;

    if (user_read(&r, at, sizeof(r)))
        return -EFAULT;
    r.name[IFNAMSIZ - 1] = 0;
    i = command == SIOCGIFNAME ? interface_find((u32)r.number) : interface_find_name(r.name);
    if (!i)
        return -ENODEV;
    switch (command) {
    case SIOCGIFNAME:
        strlcpy(r.name, i->name, sizeof(r.name));
        break;
    case SIOCSIFFLAGS:
    case SIOCSIFMTU:
    case SIOCSIFADDR:
    case SIOCSIFNETMASK:
    case SIOCSIFBRDADDR:
    case SIOCSIFTXQLEN:
    case SIOCSIFMETRIC:
        return interface_set(i, command, &r);
    default:
        error = interface_get(i, command, &r);
        if (error)
            return error;
    }
    return user_write(at, &r, sizeof(r));
}

// SIOCGIFCONF: every interface that has an IPv4 address.
static s64 all_interfaces(uaddr_t at)
{
    struct net_interface *i = NULL;
    struct interface_address a;
    struct if_config c;
    struct if_request r;
    int used = 0;

    if (user_read(&c, at, sizeof(c)))
        return -EFAULT;
    while ((i = interface_next(i))) {
        if (!address_of(i, &a))
            continue;
        if (c.buffer && c.size - used < (int)sizeof(r))
            break;
        memset(&r, 0, sizeof(r));
        strlcpy(r.name, i->name, sizeof(r.name));
        put_address(&r, a.address.words[3]);
        if (c.buffer && user_write(c.buffer + (u32)used, &r, sizeof(r)))
            return -EFAULT;
        used += (int)sizeof(r);
    }
    c.size = used;
    return user_write(at, &c, sizeof(c));
}

s64 inet_ioctl(struct socket *s, u32 command, u64 argument)
{
    switch (command) {
    case SIOCGIFCONF:
        return all_interfaces(argument);
    case SIOCGIFNAME:
    case SIOCGIFINDEX:
    case SIOCGIFFLAGS:
    case SIOCGIFADDR:
    case SIOCGIFDSTADDR:
    case SIOCGIFBRDADDR:
    case SIOCGIFNETMASK:
    case SIOCGIFMTU:
    case SIOCGIFMETRIC:
    case SIOCGIFHWADDR:
    case SIOCGIFMAP:
    case SIOCGIFTXQLEN:
    case SIOCSIFFLAGS:
    case SIOCSIFMTU:
    case SIOCSIFADDR:
    case SIOCSIFNETMASK:
    case SIOCSIFBRDADDR:
    case SIOCSIFTXQLEN:
    case SIOCSIFMETRIC:
        return one_interface(command, argument);
    case SIOCETHTOOL:
        return -EOPNOTSUPP;
    default:
        return -ENOTTY;
    }
}
