// SPDX-License-Identifier: BSD-3-Clause
// The network's deferred work, see work.h. Received packets may make the stack send, which over
// loopback makes more work: so this runs until there is none, but within a budget, as a stream to
// oneself never ends.
#include "net/work.h"

#include "cpu/vcpu.h"
#include "linux/clock.h"
#include "net/interface.h"
#include "net/loopback.h"
#include "net/tcp.h"

#define ROUNDS  64
#define WORKERS 16u
#define POLL_HZ                                                                                    \
    10000u // at most so often do busy programs look at the devices: it costs a host call

static struct {
    u32 busy;                                    // 1 + index of the vCPU, 0: nobody; atomic
    u64 next_poll;                               // TSC
} __attribute__((aligned(64))) workers[WORKERS]; // by vCPU

static bool poll_all(void)
{
    struct net_interface *i = NULL;
    bool any = false;

    while ((i = interface_next(i)))
        if (i->poll)
            any |= i->poll(i);
    return any;
}

// A batch: what it is for should be used before more comes.
static bool poll_batch(void)
{
    bool any;

    tcp_batch_begin();
    any = poll_all();
    tcp_batch_end();
    return any;
}

static bool work(bool devices)
{
    u32 me = (u32)vcpu_this()->index + 1, self = (me - 1) % WORKERS, nobody = 0;
    u64 now = clock_tsc();
    bool any;

    // Pairs with the store below.
    if (!__atomic_compare_exchange_n(&workers[self].busy, &nobody, me, false, __ATOMIC_ACQUIRE,
                                     __ATOMIC_RELAXED))
        return false;
    devices |= now >= workers[self].next_poll;
    if (devices) {
        workers[self].next_poll = now + clock_tsc_hz() / POLL_HZ;
        vcpu_looks();
    }
    any = devices && poll_batch();
    for (int i = 0; i < ROUNDS && loopback_waits(); i++) {
        tcp_batch_begin();
        any |= loopback_run();
        tcp_batch_end();
    }
    __atomic_store_n(&workers[self].busy, 0, __ATOMIC_RELEASE);
    return any;
}

void net_work_lost(const struct vcpu *v)
{
    u32 me = (u32)v->index + 1, *busy = &workers[v->index % WORKERS].busy;

    if (__atomic_load_n(busy, __ATOMIC_ACQUIRE) != me)
        return;
    tcp_batch_lost(v);
    __atomic_store_n(busy, 0, __ATOMIC_RELEASE); // pairs with work
}

bool net_work(void)
{
    return work(/*devices=*/false);
}

bool net_work_all(void)
{
    return work(/*devices=*/true);
}

bool net_work_waits(void)
{
    return loopback_waits();
}
