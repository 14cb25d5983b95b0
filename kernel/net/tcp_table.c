// SPDX-License-Identifier: BSD-3-Clause
// Who a segment is for: a hash table by all four numbers of connections, requests and TIME_WAIT
// remnants, and one of listeners by port. Each bucket has its lock, inside the connections' locks; it is
// held clean, and its changes are sections that can be taken back.
#include "net/interface.h"
#include "net/tcp_connection.h"
#include "thread/rollback.h"

#define TABLE_BUCKETS    4096u
#define LISTENER_BUCKETS 256u

struct bucket {
    struct lock lock;
    struct list entries; // zeroed: empty
};

static struct bucket table[TABLE_BUCKETS];
static struct bucket listeners[LISTENER_BUCKETS];

u64 tcp_key_hash(const struct tcp_key *k)
{
    return ip_hash(&k->local, k->local_port, &k->remote, k->remote_port);
}

static void bucket_lock(struct bucket *b)
{
    lock_acquire_clean(&b->lock);
    if (!b->entries.next)
        list_init(&b->entries);
}

static struct bucket *bucket_of(const struct tcp_key *k)
{
    return &table[tcp_key_hash(k) % TABLE_BUCKETS];
}

static bool key_equal(const struct tcp_key *a, const struct tcp_key *b)
{
    return a->local_port == b->local_port && a->remote_port == b->remote_port &&
           ip_equal(&a->remote, &b->remote) && ip_equal(&a->local, &b->local);
}

static struct tcp_entry *find_locked(struct bucket *b, const struct tcp_key *k)
{
    struct tcp_entry *e;

    list_for_each(e, &b->entries, node)
    {
        if (key_equal(&e->key, k))
            return e;
    }
    return NULL;
}

static void reference(struct tcp_entry *e)
{
    __atomic_add_fetch(&e->references, 1, __ATOMIC_RELAXED); // pairs with tcp_entry_put
}

bool tcp_table_insert(struct tcp_entry *e)
{
    struct bucket *b = bucket_of(&e->key);
    bool taken;

    bucket_lock(b);
    taken = find_locked(b, &e->key);
    if (!taken) {
        reference(e);
        rollback_begin(&b->lock);
        rollback_word(&e->hashed);
        rollback_insert_after(&b->entries);
        e->hashed = true;
        list_push_front(&b->entries, &e->node);
    }
    lock_release(&b->lock);
    return !taken;
}

bool tcp_table_remove(struct tcp_entry *e)
{
    struct bucket *b = bucket_of(&e->key);
    bool was;

    bucket_lock(b);
    was = e->hashed;
    if (was) {
        rollback_begin(&b->lock);
        rollback_word(&e->hashed);
        rollback_remove(&e->node);
        e->hashed = false;
        list_remove(&e->node);
    }
    lock_release(&b->lock);
    return was;
}

bool tcp_table_replace(struct tcp_entry *old, struct tcp_entry *new)
{
    struct bucket *b = bucket_of(&old->key);
    bool was;

    bucket_lock(b);
    was = old->hashed;
    if (was) {
        reference(new);
        rollback_begin(&b->lock);
        rollback_word(&old->hashed);
        rollback_word(&new->hashed);
        rollback_insert_after(&old->node);
        rollback_remove(&old->node); // and its neighbours, of which `new` becomes one
        list_insert_after(&old->node, &new->node);
        list_remove(&old->node);
        old->hashed = false;
        new->hashed = true;
    }
    lock_release(&b->lock);
    return was;
}

struct tcp_entry *tcp_table_find(const struct tcp_key *k)
{
    struct bucket *b = bucket_of(k);
    struct tcp_entry *e;

    bucket_lock(b);
    e = find_locked(b, k);
    if (e)
        reference(e);
    lock_release(&b->lock);
    return e;
}

struct tcp_remnant *tcp_table_find_remnant(const struct tcp_key *k)
{
    struct bucket *b = bucket_of(k);
    struct tcp_entry *e;

    bucket_lock(b);
    e = find_locked(b, k);
    if (e && e->kind == TCP_REMNANT)
        reference(e);
    else
        e = NULL;
    lock_release(&b->lock);
    return e ? container_of(e, struct tcp_remnant, entry) : NULL;
}

static struct bucket *listener_bucket(u16 port)
{
    return &listeners[port % LISTENER_BUCKETS];
}

void tcp_listeners_add(struct tcp_connection *c)
{
    struct bucket *b = listener_bucket(c->inet.binding.port);

    connection_get(c);
    bucket_lock(b);
    rollback_begin(&b->lock);
    rollback_word(&c->in_listeners);
    rollback_insert_after(b->entries.previous);
    c->in_listeners = true;
    c->listen_port = c->inet.binding.port;
    list_push_back(&b->entries, &c->listen_node);
    lock_release(&b->lock);
}

