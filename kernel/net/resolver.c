// SPDX-License-Identifier: BSD-3-Clause
// /etc/resolv.conf, written when the network is configured, unless the image has one with a server
// in it. [resolv.conf(5)]
#include "net/resolver.h"

#include "base/printf.h"
#include "base/string.h"
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
