// SPDX-License-Identifier: BSD-3-Clause
// See filter.h. A filter is counted: it may be replaced while a packet goes through it on another
// vCPU. Lock: filters.lock, innermost.
#include "net/filter.h"

#include "base/string.h"
#include "memory/heap.h"
#include "memory/user_copy.h"
#include "net/bpf.h"
#include "net/packet.h"

struct filter {
    u32 references; // guarded by filters_lock
    u32 count;
    struct sock_filter code[];
};

static struct lock filters_lock; // socket.filter of all sockets

static struct filter *filter_get(struct socket *s)
{
    struct filter *f;

    lock_acquire(&filters_lock);
    f = s->filter;
    if (f)
        f->references++;
    lock_release(&filters_lock);
    return f;
}

static void filter_put(struct filter *f)
{
    bool last;

    lock_acquire(&filters_lock);
    last = !--f->references;
    lock_release(&filters_lock);
    if (last)
        heap_free(f);
}

// False: there was none.
static bool filter_replace(struct socket *s, struct filter *f)
{
    struct filter *old;

    lock_acquire(&filters_lock);
    old = s->filter;
    __atomic_store_n(&s->filter, f, __ATOMIC_RELEASE); // pairs with filter_run
    lock_release(&filters_lock);
    if (old)
        filter_put(old);
    return old;
}

void filter_drop(struct socket *s)
{
    if (s->filter)
        (void)filter_replace(s, NULL);
}

u32 filter_run_slow(struct socket *s, const struct packet *p, s32 network)
{
    struct filter *f = filter_get(s);
    u32 wanted;

    if (!f)
        return ~0u;
    wanted = bpf_run(f->code, p, network);
    filter_put(f);
    return wanted;
}

void filter_inherit(struct socket *child, struct socket *listener)
{
    if (unlikely(listener->filter))
        child->filter = filter_get(listener);
    child->filter_locked = listener->filter_locked;
}

u32 filter_run_bytes(struct socket *s, const void *data, u32 size)
{
    struct packet *p;
    u32 wanted;

    if (likely(!__atomic_load_n(&s->filter, __ATOMIC_RELAXED))) // pairs with filter_replace
        return ~0u;
    p = packet_alloc(size);
    if (!p)
        return 0;
    memcpy(packet_append(p, size), data, size);
    wanted = filter_run_slow(s, p, 0);
    packet_free(p);
    return wanted;
}

static int filter_attach(struct socket *s, uaddr_t value, u32 size)
{
    struct { // struct sock_fprog
        u16 count;
        uaddr_t code;
    } program;
    struct filter *f;
    int error;

    if (size != sizeof(program))
        return -EINVAL;
    if (user_read(&program, value, sizeof(program)))
        return -EFAULT;
    if (!program.code || !program.count || program.count > BPF_COUNT_MAX)
        return -EINVAL;
    f = heap_alloc(sizeof(*f) + program.count * sizeof(f->code[0]));
    if (!f)
        return -ENOMEM;
    f->references = 1;
    f->count = program.count;
    error = user_read(f->code, program.code, f->count * sizeof(f->code[0])) ? -EFAULT : 0;
    if (!error)
        error = bpf_check(f->code, f->count);
    if (error)
        heap_free(f);
    else
        (void)filter_replace(s, f);
    return error;
}

int filter_set_option(struct socket *s, int name, uaddr_t value, u32 size)
{
    u32 number = 0;

    if (name != SO_ATTACH_FILTER && name != SO_DETACH_FILTER && name != SO_LOCK_FILTER)
        return -ENOPROTOOPT;
    if (name == SO_LOCK_FILTER) {
        if (user_read_u32(&number, value))
            return -EFAULT;
        if (s->filter_locked && !number)
            return -EPERM;
        s->filter_locked = number;
        return 0;
    }
    if (s->filter_locked)
        return -EPERM;
    if (name == SO_ATTACH_FILTER)
        return filter_attach(s, value, size);
    return filter_replace(s, NULL) ? 0 : -ENOENT;
}

// The length is counted in instructions; with none it is only told. [net/core/filter.c]
static int program_read(struct socket *s, uaddr_t value, u32 *size)
{
    struct filter *f = filter_get(s);
    int error = 0;
    u32 count;

    if (!f) {
        *size = 0;
        return 0;
    }
    count = f->count;
    if (*size)
        error = *size < count                                            ? -EINVAL
                : user_write(value, f->code, count * sizeof(f->code[0])) ? -EFAULT
                                                                         : 0;
    *size = count;
    filter_put(f);
    return error;
}

int filter_get_option(struct socket *s, int name, uaddr_t value, u32 *size)
{
    u32 number;

    if (name == SO_GET_FILTER)
        return program_read(s, value, size);
    if (name == SO_LOCK_FILTER)
        number = s->filter_locked;
    else if (name == SO_BPF_EXTENSIONS)
        number = SKF_AD_MAX;
    else
        return -ENOPROTOOPT;
    *size = min(*size, (u32)sizeof(number));
    return user_write(value, &number, *size);
}
