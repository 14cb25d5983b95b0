// SPDX-License-Identifier: BSD-3-Clause
// Frames through the whole receiving side: each is two bytes of size and the bytes. Behind them no
// packet may be left. Checksums are made right in most, or nothing would come far.
#include <string.h>

#include "base/panic.h"
#include "net/slaac.h"
#include "net/work.h"
#include "tests/stack/host.h"
#include "tests/stack/wire.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static void sum_fix(u8 *f, u32 size)
{
    u16 zero = 0, sum;
    u32 header;

    if (size < 34 || f[12] != 8 || f[13])
        return;
    header = (f[14] & 15) * 4u;
    if (header < 20 || 14 + header + 4 > size)
        return;
    memcpy(f + 24, &zero, 2);
    sum = wire_sum(0, f + 14, header);
    memcpy(f + 24, &sum, 2);
    if (f[23] == PROTOCOL_ICMP || f[23] == PROTOCOL_IGMP) {
        memcpy(f + 14 + header + 2, &zero, 2);
        sum = wire_sum(0, f + 14 + header, size - 14 - header);
        memcpy(f + 14 + header + 2, &sum, 2);
    }
}

static void receive(u8 *f, u32 size, bool verified)
{
    struct packet *p = packet_alloc(size);

    sum_fix(f, size);
    memcpy(packet_append(p, size), f, size);
    p->interface = &wire_interface;
    p->checksum = verified ? CHECKSUM_VALID : CHECKSUM_NONE;
    push(&wire_interface.receive, p);
    net_work();
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    static bool started;
    static u8 f[70000];

    if (!started) {
        wire_start();
        slaac_start(&wire_interface, /*routers=*/true);
        started = true;
    }
    while (size > 2) {
        u32 part = (u32)(data[0] | (data[1] & 0x7f) << 8);
        bool verified = !(data[1] & 0x80);
        data += 2;
        size -= 2;
        part = part < size ? part : (u32)size;
        memcpy(f, data, part);
        receive(f, part, verified);
        data += part;
        size -= part;
    }
    wire_finish();
    return 0;
}