bool tcp_listeners_remove(struct tcp_connection *c)
{
    struct bucket *b = listener_bucket(c->listen_port);
    bool was;

    bucket_lock(b);
    was = c->in_listeners;
    if (was) {
        rollback_begin(&b->lock);
        rollback_word(&c->in_listeners);
        rollback_remove(&c->listen_node);
        c->in_listeners = false;
        list_remove(&c->listen_node);
    }
    lock_release(&b->lock);
    return was;
}

// How well a listener fits; 0: not at all.
static u32 score(const struct tcp_connection *c, const struct tcp_key *k, u32 interface)
{
    const struct inet_socket *i = &c->inet;
    bool v4 = ip_is_v4(&k->local);
    u32 points = 1;

    if (c->listen_port != k->local_port || (i->interface && i->interface != interface))
        return 0;
    if (!ip_is_any(&i->binding.address)) {
        if (!ip_equal(&i->binding.address, &k->local))
            return 0;
        points += 4;
    } else if (i->socket.family == AF_INET ? !v4 : v4 && i->options.v6_only) {
        return 0;
    }
    points += (i->socket.family == AF_INET) == v4;
    return points + (i->interface ? 8 : 0);
}

struct tcp_connection *tcp_listener_find(const struct tcp_key *k, const struct packet *p)
{
    u32 interface = p->interface ? p->interface->index : 0, best = 0, equal = 0;
    struct bucket *b = listener_bucket(k->local_port);
    struct tcp_connection *c, *found = NULL;

    bucket_lock(b);
    list_for_each(c, &b->entries, listen_node)
    {
        u32 points = score(c, k, interface);

        if (!points || points < best)
            continue;
        equal = points == best ? equal + 1 : 1;
        // SO_REUSEPORT: one of the equal ones, by the connection's hash.
        if (points > best || (tcp_key_hash(k) >> 16) % equal == 0)
            found = c;
        best = points;
    }
    if (found)
        connection_get(found);
    lock_release(&b->lock);
    return found;
}

static bool visit_bucket(struct bucket *b, bool (*one)(struct list *node, void *arg), void *arg)
{
    struct list *node;
    bool more = true;

    if (!b->entries.next)
        return true;
    bucket_lock(b);
    for (node = b->entries.next; more && node != &b->entries; node = node->next)
        more = one(node, arg);
    lock_release(&b->lock);
    return more;
}

struct visit {
    bool (*visit)(const struct tcp_view *v, void *arg);
    void *arg;
};

// Reads without the connection's lock: the numbers are of some moment.
static bool visit_entry(struct list *node, void *arg)
{
    struct tcp_entry *e = list_entry(node, struct tcp_entry, node);
    const struct visit *visit = arg;
    struct tcp_view v = {
        .local = {.address = e->key.local, .port = e->key.local_port},
        .remote = {.address = e->key.remote, .port = e->key.remote_port},
        .state = e->kind == TCP_REQUEST ? TCP_SYN_RECEIVED : TCP_TIME_WAITING,
        .v6 = !ip_is_v4(&e->key.local),
    };

    if (e->kind == TCP_CONNECTION) {
        const struct tcp_connection *c = container_of(e, struct tcp_connection, entry);

        v.state = c->state;
        v.receive_queue = c->receive.bytes;
        v.send_queue = send_queue_unacknowledged(&c->send);
        v.retries = c->backoff;
        v.interface = c->inet.interface;
        v.v6 = c->inet.socket.family == AF_INET6;
    }
    return visit->visit(&v, visit->arg);
}

static bool visit_listener(struct list *node, void *arg)
{
    const struct tcp_connection *c = list_entry(node, struct tcp_connection, listen_node);
    const struct visit *visit = arg;
    struct tcp_view v = {
        .local = {.address = c->inet.binding.address, .port = c->listen_port},
        .state = TCP_LISTENING,
        .receive_queue = c->accept_count,
        .send_queue = c->backlog,
        .interface = c->inet.interface,
        .v6 = c->inet.socket.family == AF_INET6,
    };

    return visit->visit(&v, visit->arg);
}

void tcp_visit(bool (*visit)(const struct tcp_view *v, void *arg), void *arg)
{
    struct visit v = {visit, arg};

    for (u32 i = 0; i < LISTENER_BUCKETS; i++)
        if (!visit_bucket(&listeners[i], visit_listener, &v))
            return;
    for (u32 i = 0; i < TABLE_BUCKETS; i++)
        if (!visit_bucket(&table[i], visit_entry, &v))
            return;
}
