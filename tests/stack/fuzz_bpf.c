// SPDX-License-Identifier: BSD-3-Clause
// Programs of a fuzzer: what the checker takes must end, and touch nothing but the packet. The first bytes say how
// long the packet is and where it is cut into a fragment.
#include <stdlib.h>
#include <string.h>

#include "base/panic.h"
#include "net/bpf.h"
#include "net/packet.h"
#include "tests/stack/host.h"
#include "tests/stack/wire.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static struct packet *packet_make(u32 size, u32 linear, u32 pulled)
{
    struct packet *p = packet_alloc(max(linear, 1u));
    struct packet_data *d;

    memset(packet_append(p, linear), 0x45, linear);
    if (size > linear) {
        d = packet_data_alloc(size - linear);
        memset(d->memory, 0x45, size - linear);
        assert(packet_add_fragment(p, d, 0, size - linear));
        packet_data_put(d);
    }
    packet_pull(p, min(pulled, linear));
    p->interface = &wire_interface;
    p->link_header = (u16)(packet_headroom(p) - min(pulled, linear));
    return p;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    struct sock_filter *code;
    struct packet *p;
    u32 count;
    static bool started;

    if (!started)
        wire_start();
    started = true;
    if (size < 4 + sizeof(*code))
        return 0;
    count = (u32)min((size - 4) / sizeof(*code), (size_t)BPF_COUNT_MAX + 1);
    code = malloc(count * sizeof(*code)); // its end is guarded
    memcpy(code, data + 4, count * sizeof(*code));
    if (!bpf_check(code, count)) {
        p = packet_make(data[0] * 4u, min(data[1] * 1u, data[0] * 4u), data[2]);
        (void)bpf_run(code, p, (s8)data[3]);
        packet_free(p);
    }
    free(code);
    return 0;
}
