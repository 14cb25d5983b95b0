// SPDX-License-Identifier: BSD-3-Clause
// Tables of local ports. What may share a port is Linux's rule: both SO_REUSEADDR (of TCP: and
// neither listens), or both SO_REUSEPORT and of the same user. A table is held clean, and changed in sections that
// can be taken back.
#include "net/port.h"

#include "base/panic.h"
#include "driver/random.h"
#include "net/settings.h"
#include "thread/rollback.h"

struct port_table tcp_ports, udp_ports;

void port_lock(struct port_table *t)
{
    lock_acquire_clean(&t->lock);
    if (t->ready)
        return;
    for (u32 i = 0; i < PORT_BUCKETS; i++)
        list_init(&t->buckets[i]);
    __atomic_store_n(&t->ready, true, __ATOMIC_RELEASE);
}

static bool covers(const struct port_binding *b, bool v4)
{
    if (ip_is_v4(&b->address))
        return v4;
    return !v4 || (ip_is_any(&b->address) && !b->v6_only);
}

static bool overlap(const struct port_binding *a, const struct port_binding *b)
{
    if (a->interface && b->interface && a->interface != b->interface)
        return false;
    if (!(covers(a, true) && covers(b, true)) && !(covers(a, false) && covers(b, false)))
        return false;
    return ip_is_any(&a->address) || ip_is_any(&b->address) || ip_equal(&a->address, &b->address);
}

// b wants what a has. That b is about to listen does not matter: the children of a listener that
// has gone do not keep its port, where both have reuse_address.
static bool conflict(const struct port_binding *a, const struct port_binding *b)
{
    if (!overlap(a, b))
        return false;
    if (a->reuse_port && b->reuse_port && a->uid == b->uid)
        return false;
    if (!a->reuse_address || !b->reuse_address)
        return true;
    return !(a->no_share && b->no_share) && a->listening;
}

static bool is_free(struct port_table *t, const struct port_binding *b, u16 port)
{
    struct port_binding *it;

    list_for_each(it, &t->buckets[port % PORT_BUCKETS], node)
    {
        if (it != b && it->port == port && conflict(it, b))
            return false;
    }
    return true;
}

static void enter(struct port_table *t, struct port_binding *b, u16 port)
{
    rollback_begin(&t->lock);
    rollback_word(&b->port);
    rollback_insert_after(t->buckets[port % PORT_BUCKETS].previous);
    b->port = port;
    list_push_back(&t->buckets[port % PORT_BUCKETS], &b->node);
}

static u32 candidates(void)
{
    u32 first = net_setting(SET_PORT_FIRST), last = net_setting(SET_PORT_LAST);

    return last >= first ? last - first + 1 : 1; // they are written one after the other
}

static u16 candidate(u32 start, u32 n)
{
    return (u16)(net_setting(SET_PORT_FIRST) + (start + n) % candidates());
}

int port_bind(struct port_table *t, struct port_binding *b, u16 port)
{
    struct port_binding alone = *b;
    u32 start = (u32)random_u64();
    int error = -EADDRINUSE;

    // A port that we choose is not shared by reuse_address, or it would be useless for listening.
    alone.reuse_address = false;
    port_lock(t);
    if (port) {
        error = is_free(t, b, port) ? 0 : -EADDRINUSE;
    } else {
        for (u32 n = 0; n < candidates() && !port; n++)
            if (is_free(t, &alone, candidate(start, n)))
                port = candidate(start, n);
        error = port ? 0 : -EADDRINUSE;
    }
    if (!error)
        enter(t, b, port);
    lock_release(&t->lock);
    return error;
}

// Other connections may have the port, but none that is bound to it alone: listeners and bind(2).
static bool is_free_to_connect(struct port_table *t, const struct port_binding *b, u16 port)
{
    struct port_binding *it;

    list_for_each(it, &t->buckets[port % PORT_BUCKETS], node)
    {
        if (it->port == port && (it->listening || it->user_port) && overlap(it, b))
            return false;
    }
    return true;
}

int port_bind_connect(struct port_table *t, struct port_binding *b,
                      bool (*usable)(void *arg, u16 port), void *arg)
{
    u32 start = (u32)random_u64();
    int error = -EADDRNOTAVAIL;

    port_lock(t);
    for (u32 n = 0; n < candidates() && error; n++) {
        u16 port = candidate(start, n);
        if (!is_free_to_connect(t, b, port) || !usable(arg, port))
            continue;
        enter(t, b, port);
        error = 0;
    }
    lock_release(&t->lock);
    return error;
}

bool port_listen(struct port_table *t, struct port_binding *b)
{
    bool fine;

    port_lock(t);
    fine = is_free(t, b, b->port); // others may be bound as well, but not listening
    b->listening = fine;
    lock_release(&t->lock);
    return fine;
}

void port_release(struct port_table *t, struct port_binding *b)
{
    port_lock(t);
    if (b->port) {
        rollback_begin(&t->lock);
        rollback_word(&b->port);
        rollback_remove(&b->node);
        list_remove(&b->node);
    }
    b->port = 0;
    b->listening = false;
    lock_release(&t->lock);
}

void port_move(struct port_table *t, struct port_binding *from, struct port_binding *to)
{
    port_lock(t);
    *to = *from;
    to->port = 0;
    list_init(&to->node);
    if (from->port) {
        rollback_begin(&t->lock);
        rollback_word(&from->port);
        rollback_word(&to->port);
        rollback_insert_after(&from->node);
        rollback_remove(&from->node);
        to->port = from->port;
        list_insert_after(&from->node, &to->node);
        list_remove(&from->node);
    }
    from->port = 0;
    lock_release(&t->lock);
}

void port_share(struct port_table *t, const struct port_binding *parent, struct port_binding *child)
{
    port_lock(t);
    child->interface = parent->interface;
    child->uid = parent->uid;
    child->v6 = parent->v6;
    child->v6_only = parent->v6_only;
    child->reuse_address = parent->reuse_address; // or a server could not be started again
    child->reuse_port = parent->reuse_port;
    child->listening = false;
    enter(t, child, parent->port);
    lock_release(&t->lock);
}
