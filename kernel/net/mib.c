// SPDX-License-Identifier: BSD-3-Clause
// See mib.h. Several sets, so that vCPUs do not wait for each other's cache lines; who reads adds them up.
#include "net/mib.h"

#include "cpu/vcpu.h"

#define SETS        16u
#define TYPES       64u // of ICMP: those below 32, and from 128 to 159
#define TYPES_FIRST 128u

static struct {
    u64 counters[MIB_COUNT];
} __attribute__((aligned(64))) sets[SETS]; // atomic
static u64 types[2][2][TYPES];             // atomic

void mib_add(u32 counter, u64 n)
{
    __atomic_add_fetch(&sets[vcpu_this()->index % SETS].counters[counter], n,
                       __ATOMIC_RELAXED); // pairs with mib_read
}

void mib_count(u32 counter)
{
    mib_add(counter, 1);
}

void mib_add_ip(bool v4, enum mib_of_ip counter, u64 n)
{
    mib_add(counter + (v4 ? 0 : MIB_IP_COUNT), n);
}

void mib_count_ip(const struct ip_address *a, enum mib_of_ip counter)
{
    mib_add_ip(ip_is_v4(a), counter, 1);
}

u64 mib_read(u32 counter)
{
    u64 sum = 0;

    for (u32 n = 0; n < SETS; n++)
        sum += __atomic_load_n(&sets[n].counters[counter], __ATOMIC_RELAXED);
    return sum;
}

static u64 *type_counter(bool v4, bool out, u8 type)
{
    u32 n = type < TYPES / 2 ? type : TYPES / 2 + (type - TYPES_FIRST) % (TYPES / 2);

    return &types[v4][out][n];
}

void mib_icmp(bool v4, bool out, u8 type)
{
    if (type < TYPES / 2 || (type >= TYPES_FIRST && type < TYPES_FIRST + TYPES / 2))
        __atomic_add_fetch(type_counter(v4, out, type), 1, __ATOMIC_RELAXED);
}

u64 mib_icmp_read(bool v4, bool out, u8 type)
{
    return __atomic_load_n(type_counter(v4, out, type), __ATOMIC_RELAXED);
}
