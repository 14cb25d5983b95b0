// SPDX-License-Identifier: BSD-3-Clause
// The network's deferred work, see work.h. Received packets may make the stack send, which over
// loopback makes more work: so this runs until there is none, but within a budget, as a stream to
// oneself never ends.
#include "net/work.h"

#include "cpu/vcpu.h"
#include "net/interface.h"
#include "net/loopback.h"

#define ROUNDS  64
#define WORKERS 16u

static struct {
    u32 busy;                                    // atomic
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

bool net_work(void)
{
    u32 *busy = &workers[vcpu_this()->index % WORKERS].busy;
    bool any = false, more = true;

    if (__atomic_exchange_n(busy, 1, __ATOMIC_ACQUIRE)) // pairs with the store below
        return false;
    for (int i = 0; i < ROUNDS && more; i++) {
        more = loopback_run();
        more |= poll_all();
        any |= more;
    }
    __atomic_store_n(busy, 0, __ATOMIC_RELEASE);
    return any;
}

bool net_work_waits(void)
{
    return loopback_waits();
}
