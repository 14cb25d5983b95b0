// SPDX-License-Identifier: BSD-3-Clause
// Lifetimes of addresses: one timer, armed for the next one that is no longer preferred, or ends.
// [RFC 4862 5.5.4]
#include "linux/clock.h"
#include "net/interface.h"
#include "net/route.h"
#include "thread/timer.h"
#include "thread/wait.h"

static struct {
    struct lock lock;
    bool ready;
    struct timer timer;
} life;

static void life_run(struct timer *t)
{
    struct net_interface *i = NULL;
    struct interface_address a;
    u64 next = DEADLINE_NONE, now = clock_monotonic();

    while ((i = interface_next(i)))
        while (interface_age(i, now, &a, &next))
            (void)!interface_remove_address(i, &a.address, a.prefix); // somebody may be faster
    route_changed();
    if (next != DEADLINE_NONE)
        timer_arm(t, next);
}

void interface_life_changed(void)
{
    lock_acquire(&life.lock);
    if (!life.ready)
        timer_init(&life.timer, life_run);
    life.ready = true;
    timer_arm(&life.timer, clock_monotonic());
    lock_release(&life.lock);
}
