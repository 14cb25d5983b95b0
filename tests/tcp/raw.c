// SPDX-License-Identifier: BSD-3-Clause
// The played peer, see raw.h.
#include "tests/tcp/raw.h"

#include <stdlib.h>
#include <string.h>

#include "tests/tcp/tests.h"

#define KEPT 65536u

static struct raw_segment *kept;
static u32 kept_first, kept_count;

static bool keep(const struct ip_address *from, u8 *bytes, u32 size)
{
    const struct tcp_header *h = (const struct tcp_header *)bytes;
    struct raw_segment *s = &kept[kept_count % KEPT];
    u32 header = (u32)(h->offset >> 4) * 4;

    if (kept_count - kept_first == KEPT)
        kept_first++;
    *s = (struct raw_segment){
        .sequence = tcp_swap32(h->sequence),
        .acknowledgment = tcp_swap32(h->acknowledgment),
        .payload = size - header,
        .window = tcp_swap16(h->window),
        .urgent = tcp_swap16(h->urgent),
        .source = tcp_swap16(h->source),
        .flags = h->flags,
    };
    tcp_options_parse(bytes + TCP_HEADER_SIZE, header - TCP_HEADER_SIZE, &s->options);
    memcpy(s->data, bytes + header, min(size - header, (u32)sizeof(s->data)));
    kept_count++;
    return false;
}

void raw_start(void)
{
    world_start(1, &(struct world_line){.delay = MILLISECOND, .mtu = 1500});
    if (!kept)
        kept = calloc(KEPT, sizeof(*kept));
    kept_first = kept_count = 0;
    world_watch = keep;
}

bool raw_take(struct raw_segment *out)
{
    if (kept_first == kept_count)
        return false;
    *out = kept[kept_first++ % KEPT];
    return true;
}

u32 raw_drain(void)
{
    u32 count = kept_count - kept_first;

    kept_first = kept_count;
    return count;
}

struct socket *raw_listen(int backlog)
{
    struct socket *s;

    if (tcp_create(AF_INET, &s) || world_bind(s, 1, 80) || s->ops->listen(s, backlog))
        abort();
    return s;
}

void raw_send_at(struct raw *r, u8 flags, u32 sequence, u32 acknowledgment, const void *data,
                 u32 size)
{
    u8 bytes[2000] = {0};
    struct tcp_header *h = (struct tcp_header *)bytes;
    u32 options;

    options = tcp_options_write(bytes + TCP_HEADER_SIZE, &r->options);
    h->source = tcp_swap16(r->port);
    h->destination = tcp_swap16(r->kernel_port);
    h->sequence = tcp_swap32(sequence);
    h->acknowledgment = tcp_swap32(acknowledgment);
    h->offset = (u8)((TCP_HEADER_SIZE + options) / 4 << 4);
    h->flags = flags;
    h->window = tcp_swap16(r->window);
    h->urgent = tcp_swap16(r->urgent);
    if (size)
        memcpy(bytes + TCP_HEADER_SIZE + options, data, size);
    world_inject(1, bytes, TCP_HEADER_SIZE + options + size);
}

void raw_send(struct raw *r, u8 flags, const void *data, u32 size)
{
    raw_send_at(r, flags, r->sequence, r->acknowledgment, data, size);
    r->sequence += size + !!(flags & TCP_FLAG_SYN) + !!(flags & TCP_FLAG_FIN);
}

void raw_connect(struct raw *r, const struct tcp_options *options)
{
    struct raw_segment s;

    *r = (struct raw){.port = 4000, .kernel_port = 80, .sequence = 1000, .window = 60000};
    raw_start();
    r->listener = raw_listen(5);
    r->options = *options;
    raw_send(r, TCP_FLAG_SYN, NULL, 0);
    if (!raw_take(&s) || s.flags != (TCP_FLAG_SYN | TCP_FLAG_ACK) || s.acknowledgment != 1001) {
        test_fail("no SYN-ACK");
        abort();
    }
    r->acknowledgment = s.sequence + 1;
    r->options =
        (struct tcp_options){.scale = TCP_SCALE_NONE, .has_timestamp = options->has_timestamp};
    r->options.timestamp = options->timestamp + 1;
    r->options.echo = s.options.timestamp;
    raw_send(r, TCP_FLAG_ACK, NULL, 0);
    r->s = world_accept(r->listener);
    if (!r->s) {
        test_fail("not accepted");
        abort();
    }
    raw_drain();
}

void raw_end(struct raw *r, const char *name)
{
    if (r->s)
        world_close(r->s);
    if (r->listener)
        world_close(r->listener);
    world_run(2000 * SECOND);
    if (!world_clean())
        test_fail("%s: left something behind", name);
    world_watch = NULL;
}
