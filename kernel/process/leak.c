// SPDX-License-Identifier: BSD-3-Clause
#include "process/leak.h"

#include "abi/boot.h"
#include "base/printf.h"
#include "cpu/vcpu.h"
#include "driver/network.h"
#include "file/root.h"
#include "memory/heap.h"
#include "memory/pages.h"
#include "net/packet_pool.h"
#include "net/wiring.h"
#include "platform/platform.h"
#include "process/member.h"
#include "process/process.h"
#include "x86_64/patch.h"

static void print_cache(const struct slab_cache *c, void *arg)
{
    if (c->live)
        log_message("  %llu %s of %u bytes", (unsigned long long)c->live, c->name, c->object_size);
}

void leak_check(struct process *p)
{
    if (!(platform_boot()->flags & BOOT_DEBUG))
        return;
    // What is made at its first use and then stays: in every account, so that two can be compared.
    if (devices_complete() < 0)
        log_message("no memory for /dev");
    net_start();
    network_stop();
    packet_pool_trim();
    patch_log();
    address_space_clear(p->space);
    packet_pool_trim();
    family_empty_graves();
    vcpu_free_unused();
    log_message("objects alive at exit, %llu pages:", (unsigned long long)pages_allocated());
    slab_visit(print_cache, NULL);
}
