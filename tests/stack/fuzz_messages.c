// SPDX-License-Identifier: BSD-3-Clause
// Parsers that no frame of fuzz_stack reaches: the first byte says which.
//
//     0 DHCP messages     1 TCP options, parsed and written again     2 NETLINK_ROUTE     3 NETLINK_SOCK_DIAG
#include <linux/netlink.h>

#include "base/panic.h"
#include "base/string.h"
#include "cpu/vcpu.h"
#include "memory/heap.h"
#include "net/dhcp_message.h"
#include "net/message.h"
#include "net/netlink.h"
#include "net/raw.h"
#include "net/tcp.h"
#include "net/tcp_options.h"
#include "process/process.h"
#include "tests/stack/host.h"
#include "tests/stack/wire.h"
#include "thread/thread.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

// What netlink needs of the kernel beside the stack: a process that may do all, sockets, no TCP.
static struct process process = {.pid = 1};
static struct thread thread = {.process = &process};

void socket_init(struct socket *s, const struct socket_ops *ops, int family, int type)
{
    *s = (struct socket){.ops = ops, .family = family, .type = type};
}

bool capable(u32 capability)
{
    return true;
}

u64 socket_deadline(u64 timeout)
{
    return 0;
}

int socket_wait_error(int error, u64 timeout)
{
    return -EAGAIN;
}

int socket_take_error(struct socket *s)
{
    return 0;
}

void tcp_visit(bool (*visit)(const struct tcp_view *v, void *arg), void *arg)
{
    static const struct tcp_view v = {.state = TCP_LISTENING};

    (void)visit(&v, arg);
}

const struct credentials *credentials_now(void)
{
    return &process.credentials;
}

int message_put_control(struct message *m, int level, int type, const void *data, size_t size)
{
    return 0;
}

void raw_visit(bool (*visit)(const struct udp_view *v, void *arg), void *arg)
{
}

static void dhcp(const u8 *data, size_t size)
{
    static const u8 mac[6] = {2, 0, 0, 0, 0, 2};
    struct dhcp_offer offer;

    (void)!dhcp_parse(data, (u32)size, mac, &offer);
}

static void options(const u8 *data, size_t size)
{
    struct tcp_options o, again;
    u8 bytes[64];
    u32 written;

    tcp_options_parse(data, min(size, (size_t)40), &o);
    assert(o.sack_count <= TCP_SACK_MAX);
    written = tcp_options_write(bytes, &o);
    assert(written <= 40 && written % 4 == 0);
    tcp_options_parse(bytes, written, &again);
    assert(again.mss == o.mss && again.sack_permitted == o.sack_permitted);
}

static void netlink(int protocol, const u8 *data, size_t size)
{
    struct socket *s;
    struct message m = {.nonblock = true};
    struct io io;
    static u8 answer[65536];

    assert(!netlink_family.create(SOCK_RAW, protocol, &s));
    io_init_kernel(&io, (void *)(uintptr_t)data, size);
    m.io = &io;
    (void)s->ops->send(s, &m);
    do {
        io_init_kernel(&io, answer, sizeof(answer));
        m = (struct message){.nonblock = true, .io = &io};
    } while (s->ops->receive(s, &m) > 0);
    s->ops->release(s);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    static bool started;
    u8 *copy;

    if (!started) {
        wire_start();
        vcpu_this()->thread = &thread;
    }
    started = true;
    if (!size)
        return 0;
    copy = heap_alloc(size); // aligned, and its end is guarded
    memcpy(copy, data + 1, size - 1);
    if (data[0] % 4 == 0)
        dhcp(copy, size - 1);
    else if (data[0] % 4 == 1)
        options(copy, size - 1);
    else
        netlink(data[0] % 4 == 2 ? NETLINK_ROUTE : NETLINK_SOCK_DIAG, copy, size - 1);
    heap_free(copy);
    return 0;
}
