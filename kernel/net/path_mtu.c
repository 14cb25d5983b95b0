// SPDX-License-Identifier: BSD-3-Clause
#include "net/path_mtu.h"

#include "linux/clock.h"
#include "net/ip.h"
#include "thread/lock.h"

#define ENTRIES     256u
#define LIFETIME_NS 600000000000ull // [RFC 1191 6.3: ten minutes]
#define MTU4_LEAST  552u            // as Linux: net.ipv4.route.min_pmtu

static struct {
    struct lock lock;
    u32 count; // entries ever set; 0 spares the look, atomic
    struct {
        struct ip_address to;
        u32 mtu;
        u64 until;
    } entries[ENTRIES];
} cache;

static u32 slot(const struct ip_address *to)
{
    return (u32)(ip_hash(to, 0, to, 0) % ENTRIES);
}

u32 path_mtu(const struct ip_address *to, u32 link)
{
    u32 mtu = link, i;

    if (!__atomic_load_n(&cache.count, __ATOMIC_RELAXED)) // pairs with route_set_mtu
        return link;
    i = slot(to);
    lock_acquire(&cache.lock);
    if (ip_equal(&cache.entries[i].to, to) && cache.entries[i].until > clock_monotonic())
        mtu = min(link, cache.entries[i].mtu);
    lock_release(&cache.lock);
    return mtu;
}

void route_set_mtu(const struct ip_address *to, u32 mtu)
{
    u32 i = slot(to);

    mtu = max(mtu, ip_is_v4(to) ? MTU4_LEAST : IP6_MTU_MIN);
    lock_acquire(&cache.lock);
    if (ip_equal(&cache.entries[i].to, to) && cache.entries[i].until > clock_monotonic())
        mtu = min(mtu, cache.entries[i].mtu); // it does not grow by a report [RFC 8201 4]
    cache.entries[i].to = *to;
    cache.entries[i].mtu = mtu;
    cache.entries[i].until = clock_monotonic() + LIFETIME_NS;
    __atomic_store_n(&cache.count, 1, __ATOMIC_RELAXED);
    lock_release(&cache.lock);
    route_changed();
}
