// SPDX-License-Identifier: BSD-3-Clause
// The text of /proc/net/pnp, to which /etc/resolv.conf is a link when there is a network.
// [resolv.conf(5)]
#include "net/resolver.h"

#include "abi/boot.h"
#include "base/string.h"
#include "inspect/text.h"
#include "net/dhcp.h"
#include "thread/lock.h"

#define SERVERS_MAX 3u

static struct {
    struct lock lock;
    u32 count;
    struct ip_address servers[SERVERS_MAX];
    char domain[256];
} resolver;

void resolver_add(const struct ip_address *server)
{
    bool known = false;

    lock_acquire(&resolver.lock);
    for (u32 i = 0; i < resolver.count; i++)
        known |= ip_equal(&resolver.servers[i], server);
    if (!known && resolver.count < SERVERS_MAX)
        resolver.servers[resolver.count++] = *server;
    lock_release(&resolver.lock);
}

void resolver_set_domain(const char *domain)
{
    lock_acquire(&resolver.lock);
    strlcpy(resolver.domain, domain, sizeof(resolver.domain));
    lock_release(&resolver.lock);
}

bool resolver_wanted(const struct boot_info *boot)
{
    return boot->network.dns_count || (boot->network.flags & (BOOT_NETWORK_DHCP | BOOT_NETWORK_AUTOCONF));
}

void resolver_init(const struct boot_info *boot)
{
    const struct boot_network *b = &boot->network;
    struct ip_address server;

    for (u32 i = 0; i < min(b->dns_count, (u32)array_count(b->dns)); i++) {
        memcpy(server.bytes, b->dns[i], sizeof(server.bytes));
        resolver_add(&server);
    }
}

int resolver_show(struct text *t)
{
    char address[IP_TEXT_SIZE];
    int error = dhcp_wait();

    if (error)
        return error;
    lock_acquire(&resolver.lock);
    if (resolver.domain[0])
        text_add(t, "search %s\n", resolver.domain);
    for (u32 i = 0; i < resolver.count; i++)
        text_add(t, "nameserver %s\n", ip_format(&resolver.servers[i], address));
    lock_release(&resolver.lock);
    return 0;
}
